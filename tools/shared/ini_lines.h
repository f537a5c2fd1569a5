/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ini_lines.h - a file of `[section]` and `key = value` lines, one after the other, read by inih.
 *
 * inih names neither the line of an entry nor a section without entries: it is given one line at a
 * time.  Lines that start with ; or # are comments; a line is never continued.
 */
#ifndef TOOLS_INI_LINES_H
#define TOOLS_INI_LINES_H

#include <stddef.h>

enum ini_item { INI_SECTION, INI_ENTRY, INI_BAD };

/* Valid during the call of ini_take; for INI_BAD, a line that is neither, only the line is set. */
struct ini {
    unsigned line; /* from 1 */
    const char *section, *key, *value;
};

/* A negative enum hl_err ends the reading. */
typedef int ini_take(void *opaque, enum ini_item item, const struct ini *ini);

/* text[size] must be there too; a UTF-8 byte order mark is skipped.  text is changed.
 * HL_ERR_MEMORY, or what take returned. */
int ini_read(char *text, size_t size, ini_take *take, void *opaque);

#endif
