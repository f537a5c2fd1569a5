/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

char *profile_text_clean(const char *text)
{
    size_t len = strlen(text),
           n = len > PROFILE_TEXT_MAX ? utf8_whole(text, PROFILE_TEXT_MAX) : len;
    size_t size = utf8_escape(NULL, 0, text, n);
    char *clean = malloc(size + sizeof("..."));
    if (!clean)
        return NULL;
    utf8_escape(clean, size + 1, text, n);
    if (n < len)
        strcpy(clean + size, "...");
    return clean;
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
