/* SPDX-License-Identifier: Apache-2.0 */
/* signals.h - SIGINT, SIGTERM and SIGHUP as an end in good order: no socket is left behind. */
#ifndef DEV_SIGNALS_H
#define DEV_SIGNALS_H

#include "watchdog.h"

/* Before any thread is started: none of them dies of these signals. */
void signals_hold(void);
/* While gdb has the terminal SIGINT is its business. */
void signals_leave_interrupt(bool leave);
/* The first one ends the session through dog, until signals_stop(). */
void signals_watch(struct watchdog *dog);
void signals_stop(void);
/* Die of the one that came, 128 + number, as if it had never been held back. */
void signals_die(int status);

#endif
