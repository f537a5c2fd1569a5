/* SPDX-License-Identifier: Apache-2.0 */
#include "number.h"

#include <stddef.h>

#include "hex.h"

const char *number_read(const char *text, unsigned base, uint64_t max, uint64_t *value)
{
    const char *at = text;
    uint64_t number = 0;
    for (int digit; (digit = hex_digit((unsigned char)*at)) >= 0 && digit < (int)base; at++)
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, (uint64_t)digit, &number) || number > max)
            return NULL;
    if (at == text)
        return NULL;
    *value = number;
    return at;
}

bool number_is(const char *text, unsigned base, uint64_t max, uint64_t *value)
{
    const char *end = number_read(text, base, max, value);
    return end && !*end;
}
