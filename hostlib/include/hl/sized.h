/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/sized.h - structs that a program fills in, and that can grow without breaking the program.
 *
 *     struct hl_sandbox_config config = HL_SANDBOX_CONFIG_INIT;
 *     config.heap = 8 << 20;
 *
 * The first member of a configuration is its size where the program was compiled.  The INIT macro
 * sets it; in C++ each new struct has it.  A library reads no more than that: fields that the
 * program did not know yet have their defaults.
 *
 * - size 0, as in {0} and {.heap = 8 << 20}: the fields of version 0.1.0 count, no later ones.
 *   A field that was added later says so in its comment.
 * - A larger size than the library's, of a program compiled for a later version: fine as long as
 *   all that the library does not know is 0.  Else the call fails (ARGUMENT): no setting is
 *   ignored in silence.
 * - Less than the struct of 0.1.0, or more than HL_SIZED_MAX: ARGUMENT.
 *
 * Structs that the library fills in (struct hl_counts, struct hl_location, ...), that have no size
 * (struct hl_limits, struct hl_observer) or that are tables of functions do not grow: what is new
 * gets a struct and a function of its own.
 */
#ifndef HL_SIZED_H
#define HL_SIZED_H

#include <stddef.h>
#include <string.h>

#include <hl/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HL_SIZED_MAX 4096u

/* Of the first member, and of the INIT macro.  type without `struct`. */
#ifdef __cplusplus
#define HL_SIZED(type) = sizeof(type)
#define HL_SIZED_INIT(type) HL_ZERO
#else
#define HL_SIZED(type)
#define HL_SIZED_INIT(type)                                                                        \
    {                                                                                              \
        .size = sizeof(struct type)                                                                \
    }
#endif

/*
 * For a library: copy *given, of whatever size it says, into *own, whose size is `size`; `first` is
 * the size that the struct had in its first release.  NULL given: all defaults.  Returns NULL, or
 * what is wrong with it, a static string.
 */
static inline const char *hl_sized_read(void *own, size_t size, size_t first, const void *given)
{
    size_t has = first;

    memset(own, 0, size);
    if (given) {
        memcpy(&has, given, sizeof(has));
        if (!has)
            has = first;
        if (has < first || has > HL_SIZED_MAX)
            return "its size is wrong: set it with the INIT macro, or to 0";
        for (size_t i = size; i < has; i++)
            if (((const unsigned char *)given)[i])
                return "it sets a field that this version of the library does not have";
        memcpy(own, given, has < size ? has : size);
    }
    memcpy(own, &size, sizeof(size));
    return NULL;
}

#ifdef __cplusplus
}
#endif

#endif
