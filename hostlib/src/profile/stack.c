/* SPDX-License-Identifier: Apache-2.0 */
/* profile/stack.c - represent the guest's stacks as numbers: strings, places, and call chains. */
#include "profile.h"

#include <stdlib.h>
#include <string.h>

#include "machine_debug.h"

/* ---- strings, stored once ---- */

uint32_t profile_intern(struct hl_profile *p, const char *text)
{
    struct profile_string key = {.hash = text ? table_hash(text, strlen(text)) : 0};
    for (; text; key.turn++) {
        uint32_t n = table_intern(&p->strings, &key);
        struct profile_string *s = n == TABLE_NONE ? NULL : table_at(&p->strings, n);
        if (s && !s->text && strlen(text) < STRINGS_MAX - p->string_bytes) {
            s->text = strdup(text);
            p->string_bytes += strlen(text);
        }
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

/* ---- stacks ---- */

static uint32_t find_code(struct tap *t, const struct hl_place *place)
{
    const uint64_t key[2] = {place->at, place->uncertain};
    uint32_t n = table_intern(&t->profile->codes, key);
    if (n != TABLE_NONE)
        ((struct profile_code *)table_at(&t->profile->codes, n))->pc = place->pc;
    return n;
}

static size_t read_guest(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    return hl_machine_read(opaque, gva, buf, size, HL_PROT_READ);
}

/* Outermost first, so that equal callers share one chain. */
static uint32_t add_places(struct tap *t, size_t count)
{
    struct hl_profile *p = t->profile;
    uint32_t node = TABLE_NONE;
    while (count-- > 0) {
        const struct profile_node key = {node, find_code(t, &t->place[count])};
        if (key.what == TABLE_NONE)
            continue;
        node = table_intern(&p->nodes, &key);
        if (node == TABLE_NONE) {
            p->dropped++;
            return TABLE_NONE;
        }
    }
    return node;
}

uint32_t profile_walk(struct tap *t, bool past)
{
    struct hl_regs regs = {0};
    size_t count = 1;
    if (machine_get_general(t->sb->machine, &regs, NULL))
        return TABLE_NONE;
    if (t->symbols)
        count = hl_symbols_walk(t->symbols, &regs, past, read_guest, t->sb->machine, t->place,
                                PROFILE_DEPTH);
    else
        t->place[0] = (struct hl_place){.pc = regs.rip, .at = regs.rip - past};
    return add_places(t, count);
}
