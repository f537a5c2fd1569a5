/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols_names.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "demangle.h"

#define BYTES_MAX ((size_t)64 << 20) /* of all demangled names; the rest stays mangled */

/* ---- cached strings -------------------------------------------------------------------- */

struct name {
    const void *key;
    char *text;
};

const char *symbols_names_find(const struct hl_names *names, const void *key)
{
    uint32_t number = table_find(&names->kept, &key);
    return number == TABLE_NONE ? NULL : ((struct name *)table_at(&names->kept, number))->text;
}

const char *symbols_names_keep(struct hl_names *names, const void *key, const char *text,
                               const char *otherwise)
{
    size_t size = strlen(text) + 1;
    char *copy = size > BYTES_MAX - names->bytes ? NULL : strdup(text);

    names->kept.item_size = sizeof(struct name);
    names->kept.key_size = sizeof(key);
    names->kept.max = TABLE_MAX;
    uint32_t number = copy ? table_intern(&names->kept, &key) : TABLE_NONE;
    if (number == TABLE_NONE) {
        free(copy);
        return otherwise;
    }
    ((struct name *)table_at(&names->kept, number))->text = copy;
    names->bytes += size;
    return copy;
}

void symbols_names_free(struct hl_names *names)
{
    for (uint32_t i = 0; i < names->kept.count; i++)
        free(((struct name *)table_at(&names->kept, i))->text);
    table_free(&names->kept);
    *names = (struct hl_names){0};
}

const char *symbols_names_readable(struct hl_names *names, const char *mangled)
{
    const char *text;
    struct demangled *both;

    if (!mangled || !demangle_applies(mangled))
        return mangled;
    text = symbols_names_find(names, mangled);
    if (text || names->time.us >= DEMANGLE_US)
        return text ? text : mangled;
    both = malloc(sizeof(*both));
    if (!both)
        return mangled;
    /* Failures are cached, too, as they cost as much. */
    text = symbols_names_keep(
        names, mangled, demangle(&names->time, mangled, both) ? both->full : mangled, mangled);
    free(both);
    return text;
}

/* ---- names as a user types them ------------------------------------------------------------- */

struct hl_wanted {
    char *name;   /* without blanks */
    char *needle; /* part of every mangled name that can match; "" if unknown */
    struct demangled read;
};

/* Blanks matter only between words: `unsigned long`. */
static void drop_blanks(char *text)
{
    char *to = text;

    for (const char *p = text; *p; p++) {
        bool word = to > text && (isalnum((unsigned char)to[-1]) || to[-1] == '_') &&
                    (isalnum((unsigned char)p[1]) || p[1] == '_');

        if (*p != ' ' || word)
            *to++ = *p;
    }
    *to = '\0';
}

/* An identifier appears unchanged in a mangled name; operators and std's abbreviations do not. */
static char *needle_of(const char *name)
{
    size_t end = strcspn(name, "<({"), start = end;

    while (start > 0 && (isalnum((unsigned char)name[start - 1]) || name[start - 1] == '_'))
        start--;
    if (strstr(name, "operator") || strstr(name, "std::"))
        return strdup("");
    return strndup(name + start, end - start);
}

struct hl_wanted *symbols_wanted_new(const char *wanted)
{
    struct hl_wanted *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    w->name = strdup(wanted);
    w->needle = w->name ? needle_of(w->name) : NULL;
    if (!w->needle) {
        symbols_wanted_free(w);
        return NULL;
    }
    drop_blanks(w->name);
    return w;
}

void symbols_wanted_free(struct hl_wanted *wanted)
{
    if (!wanted)
        return;
    free(wanted->name);
    free(wanted->needle);
    free(wanted);
}

/* Is it the whole of text, or its end from a scope on? */
static bool is_end_of(const char *wanted, const char *text)
{
    size_t whole = strlen(text), end = strlen(wanted);
    const char *at;

    if (end == 0 || end > whole)
        return false;
    at = text + whole - end;
    if (strcmp(at, wanted) != 0)
        return false;
    return at == text || (at - text >= 2 && at[-1] == ':' && at[-2] == ':');
}

/* Template arguments are usually left out: `f` also matches f<int>, or in Rust f::<u32>. */
static void drop_arguments(char *text)
{
    char *to = text;
    size_t depth = 0;

    for (const char *p = text; *p; p++) {
        if (*p == '<' && depth++ == 0 && to - text > 2 && to[-1] == ':')
            to -= 2;
        if (depth == 0)
            *to++ = *p;
        if (*p == '>' && depth)
            depth--;
    }
    *to = '\0';
}

static bool is_meant(const struct hl_wanted *wanted, char *text)
{
    if (is_end_of(wanted->name, text))
        return true;
    /* `operator<` and Rust's `<T as Trait>::f` do not begin template arguments. */
    if (strchr(wanted->name, '<') || strstr(text, "operator") || text[0] == '<')
        return false;
    drop_arguments(text);
    return is_end_of(wanted->name, text);
}

bool symbols_wanted_matches(struct hl_wanted *wanted, const char *mangled)
{
    struct demangled *read = &wanted->read;
    char *clone, *from;

    /* The cold part of a function is not its start. */
    if (!demangle_applies(mangled) || strstr(mangled, ".cold") ||
        !strstr(mangled, wanted->needle) || !demangle_here(mangled, read))
        return false;
    clone = strstr(read->full, " [clone ");
    if (clone)
        *clone = '\0';
    /* A template's result type comes first, and users do not type it. */
    from = strstr(read->full, read->bare);
    drop_blanks(from ? from : read->full);
    drop_blanks(read->bare);
    return is_meant(wanted, read->bare) || is_meant(wanted, from ? from : read->full);
}
