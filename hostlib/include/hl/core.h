/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/core.h - a guest's memory and registers as an ELF core file, as Linux would write one.
 *
 *     if (hl_sandbox_call(sandbox, "Add", args, 2, &result, &error) == HL_ERR_FAULT)
 *         hl_sandbox_core(sandbox, "guest.core", &error);
 *
 * `gdb GUEST guest.core` opens it.  In it is all memory that the guest has mapped, its general, x87, SSE, AVX and AVX-512 registers,
 * the signal that a fault or an abort would have been in Linux, and the auxiliary vector, from
 * which a debugger learns where a PIE was loaded.
 */
#ifndef HL_CORE_H
#define HL_CORE_H

#include <hl/sandbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Write the guest, as it stands between calls in whatever state, to path: for the owner only
 * (0600), with holes for pages of zeros.  It is written to a temporary file beside path and then
 * takes the place of a regular file there: a disk that is full leaves the old one as it was, and
 * nothing of the new one.  A symbolic link is not followed and a fifo gets nothing (SYSTEM); a
 * character device, such as /dev/null, is written to.  Errors: BUSY (in a call), SYSTEM, KVM,
 * MEMORY, ARGUMENT.
 */
HL_API int hl_sandbox_core(struct hl_sandbox *sandbox, const char *path, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
