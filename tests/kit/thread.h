/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - threads of a test, and waiting for what they bring about. */
#ifndef TESTS_THREAD_H
#define TESTS_THREAD_H

#include "kit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define PATIENCE_S 40

static inline void thread_begin(pthread_t *thread, void *(*run)(void *), void *opaque)
{
    assert_int_equal(pthread_create(thread, NULL, run, opaque), 0);
}

static inline void thread_end(pthread_t thread)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static inline time_t seconds_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec;
}

/*
 * Wait for a condition that another thread brings about and nothing announces.  In the test's own
 * thread: it fails when that takes PATIENCE_S.
 */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        const time_t end_ = seconds_now() + PATIENCE_S * (time_t)slow();                           \
        for (unsigned looks_ = 0; !(condition); looks_++) {                                        \
            if (seconds_now() > end_)                                                              \
                fail_msg("waited %u s for %s", PATIENCE_S *slow(), #condition);                    \
            if (looks_ < 1000)                                                                     \
                sched_yield();                                                                     \
            else                                                                                   \
                usleep(100);                                                                       \
        }                                                                                          \
    } while (0)

#endif
