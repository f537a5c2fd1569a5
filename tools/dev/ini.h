/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ini.h - a file of `[section]` and `key = value` lines, one after the other.  Blank lines and lines
 * that start with ; or # are comments; a line is never continued, and has no limit of its own.
 */
#ifndef DEV_INI_H
#define DEV_INI_H

#include <stddef.h>

struct ini {
    char *at, *end; /* what is still to be read; end is a byte that may be written to */
    unsigned line;  /* of the item, from 1 */
    /* Of the item, within the text and without blanks around: */
    const char *section, *key, *value;
};

enum ini_item { INI_END, INI_SECTION, INI_ENTRY, INI_BAD };

/* text[size] must be there too; a UTF-8 byte order mark is skipped.  text is changed. */
void ini_start(struct ini *ini, char *text, size_t size);
/* The next item; section is "" before the first.  INI_BAD: the line is none of the two. */
enum ini_item ini_next(struct ini *ini);

#endif
