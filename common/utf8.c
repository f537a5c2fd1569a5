/* SPDX-License-Identifier: Apache-2.0 */
#include "utf8.h"

#include <stdio.h>
#include <string.h>

size_t utf8_character(const void *text, size_t size, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = text;
    if (!s || !size)
        return 0;
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;
    if (!n || n > size)
        return 0;
    uint32_t c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (!utf8_is_tail(s[i]))
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    if (character)
        *character = c;
    return n;
}

bool utf8_is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
           (c & 0xfffe) == 0xfffe;
}

/* What stands for the start of text; *used: how much of text it stands for. */
static size_t escape_one(char piece[8], const unsigned char *s, size_t left, size_t *used)
{
    uint32_t c;
    size_t n = utf8_character(s, left, &c);
    *used = n ? n : 1;
    if (n && !utf8_is_control(c)) {
        memcpy(piece, s, n);
        return n;
    }
    *used = 1;
    char letter = *s == '\n' ? 'n' : *s == '\t' ? 't' : *s == '\r' ? 'r' : 0;
    return (size_t)(letter ? snprintf(piece, 8, "\\%c", letter)
                           : snprintf(piece, 8, "\\x%02x", *s));
}

size_t utf8_escape(char *to, size_t room, const void *text, size_t size)
{
    const unsigned char *s = text;
    size_t length = 0, written = 0, used;
    for (size_t i = 0; s && i < size; i += used) {
        char piece[8];
        size_t n = escape_one(piece, s + i, size - i, &used);
        if (to && written == length && length + n < room) {
            memcpy(to + written, piece, n);
            written += n;
        }
        length += n;
    }
    if (to && room)
        to[written] = 0;
    return length;
}

bool utf8_is_tail(unsigned char byte)
{
    return (byte & 0xc0) == 0x80;
}

size_t utf8_whole(const char *text, size_t max)
{
    size_t least = max > UTF8_MAX ? max - UTF8_MAX : 0;
    while (max > least && utf8_is_tail((unsigned char)text[max]))
        max--;
    return max;
}

size_t utf8_count(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += !utf8_is_tail((unsigned char)*text);
    return n;
}

size_t utf8_start(const char *text, size_t count)
{
    size_t at = 0;
    for (; text[at]; at++)
        if (!utf8_is_tail((unsigned char)text[at]) && count-- == 0)
            break;
    return at;
}
