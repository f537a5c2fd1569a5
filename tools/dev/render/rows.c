/* SPDX-License-Identifier: Apache-2.0 */
/* render/rows.c - kinds of exits, and exits and samples, of a document. */
#include <string.h>

#include "profile_parts.h"

static void read_histogram(struct profile_check *c, const json_t *list, struct view_kind *kind)
{
    for (size_t i = 0; i < json_array_size(list) && !c->rc; i++) {
        const json_t *pair = json_array_get(list, i);
        const json_t *k = json_array_get(pair, 0), *count = json_array_get(pair, 1);
        json_int_t n = json_integer_value(count);
        if (json_array_size(pair) != 2 || !json_is_integer(k) || !json_is_integer(count) ||
            json_integer_value(k) < 0 || json_integer_value(k) > 63 || n < 0 ||
            (uint64_t)n > PROFILE_NUMBER_MAX)
            profile_bad(c, "histogram", "not a list of [k, count]");
        else
            profile_add(c, &kind->histogram[json_integer_value(k)], (uint64_t)n, "histogram");
    }
}

/* What distinguishes kinds of one reason. */
static const char *label(struct view *view, struct profile_check *c, const json_t *o,
                         const struct view_kind *kind)
{
    uint64_t port = profile_number_or_0(c, o, "port");
    const char *address = profile_string(c, o, "address", false);
    if (strcmp(kind->reason, "io") == 0)
        return profile_wordf(view, c, "[io %.900s 0x%llx]", kind->name, (unsigned long long)port);
    if (strcmp(kind->reason, "mmio") == 0 && address)
        return profile_wordf(view, c, "[mmio %.900s %.60s]", kind->name, address);
    if (strcmp(kind->reason, kind->name) == 0 || !*kind->name)
        return profile_wordf(view, c, "[%.900s]", kind->reason);
    return profile_wordf(view, c, "[%.60s %.900s]", kind->reason, kind->name);
}

static void read_kind(struct view *view, struct profile_check *c, const json_t *o,
                      struct view_kind *kind)
{
    kind->reason = profile_word(view, c, profile_string(c, o, "reason", true));
    kind->name = profile_word(view, c, profile_string(c, o, "name", true));
    kind->count = profile_number(c, o, "count");
    kind->ns = profile_number(c, o, "ns");
    kind->min_ns = profile_number_or_0(c, o, "min_ns");
    kind->p50_ns = profile_number_or_0(c, o, "p50_ns");
    kind->p99_ns = profile_number_or_0(c, o, "p99_ns");
    kind->max_ns = profile_number_or_0(c, o, "max_ns");
    kind->failed = profile_number_or_0(c, o, "failed");
    kind->function_ns = profile_number_or_0(c, o, "function_ns");
    kind->label = label(view, c, o, kind);
    read_histogram(c, profile_list(c, o, "histogram", false), kind);
}

void profile_read_kinds(struct view *view, struct profile_check *c, const json_t *doc)
{
    uint64_t count = 0, ns = 0;
    profile_at(c, "", -1);
    const json_t *list = profile_list(c, doc, "kinds", false);
    view->kind = profile_array(c, list, sizeof(*view->kind), &view->kind_count);
    for (size_t i = 0; i < view->kind_count && !c->rc; i++) {
        profile_at(c, "kinds", (long)i);
        read_kind(view, c, json_array_get(list, i), view->kind + i);
        profile_add(c, &count, view->kind[i].count, "count");
        profile_add(c, &ns, view->kind[i].ns, "ns");
    }
}

static enum profile_root read_root(struct profile_check *c, const json_t *o)
{
    const char *root = profile_string(c, o, "root", true);
    for (unsigned i = 0; root && i < PROFILE_ROOTS; i++)
        if (strcmp(root, profile_root_name[i]) == 0)
            return (enum profile_root)i;
    profile_bad(c, "root", "none of \"guest\", \"host\", \"vmm\"");
    return PROFILE_GUEST;
}

/* The frame to blame must be one of the stack's own. */
static void check_site(struct view *view, struct profile_check *c, const struct profile_row *row)
{
    long at = row->stack;
    while (!c->rc && row->site >= 0 && at != row->site) {
        if (at < 0)
            profile_bad(c, "site", "not in the stack");
        else
            at = view->stack[at].parent;
    }
}

static void read_row(struct view *view, struct profile_check *c, const json_t *o,
                     struct profile_row *row)
{
    row->root = view->cpu ? read_root(c, o) : PROFILE_GUEST;
    bool served = !view->cpu || row->root != PROFILE_GUEST;
    row->kind = profile_index(c, o, "kind", view->kind_count, !view->cpu);
    if (!served)
        row->kind = -1;
    else if (!view->cpu && row->kind < 0)
        profile_bad(c, "kind", "there is no such kind");
    row->stack = profile_index(c, o, "stack", view->stack_count, true);
    row->site = profile_index(c, o, "site", view->stack_count, false);
    row->count = profile_number(c, o, "count");
    row->ns = profile_number(c, o, "ns");
    profile_number_or_0(c, o, "min_ns");
    profile_number_or_0(c, o, "max_ns");
    check_site(view, c, row);
    profile_add(c, &view->count, row->count, "count");
    profile_add(c, &view->ns, row->ns, "ns");
}

void profile_read_rows(struct view *view, struct profile_check *c, const json_t *doc)
{
    const char *name = view->cpu ? "samples" : "exits";
    profile_at(c, "", -1);
    const json_t *list = profile_list(c, doc, name, true);
    view->row = profile_array(c, list, sizeof(*view->row), &view->row_count);
    for (size_t i = 0; i < view->row_count && !c->rc; i++) {
        profile_at(c, name, (long)i);
        read_row(view, c, json_array_get(list, i), view->row + i);
    }
}
