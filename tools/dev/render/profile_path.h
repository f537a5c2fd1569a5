/* SPDX-License-Identifier: Apache-2.0 */
/* profile_path.h - a row as formats with stacks show it: from the outermost cell to the innermost.
 */
#ifndef DEV_PROFILE_PATH_H
#define DEV_PROFILE_PATH_H

#include "profile_render.h"
#include "profile_view.h"

enum profile_cell_type { PROFILE_CELL_FRAME, PROFILE_CELL_KIND, PROFILE_CELL_ROOT };

struct profile_cell {
    enum profile_cell_type type;
    uint32_t key;     /* different for cells that are not the same */
    const char *name; /* of the function, the kind's label, the root */
    const char *at;   /* with --by line "file:line", else "" */
    const struct view_frame *frame;
    const struct view_kind *kind;
    enum profile_root root;
};

#define PROFILE_PATH_MAX (PROFILE_DEPTH_MAX + 2)

/* 0: the row is not to be shown. */
size_t profile_path(const struct view *view, const struct profile_row *row, enum profile_by by,
                    struct profile_cell cell[PROFILE_PATH_MAX]);

#endif
