/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - the guest `limits`, with a host function that spends time. */
#ifndef TESTS_LIMITS_H
#define TESTS_LIMITS_H

#include "box.h"
#include "deadline.h"
#include "debug.h"
#include "child.h"
#include "thread.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <hl/debug.h>
#include <hl/snapshot.h>

#define MS 1000000ull
#define S 1000000000ull

/* What HostTakes does with its time, and what happens in it. */
struct host {
    struct box *box;
    bool burns; /* CPU time; else it sleeps */
    bool interrupts;
    int limit; /* what setting a limit in here gave */
    atomic_int calls;
    atomic_bool wait, inside;
};

static inline uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec;
}

static inline void take(clockid_t clock, uint64_t ns)
{
    for (uint64_t end = clock_ns(clock) + ns; clock_ns(clock) < end;)
        if (clock == CLOCK_MONOTONIC)
            usleep(500);
}

struct bell {
    struct deadline deadline; /* the first member */
    sem_t rung;
};

static inline uint64_t ring(struct deadline *deadline, uint64_t now)
{
    (void)now;
    sem_post(&((struct bell *)deadline)->rung);
    return DEADLINE_NEVER;
}

/* Until a deadline that begins now is over, and with it each that had begun and is no longer. */
static inline void outlast(uint64_t ns)
{
    struct bell bell = {.deadline = {.due = ring}};
    sem_init(&bell.rung, 0, 0);
    assert_int_equal(deadline_open(NULL), 0);
    deadline_set(&bell.deadline, clock_now() + ns);
    while (sem_wait(&bell.rung))
        continue;
    deadline_close(&bell.deadline);
    sem_destroy(&bell.rung);
}

static inline int host_takes(void *opaque, const struct hl_value *args, size_t count,
                             struct hl_value *result, struct hl_error *error)
{
    struct host *h = opaque;
    (void)count;
    (void)error;
    h->limit = hl_sandbox_limit(h->box->sb, NULL, NULL);
    atomic_fetch_add(&h->calls, 1);
    if (h->interrupts)
        hl_sandbox_interrupt(h->box->sb);
    atomic_store(&h->inside, true);
    WAIT_WHILE(atomic_load(&h->wait));
    take(h->burns ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC,
         (uint64_t)(uint32_t)args[0].i32 * MS);
    result->i32 = 1;
    return 0;
}

static inline void create(struct box *box, struct host *h, const char *const *envp)
{
    memset(h, 0, sizeof(*h));
    h->box = box;
    box_create(box, "limits", (struct hl_sandbox_config){.envp = envp});
    box_register(box, "HostTakes", "i32(i32)", host_takes, h);
}

static inline void open_limits(struct box *box, struct host *h)
{
    create(box, h, NULL);
    box_start(box);
}

static inline void limit(struct box *box, struct hl_limits limits)
{
    if (hl_sandbox_limit(box->sb, &limits, &box->error))
        fail_msg("%s", box->error.text);
}

#endif
