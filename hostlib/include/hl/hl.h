/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/hl.h - all of libhl.
 *
 * The following holds for every function unless its comment says otherwise:
 *
 * - An object (image, sandbox, machine, snapshot, profile, symbols) must not be NULL, except for
 *   the function that frees it.  A struct hl_error may be NULL.  Other pointers must not be NULL.
 * - A returned pointer belongs to the library and is valid as long as the object it comes from.
 * - An index at or past the count returns NULL.
 * - The caller frees what a function creates.  After an error there is nothing to free.
 * - The top of each header says which threads may use its object.  Functions without an object,
 *   such as hl_type_name(), may be called by any thread at any time.
 */
#ifndef HL_HL_H
#define HL_HL_H

#include <hl/attach.h>
#include <hl/core.h>
#include <hl/debug.h>
#include <hl/error.h>
#include <hl/image.h>
#include <hl/machine.h>
#include <hl/observe.h>
#include <hl/plugin.h>
#include <hl/profile.h>
#include <hl/sandbox.h>
#include <hl/share.h>
#include <hl/sized.h>
#include <hl/snapshot.h>
#include <hl/symbols.h>
#include <hl/text.h>
#include <hl/types.h>
#include <hl/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0"; a static string. */
HL_API const char *hl_version(void);

#ifdef __cplusplus
}
#endif

#endif
