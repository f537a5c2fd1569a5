/* SPDX-License-Identifier: Apache-2.0 */
/* hex.h - bytes as hexadecimal digits, two each, and back. */
#ifndef COMMON_HEX_H
#define COMMON_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The value of a digit of either case; -1: it is not one. */
static inline int hex_digit(unsigned char c)
{
    unsigned digit = c - (unsigned)'0', letter = (c | 0x20u) - (unsigned)'a';
    return digit < 10 ? (int)digit : letter < 6 ? (int)letter + 10 : -1;
}

/* 2 * size lower-case digits, without a NUL. */
static inline void hex_encode(void *to, const void *data, size_t size)
{
    const uint8_t *from = data;
    char *text = to;
    for (size_t i = 0; i < size; i++) {
        *text++ = "0123456789abcdef"[from[i] >> 4];
        *text++ = "0123456789abcdef"[from[i] & 15];
    }
}

/* size bytes of 2 * size digits; false: one of them is not a digit. */
static inline bool hex_decode(void *to, const void *text, size_t size)
{
    const uint8_t *from = text;
    uint8_t *data = to;
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(from[2 * i]), low = high < 0 ? -1 : hex_digit(from[2 * i + 1]);
        if (low < 0)
            return false;
        data[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

#endif
