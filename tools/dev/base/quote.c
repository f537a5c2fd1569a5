/* SPDX-License-Identifier: Apache-2.0 */
#include "quote.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "utf8.h"

static void put_octal(FILE *f, unsigned char byte)
{
    const char text[4] = {'\\', (char)('0' + (byte >> 6)), (char)('0' + (byte >> 3 & 7)),
                          (char)('0' + (byte & 7))};
    fwrite_unlocked(text, 1, sizeof(text), f);
}

void quote(FILE *f, const void *data, size_t size, size_t max)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
    const unsigned char *s = data;
    size_t end = size < max ? size : max;
    flockfile(f);
    fputc('"', f);
    for (size_t i = 0, n; i < end; i += n) {
        uint32_t c = 0;
        const char *hit = s[i] ? strchr(from, s[i]) : NULL;
        n = utf8_character(s + i, end - i, &c);
        if (hit)
            fprintf(f, "\\%c", to[hit - from]);
        else if (n && !utf8_is_control(c))
            fwrite_unlocked(s + i, 1, n, f);
        else
            put_octal(f, s[i]);
        n = n && !utf8_is_control(c) ? n : 1;
    }
    fputs(size > max ? "\"..." : "\"", f);
    funlockfile(f);
}

void quote_hex(FILE *f, const void *data, size_t size)
{
    const unsigned char *s = data;
    char text[1024];
    for (size_t i = 0, n; i < size; i += n) {
        n = size - i < sizeof(text) / 2 ? size - i : sizeof(text) / 2;
        hex_encode(text, s + i, n);
        fwrite(text, 1, 2 * n, f);
    }
}

/* As bash and zsh read it, with nothing in it that a terminal would obey. */
static void escaped_word(char *to, const char *text)
{
    size_t left = strlen(text), n;
    to = stpcpy(to, "$'");
    for (; left; text += n, left -= n) {
        uint32_t c = 0;
        n = utf8_character(text, left, &c);
        if (!n || utf8_is_control(c)) {
            to += sprintf(to, "\\x%02x", (unsigned char)*text);
            n = 1;
            continue;
        }
        if (c == '\'' || c == '\\')
            *to++ = '\\';
        to = mempcpy(to, text, n);
    }
    strcpy(to, "'");
}

char *quote_word(const char *text)
{
    size_t size = strlen(text);
    char *word = malloc(4 * size + 4), *to = word;
    if (!word)
        return NULL;
    if (utf8_escape(NULL, 0, text, size) != size) {
        escaped_word(word, text);
        return word;
    }
    *to++ = '\'';
    for (; *text; text++) {
        if (*text == '\'')
            to = stpcpy(to, "'\\'");
        *to++ = *text;
    }
    strcpy(to, "'");
    return word;
}
