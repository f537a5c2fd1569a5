/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/sized.h - configuration structs that can grow without breaking the programs that use them.
 *
 *     struct hl_sandbox_config config = HL_SANDBOX_CONFIG_INIT;
 *     config.heap = 8 << 20;
 *
 * The first member of a configuration is the size that the struct had when the program was
 * compiled.  The INIT macro sets it; in C++ the default member initialiser does.  The library reads
 * no more than that: fields that were added later have their defaults.
 *
 * - size 0, as in {0} and {.heap = 8 << 20}: the library reads only the fields of version 0.1.0.
 *   The comment of a field says so if it was added later.
 * - A size larger than the library's (the program was compiled for a later version) is accepted if
 *   all fields that the library does not know are 0.  Else the call fails (ARGUMENT): a setting is
 *   never ignored silently.
 * - A size less than the struct's in 0.1.0, more than HL_SIZED_MAX or not a multiple of 8:
 * ARGUMENT. It is probably the first value of an initialiser without names: write {.heap = 8 <<
 * 20}.
 *
 * Structs that the library fills in (struct hl_counts, struct hl_location, ...), structs without a
 * size (struct hl_limits, struct hl_observer) and tables of functions do not grow: additions get
 * their own struct and function.
 */
#ifndef HL_SIZED_H
#define HL_SIZED_H

#include <stddef.h>
#include <string.h>

#include <hl/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HL_SIZED_MAX 512u

/* For the first member, and for the INIT macro.  type without `struct`. */
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
 * For a library: copy *given, whose first member is its size, into *own, of `size` bytes; `first`
 * is the size of the struct in its first release.  given NULL: all defaults.  Returns NULL, or a
 * static string that says what is wrong.
 */
static inline const char *hl_sized_read(void *own, size_t size, size_t first, const void *given)
{
    size_t has = first;

    memset(own, 0, size);
    if (given) {
        memcpy(&has, given, sizeof(has));
        if (!has)
            has = first;
        if (has < first || has > HL_SIZED_MAX || has % sizeof(has))
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
