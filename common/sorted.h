/* SPDX-License-Identifier: Apache-2.0 */
/* sorted.h - finding a place in an array that is sorted by a number of 64 bits, or a pointer. */
#ifndef COMMON_SORTED_H
#define COMMON_SORTED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How many of count items have a number below key; numbers: the first item's, `size` bytes apart.
 */
static inline size_t sorted_count(const void *numbers, size_t count, size_t size, uint64_t key)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint64_t number;
        memcpy(&number, (const char *)numbers + middle * size, sizeof(number));
        if (number < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many items of the array have a member below key, and how many one of key at most. */
#define SORTED_BELOW(array, count, member, key)                                                    \
    (__extension__({                                                                               \
        _Static_assert(sizeof((array)->member) == sizeof(uint64_t), "a number of 64 bits");        \
        (count) ? sorted_count(&(array)->member, (count), sizeof(*(array)), (key)) : 0;            \
    }))
#define SORTED_UP_TO(array, count, member, key)                                                    \
    ((key) == UINT64_MAX ? (count) : SORTED_BELOW(array, count, member, (key) + 1))

#endif
