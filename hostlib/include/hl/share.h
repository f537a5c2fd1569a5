/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/share.h - files and buffers of the host in a guest's memory.
 *
 *     struct hl_sandbox_config config = {.shared = 64 << 20};
 *     hl_gva_t at = 0;
 *     hl_sandbox_create(&sb, image, &config, &error); // and start
 *     hl_sandbox_map_file(sb, &at, fd, 0, size, HL_MAP_READ, &error);
 *     hl_sandbox_call(sb, "Parse", (struct hl_value[]){hl_u64(at), hl_u64(size)}, 2,
 *                     &result, &error);
 *     hl_sandbox_unmap(sb, at, &error);
 *
 * Nothing the guest does reaches the file or the buffer, or another sandbox.  Around each mapping,
 * HL_GUARD_SIZE bytes stay unmapped.  Between calls, from the thread that owns the sandbox, in any
 * state.
 *
 * Mappings belong to the sandbox, not to snapshots: hl_sandbox_restore() leaves them where they
 * are, and what the guest has changed in them is as in the file again; a clone begins without any.
 */
#ifndef HL_SHARE_H
#define HL_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/sandbox.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HL_MAP_READ 0u          /* the guest can read it; writing is a fault */
#define HL_MAP_COPY_ON_WRITE 1u /* the guest can write, to pages of its own */
/*
 * Map the file itself though it is not sealed.  A file that gets shorter while it is mapped is a
 * SIGBUS for the host; so without this flag only a memfd with F_SEAL_SHRINK is mapped, which costs
 * nothing but the pages touched, and any other file is copied.
 */
#define HL_MAP_TRUSTED 2u

/*
 * Map [offset, offset + size) of a regular file at *gva, a multiple of the page size; 0: the
 * library chooses, and sets it.  The rest of the last page is zeros.  Where size ends neither at a
 * page nor with the file, or offset within a page, it is copied.  fd can be closed after it.
 * Errors: ARGUMENT (size 0, a bad address, one that overlaps or is too near to what is mapped or
 * reserved, unknown flags), FILE (not a regular file, too short, unreadable), LIMIT (config.shared
 * is used up), BUSY, MEMORY, SYSTEM; then nothing has changed.
 */
HL_API int hl_sandbox_map_file(struct hl_sandbox *sandbox, hl_gva_t *gva, int fd, uint64_t offset,
                               size_t size, unsigned flags, struct hl_error *error);

/* The same of a copy of size bytes at data. */
HL_API int hl_sandbox_map_buffer(struct hl_sandbox *sandbox, hl_gva_t *gva, const void *data,
                                 size_t size, unsigned flags, struct hl_error *error);

/* gva as mapped: ARGUMENT where no mapping begins. */
HL_API int hl_sandbox_unmap(struct hl_sandbox *sandbox, hl_gva_t gva, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
