/* SPDX-License-Identifier: Apache-2.0 */
/* value_text.h - values as text that a call expression (hl-dev run) reads back. */
#ifndef COMMON_VALUE_TEXT_H
#define COMMON_VALUE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <hl/value.h>

/*
 * 42, 0.5, true, "text", x"00ff", void.  A string or bytes of more than max bytes is cut there and
 * followed by "...".
 */
void value_print(FILE *f, const struct hl_value *value, size_t max);

/* The shortest decimal that reads back as d; as a float if single. */
void number_shortest(char text[40], double d, bool single);

#endif
