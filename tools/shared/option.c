/* SPDX-License-Identifier: Apache-2.0 */
#include "option.h"

#include <string.h>

#include "wrap.h"

struct option option_getopt(const struct option_spec *spec, int code)
{
    return (struct option){spec->name, spec->argument, NULL, spec->letter ? spec->letter : code};
}

void option_getopt_letter(const struct option_spec *spec, char *letters)
{
    if (spec->letter)
        sprintf(letters + strlen(letters), "%c%s", spec->letter,
                spec->argument == required_argument ? ":" : "");
}

void option_label(const struct option_spec *spec, char label[static OPTION_LABEL])
{
    int n = 0;
    if (spec->letter)
        n += snprintf(label, OPTION_LABEL, "-%c%s", spec->letter, spec->name ? ", " : "");
    if (spec->name)
        n += snprintf(label + n, OPTION_LABEL - (size_t)n, "--%s", spec->name);
    if (spec->argument != no_argument)
        snprintf(label + n, OPTION_LABEL - (size_t)n,
                 spec->argument == optional_argument ? "[=%s]" : " %s", spec->value);
}

void option_words(const struct option_spec *spec, char text[static OPTION_HINT])
{
    char *to = text, *end = text + OPTION_HINT;
    const char *word = spec->words;
    while (*word && to < end) {
        size_t size = strcspn(word, " ");
        const char *next = word + size + strspn(word + size, " ");
        const char *between = word == spec->words ? "" : *next ? ", " : " or ";
        to += snprintf(to, (size_t)(end - to), "%s%.*s", between, (int)size, word);
        word = next;
    }
}

void option_print_help(FILE *f, const struct option_spec *spec, unsigned column)
{
    char label[OPTION_LABEL], words[OPTION_HINT];
    struct wrap wrap = {.file = f, .width = OPTION_WIDTH, .indent = column};
    option_label(spec, label);
    int n = fprintf(f, "  %s", label);
    if ((unsigned)n + 2 > column) {
        fputc('\n', f);
        n = 0;
    }
    wrap.column = column - 1;
    fprintf(f, "%*s", (int)column - 1 - n, "");
    if (spec->complete == COMPLETE_WORD) {
        option_words(spec, words);
        wrap_text(&wrap, words);
    }
    if (spec->complete != COMPLETE_WORD || spec->help)
        wrap_text(&wrap, spec->help);
    fputc('\n', f);
}
