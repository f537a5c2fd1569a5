/* SPDX-License-Identifier: Apache-2.0 */
/* expr.h - call expressions: Name(arg, ...), typed by the guest's own function table. */
#ifndef DEV_EXPR_H
#define DEV_EXPR_H

#include <stdio.h>

#include <hl/image.h>
#include <hl/value.h>

struct expr {
    size_t function; /* in the image's table */
    size_t count;
    struct hl_value value[HL_MAX_ARGS];
    void *owned[HL_MAX_ARGS]; /* memory of strings and bytes */
};

/*
 * Parse text against the image.  @FILE is relative to directory (NULL: the current one).
 * Errors: ARGUMENT (not an expression), NO_FUNCTION, SIGNATURE (count, types, ranges), FILE,
 * MEMORY. Free with expr_free() after success.
 */
int expr_parse(struct expr *expr, const char *text, const struct hl_image *image,
               const char *directory, struct hl_error *error);
void expr_free(struct expr *expr);

/* Bytes of input buffer that calling it takes. */
size_t expr_input_size(const struct expr *expr);

#endif
