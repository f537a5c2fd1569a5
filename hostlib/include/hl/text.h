/* SPDX-License-Identifier: Apache-2.0 */
/* hl/text.h - make text from a guest safe for a terminal, a log or a document. */
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
 * Decode the UTF-8 character (RFC 3629) at the start of text.  Returns its length in bytes, or 0 if
 * text does not start with a valid character.  *character (may be NULL) is the character.
 */
HL_API size_t hl_text_character(const void *text, size_t size, uint32_t *character);

/*
 * True for characters that control a terminal or change the direction of the text around them: C0
 * and C1 control characters, DEL, the bidirectional controls, line and paragraph separators, U+FEFF
 * and noncharacters.
 */
HL_API bool hl_text_is_control(uint32_t character);

/*
 * Copy text, escaping control characters (see hl_text_is_control()) and bytes that are not UTF-8:
 * \n, \r and \t as in C, other bytes in the form \x1b.  A backslash in the text is not doubled: the
 * result is for display and cannot be decoded.  As with snprintf(), at most room bytes are written,
 * the last of them a NUL, and the length of the whole result is returned.  An escape or character
 * that does not fit is left out.
 */
HL_API size_t hl_text_escape(char *to, size_t room, const void *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
