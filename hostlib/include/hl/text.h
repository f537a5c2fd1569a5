/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - text that comes from a guest, made fit for a terminal, a log or a document. */
#ifndef HL_TEXT_H
#define HL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The UTF-8 character (RFC 3629) at the start of text: its length in bytes, and the character in
 * *character unless that is NULL.  0: the first byte does not start a valid character.
 */
HL_API size_t hl_text_character(const void *text, size_t size, uint32_t *character);

/*
 * A terminal would obey the character, or it changes the direction of the text around it: C0 and C1
 * control characters, DEL, the bidirectional controls, line and paragraph separators, U+FEFF and
 * what is no character.
 */
HL_API bool hl_text_is_control(uint32_t character);

/*
 * Copy text and escape in it what hl_text_is_control() names and what is not UTF-8: \n, \r and \t
 * as in C, each other byte as \x1b.  A backslash of the text itself stays single: this is for a reader, it
 * cannot be read back.  As snprintf(): at most room bytes are written, the last of them a NUL, and
 * the length of the whole result is returned; an escape or character that does not fit is left out.
 */
HL_API size_t hl_text_escape(char *to, size_t room, const void *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
