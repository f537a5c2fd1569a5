/* SPDX-License-Identifier: Apache-2.0 */
/* quote.h - text for programs that read it back: expr_parse(), a shell, JSON, XML. */
#ifndef COMMON_QUOTE_H
#define COMMON_QUOTE_H

#include <stddef.h>
#include <stdio.h>

/*
 * As a string of C in which nothing drives a terminal: "text\n"; followed by "..." if it is cut
 * after max bytes.
 */
void quote(FILE *f, const void *data, size_t size, size_t max);

/* As a string of JSON: what is not UTF-8 becomes U+FFFD, what a terminal would obey \uXXXX. */
void quote_json(FILE *f, const void *data, size_t size);

/*
 * As one word of a shell command, in quotation marks; free() it.  NULL: no memory.  quote_word() is
 * for people and their bash or zsh: what a terminal would obey is escaped.  quote_plain_word() is
 * for any shell: the bytes are as they are.
 */
char *quote_word(const char *text);
char *quote_plain_word(const char *text);

/* All of it, two digits a byte. */
void quote_hex(FILE *f, const void *data, size_t size);

/* What stands for the character in XML; NULL: it stands for itself. */
const char *quote_xml(char c);

#endif
