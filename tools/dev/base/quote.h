/* SPDX-License-Identifier: Apache-2.0 */
/* quote.h - text for those who read it back: expr_parse(), or a shell. */
#ifndef DEV_QUOTE_H
#define DEV_QUOTE_H

#include <stddef.h>
#include <stdio.h>

/* As a string of C, which no terminal obeys: "text\n"; followed by "..." where it is cut after max
 * bytes. */
void quote(FILE *f, const void *data, size_t size, size_t max);

/* As one word of a shell command, in quotation marks; free() it.  NULL: no memory. */
char *quote_word(const char *text);

/* All of it, two digits a byte. */
void quote_hex(FILE *f, const void *data, size_t size);

#endif
