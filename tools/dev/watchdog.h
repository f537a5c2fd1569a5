/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog.h - a thread that interrupts the sandbox when its time is up. */
#ifndef DEV_WATCHDOG_H
#define DEV_WATCHDOG_H

#include <stdbool.h>

#include <hl/sandbox.h>

struct watchdog;

/* NULL when the thread cannot be made. */
struct watchdog *watchdog_start(double seconds);
/* The sandbox to interrupt; NULL while there is none. */
void watchdog_guard(struct watchdog *dog, struct hl_sandbox *sandbox);
bool watchdog_expired(struct watchdog *dog);
void watchdog_stop(struct watchdog *dog); /* NULL is fine */

#endif
