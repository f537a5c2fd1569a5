/* SPDX-License-Identifier: Apache-2.0 */
/* words.h - a growing list of arguments, and what @FILE stands for among them. */
#ifndef HL_LINK_WORDS_H
#define HL_LINK_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* Ends with NULL, as execv() wants it; owns its words. */
struct words {
    char **word;
    size_t count, capacity;
};

/* Adds a copy; false: out of memory. */
bool words_add(struct words *words, const char *word);

/*
 * Adds the word, or the words of the file that it names as @FILE, with gcc's rules of quoting: a
 * backslash, '...' and "..." keep white space.  A file that cannot be read is no response file: the
 * word stays, and its reader reports it.  False, and errno is ENOMEM,
 * or ELOOP for files that include each other.
 */
bool words_expand(struct words *words, const char *word);

void words_free(struct words *words);

#endif
