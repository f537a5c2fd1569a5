/* SPDX-License-Identifier: Apache-2.0 */
/* base/text.c - the public names of common/utf8.h. */
#include <hl/text.h>

#include "utf8.h"

size_t hl_text_character(const void *text, size_t size, uint32_t *character)
{
    return utf8_character(text, size, character);
}

bool hl_text_is_control(uint32_t character)
{
    return utf8_is_control(character);
}

size_t hl_text_escape(char *to, size_t room, const void *text, size_t size)
{
    return utf8_escape(to, room, text, size);
}
