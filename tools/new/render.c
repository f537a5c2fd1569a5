/* SPDX-License-Identifier: Apache-2.0 */
/*
 * {{identifier}} is replaced, or an error when nothing is known of that name, so that a slip in a
 * template never reaches a project.  Anything else between braces is left alone: {{1, 2}, {3, 4}}
 * is C.  A source with a NUL byte is no text and is copied as it is.
 */
#include "new.h"

#include <ctype.h>
#include <string.h>

/* Length of the {{identifier}} at `at`, or 0. */
static size_t placeholder(const char *at, size_t len)
{
    size_t i = 2;
    if (len < 5 || at[0] != '{' || at[1] != '{' || isdigit((unsigned char)at[2]))
        return 0;
    while (i < len && (isalnum((unsigned char)at[i]) || at[i] == '_'))
        i++;
    return i > 2 && i + 2 <= len && at[i] == '}' && at[i + 1] == '}' ? i + 2 : 0;
}

static const char *lookup(const struct new_variable *variables, const char *name, size_t len)
{
    for (; variables->name; variables++)
        if (strlen(variables->name) == len && !memcmp(variables->name, name, len))
            return variables->value;
    return NULL;
}

static int unknown(const struct new_variable *variables, const char *where, unsigned line,
                   const char *at, size_t len)
{
    struct new_text names = {0};
    new_error(NEW_USER, "%s:%u: unknown placeholder %.*s", where, line, (int)len, at);
    for (const struct new_variable *v = variables; v->name; v++)
        if (new_text_puts(&names, " {{") || new_text_puts(&names, v->name) ||
            new_text_puts(&names, "}}"))
            break;
    if (names.data)
        new_hint("a template may use%s", names.data);
    new_text_free(&names);
    return NEW_USER;
}

static unsigned line_of(const char *source, const char *at)
{
    unsigned line = 1;
    for (; source < at; source++)
        line += *source == '\n';
    return line;
}

int new_render(struct new_text *out, const struct new_variable *variables, const char *where,
               const char *source, size_t source_len)
{
    const char *at = source, *end = source + source_len;
    if (!source_len || memchr(source, '\0', source_len))
        return new_text_add(out, source, source_len);
    while (at < end) {
        const char *brace = memchr(at, '{', (size_t)(end - at));
        const char *stop = brace ? brace : end;
        size_t len = brace ? placeholder(brace, (size_t)(end - brace)) : 0;
        const char *value = len ? lookup(variables, brace + 2, len - 4) : "";
        int status;
        if (!value)
            return unknown(variables, where, line_of(source, brace), brace, len);
        if (brace && !len)
            stop++; /* an ordinary brace */
        status = new_text_add(out, at, (size_t)(stop - at));
        if (!status)
            status = new_text_puts(out, value);
        if (status)
            return status;
        at = stop + len;
    }
    return 0;
}
