/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - a cursor over the arguments of a packet; every reader checks the end. */
#ifndef GDB_TEXT_H
#define GDB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gdb_text {
    const uint8_t *at, *end;
};

size_t gdb_text_left(const struct gdb_text *text);
/* Step over c when it is next. */
bool gdb_text_is(struct gdb_text *text, char c);
/* Step over word when it is next. */
bool gdb_text_word(struct gdb_text *text, const char *word);
/* 1 to 16 hex digits. */
bool gdb_text_number(struct gdb_text *text, uint64_t *number);
/* "number,number" and the end, or just not the end. */
bool gdb_text_pair(struct gdb_text *text, uint64_t *a, uint64_t *b);
/* Everything up to (not including) c, or up to the end; steps over c. */
struct gdb_text gdb_text_until(struct gdb_text *text, char c);
/* Exactly size bytes from twice as many hex digits. */
bool gdb_text_hex(struct gdb_text *text, void *data, size_t size);
/* The rest as hex digits into a string of at most room bytes with its NUL; no NUL inside. */
bool gdb_text_hex_string(struct gdb_text *text, char *string, size_t room);
/* Undo the escapes of a binary packet, in place; the size that remains, or -1: a dangling escape.
 */
ptrdiff_t gdb_unescape(uint8_t *data, size_t size);

/* For a message on gdb's terminal: what is not printable ASCII becomes '?', in place. */
void gdb_text_plain(char *string);

#endif
