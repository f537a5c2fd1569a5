/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sized.h - convert a caller's configuration, of any size, to ours (hl/sized.h).
 *
 * The sizes are those of 0.1.0 and never change.  A new field goes to the end of its struct and
 * begins at a multiple of 8, so that it is not in padding that older programs do not set.
 */
#ifndef HL_BASE_SIZED_H
#define HL_BASE_SIZED_H

#include <hl/error.h>
#include <hl/sized.h>

#define SIZE_OF_hl_machine_config 48
#define SIZE_OF_hl_sandbox_config 112
#define SIZE_OF_hl_debug_config 48
#define SIZE_OF_hl_profile_config 16

/* Fill own, a struct TYPE, from given (may be NULL); 0, or ARGUMENT. */
#define SIZED_READ(type, own, given, error)                                                        \
    sized_read(own, sizeof(struct type), SIZE_OF_##type, given, #type, error)

static inline int sized_read(void *own, size_t size, size_t first, const void *given,
                             const char *type, struct hl_error *error)
{
    const char *wrong = hl_sized_read(own, size, first, given);
    return wrong ? hl_error_set(error, HL_ERR_ARGUMENT, "struct %s: %s", type, wrong) : 0;
}

#endif
