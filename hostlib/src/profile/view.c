/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile/view.c - the tables of a profile for the document: stacks of frames, with the functions
 * inlined at each code address, instead of stacks of code addresses.
 */
#include <stdlib.h>

#include "profile.h"

#define WORK_MAX (16u << 20) /* frames built for truncated stacks, one stack at a time */

/* A node of the profile as one of the view; frames: the length of its whole stack. */
struct mapped {
    uint32_t node, frames;
};

struct maker {
    const struct hl_profile *p;
    struct profile_view *view;
    struct mapped *mapped;
    uint32_t work;
};

static const struct profile_code *code_of(const struct hl_profile *p, uint32_t node)
{
    const struct profile_node *n = table_at(&p->nodes, node);
    return table_at(&p->codes, n->what);
}

static uint32_t parent_of(const struct table *nodes, uint32_t node)
{
    return ((const struct profile_node *)table_at(nodes, node))->parent;
}

/* Add the frames of one code address below a node of the view; returns the innermost. */
static uint32_t add_frames(struct maker *m, uint32_t parent, const struct profile_code *code)
{
    for (uint32_t k = code->count; k-- > 0;) {
        const struct profile_node key = {parent, m->p->places[code->first + k]};
        parent = table_intern(&m->view->nodes, &key);
        if (parent == TABLE_NONE)
            break;
    }
    return parent;
}

/* Parents are stored before their children. */
static void map_nodes(struct maker *m)
{
    const struct hl_profile *p = m->p;
    for (uint32_t i = 0; i < p->nodes.count; i++) {
        uint32_t parent = parent_of(&p->nodes, i);
        struct mapped above = {TABLE_NONE, 0};
        const struct profile_code *code = code_of(p, i);
        if (parent != TABLE_NONE)
            above = m->mapped[parent];
        m->mapped[i] = (struct mapped){TABLE_NONE, above.frames + code->count};
        if (m->mapped[i].frames <= PROFILE_FRAMES &&
            (parent == TABLE_NONE || above.frames == 0 || above.node != TABLE_NONE))
            m->mapped[i].node = add_frames(m, above.node, code);
    }
}

/* The inner frames of a stack that has too many. */
static uint32_t add_cut(struct maker *m, uint32_t node)
{
    uint32_t path[PROFILE_DEPTH], count = 0, frames = 0, at = TABLE_NONE;
    for (; node != TABLE_NONE && count < PROFILE_DEPTH; node = parent_of(&m->p->nodes, node)) {
        frames += code_of(m->p, node)->count;
        if (frames > PROFILE_FRAMES)
            break;
        path[count++] = node;
    }
    if (m->work > WORK_MAX)
        return TABLE_NONE;
    m->work += frames;
    while (count-- > 0) {
        uint32_t next = add_frames(m, at, code_of(m->p, path[count]));
        if (next == TABLE_NONE)
            return TABLE_NONE;
        at = next;
    }
    return at;
}

static uint32_t view_node(struct maker *m, uint32_t node)
{
    if (node == TABLE_NONE)
        return TABLE_NONE;
    return m->mapped[node].frames <= PROFILE_FRAMES ? m->mapped[node].node : add_cut(m, node);
}

/* As hl_symbols_site(), from the names already known. */
static uint32_t site_of(const struct maker *m, uint32_t node, uint32_t kind)
{
    const struct table *nodes = &m->view->nodes;
    const struct profile_kind *k = kind == TABLE_NONE ? NULL : table_at(&m->p->kinds, kind);
    uint32_t import = k && k->reason == REASON_HOST ? k->name : TABLE_NONE;
    for (uint32_t at = node; at != TABLE_NONE; at = parent_of(nodes, at)) {
        const struct profile_node *n = table_at(nodes, at);
        const struct profile_frame *f = table_at(&m->p->frames, n->what);
        if (f->file != TABLE_NONE && !(f->flags & FRAME_RUNTIME) &&
            (import == TABLE_NONE || f->function != import))
            return at;
    }
    return node;
}

static bool add_exits(struct maker *m)
{
    for (uint32_t i = 0; i < m->p->exits.count; i++) {
        const struct profile_exit *from = table_at(&m->p->exits, i);
        const uint32_t key[2] = {from->kind, view_node(m, from->node)};
        uint32_t n = table_intern(&m->view->exits, key);
        if (n == TABLE_NONE)
            return false;
        struct profile_exit *x = table_at(&m->view->exits, n);
        if (!x->count || from->min < x->min)
            x->min = from->min;
        x->max = from->max > x->max ? from->max : x->max;
        x->count += from->count;
        x->ns += from->ns;
        x->site = site_of(m, key[1], key[0]);
    }
    return true;
}

static bool add_samples(struct maker *m)
{
    for (uint32_t i = 0; i < m->p->samples.count; i++) {
        const struct profile_sample *from = table_at(&m->p->samples, i);
        const uint32_t key[4] = {from->root, from->kind, view_node(m, from->node), 0};
        uint32_t n = table_intern(&m->view->samples, key);
        if (n == TABLE_NONE)
            return false;
        struct profile_sample *s = table_at(&m->view->samples, n);
        s->count += from->count;
        s->site = site_of(m, key[2], from->root == ROOT_GUEST ? TABLE_NONE : from->kind);
    }
    return true;
}

bool profile_view_make(const struct hl_profile *p, struct profile_view *view)
{
    struct maker m = {.p = p, .view = view};
    view->nodes = (struct table){sizeof(struct profile_node), 8, .max = NODES_MAX};
    view->exits = (struct table){sizeof(struct profile_exit), 8, .max = ITEMS_MAX};
    view->samples = (struct table){sizeof(struct profile_sample), 16, .max = ITEMS_MAX};
    m.mapped = calloc(p->nodes.count + 1u, sizeof(*m.mapped));
    if (!m.mapped)
        return false;
    map_nodes(&m);
    bool made = add_exits(&m) && add_samples(&m);
    free(m.mapped);
    return made;
}

void profile_view_free(struct profile_view *view)
{
    table_free(&view->nodes);
    table_free(&view->exits);
    table_free(&view->samples);
}
