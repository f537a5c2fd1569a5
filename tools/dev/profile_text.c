/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd";

/* The character at s and its length in bytes; 0 where there is none (RFC 3629). */
static size_t decode(const unsigned char *s, uint32_t *c)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;
    *c = n < 2 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) { /* a NUL ends it, too */
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (s[i] & 0x3f);
    }
    return n && *c >= least[n] && *c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff) ? n : 0;
}

/* U+0080 to U+009F are control characters to a terminal; XML has no U+FFFE and U+FFFF. */
static bool harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff ||
           (c & 0xfffe) == 0xfffe;
}

char *profile_text_clean(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t len = strnlen(text, PROFILE_TEXT_MAX + 4), n = 0;
    char *clean = malloc(3 * len + 4);
    if (!clean)
        return NULL;
    while (*s && n < PROFILE_TEXT_MAX) {
        uint32_t c;
        size_t good = decode(s, &c);
        if (!good) {
            memcpy(clean + n, replacement, 3);
            n += 3;
        } else if (harmful(c)) {
            clean[n++] = '?';
        } else {
            memcpy(clean + n, s, good);
            n += good;
        }
        s += good ? good : 1;
    }
    memcpy(clean + n, "...", 4);
    if (!*s)
        clean[n] = 0;
    return clean;
}

size_t profile_text_width(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += (*text & 0xc0) != 0x80;
    return n;
}

/* Three digits. */
static const char *scaled(char buf[PROFILE_NUMBER], double value, const char *unit)
{
    int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    snprintf(buf, PROFILE_NUMBER, "%.*f %s", digits, value, unit);
    return buf;
}

const char *profile_time(char buf[PROFILE_NUMBER], uint64_t ns)
{
    if (ns < 1000)
        snprintf(buf, PROFILE_NUMBER, "%d ns", (int)ns);
    else if (ns < 999500)
        scaled(buf, (double)ns / 1e3, "us");
    else if (ns < 999500000)
        scaled(buf, (double)ns / 1e6, "ms");
    else
        scaled(buf, (double)ns / 1e9, "s");
    return buf;
}

const char *profile_bytes(char buf[PROFILE_NUMBER], uint64_t bytes)
{
    if (bytes < 1024)
        snprintf(buf, PROFILE_NUMBER, "%d B", (int)bytes);
    else if (bytes < 1023488)
        scaled(buf, (double)bytes / 1024, "KiB");
    else if (bytes < UINT64_C(1048051712))
        scaled(buf, (double)bytes / 1048576, "MiB");
    else
        scaled(buf, (double)bytes / 1073741824, "GiB");
    return buf;
}

const char *profile_percent(char buf[PROFILE_NUMBER], uint64_t part, uint64_t whole)
{
    if (whole)
        snprintf(buf, PROFILE_NUMBER, "%.1f%%", 100 * (double)part / (double)whole);
    else
        snprintf(buf, PROFILE_NUMBER, "-");
    return buf;
}
