/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_grid.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "profile_map.h"
#include "profile_text.h"

enum { COLUMNS_MAX = 16 };

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
    while (last && !*cell[last - 1]) /* no blanks at the end of a line */
        last--;
    for (size_t i = 0; i < last; i++) {
        if (!width[i])
            continue;
        size_t pad = width[i] - profile_text_width(cell[i]);
        size_t before = space + (align[i] == 'r' ? pad : 0);
        fprintf(out, "%*s%s", (int)before, "", cell[i]);
        space = 2 + (align[i] == 'r' ? 0 : pad);
    }
}

bool profile_grid_print(struct profile_grid *grid, FILE *out, const struct profile_colors *colors)
{
    size_t columns = strlen(grid->align), width[COLUMNS_MAX] = {0};
    size_t rows = grid->count / columns;
    for (size_t i = 0; i < rows * columns; i++) {
        size_t w = profile_text_width(grid->cell[i]);
        if (w > width[i % columns])
            width[i % columns] = w;
    }
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
