/* SPDX-License-Identifier: Apache-2.0 */
/* profile_map.h - numbers for pairs of numbers, in the order they come. */
#ifndef DEV_PROFILE_MAP_H
#define DEV_PROFILE_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "table.h"

/* Zero is an empty one. */
struct profile_map {
    struct table keys;
};

#define PROFILE_MAP_FULL TABLE_NONE

/* The number of the pair: 0 for the first one, and so on; FULL: no memory. */
uint32_t profile_map(struct profile_map *map, uint32_t a, uint32_t b);
void profile_map_free(struct profile_map *map);

/* The array with room for one more item of `size` bytes after `count` of them; NULL: no memory. */
void *profile_grow(void *array, size_t count, size_t size);

#endif
