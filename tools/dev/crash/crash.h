/* SPDX-License-Identifier: Apache-2.0 */
/* crash.h - what is known of a guest that crashed: place, registers, backtrace. */
#ifndef DEV_CRASH_H
#define DEV_CRASH_H

#include <jansson.h>
#include <stdbool.h>

#include <hl/sandbox.h>

/*
 * The report as JSON: {"vector": ..., "frames": [...]}; a new reference.  printed: to stderr, too,
 * with the general registers where they are wanted.
 */
json_t *crash_report(struct hl_sandbox *sandbox, bool printed, bool registers);

#endif
