/* SPDX-License-Identifier: Apache-2.0 */
/* profile_tree.h - rows merged into a tree of calls, for flame graphs. */
#ifndef DEV_PROFILE_TREE_H
#define DEV_PROFILE_TREE_H

#include "profile_path.h"

struct view_node {
    struct profile_cell cell;
    uint32_t parent; /* comes before it; of the first one, which stands for everything: itself */
    uint32_t child, sibling; /* the first, and the next: by name; 0: none */
    uint32_t depth;
    uint64_t count, ns; /* with all it calls */
    uint64_t old_count, old_ns;
    bool several; /* lines; cell.frame is of one of them */
};

struct profile_tree {
    struct view_node *node;
    size_t count;
    uint32_t depth;               /* of the deepest */
    uint64_t gone_count, gone_ns; /* of what profile_tree_compare() found to be no more */
};

/* profile_tree_free() in any case.  Errors: MEMORY. */
int profile_tree_make(struct profile_tree *tree, const struct view *view, enum profile_by by,
                      struct hl_error *error);
void profile_tree_free(struct profile_tree *tree);

/* Fill in what was before.  Cells are the same by name, file and line. */
int profile_tree_compare(struct profile_tree *tree, const struct profile_tree *old,
                         struct hl_error *error);

#endif
