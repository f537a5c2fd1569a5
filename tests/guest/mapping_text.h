/* SPDX-License-Identifier: Apache-2.0 */
/* mapping_text.h - the last call of a sequence (mapping.h) as text. */
#ifndef TESTS_MAPPING_TEXT_H
#define TESTS_MAPPING_TEXT_H

#include <stdio.h>

#include "mapping.h"

/* Addresses as distances from the arena. */
static inline void mapping_describe(const struct mapping *m, char *text, size_t size)
{
    static const struct {
        long number;
        const char *name;
    } names[] = {{SYS_mmap, "mmap"},         {SYS_munmap, "munmap"},   {SYS_mremap, "mremap"},
                 {SYS_mprotect, "mprotect"}, {SYS_madvise, "madvise"}, {SYS_brk, "brk"}};
    const uint64_t *a = m->last.a;
    const char *name = "?";
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].number == m->last.number)
            name = names[i].name;
    snprintf(text, size, "%s(arena + %#lx, %#lx, %#lx, %#lx, %#lx) of %s", name,
             (unsigned long)(a[0] - m->arena), (unsigned long)a[1], (unsigned long)a[2],
             (unsigned long)a[3], (unsigned long)(a[4] - (a[4] > m->arena ? m->arena : 0)),
             m->is_brk ? "brk's pages" : "mmap's pages");
}

#endif
