/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols_names.h - demangled C++ and Rust names.
 *
 * libiberty reads both manglings.  Names are hostile: symbols/demangle.c says what limits them.
 */
#ifndef HL_SYMBOLS_NAMES_H
#define HL_SYMBOLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "demangle.h"
#include "table.h"

/* Strings that were made once, each for an object at a fixed address: a mangled name, a DIE. */
struct hl_names {
    struct table kept;
    size_t bytes; /* of all strings */
    struct demangle_time time;
};

/*
 * The demangled name: `app::Box<int>::get(int*) const`.  The name itself if it is not mangled, or
 * cannot be demangled within the limits.  NULL for NULL.  Valid as long as names.
 */
const char *symbols_names_readable(struct hl_names *names, const char *mangled);
/*
 * The string for key, or NULL; and store a copy of text for it: returns text itself if out of room.
 */
const char *symbols_names_find(const struct hl_names *names, const void *key);
const char *symbols_names_keep(struct hl_names *names, const void *key, const char *text,
                               const char *otherwise);
void symbols_names_free(struct hl_names *names);

/*
 * Does `wanted`, as a user types it, match this mangled function?  `outer::f`, `f` and
 * `outer::f(int)` all match outer::f(int); blanks do not count.
 */
struct hl_wanted;
struct hl_wanted *symbols_wanted_new(const char *wanted);
/* In demangle_within(). */
bool symbols_wanted_matches(struct hl_wanted *wanted, const char *mangled);
void symbols_wanted_free(struct hl_wanted *wanted);

#endif
