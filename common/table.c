/* SPDX-License-Identifier: Apache-2.0 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "grow.h"

uint64_t table_hash(const void *data, size_t size)
{
    const uint8_t *key = data;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ key[i]) * 0x100000001b3u;
    return h ^ h >> 32;
}

/* The slot that holds the key, or the empty one where it belongs. */
static uint32_t find_slot(const struct table *t, const void *key)
{
    uint32_t at = (uint32_t)table_hash(key, t->key_size) & (t->slot_count - 1);
    while (t->slots[at] && memcmp(table_at(t, t->slots[at] - 1), key, t->key_size) != 0)
        at = (at + 1) & (t->slot_count - 1);
    return at;
}

static bool grow_slots(struct table *t)
{
    uint32_t count = t->slot_count ? 2 * t->slot_count : 64;
    uint32_t *slots = calloc(count, sizeof(*slots));
    if (!slots)
        return false;
    free(t->slots);
    t->slots = slots;
    t->slot_count = count;
    for (uint32_t i = 0; i < t->count; i++)
        t->slots[find_slot(t, table_at(t, i))] = i + 1;
    return true;
}

static bool grow_items(struct table *t)
{
    uint8_t *items = array_grow(t->items, &t->room, t->count + 1, t->item_size);
    t->items = items ? items : t->items;
    return items;
}

uint32_t table_find(const struct table *t, const void *key)
{
    uint32_t number = t->slot_count ? t->slots[find_slot(t, key)] : 0;
    return number ? number - 1 : TABLE_NONE;
}

uint32_t table_intern(struct table *t, const void *key)
{
    /* At most half full, so that a search ends soon. */
    if (2 * (t->count + 1) > t->slot_count && !grow_slots(t))
        return TABLE_NONE;
    uint32_t at = find_slot(t, key);
    if (t->slots[at])
        return t->slots[at] - 1;
    if (t->count >= t->max || !grow_items(t))
        return TABLE_NONE;
    uint8_t *item = table_at(t, t->count);
    memset(item, 0, t->item_size);
    memcpy(item, key, t->key_size);
    t->slots[at] = ++t->count;
    return t->count - 1;
}

void table_free(struct table *t)
{
    free(t->items);
    free(t->slots);
    t->items = NULL;
    t->slots = NULL;
    t->count = t->slot_count = 0;
    t->room = 0;
}
