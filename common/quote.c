/* SPDX-License-Identifier: Apache-2.0 */
#include "quote.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "utf8.h"

/* A way to write strings: the characters that have an escape of one letter, and all others. */
struct dialect {
    const char *from, *to;
    void (*put_control)(FILE *f, const unsigned char *s, size_t n, uint32_t c);
    void (*put_invalid)(FILE *f, unsigned char byte);
};

static void put_octal(FILE *f, unsigned char byte)
{
    const char text[4] = {'\\', (char)('0' + (byte >> 6)), (char)('0' + (byte >> 3 & 7)),
                          (char)('0' + (byte & 7))};
    fwrite_unlocked(text, 1, sizeof(text), f);
}

static void put_octals(FILE *f, const unsigned char *s, size_t n, uint32_t c)
{
    (void)c;
    for (size_t i = 0; i < n; i++)
        put_octal(f, s[i]);
}

static void put_code(FILE *f, const unsigned char *s, size_t n, uint32_t c)
{
    (void)s, (void)n;
    if (c >= 0x10000)
        fprintf(f, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + (c & 0x3ff));
    else
        fprintf(f, "\\u%04x", c);
}

static void put_replacement(FILE *f, unsigned char byte)
{
    (void)byte;
    fwrite_unlocked("\xef\xbf\xbd", 1, 3, f);
}

static const struct dialect c_string = {"\a\b\f\n\r\t\v\\\"", "abfnrtv\\\"", put_octals, put_octal};
static const struct dialect json_string = {"\b\f\n\r\t\\\"", "bfnrt\\\"", put_code,
                                           put_replacement};

static void put_string(FILE *f, const struct dialect *d, const unsigned char *s, size_t size)
{
    flockfile(f);
    fputc_unlocked('"', f);
    for (size_t i = 0, n; i < size; i += n) {
        uint32_t c = 0;
        const char *hit = s[i] ? strchr(d->from, s[i]) : NULL;
        n = utf8_character(s + i, size - i, &c);
        if (hit)
            fprintf(f, "\\%c", d->to[hit - d->from]);
        else if (!n)
            d->put_invalid(f, s[i]);
        else if (utf8_is_control(c))
            d->put_control(f, s + i, n, c);
        else
            fwrite_unlocked(s + i, 1, n, f);
        n = n ? n : 1;
    }
    fputc_unlocked('"', f);
    funlockfile(f);
}

void quote(FILE *f, const void *data, size_t size, size_t max)
{
    put_string(f, &c_string, data, size < max ? size : max);
    if (size > max)
        fputs("...", f);
}

void quote_json(FILE *f, const void *data, size_t size)
{
    put_string(f, &json_string, data, size);
}

const char *quote_xml(char c)
{
    static const char from[] = "<>&\"'";
    static const char *const to[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"};
    const char *hit = c ? strchr(from, c) : NULL;
    return hit ? to[hit - from] : NULL;
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

static void plain_word(char *to, const char *text)
{
    *to++ = '\'';
    for (; *text; text++) {
        if (*text == '\'')
            to = stpcpy(to, "'\\'");
        *to++ = *text;
    }
    strcpy(to, "'");
}

static char *make_word(const char *text, void (*write_word)(char *to, const char *text))
{
    char *word = malloc(4 * strlen(text) + 4);
    if (word)
        write_word(word, text);
    return word;
}

char *quote_word(const char *text)
{
    size_t size = strlen(text);
    bool harmless = utf8_escape(NULL, 0, text, size) == size;
    return make_word(text, harmless ? plain_word : escaped_word);
}

char *quote_plain_word(const char *text)
{
    return make_word(text, plain_word);
}
