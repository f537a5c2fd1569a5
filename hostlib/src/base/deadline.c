/* SPDX-License-Identifier: Apache-2.0 */
#include "deadline.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "error_errno.h"
#include "grow.h"
#include "retry.h"

#define NS 1000000000ull

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool running, prepared, stop;
    uint64_t asleep_until;    /* 0: awake, it will look for itself */
    struct deadline **heap;   /* the next one first; children of i are 2i + 1 and 2i + 2 */
    size_t count, open, room; /* open <= room: setting needs no memory */
} all = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- the heap; all with the lock held ------------------------------------------------------- */

static void place(size_t i, struct deadline *d)
{
    all.heap[i] = d;
    d->index = i;
}

static void sift_up(size_t i)
{
    struct deadline *d = all.heap[i];
    for (; i && all.heap[(i - 1) / 2]->at > d->at; i = (i - 1) / 2)
        place(i, all.heap[(i - 1) / 2]);
    place(i, d);
}

static void sift_down(size_t i)
{
    struct deadline *d = all.heap[i];
    for (size_t child; (child = 2 * i + 1) < all.count; i = child) {
        if (child + 1 < all.count && all.heap[child + 1]->at < all.heap[child]->at)
            child++;
        if (all.heap[child]->at >= d->at)
            break;
        place(i, all.heap[child]);
    }
    place(i, d);
}

static bool is_set(const struct deadline *d)
{
    return d->index < all.count && all.heap[d->index] == d;
}

static void take_out(struct deadline *d)
{
    size_t i = d->index;
    struct deadline *last = all.heap[--all.count];
    if (last == d)
        return;
    place(i, last);
    sift_up(i);
    sift_down(last->index);
}

static void put(struct deadline *d, uint64_t at)
{
    if (is_set(d))
        take_out(d);
    d->at = at;
    if (at == DEADLINE_NEVER || all.count == all.room)
        return;
    place(all.count++, d);
    sift_up(d->index);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static void sleep_until(uint64_t at)
{
    const struct timespec t = {.tv_sec = (time_t)(at / NS), .tv_nsec = (long)(at % NS)};
    all.asleep_until = at;
    if (at == DEADLINE_NEVER)
        pthread_cond_wait(&all.changed, &all.lock);
    else
        pthread_cond_timedwait(&all.changed, &all.lock, &t);
    all.asleep_until = 0;
}

static void *watch(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&all.lock);
    while (!all.stop) {
        struct deadline *next = all.count ? all.heap[0] : NULL;
        uint64_t now = clock_now();
        if (next && next->at <= now)
            put(next, next->due(next, now));
        else
            sleep_until(next ? next->at : DEADLINE_NEVER);
    }
    pthread_mutex_unlock(&all.lock);
    return NULL;
}

static void prepare_condition(void)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&all.changed, &attr);
    pthread_condattr_destroy(&attr);
}

/* The child of a fork has only the forking thread, and its sandboxes are not used: start again. */
static void after_fork(void)
{
    pthread_mutex_init(&all.lock, NULL);
    prepare_condition();
    all.running = false;
    all.count = 0;
}

/* Lock held.  Signals are for the program's own threads. */
static int start(void)
{
    sigset_t before;
    if (all.running)
        return 0;
    if (!all.prepared) {
        prepare_condition();
        pthread_atfork(NULL, NULL, after_fork);
        all.prepared = true;
    }
    signals_block(&before);
    int rc = pthread_create(&all.thread, NULL, watch, NULL);
    signals_restore(&before);
    all.running = rc == 0;
    return rc;
}

/* At exit() and dlclose(): no thread may be left in code that is unmapped. */
__attribute__((destructor)) static void end(void)
{
    pthread_mutex_lock(&all.lock);
    bool running = all.running;
    all.stop = true;
    all.running = false;
    if (running)
        pthread_cond_signal(&all.changed);
    pthread_mutex_unlock(&all.lock);
    if (running)
        pthread_join(all.thread, NULL);
    pthread_mutex_lock(&all.lock);
    free(all.heap);
    all.heap = NULL;
    all.count = all.room = 0;
    pthread_mutex_unlock(&all.lock);
}

/* ---- for limits ----------------------------------------------------------------------------- */

static int reserve(void)
{
    struct deadline **heap =
        array_grow(all.heap, &all.room, all.open + 1, sizeof(struct deadline *));
    if (!heap)
        return HL_ERR_MEMORY;
    all.heap = heap;
    return 0;
}

int deadline_open(struct hl_error *error)
{
    pthread_mutex_lock(&all.lock);
    int failed = start();
    int rc = failed ? HL_ERR_SYSTEM : reserve();
    if (!rc)
        all.open++;
    pthread_mutex_unlock(&all.lock);
    if (failed) {
        hl_error_set(error, rc, "cannot start the thread that keeps time: %s", strerror(failed));
        error_errno(error, failed, rc);
    } else if (rc) {
        hl_error_set(error, rc, "%s", hl_err_text(rc));
    }
    return rc;
}

void deadline_close(struct deadline *d)
{
    pthread_mutex_lock(&all.lock);
    if (is_set(d))
        take_out(d);
    all.open--;
    pthread_mutex_unlock(&all.lock);
}

static void set(struct deadline *d, uint64_t at)
{
    put(d, at);
    if (at < all.asleep_until)
        pthread_cond_signal(&all.changed);
}

void deadline_set(struct deadline *d, uint64_t at)
{
    pthread_mutex_lock(&all.lock);
    set(d, at);
    pthread_mutex_unlock(&all.lock);
}

void deadline_advance(struct deadline *d, uint64_t at)
{
    pthread_mutex_lock(&all.lock);
    if (!is_set(d) || at < d->at)
        set(d, at);
    pthread_mutex_unlock(&all.lock);
}
