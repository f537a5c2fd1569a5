/* SPDX-License-Identifier: Apache-2.0 */
/* debug_env.h - HL_GDB=ENDPOINT: a debugger for any program that uses the library. */
#ifndef HL_DEBUG_ENV_H
#define HL_DEBUG_ENV_H

#include <hl/sandbox.h>

/*
 * At the end of create: serve a debugger where the environment asks for one.  Every sandbox of
 * every process that has the variable gets an endpoint: the first one as it is given, the others
 * one like it.  Errors: ARGUMENT and those of hl_sandbox_debug(), all naming HL_GDB.
 */
int debug_env_open(struct hl_sandbox *sb, struct hl_error *error);

#endif
