/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadline.h - one thread per process that calls back at given times.
 *
 * Setting or clearing a deadline takes a mutex and a few stores.  The thread is woken only for a
 * deadline earlier than the time it sleeps until, so calls that end before their limit do not wake
 * it.  All signals are blocked in it, and it ends with the process or the library.
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
     * Called on the thread, with all deadlines locked: must be quick, and must not call deadline
     * functions.  Returns the next time to call, after `now`, or DEADLINE_NEVER.
     */
    uint64_t (*due)(struct deadline *deadline, uint64_t now);
    uint64_t at;
    size_t index; /* in the heap; meaningless if the heap has another there */
};

/* Make room for one more, so that setting it cannot fail.  Errors: MEMORY, SYSTEM. */
int deadline_open(struct hl_error *error);
void deadline_close(struct deadline *deadline);

/* Call back at that time, or never.  Returns when no earlier callback is in progress. */
void deadline_set(struct deadline *deadline, uint64_t at);
/* The same, unless it is already set to an earlier time. */
void deadline_advance(struct deadline *deadline, uint64_t at);

#endif
