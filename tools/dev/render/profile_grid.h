/* SPDX-License-Identifier: Apache-2.0 */
/* profile_grid.h - aligned columns of text. */
#ifndef DEV_PROFILE_GRID_H
#define DEV_PROFILE_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Escape sequences, or "". */
struct profile_colors {
    const char *bold, *dim, *red, *green, *plain;
};
extern const struct profile_colors profile_colors[2]; /* [color] */

struct profile_grid {
    const char *align; /* 'l' or 'r' for each column */
    bool bold_head;    /* the first row is a heading; a column with nothing but that is left out */
    /*
     * Where the rows are wider than the output (width.h): columns to leave out, as letters from
     * 'a', the first one first; and then the column whose texts are cut at their start, or 0.
     */
    const char *spare;
    char cut;
    char **cell;
    size_t count;
    bool failed; /* no memory: cells are missing */
};

void profile_grid_cell(struct profile_grid *grid, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void profile_grid_time(struct profile_grid *grid, uint64_t ns);
void profile_grid_percent(struct profile_grid *grid, uint64_t part, uint64_t whole);

/* Print and empty it; false where there was no memory. */
bool profile_grid_print(struct profile_grid *grid, FILE *out, const struct profile_colors *colors);

#endif
