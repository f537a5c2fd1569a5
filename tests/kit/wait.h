/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.h - the one way to wait for what gives no sign of its own: look, nap, look again, and fail
 * once it has lasted far longer than any machine needs.  Where there is an event, wait for that.
 */
#ifndef TESTS_WAIT_H
#define TESTS_WAIT_H

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define WAIT_S 60 /* times HL_TEST_SLOW */

struct wait {
    time_t until; /* 0: not begun */
};

/* A nap between two looks; false when there were enough of them.  Begins with {0}. */
static inline bool wait_nap(struct wait *wait)
{
    const struct timespec nap = {.tv_nsec = 500000};
    const char *slower = getenv("HL_TEST_SLOW");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (!wait->until)
        wait->until = now.tv_sec + WAIT_S * (slower && atoi(slower) > 1 ? atoi(slower) : 1);
    clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
    return now.tv_sec < wait->until;
}

/* In a test's own thread. */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        for (struct wait wait_ = {0}; !(condition);)                                               \
            if (!wait_nap(&wait_))                                                                 \
                fail_msg("it never came: %s", #condition);                                         \
    } while (0)

/* In another one, which may not fail the test: on to the end where it does not come. */
#define WAIT_WHILE(condition)                                                                      \
    do {                                                                                           \
        for (struct wait wait_ = {0}; (condition) && wait_nap(&wait_);)                            \
            continue;                                                                              \
    } while (0)

#endif
