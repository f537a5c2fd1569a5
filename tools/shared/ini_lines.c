/* SPDX-License-Identifier: Apache-2.0 */
#include "ini_lines.h"

#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hl/error.h>

struct reader {
    ini_take *take;
    void *opaque;
    enum ini_item item;
    struct ini ini;
    int rc;
};

static int on_entry(void *opaque, const char *section, const char *name, const char *value)
{
    struct reader *r = opaque;
    r->ini = (struct ini){r->ini.line, section, name, value};
    r->rc = r->take(r->opaque, r->item, &r->ini);
    return !r->rc;
}

static int bad_line(struct reader *r)
{
    r->ini = (struct ini){.line = r->ini.line};
    return r->take(r->opaque, INI_BAD, &r->ini);
}

static int parse(struct reader *r, const char *text)
{
    r->rc = 0;
    int bad = ini_parse_string(text, on_entry, r);
    if (bad < 0)
        return HL_ERR_MEMORY;
    return r->rc || !bad ? r->rc : bad_line(r);
}

/* An entry makes inih say what the section is. */
static int take_section(struct reader *r, const char *line)
{
    char *text;
    if (asprintf(&text, "%s\nany =", line) < 0)
        return HL_ERR_MEMORY;
    r->item = INI_SECTION;
    int rc = parse(r, text);
    free(text);
    return rc;
}

static int take_line(struct reader *r, const char *line, size_t size)
{
    if (memchr(line, 0, size))
        return bad_line(r);
    while (isspace((unsigned char)*line))
        line++;
    if (*line == '[')
        return take_section(r, line);
    r->item = INI_ENTRY;
    return parse(r, line);
}

/* A call may be long and have " ;" in a string: comments stand on lines of their own. */
static void configure(void)
{
    ini_allow_inline_comments = false;
    ini_allow_multiline = false;
    ini_use_stack = false;
    ini_allow_realloc = true;
    ini_stop_on_first_error = true;
    ini_max_line = 1 << 20;
}

int ini_read(char *text, size_t size, ini_take *take, void *opaque)
{
    struct reader r = {.take = take, .opaque = opaque};
    size_t mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    char *at = text + mark, *end = text + size;
    int rc = 0;
    configure();
    while (at < end && !rc) {
        char *eol = memchr(at, '\n', (size_t)(end - at));
        eol = eol ? eol : end;
        *eol = 0;
        r.ini.line++;
        rc = take_line(&r, at, (size_t)(eol - at));
        at = eol + 1;
    }
    return rc;
}
