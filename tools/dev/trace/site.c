/* SPDX-License-Identifier: Apache-2.0 */
#include "trace_site.h"

#include <stdlib.h>
#include <string.h>

#include "table.h"

#define PLACES_MAX 2048 /* addresses of exits are few, unless a guest plays with us */
#define NEAR 8          /* frames between an exit and the author's code, mostly */

/* The functions at one code address: one, and those inlined there. */
struct place_names {
    hl_gva_t at;
    struct hl_frame *frame; /* NULL: not looked up */
    size_t count;
};

struct trace_sites {
    struct hl_symbols *symbols;
    struct table places;
};

struct trace_sites *trace_sites_open(const struct hl_image *image)
{
    struct trace_sites *s = calloc(1, sizeof(*s));
    if (!s || hl_symbols_open(&s->symbols, image, NULL)) {
        free(s);
        return NULL;
    }
    s->places = (struct table){
        .item_size = sizeof(struct place_names), .key_size = sizeof(hl_gva_t), .max = PLACES_MAX};
    return s;
}

static void forget(struct trace_sites *s)
{
    for (uint32_t i = 0; i < s->places.count; i++)
        free(((struct place_names *)table_at(&s->places, i))->frame);
    table_free(&s->places);
}

void trace_sites_close(struct trace_sites *s)
{
    if (!s)
        return;
    forget(s);
    symbols_hint(s->symbols);
    hl_symbols_close(s->symbols);
    free(s);
}

/* NULL: no memory. */
static const struct place_names *look_up(struct trace_sites *s, hl_gva_t at)
{
    if (s->places.count == PLACES_MAX && table_find(&s->places, &at) == TABLE_NONE)
        forget(s);
    uint32_t number = table_intern(&s->places, &at);
    struct place_names *names = number == TABLE_NONE ? NULL : table_at(&s->places, number);
    if (!names || names->frame)
        return names;
    struct hl_frame frame[FRAMES_MAX];
    size_t count = hl_symbols_expand(s->symbols, at, frame, FRAMES_MAX);
    names->frame = malloc((count + 1) * sizeof(*frame));
    if (!names->frame)
        return NULL; /* and asked again */
    memcpy(names->frame, frame, count * sizeof(*frame));
    names->count = count;
    return names;
}

static void add_place(struct trace_sites *s, const struct hl_place *place, struct trace_stack *to)
{
    const struct place_names *names = look_up(s, place->at);
    for (size_t i = 0; names && i < names->count && to->count < FRAMES_MAX; i++) {
        struct hl_frame *f = &to->frame[to->count++];
        *f = names->frame[i];
        f->pc = place->pc;
        f->cfa = place->cfa;
        f->uncertain = place->uncertain;
    }
}

static size_t read_guest(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    return hl_machine_read(opaque, gva, buf, size, HL_PROT_READ);
}

/* Without debug information: the first that is named and neither of the SDK nor the stub. */
static size_t named_site(const struct trace_stack *stack, const char *import)
{
    for (size_t i = 0; i < stack->count; i++) {
        const char *function = stack->frame[i].location.function;
        if (function && !hl_frame_is_runtime(&stack->frame[i]) &&
            !(import && strcmp(function, import) == 0))
            return i;
    }
    return 0;
}

static bool is_own(const struct hl_frame *f, const char *import)
{
    return f->location.file && !hl_frame_is_runtime(f) &&
           !(import && f->location.function && strcmp(f->location.function, import) == 0);
}

void trace_sites_find(struct trace_sites *s, struct hl_machine *machine, bool past,
                      const char *import, bool whole, struct trace_stack *to)
{
    struct hl_place place[FRAMES_MAX];
    struct hl_regs regs;
    to->count = to->site = 0;
    if (hl_machine_get_regs(machine, &regs, NULL))
        return;
    for (size_t max = whole ? FRAMES_MAX : NEAR;; max = FRAMES_MAX) {
        size_t count = hl_symbols_walk(s->symbols, &regs, past, read_guest, machine, place, max);
        to->count = 0;
        for (size_t i = 0; i < count; i++)
            add_place(s, &place[i], to);
        to->site = hl_symbols_site(to->frame, to->count, import);
        bool found = to->count && is_own(&to->frame[to->site], import);
        if (!found)
            to->site = named_site(to, import);
        if (found || count < max || max == FRAMES_MAX)
            return;
    }
}
