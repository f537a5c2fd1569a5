/* SPDX-License-Identifier: Apache-2.0 */
/* render/folded.c - one line a stack, "outer;inner;[host Add] 12": what flamegraph.pl reads. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "profile_output.h"
#include "profile_path.h"

struct line {
    char *stack;
    uint64_t weight;
};

/* The semicolon is the only character with a meaning; a name ends where the last blank is. */
static void put_name(FILE *f, const struct profile_cell *cell)
{
    for (const char *p = cell->name; *p; p++)
        fputc(*p == ';' ? ':' : *p, f);
    if (*cell->at)
        fputs(" (", f);
    for (const char *p = cell->at; *p; p++)
        fputc(*p == ';' ? ':' : *p, f);
    if (*cell->at)
        fputc(')', f);
}

/* NULL: no memory. */
static char *join(const struct profile_cell *cell, size_t n)
{
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (i)
            fputc(';', f);
        put_name(f, cell + i);
    }
    bool failed = ferror(f);
    if (fclose(f) || failed) {
        free(text);
        return NULL;
    }
    return text;
}

static int by_stack(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    return strcmp(x->stack, y->stack);
}

/* Two stacks may look the same: they are one line then. */
static void print(FILE *out, struct line *line, size_t count)
{
    uint64_t sum = 0;
    qsort(line, count, sizeof(*line), by_stack);
    for (size_t i = 0; i < count; i++) {
        sum += line[i].weight;
        if (i + 1 < count && strcmp(line[i].stack, line[i + 1].stack) == 0)
            continue;
        if (sum)
            fprintf(out, "%s %" PRIu64 "\n", line[i].stack, sum);
        sum = 0;
    }
}

int profile_folded(FILE *out, const struct view *view, const struct profile_options *options,
                   struct hl_error *error)
{
    struct line *line = calloc(view->row_count + 1, sizeof(*line));
    struct profile_cell *cell = calloc(PROFILE_PATH_MAX, sizeof(*cell));
    bool fine = line && cell;
    size_t count = 0;
    for (size_t i = 0; i < view->row_count && fine; i++) {
        const struct profile_row *row = view->row + i;
        size_t n = profile_path(view, row, options->by, cell);
        if (!n)
            continue;
        line[count].stack = join(cell, n);
        line[count].weight = options->weight == PROFILE_TIME ? row->ns : row->count;
        fine = line[count++].stack != NULL;
    }
    if (fine && count)
        print(out, line, count);
    for (size_t i = 0; i < count; i++)
        free(line[i].stack);
    free(line);
    free(cell);
    return fine ? 0 : hl_error_set(error, HL_ERR_MEMORY, "out of memory");
}
