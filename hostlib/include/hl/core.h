/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/core.h - write a guest's memory and registers to an ELF core file, as Linux does.
 *
 *     if (hl_sandbox_call(sandbox, "Add", args, 2, &result, &error) == HL_ERR_FAULT)
 *         hl_sandbox_core(sandbox, "guest.core", &error);
 *
 * `gdb GUEST guest.core` opens it.  The file holds all memory that the guest has mapped, its
 * general, x87, SSE, AVX and AVX-512 registers, the signal that Linux would send for the fault or
 * abort, and the auxiliary vector, from which a debugger learns where a PIE was loaded.
 */
#ifndef HL_CORE_H
#define HL_CORE_H

#include <hl/sandbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Write a core file of the guest to path, between calls and in any state.  The file has mode 0600,
 * and holes for pages of zeros.  It is written to a temporary file in the same directory and then
 * renamed to path: if the disk is full, an old file stays as it was, and no part of the new one
 * is left.  A symbolic link or a fifo at path is an error (SYSTEM); a character device, such as
 * /dev/null, is written to.  Errors: BUSY (in a call), SYSTEM, KVM, MEMORY, ARGUMENT.
 */
HL_API int hl_sandbox_core(struct hl_sandbox *sandbox, const char *path, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
