/* SPDX-License-Identifier: Apache-2.0 */
/* render/diff.c - two profiles, row by row, as a table and as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json_write.h"
#include "profile_grid.h"
#include "profile_group.h"
#include "profile_output.h"
#include "profile_text.h"

/* What is in both has both. */
struct pair {
    const struct profile_group *before, *now;
};

struct diff {
    FILE *out;
    const struct view *view, *old;
    const struct profile_colors *colors;
    enum profile_by by;
    enum profile_weight weight;
    struct profile_groups before, now;
    struct pair *pair;
    size_t count;
};

static uint64_t count_of(const struct profile_group *g)
{
    return g ? g->count : 0;
}

static uint64_t ns_of(const struct profile_group *g)
{
    return g ? g->ns : 0;
}

static const struct profile_group *either(const struct pair *pair)
{
    return pair->now ? pair->now : pair->before;
}

/* Counts and times are less than 2^53. */
static int64_t change(const struct pair *pair, bool time)
{
    return time ? (int64_t)ns_of(pair->now) - (int64_t)ns_of(pair->before)
                : (int64_t)count_of(pair->now) - (int64_t)count_of(pair->before);
}

static int same(const struct profile_group *a, const struct profile_group *b)
{
    int rc = (int)a->root - (int)b->root;
    rc = rc ? rc : strcmp(a->name, b->name);
    rc = rc ? rc : strcmp(a->place, b->place);
    return rc ? rc : strcmp(a->what, b->what);
}

static int by_identity(const void *a, const void *b)
{
    return same(a, b);
}

static int by_change(const void *a, const void *b, void *weight)
{
    bool time = *(enum profile_weight *)weight == PROFILE_TIME;
    for (int i = 0; i < 2; i++, time = !time) {
        int64_t x = llabs(change(a, time)), y = llabs(change(b, time));
        if (x != y)
            return x < y ? 1 : -1;
    }
    return same(either(a), either(b));
}

/* Those that have something themselves: a caller alone has no change of its own. */
static bool nothing(const struct pair *pair)
{
    return !count_of(pair->now) && !ns_of(pair->now) && !count_of(pair->before) &&
           !ns_of(pair->before);
}

static bool match(struct diff *d)
{
    struct profile_groups *b = &d->before, *n = &d->now;
    size_t i = 0, j = 0;
    d->pair = calloc(b->count + n->count + 1, sizeof(*d->pair));
    if (!d->pair)
        return false;
    if (b->count)
        qsort(b->group, b->count, sizeof(*b->group), by_identity);
    if (n->count)
        qsort(n->group, n->count, sizeof(*n->group), by_identity);
    while (i < b->count || j < n->count) {
        int rc = i == b->count ? 1 : j == n->count ? -1 : same(b->group + i, n->group + j);
        struct pair pair = {rc <= 0 ? b->group + i : NULL, rc >= 0 ? n->group + j : NULL};
        i += rc <= 0;
        j += rc >= 0;
        if (!nothing(&pair))
            d->pair[d->count++] = pair;
    }
    if (d->count)
        qsort_r(d->pair, d->count, sizeof(*d->pair), by_change, &d->weight);
    return true;
}

/* "+12.5%", "new", "gone", "=" */
static const char *relative(char buf[PROFILE_NUMBER], uint64_t before, uint64_t now)
{
    if (before == now)
        return "=";
    if (!before || !now)
        return before ? "gone" : "new";
    double part = 100 * ((double)now - (double)before) / (double)before;
    snprintf(buf, PROFILE_NUMBER, part < 1e5 ? "%+.1f%%" : "%+.1e%%", part);
    return buf;
}

static void cells(struct profile_grid *grid, uint64_t before, uint64_t now, bool time)
{
    char buf[PROFILE_NUMBER];
    uint64_t by = now > before ? now - before : before - now;
    const char *sign = now > before ? "+" : now < before ? "-" : "";
    const uint64_t values[] = {before, now, by};
    for (unsigned i = 0; i < 3; i++)
        if (time)
            profile_grid_cell(grid, "%s%s", i == 2 ? sign : "", profile_time(buf, values[i]));
        else
            profile_grid_cell(grid, "%s%" PRIu64, i == 2 ? sign : "", values[i]);
    profile_grid_cell(grid, "%s", relative(buf, before, now));
}

/* Without what the profile itself took. */
static uint64_t all(const struct profile_totals *t)
{
    return t->guest_ns + t->host_ns + t->vmm_ns;
}

static bool totals(struct diff *d)
{
    const struct profile_totals *b = &d->old->totals, *n = &d->view->totals;
    struct profile_grid grid = {.align = "lrrrr", .bold_head = true};
    const struct {
        const char *name;
        uint64_t before, now;
        bool time;
    } rows[] = {
        {"runs", b->runs, n->runs, false},          {"exits", b->exits, n->exits, false},
        {"guest", b->guest_ns, n->guest_ns, true},  {"host", b->host_ns, n->host_ns, true},
        {"vmm", b->vmm_ns, n->vmm_ns, true},        {"total", all(b), all(n), true},
        {"samples", b->samples, n->samples, false},
    };
    const char *head[] = {"TOTAL", "BEFORE", "NOW", "CHANGE", ""};
    for (unsigned i = 0; i < 5; i++)
        profile_grid_cell(&grid, "%s", head[i]);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows) - !d->view->cpu; i++) {
        profile_grid_cell(&grid, "%s", rows[i].name);
        cells(&grid, rows[i].before, rows[i].now, rows[i].time);
    }
    return profile_grid_print(&grid, d->out, d->colors);
}

