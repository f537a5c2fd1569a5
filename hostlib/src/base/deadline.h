/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadline.h - one thread a process that calls back when a time has come.
 *
 * Setting and unsetting a deadline is a mutex and a few stores: the thread is woken only for one
 * that comes before the time it sleeps to, so calls with a limit that do not run into it leave it
 * asleep.  It has every signal blocked, and ends with the process or the library.
 */
#ifndef HL_DEADLINE_H
#define HL_DEADLINE_H

#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>

#include "clock.h"

#define DEADLINE_NEVER UINT64_MAX

struct deadline {
    /*
     * On the thread, with all deadlines locked: quick, and no deadline_ function in it.  Returns
     * when to come again, after `now`, or DEADLINE_NEVER.
     */
    uint64_t (*due)(struct deadline *deadline, uint64_t now);
    uint64_t at;
    size_t index; /* in the heap; meaningless where that says otherwise */
};

/* Make room for one more, so that setting it cannot fail.  Errors: MEMORY, SYSTEM. */
int deadline_open(struct hl_error *error);
void deadline_close(struct deadline *deadline);

/* Call back at that time, or never; returns once no call of an earlier time is in progress. */
void deadline_set(struct deadline *deadline, uint64_t at);
/* The same, unless it is set to an earlier time. */
void deadline_advance(struct deadline *deadline, uint64_t at);

#endif
