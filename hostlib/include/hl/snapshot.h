/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/snapshot.h - save the state of a sandbox, to restore it or to clone it.
 *
 *     hl_sandbox_start(sb, &error);
 *     hl_snapshot_take(&snapshot, sb, &error);
 *     hl_sandbox_call(sb, "Add", args, 2, &result, &error); // whatever comes of it
 *     hl_sandbox_restore(sb, snapshot, &error);             // READY, as if never called
 *
 * A restore brings back all memory, mappings and registers, and the state that the library keeps
 * for the guest's libc: nothing of one call reaches the next.  It does not set back clocks, nor the
 * counters of hl_sandbox_counts().
 *
 * A snapshot is immutable: any number of sandboxes and threads may use it until it is destroyed.
 * The image and the sandbox that it was taken of may be closed and destroyed before it.
 */
#ifndef HL_SNAPSHOT_H
#define HL_SNAPSHOT_H

#include <hl/sandbox.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hl_snapshot;

/*
 * Take a snapshot of a READY sandbox, between calls.  Errors: STATE (not READY), BUSY (in a call),
 * MEMORY, SYSTEM, KVM.
 */
HL_API int hl_snapshot_take(struct hl_snapshot **snapshot, struct hl_sandbox *sandbox,
                            struct hl_error *error);
HL_API void hl_snapshot_destroy(struct hl_snapshot *snapshot); /* NULL is fine */

/*
 * Restore a READY, POISONED or DEAD sandbox to the snapshot; it is then READY.  The snapshot may be
 * of another sandbox with the same image and sizes (else ARGUMENT); host functions are not changed.
 * Strings and bytes of earlier results are no longer valid (see hl_sandbox_call()).  Errors: STATE
 * (not started), BUSY, BAD_SNAPSHOT (a loaded one), KVM, MEMORY; after the last two the sandbox is
 * POISONED.
 */
HL_API int hl_sandbox_restore(struct hl_sandbox *sandbox, const struct hl_snapshot *snapshot,
                              struct hl_error *error);

/*
 * Clone: create a sandbox from a snapshot, without running the guest's set-up code again.  It
 * shares memory with the snapshot, copy-on-write.  The clone is NEW: register its host functions by
 * name, then start it, which links them and makes it READY at the point of the snapshot.  config
 * may be NULL; its sizes must be 0 or the snapshot's (else ARGUMENT), and argv and envp have no
 * effect, as the guest has already read its own.  The snapshot may be destroyed after this call.
 * All clones start with the same random state, including that of the guest's libc: pass in what
 * must differ with a call, or read it from getrandom() in one.
 *
 * However scattered the guest's pages are, the memory of a clone takes at most
 * HL_CLONE_MAPPINGS_MAX mappings of the host process (vm.max_map_count).
 */
#define HL_CLONE_MAPPINGS_MAX 65u
HL_API int hl_sandbox_create_from(struct hl_sandbox **sandbox, const struct hl_snapshot *snapshot,
                                  const struct hl_sandbox_config *config, struct hl_error *error);

/*
 * Write a snapshot to a file, with a temporary file in the same directory: a reader sees either the
 * old file or the new one.  The file holds all of the guest's memory, so its mode is 0600.  Errors:
 * FILE (cannot be written, or path is not a regular file, which includes a symbolic link), ARGUMENT
 * (the program has mapped memory with hl_machine_map()), LIMIT (more than HL_SNAPSHOT_RUNS_MAX runs
 * of pages with the same mapping, or of pages that are not all zeros).
 */
#define HL_SNAPSHOT_RUNS_MAX (1u << 19)
HL_API int hl_snapshot_save(const struct hl_snapshot *snapshot, const char *path,
                            struct hl_error *error);

/*
 * Load a snapshot from a file, for the same image, on a processor that has all the features of the
 * one it was taken on.  Errors: FILE (absent, unreadable, a symbolic link), ABI_VERSION,
 * BAD_SNAPSHOT (damaged, truncated, another image, another processor), LIMIT (the guest is larger
 * than this host's memory).
 *
 * The file need not be trusted: the result is a guest like any other, with the layout that the
 * image and the four sizes give.  Until that is verified, at most 100 MiB are read and kept.  The
 * contents take no more memory than they take on the disk: pages of zeros are not stored, and a
 * file with holes in its contents is BAD_SNAPSHOT.
 *
 * Pages are mapped and read on demand, so a load costs only what is touched.  In this case only the
 * description of the pages is checked for damage, not their contents, and the file must not be
 * changed as long as the snapshot or a sandbox made from it exists; it may be replaced by another
 * file.  If the guest's pages are scattered (more than 24 runs of 64 KiB or longer with zeros
 * between them, or 2 MiB in shorter runs), the file is read at once, because clones could not map
 * it.  With HL_SNAPSHOT_VERIFY everything is read and checked at once, and the file may then be
 * changed or removed.
 */
#define HL_SNAPSHOT_VERIFY 1u
HL_API int hl_snapshot_load(struct hl_snapshot **snapshot, const struct hl_image *image,
                            const char *path, unsigned flags, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
