/* SPDX-License-Identifier: Apache-2.0 */
/* demangle.h - one mangled C++ or Rust name read, within limits of input, output, stack and time. */
#ifndef HL_DEMANGLE_H
#define HL_DEMANGLE_H

#include <stdbool.h>
#include <stddef.h>

#define DEMANGLE_MAX 4096 /* bytes of a readable name, the NUL included */

struct demangled {
    char full[DEMANGLE_MAX]; /* with its parameters, and its result where it is a template */
    char bare[DEMANGLE_MAX]; /* without either */
    bool slow;               /* it was given up: more names like it are to be expected */
};

/* Could it be a mangled name at all?  Costs nothing. */
bool demangle_applies(const char *mangled);

/* False where it is no mangled name, the limits do not allow it, or there is no memory. */
bool demangle(const char *mangled, struct demangled *out);

#endif
