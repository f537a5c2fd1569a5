/* SPDX-License-Identifier: Apache-2.0 */
#include "grow.h"

#include <stdlib.h>

#define LEAST_ITEMS 16
#define LEAST_BYTES 256

void *array_enlarge(void *array, size_t *room, size_t need, size_t size)
{
    size_t more = size == 1 ? LEAST_BYTES : LEAST_ITEMS, twice;
    if (!__builtin_mul_overflow(*room, 2, &twice) && twice > more)
        more = twice;
    if (need > more)
        more = need;
    size_t bytes;
    void *bigger = __builtin_mul_overflow(more, size, &bytes) ? NULL : realloc(array, bytes);
    if (bigger)
        *room = more;
    return bigger;
}
