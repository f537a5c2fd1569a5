/* SPDX-License-Identifier: Apache-2.0 */
/* crash.h - what is known of a guest that crashed: place, registers, backtrace. */
#ifndef DEV_CRASH_H
#define DEV_CRASH_H

#include <jansson.h>
#include <stdbool.h>

#include <hl/sandbox.h>

/* Print the report to stderr; registers: the general ones too. */
void crash_print(struct hl_sandbox *sandbox, bool registers);

/* The same as JSON: {"vector": ..., "frames": [...]}; a new reference. */
json_t *crash_json(struct hl_sandbox *sandbox);

#endif
