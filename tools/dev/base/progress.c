/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS 1000 /* a run that is over by then has no need of it */
#define NEXT_MS 250
#define CLEAR "\r\033[K"

struct progress {
    struct hl_observer observer;
    atomic_ullong exits, runs;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct timespec start;
    bool stop;
};

static pthread_mutex_t terminal = PTHREAD_MUTEX_INITIALIZER;
static bool shown;

void progress_clear(void)
{
    pthread_mutex_lock(&terminal);
    if (shown)
        fputs(CLEAR, stderr);
    if (shown)
        fflush(stderr);
    shown = false;
    pthread_mutex_unlock(&terminal);
}

static void count(void *opaque, struct hl_sandbox *sandbox, const struct hl_event *event)
{
    struct progress *p = opaque;
    (void)sandbox;
    /* As the profile counts them: a tick of --cpu is not an exit. */
    if (event->kind == HL_EVENT_EXIT && event->exit.exit->kind != HL_EXIT_INTERRUPT)
        atomic_fetch_add_explicit(&p->exits, 1, memory_order_relaxed);
    else if (event->kind == HL_EVENT_END)
        atomic_fetch_add_explicit(&p->runs, 1, memory_order_relaxed);
}

static double seconds(const struct progress *p)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - p->start.tv_sec) + (double)(now.tv_nsec - p->start.tv_nsec) / 1e9;
}

static void show(struct progress *p)
{
    pthread_mutex_lock(&terminal);
    fprintf(stderr,
            CLEAR "%.1f s: %llu runs over, %llu exits; Ctrl-C ends it and shows the profile",
            seconds(p), atomic_load(&p->runs), atomic_load(&p->exits));
    fflush(stderr);
    shown = true;
    pthread_mutex_unlock(&terminal);
}

static void later(struct timespec *at, long ms)
{
    at->tv_nsec += ms % 1000 * 1000000;
    at->tv_sec += ms / 1000 + at->tv_nsec / 1000000000;
    at->tv_nsec %= 1000000000;
}

static void *run(void *opaque)
{
    struct progress *p = opaque;
    struct timespec at = p->start;
    later(&at, FIRST_MS);
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        if (pthread_cond_timedwait(&p->changed, &p->lock, &at) == 0 || p->stop)
            continue;
        show(p);
        clock_gettime(CLOCK_MONOTONIC, &at);
        later(&at, NEXT_MS);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct progress *progress_start(bool quiet)
{
    pthread_condattr_t attr;
    sigset_t all, before;
    struct progress *p = quiet || !isatty(2) ? NULL : calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &attr);
    pthread_condattr_destroy(&attr);
    clock_gettime(CLOCK_MONOTONIC, &p->start);
    p->observer =
        (struct hl_observer){.event = count,
                             .opaque = p,
                             .kinds = HL_EVENT_BIT(HL_EVENT_EXIT) | HL_EVENT_BIT(HL_EVENT_END)};
    /* Signals are for others to take (signals.h). */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&p->thread, NULL, run, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc) {
        free(p);
        return NULL;
    }
    return p;
}

void progress_watch(struct progress *p, struct hl_sandbox *sandbox)
{
    if (p)
        hl_sandbox_observe(sandbox, &p->observer, NULL);
}

void progress_stop(struct progress *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
    progress_clear();
}
