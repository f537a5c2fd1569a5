/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/share.h - map files and buffers of the host into a guest's memory.
 *
 *     struct hl_sandbox_config config = {.shared = 64 << 20};
 *     hl_gva_t at = 0;
 *     hl_sandbox_create(&sb, image, &config, &error); // and start
 *     hl_sandbox_map_file(sb, &at, fd, 0, size, HL_MAP_READ, &error);
 *     hl_sandbox_call(sb, "Parse", (struct hl_value[]){hl_u64(at), hl_u64(size)}, 2,
 *                     &result, &error);
 *     hl_sandbox_unmap(sb, at, &error);
 *
 * The guest cannot change the file, the buffer, or the mapping of another sandbox.  HL_GUARD_SIZE
 * bytes before and after each mapping stay unmapped.  Between calls, from the thread that owns the
 * sandbox, in any state.
 *
 * Mappings belong to the sandbox, not to snapshots: hl_sandbox_restore() keeps them, and undoes
 * what the guest has changed in them; a clone starts without mappings.
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

#define HL_MAP_READ 0u          /* the guest can read; a write is a fault */
#define HL_MAP_COPY_ON_WRITE 1u /* the guest can write, to its own copy of the page */
/*
 * Map the file itself even if it is not sealed.  The host gets a SIGBUS if a mapped file is
 * truncated.  So without this flag only a memfd with F_SEAL_SHRINK is mapped, at the cost of the
 * pages touched; any other file is copied.
 */
#define HL_MAP_TRUSTED 2u

/*
 * Map [offset, offset + size) of a regular file at *gva, a multiple of the page size; if *gva is 0,
 * the library chooses the address and stores it there.  The rest of the last page is zeros.  The
 * range is copied if offset is not a multiple of the page size, or if it ends neither at a page
 * boundary nor at the end of the file.  fd may be closed after the call.  Errors: ARGUMENT (size 0,
 * a bad address, a range that overlaps or is too near to what is mapped or reserved, unknown
 * flags), FILE (not a regular file, too short, unreadable), LIMIT (config.shared is used up), BUSY,
 * MEMORY, SYSTEM; on error nothing has changed.
 */
HL_API int hl_sandbox_map_file(struct hl_sandbox *sandbox, hl_gva_t *gva, int fd, uint64_t offset,
                               size_t size, unsigned flags, struct hl_error *error);

/* Map a copy of the size bytes at data.  Otherwise as above. */
HL_API int hl_sandbox_map_buffer(struct hl_sandbox *sandbox, hl_gva_t *gva, const void *data,
                                 size_t size, unsigned flags, struct hl_error *error);

/* Remove the mapping that begins at gva.  ARGUMENT if none does. */
HL_API int hl_sandbox_unmap(struct hl_sandbox *sandbox, hl_gva_t gva, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
