/* SPDX-License-Identifier: Apache-2.0 */
#include "ini.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

void ini_start(struct ini *ini, char *text, size_t size)
{
    size_t mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    *ini = (struct ini){.at = text + mark, .end = text + size, .section = ""};
}

/* Without the blanks at both ends, which are a CR, too. */
static char *trim(char *from, char *to)
{
    while (from < to && isspace((unsigned char)*from))
        from++;
    while (to > from && isspace((unsigned char)to[-1]))
        to--;
    *to = 0;
    return from;
}

static enum ini_item parse_section(struct ini *ini, char *line)
{
    char *end = line + strlen(line) - 1;
    if (*end != ']')
        return INI_BAD;
    ini->section = trim(line + 1, end);
    return INI_SECTION;
}

static enum ini_item parse_entry(struct ini *ini, char *line)
{
    char *end = line + strlen(line), *sign = strpbrk(line, "=:");
    if (!sign || sign == line)
        return INI_BAD;
    ini->value = trim(sign + 1, end);
    ini->key = trim(line, sign);
    return INI_ENTRY;
}

enum ini_item ini_next(struct ini *ini)
{
    while (ini->at < ini->end) {
        char *start = ini->at, *end = memchr(start, '\n', (size_t)(ini->end - start));
        end = end ? end : ini->end;
        ini->at = end < ini->end ? end + 1 : end;
        ini->line++;
        bool binary = memchr(start, 0, (size_t)(end - start)) != NULL;
        char *line = trim(start, end);
        if (binary)
            return INI_BAD;
        if (*line == '[')
            return parse_section(ini, line);
        if (*line && *line != ';' && *line != '#')
            return parse_entry(ini, line);
    }
    return INI_END;
}
