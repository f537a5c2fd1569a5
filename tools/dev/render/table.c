/* SPDX-License-Identifier: Apache-2.0 */
/* render/table.c - the rows of the table for a person. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "profile_grid.h"
#include "profile_group.h"
#include "profile_output.h"
#include "profile_text.h"

struct table {
    FILE *out;
    const struct view *view;
    const struct profile_colors *colors;
    const struct profile_groups *groups;
    enum profile_by by;
    enum profile_weight weight;
};

static bool by_place(const struct table *t)
{
    return t->by == PROFILE_BY_FUNCTION || t->by == PROFILE_BY_LINE;
}

static void heads(struct profile_grid *grid, const char *const *head)
{
    for (; *head; head++)
        profile_grid_cell(grid, "%s", *head);
}

/* Powers of two that the histograms of all rows are drawn over. */
struct scale {
    int first, last;
    bool blocks;
};

/* U+2581 to U+2588 are blocks an eighth to eight eighths high. */
static void histogram(char *text, const uint64_t *count, const struct scale *scale)
{
    static const char ascii[] = " .:-=+*#@";
    uint64_t most = 1;
    for (int k = scale->first; k <= scale->last; k++)
        most = count[k] > most ? count[k] : most;
    for (int k = scale->first; k <= scale->last; k++) {
        int high = count[k] ? 1 + (int)(7.0 * (double)count[k] / (double)most) : 0;
        if (scale->blocks && high)
            text += sprintf(text, "\xe2\x96%c", 0x80 + high);
        else
            *text++ = ascii[high];
    }
    *text = 0;
}

static bool has_blocks(FILE *out)
{
    const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"}, *value = NULL;
    for (unsigned i = 0; i < 3 && !(value && *value); i++)
        value = getenv(names[i]);
    return isatty(fileno(out)) && value &&
           (strcasestr(value, "UTF-8") || strcasestr(value, "UTF8"));
}

static struct scale find_scale(const struct table *t)
{
    struct scale scale = {63, 0, has_blocks(t->out)};
    for (size_t i = 0; i < t->groups->count && i < PROFILE_TOP; i++)
        for (int k = 0; k < 64; k++)
            if (t->groups->group[i].kind->histogram[k]) {
                scale.first = k < scale.first ? k : scale.first;
                scale.last = k > scale.last ? k : scale.last;
            }
    return scale;
}

/* "TIMES, 4.10 us TO 131 us": what the left and the right edge of a histogram stand for. */
static void scale_head(struct profile_grid *grid, const struct scale *scale)
{
    char from[PROFILE_NUMBER], to[PROFILE_NUMBER];
    if (scale->first > scale->last)
        profile_grid_cell(grid, "%s", "");
    else
        profile_grid_cell(grid, "%s .. %s", profile_time(from, UINT64_C(1) << scale->first),
                          profile_time(to, (UINT64_C(2) << scale->last) - 1));
}

static void kind_row(struct profile_grid *grid, const struct profile_group *g, uint64_t count,
                     uint64_t ns, const struct scale *scale)
{
    char text[64 * 3 + 1], failed[48] = "";
    profile_grid_cell(grid, "%" PRIu64, g->count);
    profile_grid_percent(grid, g->count, count);
    profile_grid_time(grid, g->ns);
    profile_grid_percent(grid, g->ns, ns);
    profile_grid_time(grid, g->kind->min_ns);
    profile_grid_time(grid, g->kind->p50_ns);
    profile_grid_time(grid, g->kind->p99_ns);
    profile_grid_time(grid, g->kind->max_ns);
    histogram(text, g->kind->histogram, scale);
    profile_grid_cell(grid, "%s", text);
    if (g->kind->failed)
        snprintf(failed, sizeof(failed), "  %" PRIu64 " failed", g->kind->failed);
    profile_grid_cell(grid, "%s%s", g->what, failed);
}

/* Of one root, or of all: the totals, and the number of rows shown. */
struct section {
    enum profile_root root;
    uint64_t count, ns;
    size_t rows, shown;
};

/* What PROFILE_TOP keeps from being seen. */
static void more(struct table *t, const struct section *s, uint64_t count, uint64_t ns)
{
    char time[PROFILE_NUMBER], share[PROFILE_NUMBER];
    bool by_time = t->weight == PROFILE_TIME;
    if (s->rows <= s->shown)
        return;
    profile_percent(share, by_time ? ns : count, by_time ? s->ns : s->count);
    fprintf(t->out, "%s... and %zu more, of %" PRIu64 " %s and %s together (%s)%s\n",
            t->colors->dim, s->rows - s->shown, count,
            t->view->cpu && by_place(t) ? "samples" : "exits", profile_time(time, ns), share,
            t->colors->plain);
}

