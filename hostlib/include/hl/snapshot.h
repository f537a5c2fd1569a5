/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/snapshot.h - a sandbox as it was at one moment, to go back to or to make more of.
 *
 *     hl_sandbox_start(sb, &error);
 *     hl_snapshot_take(&snapshot, sb, &error);
 *     hl_sandbox_call(sb, "Add", args, 2, &result, &error); // whatever comes of it
 *     hl_sandbox_restore(sb, snapshot, &error);             // READY, as if never called
 *
 * Restored are all memory, all mappings, all registers, and what the library keeps for the guest's
 * libc: nothing of one call reaches the next.  Time goes on, counters (hl_sandbox_counts) too.
 *
 * A snapshot is immutable: any number of sandboxes and threads may use it, before it is destroyed.
 * Neither the image nor the sandbox it was taken of need outlive it.
 */
#ifndef HL_SNAPSHOT_H
#define HL_SNAPSHOT_H

#include <hl/sandbox.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hl_snapshot;

/* Of a READY sandbox between calls: else STATE, or BUSY.  Also MEMORY, SYSTEM, KVM. */
HL_API int hl_snapshot_take(struct hl_snapshot **snapshot, struct hl_sandbox *sandbox,
                            struct hl_error *error);
HL_API void hl_snapshot_destroy(struct hl_snapshot *snapshot); /* NULL is fine */

/*
 * Go back: a READY, POISONED or DEAD sandbox is READY after it.  It may be another sandbox than the
 * snapshot's own, of the same image and the same sizes (ARGUMENT); its host functions stay its own.
 * Results of earlier calls stay valid as long as hl_sandbox_call() says.  Errors: STATE (not
 * started), BUSY, BAD_SNAPSHOT (a loaded one), KVM, MEMORY; after the last two it is POISONED.
 */
HL_API int hl_sandbox_restore(struct hl_sandbox *sandbox, const struct hl_snapshot *snapshot,
                              struct hl_error *error);

/*
 * Make a new sandbox of a snapshot, without running its guest's set-up code again.  Its memory is
 * the snapshot's, copy on write: what neither touches is there once.  It is NEW: register the host
 * functions, by name as ever, then start, which links them and makes it READY where the snapshot
 * was.  Of config (may be NULL) the sizes must be 0 or the snapshot's (ARGUMENT); argv and envp
 * have no effect, the guest has read its own.  It needs the image, but the snapshot only until this
 * returns.  All clones begin with the same random state, also that of the guest's libc: what must
 * differ has to be passed in by a call, or drawn from getrandom() in one.
 *
 * However the guest's pages lie, the clone's memory is at most HL_CLONE_MAPPINGS_MAX mappings of
 * the host (vm.max_map_count).
 */
#define HL_CLONE_MAPPINGS_MAX 65u
HL_API int hl_sandbox_create_from(struct hl_sandbox **sandbox, const struct hl_snapshot *snapshot,
                                  const struct hl_sandbox_config *config, struct hl_error *error);

/*
 * Write it to a file, through a temporary one beside it: a reader finds the old file or the new
 * one. The file holds all of the guest's memory: its mode is 0600.  FILE; also where there is
 * something else than a regular file, a symbolic link included.  ARGUMENT: the program itself has
 * mapped memory (hl_machine_map()).  LIMIT: more than HL_SNAPSHOT_RUNS_MAX runs of pages that are
 * mapped in one way, or hold anything but zeros.
 */
#define HL_SNAPSHOT_RUNS_MAX (1u << 19)
HL_API int hl_snapshot_save(const struct hl_snapshot *snapshot, const char *path,
                            struct hl_error *error);

/*
 * Read one back, for the same image and a processor that has all the features of the one it was
 * taken on.  FILE (absent, unreadable, a symbolic link), ABI_VERSION, BAD_SNAPSHOT (damaged, cut
 * short, another image, another processor), LIMIT (a guest larger than this host's memory).
 *
 * The file may be a stranger's: what comes of it is a guest like any other, laid out as the image
 * and the four sizes say.  Before that is known, at most 100 MiB are read and kept.  Contents take
 * no more memory than they take on the disk: no page of them is zeros, and a file with holes there
 * is BAD_SNAPSHOT.
 *
 * Pages are mapped and read as they are needed, so a load costs what is touched; then only the
 * description of the pages is checked against damage, not their contents, and the file must not be
 * changed while the snapshot or a sandbox made from it lives (replacing it by another is fine).
 * A guest whose pages lie scattered (more than 24 runs of 64 KiB and longer with zeros between them,
 * or 2 MiB in shorter ones) is read at once: clones could not map it.
 * With HL_SNAPSHOT_VERIFY all is read and checked at once, and the file may go.
 */
#define HL_SNAPSHOT_VERIFY 1u
HL_API int hl_snapshot_load(struct hl_snapshot **snapshot, const struct hl_image *image,
                            const char *path, unsigned flags, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
