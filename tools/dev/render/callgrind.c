/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render/callgrind.c - the format of callgrind_annotate and KCachegrind, version 1.
 *
 * Readers take what a function's own lines and all its calls cost together for what it costs with
 * all it calls.  In a recursion the calls lie within each other, so that they would be counted
 * again and again: a stack is charged to the calls of the innermost activation of a function only.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "profile_map.h"
#include "profile_output.h"
#include "profile_path.h"

/* A line of a function: what it costs itself, or by a call of another function. */
struct cost {
    struct profile_cell cell;
    struct profile_cell callee;
    bool call;
    uint64_t count, ns; /* charged to it */
    uint64_t calls;     /* rows that it is in, by their counts */
    size_t stamp;       /* the row it was counted for last */
};

struct callgrind {
    const struct view *view;
    struct profile_map functions, lines; /* numbers of cells; as the caller, with the line */
    struct profile_map map;              /* of costs */
    struct cost *cost;
    size_t count;
    size_t *innermost, room; /* of each function: where it is in the stack, + 1 */
};

/* KIND and ROOT cells are functions too: the type is part of the key. */
static uint32_t function_of(struct callgrind *g, const struct profile_cell *cell)
{
    uint32_t id = cell->type == PROFILE_CELL_FRAME ? cell->frame->function : cell->key >> 3;
    return profile_map(&g->functions, cell->type, id);
}

static struct cost *cost(struct callgrind *g, const struct profile_cell *cell,
                         const struct profile_cell *callee)
{
    uint32_t id = cell->type == PROFILE_CELL_FRAME ? cell->frame->line_id : cell->key >> 3;
    uint32_t line = profile_map(&g->lines, cell->type, id);
    uint32_t to = callee ? function_of(g, callee) + 1 : 0;
    uint32_t n = line == PROFILE_MAP_FULL || (callee && !to) ? PROFILE_MAP_FULL
                                                             : profile_map(&g->map, line, to);
    if (n == PROFILE_MAP_FULL)
        return NULL;
    if (n == g->count) {
        struct cost *more = profile_grow(g->cost, g->count, sizeof(*g->cost));
        if (!more)
            return NULL;
        g->cost = more;
        g->cost[g->count] = (struct cost){.cell = *cell, .call = callee != NULL};
        if (callee)
            g->cost[g->count].callee = *callee;
        g->count++;
    }
    return g->cost + n;
}

/* Where in the stack each function is for the last time; false: no memory. */
static bool find_innermost(struct callgrind *g, const struct profile_cell *cell, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t f = function_of(g, cell + i);
        if (f == PROFILE_MAP_FULL)
            return false;
        size_t *more = array_grow(g->innermost, &g->room, (size_t)f + 1, sizeof(*more));
        if (!more)
            return false;
        g->innermost = more;
        g->innermost[f] = i;
    }
    return true;
}

