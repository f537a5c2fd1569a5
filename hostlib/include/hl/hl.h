/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/hl.h - all of libhl.
 *
 * What holds for every function, where its comment does not say otherwise:
 *
 * - An object (image, sandbox, machine, snapshot, profile, symbols) is never NULL, but for the
 *   function that frees it.  struct hl_error may be NULL.  Other pointers are not NULL.
 * - A pointer that is returned is the library's and lives as long as the object it was asked of.
 * - An index at or past the count gives NULL.
 * - What a function makes is the caller's to free; after an error there is nothing to free.
 * - Threads are said at the top of each header, for its object.  Functions without an object, such
 *   as hl_type_name(), may be called by any thread at any time.
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
