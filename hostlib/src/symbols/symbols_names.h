/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols_names.h - C++ and Rust names as their authors wrote them.
 *
 * libiberty knows both manglings.  A name is hostile: see symbols/names.c for what bounds it.
 */
#ifndef HL_SYMBOLS_NAMES_H
#define HL_SYMBOLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "demangle.h"
#include "table.h"

/* Texts that were made once, each for something at a fixed address: a mangled name, a DIE. */
struct hl_names {
    struct table kept;
    size_t bytes; /* of all texts */
    struct demangle_time time;
};

/*
 * What a person calls it: `app::Box<int>::get(int*) const`.  The mangled name itself where it is
 * none, or cannot be read within the limits.  NULL for NULL.  Lives as long as names does.
 */
const char *hl_names_readable(struct hl_names *names, const char *mangled);
/* The text for key, or NULL; and a copy of text kept for it: text itself where there is no room. */
const char *hl_names_find(const struct hl_names *names, const void *key);
const char *hl_names_keep(struct hl_names *names, const void *key, const char *text,
                          const char *otherwise);
void hl_names_free(struct hl_names *names);

/*
 * Does a person who writes `wanted` mean the function mangled so?  `outer::f`, `f` and
 * `outer::f(int)` all mean outer::f(int); blanks do not count.
 */
struct hl_wanted;
struct hl_wanted *hl_wanted_new(const char *wanted);
/* In demangle_within(). */
bool hl_wanted_matches(struct hl_wanted *wanted, const char *mangled);
void hl_wanted_free(struct hl_wanted *wanted);

#endif
