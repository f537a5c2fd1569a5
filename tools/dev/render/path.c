/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_path.h"

#include "profile_group.h"

static struct profile_cell cell_of(const struct view_frame *frame, bool line)
{
    uint32_t id = line ? frame->line_id : frame->function;
    return (struct profile_cell){
        .type = PROFILE_CELL_FRAME,
        .key = id << 3 | (uint32_t)frame->inlined << 2 | PROFILE_CELL_FRAME,
        .name = frame->name,
        .at = line ? frame->place : "",
        .frame = frame,
    };
}

size_t profile_path(const struct view *view, const struct profile_row *row, enum profile_by by,
                    struct profile_cell cell[PROFILE_PATH_MAX])
{
    const struct view_frame *frame[PROFILE_DEPTH_MAX];
    const struct view_kind *kind = row->kind < 0 ? NULL : view->kind + row->kind;
    bool kind_first = by == PROFILE_BY_REASON || by == PROFILE_BY_HOST;
    size_t n = 0, frames;
    if (by == PROFILE_BY_HOST && !(kind && profile_kind_is_host(kind)))
        return 0;
    struct profile_cell leaf = {.type = PROFILE_CELL_KIND,
                                .key = (uint32_t)(row->kind + 1) << 3 | PROFILE_CELL_KIND,
                                .name = kind ? kind->label : "",
                                .at = "",
                                .kind = kind};
    if (view->cpu)
        cell[n++] = (struct profile_cell){.type = PROFILE_CELL_ROOT,
                                          .key = (uint32_t)row->root << 3 | PROFILE_CELL_ROOT,
                                          .name = profile_root_name[row->root],
                                          .at = "",
                                          .root = row->root};
    if (kind && kind_first)
        cell[n++] = leaf;
    frames = profile_frames(view, row, frame);
    for (size_t i = 0; i < frames; i++)
        cell[n++] = cell_of(frame[i], by == PROFILE_BY_LINE);
    if (kind && !kind_first)
        cell[n++] = leaf;
    return n;
}
