/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/snapshot.h - a sandbox as it was at one moment, to go back to or to make more of.
 *
 *     hl_sandbox_start(sb, &error);
 *     hl_snapshot_take(&snapshot, sb, &error);
 *     hl_sandbox_call(sb, ...);                       whatever comes of it
 *     hl_sandbox_restore(sb, snapshot, &error);       READY, as if never called
 *
 * Restored are all memory, all mappings, all registers, and what the library keeps for the guest's
 * libc: nothing of one call reaches the next.  Time goes on, counters (hl_sandbox_counts) too.
 *
 * A snapshot is immutable: any number of sandboxes and threads may use it, before it is destroyed.
 * The image must outlive it; the sandbox it was taken of need not.
 */
#ifndef HL_SNAPSHOT_H
#define HL_SNAPSHOT_H

#include <hl/sandbox.h>

struct hl_snapshot;

/* Of a READY sandbox between calls: else STATE, or BUSY.  Also MEMORY, SYSTEM, KVM. */
HL_API int hl_snapshot_take(struct hl_snapshot **snapshot, struct hl_sandbox *sandbox,
                            struct hl_error *error);
HL_API void hl_snapshot_destroy(struct hl_snapshot *snapshot); /* NULL is fine */

/*
 * Go back: a READY, POISONED or DEAD sandbox is READY after it.  It may be another sandbox than the
 * snapshot's own, of the same image and the same sizes (ARGUMENT); its host functions stay its own.
 * Results of earlier calls stay valid as long as hl_sandbox_call() says.  Errors: STATE (not
 * started), BUSY, KVM, MEMORY; after those of KVM and MEMORY the sandbox is POISONED.
 */
HL_API int hl_sandbox_restore(struct hl_sandbox *sandbox, const struct hl_snapshot *snapshot,
                              struct hl_error *error);

#endif
