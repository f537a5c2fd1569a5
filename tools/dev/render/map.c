/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_map.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void *profile_grow(void *array, size_t count, size_t size)
{
    /* Room is 16, 32, 64 ... and full just when count is one of them. */
    if (count && (count < 16 || (count & (count - 1))))
        return array;
    return realloc(array, (count ? 2 * count : 16) * size);
}

/* Place of the key, or the free one where it belongs. */
static size_t find(const struct profile_map *map, uint64_t key)
{
    uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(hash ^ hash >> 32) & (map->room - 1);
    while (map->value[at] && map->key[at] != key)
        at = (at + 1) & (map->room - 1);
    return at;
}

static bool enlarge(struct profile_map *map)
{
    struct profile_map more = {.room = map->room ? 2 * map->room : 64, .count = map->count};
    more.key = calloc(more.room, sizeof(*more.key));
    more.value = calloc(more.room, sizeof(*more.value));
    if (!more.key || !more.value) {
        profile_map_free(&more);
        return false;
    }
    for (size_t i = 0; i < map->room; i++)
        if (map->value[i]) {
            size_t at = find(&more, map->key[i]);
            more.key[at] = map->key[i];
            more.value[at] = map->value[i];
        }
    profile_map_free(map);
    *map = more;
    return true;
}

uint32_t profile_map(struct profile_map *map, uint32_t a, uint32_t b)
{
    uint64_t key = (uint64_t)a << 32 | b;
    if (2 * map->count >= map->room && !enlarge(map))
        return PROFILE_MAP_FULL;
    size_t at = find(map, key);
    if (!map->value[at]) {
        map->key[at] = key;
        map->value[at] = (uint32_t)++map->count;
    }
    return map->value[at] - 1;
}

void profile_map_free(struct profile_map *map)
{
    free(map->key);
    free(map->value);
    memset(map, 0, sizeof(*map));
}
