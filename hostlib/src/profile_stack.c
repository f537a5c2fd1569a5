/* SPDX-License-Identifier: Apache-2.0 */
/* profile_stack.c - the guest's stack as a number: places, their names, and who calls whom. */
#include "profile.h"

#include <stdlib.h>
#include <string.h>

#include "machine_debug.h"

#define EXPAND_MAX 40 /* frames at one code address: the function and what is inlined there */

/* ---- texts, once each ---- */

uint32_t profile_intern(struct hl_profile *p, const char *text)
{
    struct profile_string key = {.hash = text ? table_hash(text, strlen(text)) : 0};
    for (; text; key.turn++) {
        uint32_t n = table_intern(&p->strings, &key);
        struct profile_string *s = n == TABLE_NONE ? NULL : table_at(&p->strings, n);
        if (s && !s->text)
            s->text = strdup(text);
        if (!s || !s->text || strcmp(s->text, text) == 0)
            return s && s->text ? n : TABLE_NONE;
    }
    return TABLE_NONE;
}

const char *profile_interned(const struct hl_profile *p, uint32_t string)
{
    const struct profile_string *s = string == TABLE_NONE ? NULL : table_at(&p->strings, string);
    return s ? s->text : NULL;
}

void profile_intern_free(struct hl_profile *p)
{
    for (uint32_t i = 0; i < p->strings.count; i++)
        free(((struct profile_string *)table_at(&p->strings, i))->text);
    table_free(&p->strings);
}

/* ---- places ---- */

static bool add_place(struct hl_profile *p, uint32_t frame)
{
    if (p->place_count == p->place_room) {
        uint32_t room = p->place_room ? 2 * p->place_room : 256;
        uint32_t *places = realloc(p->places, room * sizeof(*places));
        if (!places)
            return false;
        p->places = places;
        p->place_room = room;
    }
    p->places[p->place_count++] = frame;
    return true;
}

static uint32_t intern_frame(struct hl_profile *p, const struct hl_frame *f,
                             const struct hl_place *place)
{
    struct profile_frame frame = {
        .function = profile_intern(p, f->location.function),
        .file = profile_intern(p, f->location.file),
        .line = f->location.file ? f->location.line : 0,
        .flags = (f->inlined ? FRAME_INLINED : 0u) | (place->uncertain ? FRAME_UNCERTAIN : 0u) |
                 (hl_frame_is_runtime(f) ? FRAME_RUNTIME : 0u),
        .address = f->location.file ? 0 : place->pc,
    };
    return table_intern(&p->frames, &frame);
}

/* Look the names up, which is slow, but once for each place. */
static void expand(struct tap *t, const struct hl_place *place, struct profile_code *code)
{
    struct hl_profile *p = t->profile;
    struct hl_frame frames[EXPAND_MAX] = {{.pc = 0}};
    size_t count = t->symbols ? hl_symbols_expand(t->symbols, place->at, frames, EXPAND_MAX) : 1;
    code->first = p->place_count;
    for (size_t i = 0; i < count; i++) {
        uint32_t frame = intern_frame(p, &frames[i], place);
        if (frame == TABLE_NONE || !add_place(p, frame))
            break;
        code->count++;
    }
}

static const struct profile_code *find_code(struct tap *t, const struct hl_place *place)
{
    const uint64_t key[2] = {place->at, place->uncertain};
    uint32_t before = t->profile->codes.count;
    uint32_t n = table_intern(&t->profile->codes, key);
    if (n == TABLE_NONE)
        return NULL;
    struct profile_code *code = table_at(&t->profile->codes, n);
    if (n == before)
        expand(t, place, code);
    return code->count ? code : NULL;
}

/* ---- stacks ---- */

static size_t read_guest(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    return hl_machine_read(opaque, gva, buf, size, HL_PROT_READ);
}

/* As hl_symbols_site(), on what is known already. */
static bool is_site(const struct profile_frame *f, uint32_t import)
{
    return f->file != TABLE_NONE && !(f->flags & FRAME_RUNTIME) &&
           (import == TABLE_NONE || f->function != import);
}

/* How many of the places, from the innermost on, are within what a stack may have. */
static size_t that_fit(struct tap *t, size_t count)
{
    size_t frames = 0, n = 0;
    for (; n < count; n++) {
        const struct profile_code *code = find_code(t, &t->place[n]);
        frames += code ? code->count : 0;
        if (frames > PROFILE_FRAMES)
            break;
    }
    return n;
}

/* Outermost first, so that equal callers are one chain. */
static struct profile_stack add_frames(struct tap *t, size_t count, uint32_t import)
{
    struct hl_profile *p = t->profile;
    struct profile_stack stack = {TABLE_NONE, TABLE_NONE};
    for (size_t i = that_fit(t, count); i-- > 0;) {
        const struct profile_code *code = find_code(t, &t->place[i]);
        for (uint32_t k = code ? code->count : 0; k-- > 0;) {
            const struct profile_node key = {stack.node, p->places[code->first + k]};
            uint32_t node = table_intern(&p->nodes, &key);
            if (node == TABLE_NONE) {
                p->dropped++;
                return (struct profile_stack){TABLE_NONE, TABLE_NONE};
            }
            stack.node = node;
            if (is_site(table_at(&p->frames, key.frame), import))
                stack.site = node;
        }
    }
    if (stack.site == TABLE_NONE)
        stack.site = stack.node;
    return stack;
}

struct profile_stack profile_walk(struct tap *t, bool behind, const char *import)
{
    struct hl_regs regs = {0};
    size_t count = 1;
    if (machine_get_general(t->sb->machine, &regs, NULL))
        return (struct profile_stack){TABLE_NONE, TABLE_NONE};
    if (t->symbols)
        count = hl_symbols_walk(t->symbols, &regs, behind, read_guest, t->sb->machine, t->place,
                                PROFILE_DEPTH);
    else
        t->place[0] = (struct hl_place){.pc = regs.rip, .at = regs.rip - behind};
    return add_frames(t, count, import ? profile_intern(t->profile, import) : TABLE_NONE);
}
