/* SPDX-License-Identifier: Apache-2.0 */
/* words.c - see words.h. */
#include "words.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grow.h"

#define NESTING_MAX 64

bool words_add(struct words *words, const char *word)
{
    char **grown = array_grow(words->word, &words->capacity, words->count + 2, sizeof(*grown));
    if (!grown)
        return false;
    words->word = grown;
    char *copy = strdup(word);
    if (!copy)
        return false;
    words->word[words->count++] = copy;
    words->word[words->count] = NULL;
    return true;
}

void words_free(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->word[i]);
    free(words->word);
}

/* The file with a final NUL, or NULL. */
static char *read_text(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t size = 0;
    if (!f)
        return NULL;
    if (getdelim(&text, &size, '\0', f) < 0 && ferror(f)) {
        free(text);
        text = NULL;
    } else if (feof(f) && !text) {
        text = strdup("");
    }
    fclose(f);
    return text;
}

/* Takes the next word out of *text, in place; NULL at the end. */
static char *next_word(char **text)
{
    char *at = *text, quote = 0;
    while (isspace((unsigned char)*at))
        at++;
    if (!*at)
        return NULL;
    char *word = at, *out = at;
    for (; *at && (quote || !isspace((unsigned char)*at)); at++) {
        if (*at == '\\' && at[1])
            *out++ = *++at;
        else if (quote ? *at == quote : *at == '\'' || *at == '"')
            quote = quote ? 0 : *at;
        else
            *out++ = *at;
    }
    *text = *at ? at + 1 : at;
    *out = '\0';
    return word;
}

static bool expand(struct words *words, const char *word, int depth)
{
    char *text = word[0] == '@' && word[1] ? read_text(word + 1) : NULL;
    if (!text)
        return words_add(words, word);
    bool ok = depth < NESTING_MAX;
    if (!ok)
        errno = ELOOP;
    char *rest = text;
    for (char *w; ok && (w = next_word(&rest));)
        ok = expand(words, w, depth + 1);
    free(text);
    return ok;
}

bool words_expand(struct words *words, const char *word)
{
    return expand(words, word, 0);
}
