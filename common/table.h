/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - items that are found by what they begin with, and numbered as they come. */
#ifndef COMMON_TABLE_H
#define COMMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE_NONE UINT32_MAX

#define TABLE_MAX (UINT32_C(1) << 30) /* items that a table can have */

/* item_size, key_size and max are set by its owner, all else is zero. */
struct table {
    size_t item_size, key_size; /* the key is an item's first bytes: no padding in it */
    uint32_t max;               /* items there may be, at most TABLE_MAX */
    uint32_t count;
    size_t room;
    uint8_t *items;
    uint32_t *slots; /* number + 1 by hash, open addressing; 0: empty */
    uint32_t slot_count;
};

/* FNV-1a; every bit counts in the lower half. */
uint64_t table_hash(const void *data, size_t size);

/* The number of the item with this key; TABLE_NONE: there is no such item. */
uint32_t table_find(const struct table *t, const void *key);

/* The number of the item with this key, made with the rest zero where there was none; TABLE_NONE
 * when it can't be. */
uint32_t table_intern(struct table *t, const void *key);

/* Valid until the next one is made. */
static inline void *table_at(const struct table *t, uint32_t number)
{
    return t->items + (size_t)number * t->item_size;
}

void table_free(struct table *t);

#endif
