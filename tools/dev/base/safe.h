/* SPDX-License-Identifier: Apache-2.0 */
/* safe.h - --safe-output: what a guest prints, without what a terminal would obey. */
#ifndef DEV_SAFE_H
#define DEV_SAFE_H

#include <stddef.h>
#include <stdio.h>

/* Of one stream, zero at first: the start of a character whose rest has not yet come. */
struct safe {
    unsigned char held[4];
    size_t count;
};

/* Newlines and tabs stay; the rest is escaped as by utf8_escape(), also across two writes. */
void safe_write(struct safe *safe, FILE *f, const void *data, size_t size);
/* There is no rest: what is held back is printed. */
void safe_end(struct safe *safe, FILE *f);

#endif
