/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "profile_text.h"

const char *const profile_root_name[PROFILE_ROOTS] = {"guest", "host", "vmm"};

const char *profile_word(struct view *view, struct profile_check *c, const char *text)
{
    if (c->rc || !text || !*text)
        return "";
    struct profile_words *word = malloc(sizeof(*word));
    char *clean = profile_text_clean(text);
    if (!word || !clean) {
        free(word);
        free(clean);
        profile_no_memory(c);
        return "";
    }
    *word = (struct profile_words){view->words, clean};
    view->words = word;
    return clean;
}

const char *profile_wordf(struct view *view, struct profile_check *c, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) {
        text = NULL;
        profile_no_memory(c);
    }
    va_end(args);
    const char *word = profile_word(view, c, text);
    free(text);
    return word;
}

void *profile_array(struct profile_check *c, const json_t *list, size_t size, size_t *count)
{
    *count = c->rc ? 0 : json_array_size(list);
    void *array = calloc(*count + 1, size);
    if (!array) {
        *count = 0;
        profile_no_memory(c);
    }
    return array;
}
