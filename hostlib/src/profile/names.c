/* SPDX-License-Identifier: Apache-2.0 */
/* profile/names.c - look up the names of code addresses, after the calls that recorded them. */

#include "grow.h"
#include "profile.h"

#define EXPAND_MAX 40 /* frames at one code address: the function and those inlined there */

static bool add_place(struct hl_profile *p, uint32_t frame)
{
    uint32_t *places =
        array_grow(p->places, &p->place_room, (size_t)p->place_count + 1, sizeof(*places));
    if (!places)
        return false;
    p->places = places;
    p->places[p->place_count++] = frame;
    return true;
}

static uint32_t intern_frame(struct hl_profile *p, const struct hl_frame *f,
                             const struct profile_code *code)
{
    struct profile_frame frame = {
        .function = profile_intern(p, f->location.function),
        .file = profile_intern(p, f->location.file),
        .line = f->location.file ? f->location.line : 0,
        .flags = (f->inlined ? FRAME_INLINED : 0u) | (code->uncertain ? FRAME_UNCERTAIN : 0u) |
                 (hl_frame_is_runtime(f) ? FRAME_RUNTIME : 0u),
        .address = f->location.file ? 0 : code->pc,
    };
    return table_intern(&p->frames, &frame);
}

static void keep(struct hl_profile *p, const struct hl_frame *frames, size_t count)
{
    struct profile_code *code = table_at(&p->codes, p->named);
    code->first = p->place_count;
    for (size_t i = 0; i < count; i++) {
        uint32_t frame = intern_frame(p, &frames[i], code);
        if (frame == TABLE_NONE || !add_place(p, frame))
            break;
        code->count++;
    }
    p->named++;
}

/* The next address without names. */
static bool next(struct hl_profile *p, hl_gva_t *at)
{
    profile_lock(p);
    bool more = p->named < p->codes.count;
    if (more)
        *at = ((struct profile_code *)table_at(&p->codes, p->named))->at;
    pthread_mutex_unlock(&p->lock);
    return more;
}

void profile_name(struct hl_profile *p)
{
    struct hl_frame frames[EXPAND_MAX];
    hl_gva_t at;
    if (!p->symbols_tried)
        hl_symbols_open(&p->symbols, p->image, NULL); /* on failure: addresses */
    p->symbols_tried = true;
    while (next(p, &at)) {
        frames[0] = (struct hl_frame){.pc = 0};
        size_t count = p->symbols ? hl_symbols_expand(p->symbols, at, frames, EXPAND_MAX) : 1;
        profile_lock(p);
        keep(p, frames, count);
        pthread_mutex_unlock(&p->lock);
    }
}
