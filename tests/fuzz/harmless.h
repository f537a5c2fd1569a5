/* SPDX-License-Identifier: Apache-2.0 */
/* harmless.h - can output that is made of a stranger's text do anything to a terminal? */
#ifndef TESTS_FUZZ_HARMLESS_H
#define TESTS_FUZZ_HARMLESS_H

#include <stdbool.h>
#include <stddef.h>

#include "profile_render.h"

/* Printable text: no control character but the newline, and for the most part UTF-8. */
static inline bool harmless(const unsigned char *s, size_t n, enum profile_format format)
{
    for (size_t i = 0; i < n; i++)
        if ((s[i] < 0x20 && s[i] != '\n') || s[i] == 0x7f ||
            (format != PROFILE_JSON && s[i] == 0xc2 && s[i + 1] >= 0x80 && s[i + 1] < 0xa0))
            return false;
    return true;
}

#endif
