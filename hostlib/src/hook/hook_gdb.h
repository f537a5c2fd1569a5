/* SPDX-License-Identifier: Apache-2.0 */
/* hook_gdb.h - HL_GDB=ENDPOINT: debug any program that uses the library. */
#ifndef HL_HOOK_GDB_H
#define HL_HOOK_GDB_H

#include <hl/sandbox.h>

/*
 * At the end of create: serve a debugger if the environment asks for it.  Each sandbox of each
 * process with the variable gets an endpoint: the first one as given, the others one like it.
 * Errors: ARGUMENT and those of hl_sandbox_debug(), all naming HL_GDB.
 */
int hook_gdb(struct hl_sandbox *sb, struct hl_error *error);

#endif