static bool add_row(struct callgrind *g, const struct profile_row *row, struct profile_cell *cell,
                    size_t stamp)
{
    size_t n = profile_path(g->view, row, PROFILE_BY_LINE, cell);
    if (!find_innermost(g, cell, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool leaf = i + 1 == n, charged = g->innermost[function_of(g, cell + i)] == i;
        struct cost *c = cost(g, cell + i, leaf ? NULL : cell + i + 1);
        if (!c)
            return false;
        if (c->stamp != stamp)
            c->calls += row->count;
        c->stamp = stamp;
        if (charged) {
            c->count += row->count;
            c->ns += row->ns;
        }
    }
    return true;
}

static const char *file_of(const struct profile_cell *cell)
{
    return cell->type != PROFILE_CELL_FRAME || !*cell->frame->file ? "???" : cell->frame->file;
}

/* A number in parentheses would be a reference to another name. */
static void put_file(FILE *out, const char *key, const struct profile_cell *cell)
{
    const char *file = file_of(cell);
    fprintf(out, "%s=%s%s\n", key, *file == '(' ? "./" : "", file);
}

/* [guest], [host] and [vmm] are no names a function can have. */
static void put_function(FILE *out, const char *key, const struct profile_cell *cell)
{
    bool root = cell->type == PROFILE_CELL_ROOT;
    bool number = cell->name[0] == '(' && cell->name[1] >= '0' && cell->name[1] <= '9';
    fprintf(out, "%s=%s%s%s\n", key, root ? "[" : number ? "_" : "", cell->name, root ? "]" : "");
}

static unsigned long line_of(const struct profile_cell *cell)
{
    return cell->type == PROFILE_CELL_FRAME ? cell->frame->line : 0;
}

static int by_place(const void *a, const void *b)
{
    const struct cost *x = a, *y = b;
    int rc = strcmp(file_of(&x->cell), file_of(&y->cell));
    rc = rc ? rc : strcmp(x->cell.name, y->cell.name);
    rc = rc ? rc : (int)x->cell.type - (int)y->cell.type;
    rc = rc ? rc : (int)x->call - (int)y->call;
    if (!rc && line_of(&x->cell) != line_of(&y->cell))
        rc = line_of(&x->cell) < line_of(&y->cell) ? -1 : 1;
    rc = rc || !x->call ? rc : strcmp(file_of(&x->callee), file_of(&y->callee));
    return rc || !x->call ? rc : strcmp(x->callee.name, y->callee.name);
}

static void print(FILE *out, struct callgrind *g)
{
    const struct cost *before = NULL;
    if (g->count)
        qsort(g->cost, g->count, sizeof(*g->cost), by_place);
    for (size_t i = 0; i < g->count; before = g->cost + i++) {
        const struct cost *c = g->cost + i;
        if (!before || strcmp(file_of(&before->cell), file_of(&c->cell)) != 0 ||
            strcmp(before->cell.name, c->cell.name) != 0 || before->cell.type != c->cell.type) {
            fputc('\n', out);
            put_file(out, "fl", &c->cell);
            put_function(out, "fn", &c->cell);
        }
        if (c->call) {
            /* callgrind_annotate shows the calls of lines only that cost something themselves. */
            fprintf(out, "%lu 0 0\n", line_of(&c->cell));
            put_file(out, "cfi", &c->callee);
            put_function(out, "cfn", &c->callee);
            fprintf(out, "calls=%" PRIu64 " 0\n", c->calls);
        }
        fprintf(out, "%lu %" PRIu64 " %" PRIu64 "\n", line_of(&c->cell), c->count, c->ns);
    }
}

static void print_head(FILE *out, const struct view *view)
{
    const char *first = view->cpu ? "Samples" : "Exits";
    fprintf(out, "# callgrind format\nversion: 1\ncreator: hl-dev %s\npid: 0\ncmd: %s\npart: 1\n\n",
            view->hl, *view->guest ? view->guest : "guest");
    fprintf(out, "desc: Trigger: %s\n\npositions: line\n",
            view->cpu ? "samples of the guest, and the time of what it waited for"
                      : "exits of the guest");
    fprintf(out, "event: %s\nevent: Time : nanoseconds\nevents: %s Time\n", first, first);
    fprintf(out, "summary: %" PRIu64 " %" PRIu64 "\n", view->count, view->ns);
}

int profile_callgrind(FILE *out, const struct view *view, const struct profile_options *options,
                      struct hl_error *error)
{
    struct callgrind g = {.view = view};
    struct profile_cell *cell = calloc(PROFILE_PATH_MAX, sizeof(*cell));
    bool fine = cell != NULL;
    (void)options; /* it has functions and lines, counts and times, all at once */
    for (size_t i = 0; i < view->row_count && fine; i++)
        fine = add_row(&g, view->row + i, cell, i + 1);
    if (fine) {
        print_head(out, view);
        print(out, &g);
        fprintf(out, "\ntotals: %" PRIu64 " %" PRIu64 "\n", view->count, view->ns);
    }
    free(cell);
    free(g.cost);
    free(g.innermost);
    profile_map_free(&g.functions);
    profile_map_free(&g.lines);
    profile_map_free(&g.map);
    return fine ? 0 : hl_error_set(error, HL_ERR_MEMORY, "out of memory");
}
