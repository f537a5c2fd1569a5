/* SPDX-License-Identifier: Apache-2.0 */
/* thread.h - threads of a test; with wait.h, for what they bring about. */
#ifndef TESTS_THREAD_H
#define TESTS_THREAD_H

#include "kit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "wait.h"

static inline void thread_begin(pthread_t *thread, void *(*run)(void *), void *opaque)
{
    assert_int_equal(pthread_create(thread, NULL, run, opaque), 0);
}

static inline void thread_end(pthread_t thread)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
}

#endif
