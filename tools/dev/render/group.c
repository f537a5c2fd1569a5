/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_group.h"

#include <stdlib.h>
#include <string.h>

#include "profile_map.h"

enum profile_by profile_default_by(const struct view *view, enum profile_by by)
{
    if (by == PROFILE_BY_DEFAULT)
        by = view->cpu ? PROFILE_BY_FUNCTION : PROFILE_BY_LINE;
    return by;
}

bool profile_kind_is_host(const struct view_kind *kind)
{
    return strcmp(kind->reason, "host") == 0 || strcmp(kind->reason, "syscall") == 0;
}

struct maker {
    const struct view *view;
    struct profile_groups *groups;
    struct profile_map map;
    enum profile_by by;
};

/* The group of that root, function or line, and kind (-1: of all kinds); NULL: no memory. */
static struct profile_group *group(struct maker *m, enum profile_root root,
                                   const struct view_frame *frame, long kind)
{
    struct profile_groups *g = m->groups;
    bool line = m->by == PROFILE_BY_LINE;
    uint32_t id = line ? frame->line_id : frame->function;
    uint32_t n = profile_map(&m->map, id, (uint32_t)root << 28 | (uint32_t)(kind + 1));
    if (n == PROFILE_MAP_FULL)
        return NULL;
    if (n == g->count) {
        struct profile_group *more = profile_grow(g->group, g->count, sizeof(*g->group));
        if (!more)
            return NULL;
        g->group = more;
        g->group[g->count++] = (struct profile_group){
            .root = root,
            .name = frame->name,
            .place = line ? frame->place : frame->file,
            .what = kind < 0 ? "" : m->view->kind[kind].label,
            .kind = kind < 0 ? NULL : m->view->kind + kind,
        };
    }
    return g->group + n;
}

/*
 * What a row is charged to.  A sample of the guest is charged to the innermost function; as a line,
 * to the caller's line if that function has no line information.
 */
static const struct view_frame *culprit(const struct maker *m, const struct profile_row *row)
{
    if (m->view->cpu && row->root == PROFILE_GUEST && m->by == PROFILE_BY_FUNCTION)
        return profile_frame(m->view, row->stack);
    return profile_site(m->view, row);
}

static bool add_self(struct maker *m, const struct profile_row *row)
{
    struct profile_group *g =
        group(m, row->root, culprit(m, row), m->by == PROFILE_BY_LINE ? row->kind : -1);
    if (!g)
        return false;
    g->count += row->count;
    g->ns += row->ns;
    return true;
}

/* Each function of the stack, however often it is in it. */
static bool add_total(struct maker *m, const struct profile_row *row, size_t *seen, size_t stamp)
{
    const struct view_frame *frame[PROFILE_DEPTH_MAX];
    size_t n = profile_frames(m->view, row, frame);
    for (size_t i = 0; i < n; i++) {
        if (seen[frame[i]->function] == stamp)
            continue;
        seen[frame[i]->function] = stamp;
        struct profile_group *g = group(m, row->root, frame[i], -1);
        if (!g)
            return false;
        g->total_count += row->count;
        g->total_ns += row->ns;
    }
    return true;
}

static bool by_place(struct maker *m)
{
    size_t *seen = calloc(m->view->functions + 1, sizeof(*seen));
    bool fine = seen != NULL;
    for (size_t i = 0; i < m->view->row_count && fine; i++) {
        const struct profile_row *row = m->view->row + i;
        fine = add_self(m, row) && (m->by != PROFILE_BY_FUNCTION || add_total(m, row, seen, i + 1));
    }
    free(seen);
    return fine;
}

static bool by_kind(struct maker *m)
{
    struct profile_groups *g = m->groups;
    g->group = calloc(m->view->kind_count + 1, sizeof(*g->group));
    for (size_t i = 0; i < m->view->kind_count && g->group; i++) {
        const struct view_kind *kind = m->view->kind + i;
        if (m->by == PROFILE_BY_HOST && !profile_kind_is_host(kind))
            continue;
        g->group[g->count++] = (struct profile_group){.name = kind->name,
                                                      .place = "",
                                                      .what = kind->label,
                                                      .kind = kind,
                                                      .count = kind->count,
                                                      .ns = kind->ns};
    }
    return g->group != NULL;
}

static int compare(uint64_t a, uint64_t b)
{
    return a < b ? 1 : a > b ? -1 : 0;
}

static int order(const void *a, const void *b, void *weight)
{
    const struct profile_group *x = a, *y = b;
    bool time = *(enum profile_weight *)weight == PROFILE_TIME;
    int rc = time ? compare(x->ns, y->ns) : compare(x->count, y->count);
    rc = rc     ? rc
         : time ? compare(x->total_ns, y->total_ns)
                : compare(x->total_count, y->total_count);
    rc = rc ? rc : time ? compare(x->count, y->count) : compare(x->ns, y->ns);
    rc = rc ? rc : strcmp(x->name, y->name);
    rc = rc ? rc : strcmp(x->place, y->place);
    rc = rc ? rc : strcmp(x->what, y->what);
    return rc ? rc : (int)x->root - (int)y->root;
}

int profile_groups_make(struct profile_groups *groups, const struct view *view, enum profile_by by,
                        enum profile_weight weight, struct hl_error *error)
{
    memset(groups, 0, sizeof(*groups));
    struct maker m = {.view = view, .groups = groups, .by = profile_default_by(view, by)};
    bool kinds = m.by == PROFILE_BY_REASON || m.by == PROFILE_BY_HOST;
    bool fine = kinds ? by_kind(&m) : by_place(&m);
    profile_map_free(&m.map);
    if (!fine)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    if (groups->count)
        qsort_r(groups->group, groups->count, sizeof(*groups->group), order, &weight);
    return 0;
}

void profile_groups_free(struct profile_groups *groups)
{
    free(groups->group);
    memset(groups, 0, sizeof(*groups));
}
