/* SPDX-License-Identifier: Apache-2.0 */
/* demangle.h - demangle C++ and Rust names, within limits of input, output, stack and time. */
#ifndef HL_DEMANGLE_H
#define HL_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMANGLE_MAX 4096 /* bytes of a readable name, the NUL included */

struct demangled {
    char full[DEMANGLE_MAX]; /* with its parameters, and for a template its result */
    char bare[DEMANGLE_MAX]; /* without either */
};

/* The CPU time that the names of one guest have taken, at most DEMANGLE_US. */
struct demangle_time {
    int64_t us;
};
#define DEMANGLE_US 1000000

/* Does it look like a mangled name?  Costs nothing. */
bool demangle_applies(const char *mangled);

/*
 * Run work in a process that shares our memory, until it is done or the time is used up.  What it
 * has written is kept in either case.  It must have no other lasting effect than writing to memory:
 * no locks, no allocation.
 */
void demangle_within(struct demangle_time *time, void (*work)(void *opaque), void *opaque);
/* For use in work.  False if it is not a mangled name, or exceeds the limits. */
bool demangle_here(const char *mangled, struct demangled *out);

/* Both in one. */
bool demangle(struct demangle_time *time, const char *mangled, struct demangled *out);

#endif
