/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that gcc and clang call whether or not there is a libc.  `rep movsb` and `rep
 * stosb` are fast on every CPU that KVM runs on today; the byte loops are for what is rarely long.
 * Weak, so that an author can bring better ones.
 */
#include "free.h"

#define HL_WEAK __attribute__((weak))

HL_WEAK void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *at = to;

    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
    return to;
}

HL_WEAK void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    if ((uintptr_t)to - (uintptr_t)from >= size)
        return memcpy(to, from, size);
    while (size-- > 0)
        target[size] = source[size];
    return to;
}

HL_WEAK void *memset(void *to, int value, size_t size)
{
    void *at = to;

    __asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(value) : "memory");
    return to;
}

HL_WEAK int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left;
    const uint8_t *b = right;
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* What is left of memcmp() where only equality is asked for. */
HL_WEAK int bcmp(const void *left, const void *right, size_t size)
{
    return memcmp(left, right, size);
}

HL_WEAK size_t strlen(const char *text)
{
    return hl_length(text);
}