static bool kinds(struct table *t)
{
    static const char *const head[] = {"EXITS", "SHARE", "OUTSIDE", "SHARE", "MIN",
                                       "P50",   "P99",   "MAX",     NULL};
    struct profile_grid grid = {.align = "rrrrrrrrll",
                                .bold_head = true,
                                .spare = t->weight == PROFILE_TIME ? "ebgif" : "edgif"};
    struct section all = {.rows = t->groups->count, .shown = PROFILE_TOP};
    struct scale scale = find_scale(t);
    uint64_t count = 0, ns = 0;
    for (size_t i = 0; i < t->groups->count; i++) {
        all.count += t->groups->group[i].count;
        all.ns += t->groups->group[i].ns;
        count += i >= PROFILE_TOP ? t->groups->group[i].count : 0;
        ns += i >= PROFILE_TOP ? t->groups->group[i].ns : 0;
    }
    heads(&grid, head);
    scale_head(&grid, &scale);
    profile_grid_cell(&grid, "WHAT");
    for (size_t i = 0; i < t->groups->count && i < PROFILE_TOP; i++)
        kind_row(&grid, t->groups->group + i, all.count, all.ns, &scale);
    bool fine = profile_grid_print(&grid, t->out, t->colors);
    more(t, &all, count, ns);
    return fine;
}

static void place_row(struct table *t, struct profile_grid *grid, const struct profile_group *g,
                      const struct section *s)
{
    bool time = t->weight == PROFILE_TIME;
    profile_grid_cell(grid, "%" PRIu64, g->count);
    profile_grid_percent(grid, g->count, s->count);
    profile_grid_time(grid, g->ns);
    profile_grid_percent(grid, g->ns, s->ns);
    if (t->by == PROFILE_BY_FUNCTION)
        profile_grid_percent(grid, time ? g->total_ns : g->total_count, time ? s->ns : s->count);
    profile_grid_cell(grid, "%s", g->name);
    profile_grid_cell(grid, "%s", g->place);
    profile_grid_cell(grid, "%s", g->what);
}

static bool section(struct table *t, struct section *s)
{
    bool function = t->by == PROFILE_BY_FUNCTION;
    const char *head[] = {t->view->cpu ? "SAMPLES" : "EXITS",
                          "SHARE",
                          t->view->cpu ? "TIME" : "OUTSIDE",
                          "SHARE",
                          "TOTAL",
                          "FUNCTION",
                          function ? "FILE" : "AT",
                          "WHAT",
                          NULL};
    struct profile_grid grid = {.align = function ? "rrrrrlll" : "rrrrlll",
                                .bold_head = true,
                                .spare = t->weight == PROFILE_TIME ? "b" : "d",
                                .cut = function ? 'g' : 'f'};
    uint64_t count = 0, ns = 0;
    if (!function)
        memmove(head + 4, head + 5, 4 * sizeof(*head));
    if (s->root == PROFILE_GUEST && t->view->cpu)
        head[function ? 7 : 6] = "";
    else if (function)
        head[7] = "";
    heads(&grid, head);
    for (size_t i = 0; i < t->groups->count; i++) {
        const struct profile_group *g = t->groups->group + i;
        if (g->root != s->root)
            continue;
        if (s->rows++ < PROFILE_TOP) {
            place_row(t, &grid, g, s);
            s->shown++;
        } else {
            count += g->count;
            ns += g->ns;
        }
    }
    bool fine = profile_grid_print(&grid, t->out, t->colors);
    more(t, s, count, ns);
    return fine;
}

static bool sections(struct table *t)
{
    static const char *const what[] = {"in the guest's own code (sampled)",
                                       "in host functions (measured)", "in libhl (measured)"};
    char time[PROFILE_NUMBER];
    bool fine = true;
    for (int root = 0; root < PROFILE_ROOTS && fine; root++) {
        struct section s = {.root = (enum profile_root)root};
        bool any = false;
        for (size_t i = 0; i < t->view->row_count; i++)
            if (t->view->row[i].root == s.root) {
                s.count += t->view->row[i].count;
                s.ns += t->view->row[i].ns;
                any = true;
            }
        if (t->view->cpu && any)
            fprintf(t->out, "%s%s%s%s: %s, %s\n", root ? "\n" : "", t->colors->bold,
                    profile_root_name[root], t->colors->plain, profile_time(time, s.ns),
                    what[root]);
        fine = !any || section(t, &s);
    }
    return fine;
}

/* The times of exits are not the guest's, and need not be what its author looks for. */
static void explain(const struct table *t)
{
    if (t->groups->count && !(t->view->cpu && by_place(t)))
        fprintf(t->out,
                "%sOUTSIDE: time that exits took outside the guest, in host functions and "
                "libhl%s\n",
                t->colors->dim, t->colors->plain);
}

int profile_table(FILE *out, const struct view *view, const struct profile_options *options,
                  struct hl_error *error)
{
    struct profile_groups groups;
    struct table t = {out,
                      view,
                      &profile_colors[options->color],
                      &groups,
                      profile_default_by(view, options->by),
                      options->weight};
    int rc = profile_groups_make(&groups, view, options->by, options->weight, error);
    if (!rc) {
        bool fine = profile_table_head(out, view, options->color);
        explain(&t);
        fine = fine && (!groups.count || (by_place(&t) ? sections(&t) : kinds(&t)));
        if (!groups.count)
            fprintf(out, "no %s\n", view->cpu && by_place(&t) ? "samples" : "exits");
        if (!fine || !profile_table_tail(out, view, options->color))
            rc = hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    }
    profile_groups_free(&groups);
    return rc;
}
