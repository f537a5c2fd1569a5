/* SPDX-License-Identifier: Apache-2.0 */
/* quote.h - bytes of a guest as a string of C: no terminal obeys it, expr_parse() reads it back. */
#ifndef DEV_QUOTE_H
#define DEV_QUOTE_H

#include <stddef.h>
#include <stdio.h>

/* "text\n"; followed by "..." where it is cut after max bytes. */
void quote(FILE *f, const void *data, size_t size, size_t max);

#endif
