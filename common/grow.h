/* SPDX-License-Identifier: Apache-2.0 */
/* grow.h - arrays that get longer. */
#ifndef COMMON_GROW_H
#define COMMON_GROW_H

#include <stddef.h>

/* For array_grow(), when there is no room. */
void *array_enlarge(void *array, size_t *room, size_t need, size_t size);

/*
 * The array, which may have moved, with *room for need items of size bytes: at least twice what it
 * had, so that adding one item at a time stays cheap.  NULL: no memory, or more bytes than a size_t
 * counts; the array and *room are as they were.  New items are not initialised.
 */
static inline void *array_grow(void *array, size_t *room, size_t need, size_t size)
{
    return array && need <= *room ? array : array_enlarge(array, room, need, size);
}

#endif
