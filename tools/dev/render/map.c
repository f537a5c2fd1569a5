/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_map.h"

#include "grow.h"

void *profile_grow(void *array, size_t count, size_t size)
{
    /* Room is 16, 32, 64 ... and full just when count is one of them. */
    size_t room = count;
    if (count && (count < 16 || (count & (count - 1))))
        return array;
    return array_grow(array, &room, count + 1, size);
}

uint32_t profile_map(struct profile_map *map, uint32_t a, uint32_t b)
{
    const uint64_t key = (uint64_t)a << 32 | b;
    if (!map->keys.key_size)
        map->keys =
            (struct table){.item_size = sizeof(key), .key_size = sizeof(key), .max = TABLE_MAX};
    return table_intern(&map->keys, &key);
}

void profile_map_free(struct profile_map *map)
{
    table_free(&map->keys);
}
