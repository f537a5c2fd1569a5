/* SPDX-License-Identifier: Apache-2.0 */
/* partner.c - the second thread of a worker: interrupts, destroys and debugs what that one calls.
 */
#include "storm.h"

#include <errno.h>

static void down(sem_t *sem)
{
    while (sem_wait(sem) && errno == EINTR)
        ;
}

static void *assist(void *opaque)
{
    struct worker *w = opaque;
    struct partner *p = &w->partner;
    struct tick *tick = tick_begin();
    for (;;) {
        down(&p->wake);
        if (p->job == JOB_END)
            break;
        for (volatile unsigned i = 0; i < p->turns; i++)
            ;
        if (p->job == JOB_INTERRUPT)
            hl_sandbox_interrupt(p->life->sb);
        else if (p->job == JOB_DESTROY)
            hl_sandbox_destroy(p->life->sb);
        else if (p->job == JOB_DEBUG)
            debugger_visits(w, hl_sandbox_debug_remote(p->life->sb), p->end);
        atomic_store(&p->over, true);
        sem_post(&p->done);
    }
    tick_end(tick);
    return NULL;
}

void partner_open(struct worker *w)
{
    sem_init(&w->partner.wake, 0, 0);
    sem_init(&w->partner.done, 0, 0);
    CHECK(w, pthread_create(&w->partner.thread, NULL, assist, w) == 0, "no thread");
}

void partner_close(struct worker *w)
{
    w->partner.job = JOB_END;
    sem_post(&w->partner.wake);
    pthread_join(w->partner.thread, NULL);
    sem_destroy(&w->partner.wake);
    sem_destroy(&w->partner.done);
}

void partner_prepare(struct worker *w, struct life *l, enum job job)
{
    w->partner.job = job;
    w->partner.life = l;
    w->partner.turns = below(w, 2) ? below(w, 100000) : 0;
    w->partner.end = (enum debug_end)below(w, END_WAYS);
    atomic_store(&w->partner.over, false);
}

void partner_wake(struct worker *w)
{
    sem_post(&w->partner.wake);
}

void partner_wait(struct worker *w)
{
    down(&w->partner.done);
}
