/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_tree.h"

#include <stdlib.h>
#include <string.h>

#include "profile_map.h"

struct builder {
    struct profile_tree *tree;
    struct profile_map map; /* of nodes by parent and key of the cell; the root is not in it */
};

static bool append(struct profile_tree *tree, const struct profile_cell *cell, uint32_t parent)
{
    struct view_node *more = profile_grow(tree->node, tree->count, sizeof(*more));
    if (!more || tree->count >= UINT32_MAX - 1)
        return false;
    tree->node = more;
    uint32_t depth = tree->count ? tree->node[parent].depth + 1 : 0;
    tree->node[tree->count++] = (struct view_node){.cell = *cell, .parent = parent, .depth = depth};
    if (depth > tree->depth)
        tree->depth = depth;
    return true;
}

/* 0: no memory. */
static uint32_t child(struct builder *b, uint32_t parent, const struct profile_cell *cell)
{
    uint32_t n = profile_map(&b->map, parent, cell->key);
    if (n == PROFILE_MAP_FULL || (n + 1 == b->tree->count && !append(b->tree, cell, parent)))
        return 0;
    struct view_node *node = b->tree->node + n + 1;
    if (cell->frame && strcmp(cell->frame->place, node->cell.frame->place) != 0)
        node->several = true;
    return n + 1;
}

static bool add_row(struct builder *b, const struct profile_row *row,
                    const struct profile_cell *cell, size_t n)
{
    uint32_t at = 0;
    for (size_t i = 0; i <= n; i++) {
        b->tree->node[at].count += row->count;
        b->tree->node[at].ns += row->ns;
        if (i < n && !(at = child(b, at, cell + i)))
            return false;
    }
    return true;
}

static int compare_cells(const struct profile_cell *a, const struct profile_cell *b)
{
    int rc = (int)b->type - (int)a->type;
    rc = rc ? rc : strcmp(a->name, b->name);
    rc = rc ? rc : strcmp(a->at, b->at);
    if (rc || a->type != PROFILE_CELL_FRAME)
        return rc;
    rc = strcmp(a->frame->file, b->frame->file);
    return rc ? rc : (int)a->frame->inlined - (int)b->frame->inlined;
}

static int by_parent_and_name(const void *a, const void *b, void *nodes)
{
    const struct view_node *x = (struct view_node *)nodes + *(const uint32_t *)a;
    const struct view_node *y = (struct view_node *)nodes + *(const uint32_t *)b;
    if (x->parent != y->parent)
        return x->parent < y->parent ? -1 : 1;
    return compare_cells(&x->cell, &y->cell);
}

/* Chain up children in the order of their names, which does not depend on how they were found. */
static bool sort(struct profile_tree *tree)
{
    uint32_t *order = calloc(tree->count + 1, sizeof(*order));
    if (!order)
        return false;
    for (size_t i = 1; i < tree->count; i++)
        order[i - 1] = (uint32_t)i;
    qsort_r(order, tree->count - 1, sizeof(*order), by_parent_and_name, tree->node);
    for (size_t i = tree->count - 1; i-- > 0;) {
        struct view_node *node = tree->node + order[i];
        node->sibling = tree->node[node->parent].child;
        tree->node[node->parent].child = order[i];
    }
    free(order);
    return true;
}

int profile_tree_make(struct profile_tree *tree, const struct view *view, enum profile_by by,
                      struct hl_error *error)
{
    memset(tree, 0, sizeof(*tree));
    struct builder b = {.tree = tree};
    struct profile_cell all = {.type = PROFILE_CELL_ROOT, .name = "all", .at = ""};
    struct profile_cell *cell = calloc(PROFILE_PATH_MAX, sizeof(*cell));
    bool fine = cell && append(tree, &all, 0);
    for (size_t i = 0; i < view->row_count && fine; i++) {
        size_t n = profile_path(view, view->row + i, by, cell);
        fine = !n || add_row(&b, view->row + i, cell, n);
    }
    fine = fine && sort(tree);
    free(cell);
    profile_map_free(&b.map);
    return fine ? 0 : hl_error_set(error, HL_ERR_MEMORY, "out of memory");
}

void profile_tree_free(struct profile_tree *tree)
{
    free(tree->node);
    memset(tree, 0, sizeof(*tree));
}

/*
 * Both trees' children are in the same order, so they are merged like two sorted lists.  A parent
 * comes before its children: going through the new nodes once meets each after its parent.
 */
static void merge_children(struct profile_tree *tree, const struct profile_tree *old, uint32_t at,
                           uint32_t *twin)
{
    uint32_t a = tree->node[at].child, b = old->node[twin[at] - 1].child;
    while (b) {
        int rc = a ? compare_cells(&tree->node[a].cell, &old->node[b].cell) : 1;
        if (rc == 0) {
            tree->node[a].old_count = old->node[b].count;
            tree->node[a].old_ns = old->node[b].ns;
            twin[a] = b + 1;
        } else if (rc > 0) {
            tree->gone_count += old->node[b].count;
            tree->gone_ns += old->node[b].ns;
        }
        a = rc <= 0 ? tree->node[a].sibling : a;
        b = rc >= 0 ? old->node[b].sibling : b;
    }
}

int profile_tree_compare(struct profile_tree *tree, const struct profile_tree *old,
                         struct hl_error *error)
{
    uint32_t *twin = calloc(tree->count, sizeof(*twin)); /* in the old one, + 1 */
    if (!twin)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    twin[0] = 1;
    tree->node[0].old_count = old->node[0].count;
    tree->node[0].old_ns = old->node[0].ns;
    for (size_t i = 0; i < tree->count; i++)
        if (twin[i])
            merge_children(tree, old, (uint32_t)i, twin);
    free(twin);
    return 0;
}
