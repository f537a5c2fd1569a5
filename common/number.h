/* SPDX-License-Identifier: Apache-2.0 */
/* number.h - numbers in text, strictly: strtoul() takes blanks and signs, and wraps around. */
#ifndef COMMON_NUMBER_H
#define COMMON_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The digits at the start of text, of base 10 or 16 (without 0x): what follows them, with the
 * number in *value.  NULL: there is no digit, or the number is above max.
 */
const char *number_read(const char *text, unsigned base, uint64_t max, uint64_t *value);

/* The text is such a number and nothing else. */
bool number_is(const char *text, unsigned base, uint64_t max, uint64_t *value);

#endif
