/* SPDX-License-Identifier: Apache-2.0 */
/* demangle.h - mangled C++ and Rust names read, within limits of input, output, stack and time. */
#ifndef HL_DEMANGLE_H
#define HL_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMANGLE_MAX 4096 /* bytes of a readable name, the NUL included */

struct demangled {
    char full[DEMANGLE_MAX]; /* with its parameters, and its result where it is a template */
    char bare[DEMANGLE_MAX]; /* without either */
};

/* What the names of one guest have taken of the processor, of DEMANGLE_US at most. */
struct demangle_time {
    int64_t us;
};
#define DEMANGLE_US 1000000

/* Could it be a mangled name at all?  Costs nothing. */
bool demangle_applies(const char *mangled);

/*
 * Run work in a process that shares our memory, until it is done or the time is used up: what it
 * has written is there in either case.  It may do nothing that lasts but write to memory: no lock,
 * no allocation.
 */
void demangle_within(struct demangle_time *time, void (*work)(void *opaque), void *opaque);
/* For use in there.  False where it is no mangled name, or the limits do not allow it. */
bool demangle_here(const char *mangled, struct demangled *out);

/* The two together. */
bool demangle(struct demangle_time *time, const char *mangled, struct demangled *out);

#endif