static void pair_row(struct diff *d, struct profile_grid *grid, const struct pair *pair)
{
    const struct profile_group *g = either(pair);
    bool kinds = d->by == PROFILE_BY_REASON || d->by == PROFILE_BY_HOST;
    cells(grid, count_of(pair->before), count_of(pair->now), false);
    cells(grid, ns_of(pair->before), ns_of(pair->now), true);
    profile_grid_cell(grid, "%s", d->view->cpu && !kinds ? profile_root_name[g->root] : "");
    profile_grid_cell(grid, "%s", kinds ? g->what : g->name);
    profile_grid_cell(grid, "%s", g->place);
    profile_grid_cell(grid, "%s", kinds ? "" : g->what);
}

static void rest(struct diff *d)
{
    int64_t count = 0, ns = 0;
    char time[PROFILE_NUMBER];
    for (size_t i = PROFILE_TOP; i < d->count; i++) {
        count += change(d->pair + i, false);
        ns += change(d->pair + i, true);
    }
    if (d->count > PROFILE_TOP)
        fprintf(d->out, "%s... and %zu more, with a change of %+" PRId64 " and %s%s together%s\n",
                d->colors->dim, d->count - PROFILE_TOP, count, ns < 0 ? "-" : "+",
                profile_time(time, (uint64_t)llabs(ns)), d->colors->plain);
}

static bool table(struct diff *d)
{
    bool function = d->by == PROFILE_BY_FUNCTION, line = d->by == PROFILE_BY_LINE;
    const char *head[] = {d->view->cpu && (function || line) ? "SAMPLES" : "EXITS",
                          "NOW",
                          "CHANGE",
                          "",
                          "TIME WAS",
                          "TIME NOW",
                          "CHANGE",
                          "",
                          "",
                          function || line ? "FUNCTION" : "WHAT",
                          function ? "FILE"
                          : line   ? "AT"
                                   : "",
                          line ? "WHAT" : ""};
    struct profile_grid grid = {.align = "rrrrrrrrllll",
                                .bold_head = true,
                                .spare = d->weight == PROFILE_TIME ? "dcabhg" : "hgef",
                                .cut = 'k'};
    fprintf(d->out, "%s%s%s compared with %s\n\n", d->colors->bold,
            *d->view->guest ? d->view->guest : "(guest)", d->colors->plain,
            *d->old->guest ? d->old->guest : "(guest)");
    if (!totals(d))
        return false;
    fputc('\n', d->out);
    for (unsigned i = 0; i < sizeof(head) / sizeof(*head); i++)
        profile_grid_cell(&grid, "%s", head[i]);
    for (size_t i = 0; i < d->count && i < PROFILE_TOP; i++)
        pair_row(d, &grid, d->pair + i);
    bool fine = profile_grid_print(&grid, d->out, d->colors);
    rest(d);
    return fine;
}

static json_t *totals_json(const struct view *view)
{
    const struct profile_totals *t = &view->totals;
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "guest", view->guest, "runs",
                     (json_int_t)t->runs, "exits", (json_int_t)t->exits, "samples",
                     (json_int_t)t->samples, "wall_ns", (json_int_t)t->wall_ns, "guest_ns",
                     (json_int_t)t->guest_ns, "host_ns", (json_int_t)t->host_ns, "vmm_ns",
                     (json_int_t)t->vmm_ns);
}

static json_t *side_json(const struct profile_group *g)
{
    return g ? json_pack("{s:I, s:I}", "count", (json_int_t)g->count, "ns", (json_int_t)g->ns)
             : json_null();
}

static json_t *pair_json(const struct diff *d, const struct pair *pair)
{
    const struct profile_group *g = either(pair);
    json_t *o = json_object();
    if (d->view->cpu && (d->by == PROFILE_BY_FUNCTION || d->by == PROFILE_BY_LINE))
        json_object_set_new(o, "root", json_string(profile_root_name[g->root]));
    json_object_set_new(o, "name", json_string(g->name));
    json_object_set_new(o, "place", json_string(g->place));
    json_object_set_new(o, "what", json_string(g->what));
    json_object_set_new(o, "before", side_json(pair->before));
    json_object_set_new(o, "now", side_json(pair->now));
    json_object_set_new(o, "count_change", json_integer(change(pair, false)));
    json_object_set_new(o, "ns_change", json_integer(change(pair, true)));
    return o;
}

static bool json(struct diff *d)
{
    static const char *const by[] = {"", "reason", "host", "function", "line"};
    json_t *rows = json_array();
    for (size_t i = 0; i < d->count && rows; i++)
        json_array_append_new(rows, pair_json(d, d->pair + i));
    json_t *o = json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:o}", "format", "hl-profile-diff",
                          "version", 1, "mode", d->view->cpu ? "cpu" : "exits", "by", by[d->by],
                          "before", totals_json(d->old), "now", totals_json(d->view), "rows", rows);
    bool fine = o && json_write(d->out, o, 1);
    fputc('\n', d->out);
    json_decref(o);
    return fine;
}

int profile_diff(FILE *out, const struct view *view, const struct view *old,
                 const struct profile_options *options, struct hl_error *error)
{
    struct diff d = {.out = out,
                     .view = view,
                     .old = old,
                     .colors = &profile_colors[options->color],
                     .by = profile_default_by(view, options->by),
                     .weight = options->weight};
    int rc = profile_groups_make(&d.before, old, options->by, options->weight, error);
    if (!rc)
        rc = profile_groups_make(&d.now, view, options->by, options->weight, error);
    if (!rc && !(match(&d) && (options->format == PROFILE_JSON ? json(&d) : table(&d))))
        rc = hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    profile_groups_free(&d.before);
    profile_groups_free(&d.now);
    free(d.pair);
    return rc;
}
