/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_grid.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "profile_map.h"
#include "profile_text.h"
#include "utf8.h"
#include "width.h"

enum { COLUMNS_MAX = 16, CUT_MIN = 16 };

const struct profile_colors profile_colors[2] = {
    {"", "", "", "", ""},
    {"\033[1m", "\033[2m", "\033[31m", "\033[32m", "\033[0m"},
};

void profile_grid_cell(struct profile_grid *grid, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    char **more = text ? profile_grow(grid->cell, grid->count, sizeof(*grid->cell)) : NULL;
    if (!more) {
        free(text);
        grid->failed = true;
        return;
    }
    grid->cell = more;
    grid->cell[grid->count++] = text;
}

void profile_grid_time(struct profile_grid *grid, uint64_t ns)
{
    char buf[PROFILE_NUMBER];
    profile_grid_cell(grid, "%s", profile_time(buf, ns));
}

void profile_grid_percent(struct profile_grid *grid, uint64_t part, uint64_t whole)
{
    char buf[PROFILE_NUMBER];
    profile_grid_cell(grid, "%s", profile_percent(buf, part, whole));
}

static void print_row(FILE *out, char **cell, const char *align, const size_t *width)
{
    size_t columns = strlen(align), last = columns, space = 0;
    while (last && (!*cell[last - 1] || !width[last - 1])) /* no blanks at the end of a line */
        last--;
    for (size_t i = 0; i < last; i++) {
        if (!width[i])
            continue;
        size_t pad = width[i] - utf8_count(cell[i]);
        size_t before = space + (align[i] == 'r' ? pad : 0);
        fprintf(out, "%*s%s", (int)before, "", cell[i]);
        space = 2 + (align[i] == 'r' ? 0 : pad);
    }
}

/* Of the columns that are shown, with the blanks between them. */
static size_t sum(const size_t *width, size_t columns)
{
    size_t all = 0;
    for (size_t i = 0; i < columns; i++)
        all += width[i] ? width[i] + 2 : 0;
    return all ? all - 2 : 0;
}

static void measure(const struct profile_grid *grid, size_t *width, size_t columns, size_t rows)
{
    for (size_t k = 0; k < columns; k++) {
        size_t most = 0;
        for (size_t i = grid->bold_head; i < rows; i++) {
            size_t w = utf8_count(grid->cell[i * columns + k]);
            most = w > most ? w : most;
        }
        size_t head = grid->bold_head && rows ? utf8_count(grid->cell[k]) : 0;
        width[k] = most && head > most ? head : most;
    }
}

/* The end of a place says most: ".../src/hello.c:12", "hello.c:12", if need be "...lo.c:12". */
static void cut_start(char *text, size_t room)
{
    size_t width = utf8_count(text);
    if (width <= room)
        return;
    char *from = text + utf8_start(text, width - room + 3);
    char *part = strchr(from, '/'), *base = strrchr(text, '/');
    from = part ? part : from;
    if (!part && base && utf8_count(base + 1) <= room) {
        memmove(text, base + 1, strlen(base));
        return;
    }
    memmove(text + 3, from, strlen(from) + 1);
    memcpy(text, "...", 3);
}

static void fit(struct profile_grid *grid, size_t *width, size_t columns, size_t rows, size_t limit)
{
    for (const char *c = grid->spare; c && *c && sum(width, columns) > limit; c++)
        width[*c - 'a'] = 0;
    size_t all = sum(width, columns), k = (size_t)(grid->cut - 'a');
    if (!grid->cut || all <= limit || width[k] <= CUT_MIN)
        return;
    size_t room = width[k] > all - limit + CUT_MIN ? width[k] - (all - limit) : CUT_MIN;
    for (size_t i = grid->bold_head; i < rows; i++)
        cut_start(grid->cell[i * columns + k], room);
    width[k] = room;
}

bool profile_grid_print(struct profile_grid *grid, FILE *out, const struct profile_colors *colors)
{
    size_t columns = strlen(grid->align), width[COLUMNS_MAX] = {0};
    size_t rows = grid->count / columns;
    measure(grid, width, columns, rows);
    fit(grid, width, columns, rows, width_of(out));
    for (size_t i = 0; i < rows && !grid->failed; i++) {
        bool head = i == 0 && grid->bold_head;
        fputs(head ? colors->bold : "", out);
        print_row(out, grid->cell + i * columns, grid->align, width);
        fprintf(out, "%s\n", head ? colors->plain : "");
    }
    for (size_t i = 0; i < grid->count; i++)
        free(grid->cell[i]);
    free(grid->cell);
    grid->cell = NULL;
    grid->count = 0;
    return !grid->failed;
}
