/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/args.c - the guest's arguments and environment, as they are on its stack.
 *
 * Their address is not stored anywhere, and a clone's stack was not built by us.  So the auxiliary
 * vector, whose contents are known, is searched for; below it is what the ABI says (System V AMD64,
 * 3.4.1): argc, argv, NULL, envp, NULL.  A guest may have overwritten it.
 */
#include "debug.h"

#include <string.h>

#define SEARCHED (256u << 10) /* from the top of the stack: more than arguments can take */

struct stack {
    const uint8_t *host;
    hl_gva_t start;
    size_t size;
};

/* Index of the vector's first word, 0: not found. */
static size_t find_auxv(const struct stack *s, const struct hl_sandbox *sb)
{
    Elf64_auxv_t aux[LAYOUT_AUX_MAX];
    size_t size = layout_auxv(sb, aux) * sizeof(aux[0]), words = s->size / 8;
    size_t lowest = s->size > SEARCHED ? (s->size - SEARCHED) / 8 : 0;
    for (size_t at = words - size / 8; at > lowest; at--)
        if (memcmp(s->host + 8 * at, aux, size) == 0)
            return at;
    return 0;
}

static uint64_t word(const struct stack *s, size_t at)
{
    uint64_t value;
    memcpy(&value, s->host + 8 * at, sizeof(value));
    return value;
}

static void put_string(FILE *out, const struct stack *s, hl_gva_t at)
{
    if (at < s->start || at - s->start >= s->size)
        return;
    const char *text = (const char *)s->host + (at - s->start);
    fwrite(text, 1, strnlen(text, s->size - (at - s->start)), out);
    fputc('\0', out);
}

/* Search down from `end`, which is past a list's NULL: its first element, or 0. */
static size_t first_of(const struct stack *s, size_t end)
{
    size_t at = end - 1;
    if (end < 2 || word(s, at))
        return 0;
    while (at > 1 && word(s, at - 1) >= s->start)
        at--;
    return at;
}

bool debug_put_strings(FILE *out, const struct hl_debug *d, enum debug_strings which)
{
    const struct hl_sandbox *sb = d->sb;
    const struct hl_region *r = &sb->region[REGION_STACK];
    const struct stack s = {hl_machine_memory(sb->machine, sb->gpa[REGION_STACK], r->size),
                            r->start, r->size};
    size_t auxv = s.host ? find_auxv(&s, sb) : 0;
    size_t envp = auxv ? first_of(&s, auxv) : 0;
    size_t argv = envp ? first_of(&s, envp) : 0;
    if (!argv || word(&s, argv - 1) != envp - argv - 1)
        return false;
    size_t at = which == DEBUG_ARGV ? argv : envp;
    size_t end = which == DEBUG_ARGV ? envp - 1 : auxv - 1;
    for (; at < end; at++)
        put_string(out, &s, word(&s, at));
    return true;
}
