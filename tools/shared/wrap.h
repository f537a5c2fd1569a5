/* SPDX-License-Identifier: Apache-2.0 */
/* wrap.h - words in lines that are no longer than a width. */
#ifndef TOOLS_WRAP_H
#define TOOLS_WRAP_H

#include <stddef.h>
#include <stdio.h>

struct wrap {
    FILE *file;
    unsigned width, indent; /* indent: of all lines but the first */
    unsigned column;        /* where the line ends by now */
    void (*put_word)(FILE *file, const char *word, size_t size); /* NULL: as it is */
};

/* One word with a space before it, or on a line of its own where it does not fit. */
void wrap_word(struct wrap *wrap, const char *word, size_t size);

/* All words of text, which spaces separate; the first one stays on the line. */
void wrap_text(struct wrap *wrap, const char *text);

#endif
