/* SPDX-License-Identifier: Apache-2.0 */
/* grow.h - arrays that get longer. */
#ifndef COMMON_GROW_H
#define COMMON_GROW_H

#include <stddef.h>

/*
 * The array, which may have moved, with *room for need items of size bytes: at least twice what it
 * had, so that adding one item at a time stays cheap.  NULL: no memory, or more bytes than a size_t
 * counts; the array and *room are as they were.  New items are not initialised.
 */
void *array_grow(void *array, size_t *room, size_t need, size_t size);

#endif
