/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <string.h>

#include "hex.h"

size_t gdb_text_left(const struct gdb_text *text)
{
    return (size_t)(text->end - text->at);
}

bool gdb_text_is(struct gdb_text *text, char c)
{
    if (text->at == text->end || *text->at != (uint8_t)c)
        return false;
    text->at++;
    return true;
}

bool gdb_text_word(struct gdb_text *text, const char *word)
{
    size_t n = strlen(word);

    if (gdb_text_left(text) < n || memcmp(text->at, word, n))
        return false;
    text->at += n;
    return true;
}

bool gdb_text_number(struct gdb_text *text, uint64_t *number)
{
    uint64_t value = 0;
    int digits = 0, digit;

    while (text->at < text->end && (digit = hex_digit(*text->at)) >= 0) {
        if (++digits > 16)
            return false;
        value = value << 4 | (unsigned)digit;
        text->at++;
    }
    *number = value;
    return digits > 0;
}

bool gdb_text_pair(struct gdb_text *text, uint64_t *a, uint64_t *b)
{
    return gdb_text_number(text, a) && gdb_text_is(text, ',') && gdb_text_number(text, b);
}

struct gdb_text gdb_text_until(struct gdb_text *text, char c)
{
    struct gdb_text part = *text;
    const uint8_t *found = memchr(text->at, c, gdb_text_left(text));

    part.end = found ? found : text->end;
    text->at = found ? found + 1 : text->end;
    return part;
}

bool gdb_text_hex(struct gdb_text *text, void *data, size_t size)
{
    if (gdb_text_left(text) / 2 < size || !hex_decode(data, text->at, size))
        return false;
    text->at += 2 * size;
    return true;
}

bool gdb_text_hex_string(struct gdb_text *text, char *string, size_t room)
{
    size_t size = gdb_text_left(text) / 2;

    if (gdb_text_left(text) % 2 || size >= room || !gdb_text_hex(text, string, size))
        return false;
    string[size] = '\0';
    return !memchr(string, 0, size);
}

ptrdiff_t gdb_unescape(uint8_t *data, size_t size)
{
    size_t to = 0;

    for (size_t i = 0; i < size; i++) {
        if (data[i] != '}') {
            data[to++] = data[i];
            continue;
        }
        if (++i == size)
            return -1;
        data[to++] = data[i] ^ 0x20;
    }
    return (ptrdiff_t)to;
}

void gdb_text_plain(char *string)
{
    for (; *string; string++)
        if (*string < ' ' || *string > '~')
            *string = '?';
}
