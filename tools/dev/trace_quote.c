/* SPDX-License-Identifier: Apache-2.0 */
/* trace_quote.c - bytes of the guest as a string of C that no terminal obeys. */
#include <string.h>

#include "json.h"
#include "trace_args.h"

/* Length of a printable character at s: ASCII, or UTF-8 that is no control character. */
static size_t printable(const unsigned char *s, size_t left)
{
    if (*s < 0x80)
        return *s >= 0x20 && *s != 0x7f;
    size_t n = json_utf8_length(s, left);
    return n == 2 && s[0] == 0xc2 && s[1] < 0xa0 ? 0 : n;
}

void trace_quote(FILE *f, const void *data, size_t size, size_t max)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
    const unsigned char *s = data;
    size_t end = size < max ? size : max;
    fputc('"', f);
    for (size_t i = 0; i < end;) {
        const char *hit = s[i] ? strchr(from, s[i]) : NULL;
        size_t n = printable(s + i, end - i);
        if (hit)
            fprintf(f, "\\%c", to[hit - from]);
        else if (n)
            fwrite(s + i, 1, n, f);
        else
            fprintf(f, "\\%03o", s[i]);
        i += n ? n : 1;
    }
    fputs(size > max ? "\"..." : "\"", f);
}
