/* SPDX-License-Identifier: Apache-2.0 */
#include "safe.h"

#include <stdbool.h>
#include <string.h>

#include "utf8.h"

/* Could the bytes be the start of a longer character? */
static bool incomplete(const unsigned char *s, size_t size)
{
    size_t want = s[0] < 0xc2 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 1;
    for (size_t i = 1; i < size; i++)
        if (!utf8_is_tail(s[i]))
            return false;
    return size < want;
}

/* Prints the character, or the stray byte, at s; returns its size. */
static size_t put_character(FILE *f, const unsigned char *s, size_t size)
{
    char text[20];
    size_t n = utf8_character(s, size, NULL);
    n = n ? n : 1;
    if (*s == '\n' || *s == '\t') {
        fputc(*s, f);
    } else {
        utf8_escape(text, sizeof(text), s, n);
        fputs(text, f);
    }
    return n;
}

void safe_write(struct safe *safe, FILE *f, const void *data, size_t size)
{
    const unsigned char *s = data, *end = s + size;
    while (s < end && safe->count) {
        safe->held[safe->count++] = *s++;
        while (safe->count && !incomplete(safe->held, safe->count)) {
            size_t n = put_character(f, safe->held, safe->count);
            memmove(safe->held, safe->held + n, safe->count -= n);
        }
    }
    while (s < end && !incomplete(s, (size_t)(end - s)))
        s += put_character(f, s, (size_t)(end - s));
    if (s < end)
        memcpy(safe->held, s, safe->count = (size_t)(end - s));
}

void safe_end(struct safe *safe, FILE *f)
{
    for (size_t at = 0; at < safe->count;)
        at += put_character(f, safe->held + at, safe->count - at);
    safe->count = 0;
}
