/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog.h - a thread that interrupts the sandbox when its time is up, or its end is wanted. */
#ifndef DEV_WATCHDOG_H
#define DEV_WATCHDOG_H

#include <stdbool.h>

#include <hl/sandbox.h>

struct watchdog;

enum watchdog_reason {
    WATCHDOG_NONE,
    WATCHDOG_TIMEOUT,
    WATCHDOG_SIGNAL,   /* status is 128 + its number */
    WATCHDOG_GDB_GONE, /* status is gdb's; no reason to end a guest that gdb has let go in order */
};

/*
 * seconds: 0 is no limit.  The clock stops while a debugger is attached, and while the guest
 * waits for its first one.  NULL when the thread cannot be made.
 */
struct watchdog *watchdog_start(double seconds, bool waits_for_debugger);
/* Set the sandbox to interrupt, or NULL. */
void watchdog_guard(struct watchdog *dog, struct hl_sandbox *sandbox);
/* As if the time were up.  Any thread; the first reason counts. */
void watchdog_end(struct watchdog *dog, enum watchdog_reason reason, int status);
/* Once it is not NONE every call fails with HL_ERR_INTERRUPTED. */
enum watchdog_reason watchdog_reason(struct watchdog *dog, int *status);
/* No call runs any more, but its end is reported, which may take REPORT_GRACE. */
void watchdog_reports(struct watchdog *dog);
void watchdog_stop(struct watchdog *dog); /* NULL is fine */

#endif
