/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - UTF-8 (RFC 3629), and text made fit for a terminal.  hl/text.h is its public form. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX 4 /* bytes of a character */

/* As hl_text_character(), hl_text_is_control() and hl_text_escape(). */
size_t utf8_character(const void *text, size_t size, uint32_t *character);
bool utf8_is_control(uint32_t character);
size_t utf8_escape(char *to, size_t room, const void *text, size_t size);

/* A byte that continues a character. */
bool utf8_is_tail(unsigned char byte);

/*
 * The number of bytes, at most max, after which text can be cut without cutting a character.  text
 * has more than max bytes.
 */
size_t utf8_whole(const char *text, size_t max);

/* Characters in a string; each is taken to need one column. */
size_t utf8_count(const char *text);

/* Where character number count (from 0) starts in a string; the string's length if it has fewer. */
size_t utf8_start(const char *text, size_t count);

#endif
