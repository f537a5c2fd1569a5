/* SPDX-License-Identifier: Apache-2.0 */
#include "watchdog.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ui.h"

#define AGAIN_NS 10000000 /* an interrupt between two calls has no effect: say it again */
#define GRACE 200         /* so many times; then a host function must be hanging */

struct watchdog {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct hl_sandbox *sandbox;
    struct timespec deadline;
    bool stop, expired;
};

static void add_ns(struct timespec *t, long ns)
{
    t->tv_nsec += ns;
    if (t->tv_nsec >= 1000000000) {
        t->tv_nsec -= 1000000000;
        t->tv_sec++;
    }
}

static void *watch(void *opaque)
{
    struct watchdog *dog = opaque;
    int grace = GRACE;
    pthread_mutex_lock(&dog->lock);
    while (!dog->stop) {
        if (pthread_cond_timedwait(&dog->changed, &dog->lock, &dog->deadline) != ETIMEDOUT)
            continue;
        dog->expired = true;
        if (dog->sandbox)
            hl_sandbox_interrupt(dog->sandbox);
        if (grace-- == 0) {
            ui_error(0, "time limit reached, and a host function does not return");
            _exit(EXIT_TIMEOUT);
        }
        clock_gettime(CLOCK_MONOTONIC, &dog->deadline);
        add_ns(&dog->deadline, AGAIN_NS);
    }
    pthread_mutex_unlock(&dog->lock);
    return NULL;
}

struct watchdog *watchdog_start(double seconds)
{
    struct watchdog *dog = calloc(1, sizeof(*dog));
    pthread_condattr_t attr;
    if (!dog)
        return NULL;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&dog->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&dog->lock, NULL);
    clock_gettime(CLOCK_MONOTONIC, &dog->deadline);
    dog->deadline.tv_sec += (time_t)seconds;
    add_ns(&dog->deadline, (long)((seconds - floor(seconds)) * 1e9));
    if (pthread_create(&dog->thread, NULL, watch, dog)) {
        free(dog);
        return NULL;
    }
    return dog;
}

void watchdog_guard(struct watchdog *dog, struct hl_sandbox *sandbox)
{
    if (!dog)
        return;
    pthread_mutex_lock(&dog->lock);
    dog->sandbox = sandbox;
    pthread_mutex_unlock(&dog->lock);
}

bool watchdog_expired(struct watchdog *dog)
{
    if (!dog)
        return false;
    pthread_mutex_lock(&dog->lock);
    bool expired = dog->expired;
    pthread_mutex_unlock(&dog->lock);
    return expired;
}

void watchdog_stop(struct watchdog *dog)
{
    if (!dog)
        return;
    pthread_mutex_lock(&dog->lock);
    dog->stop = true;
    pthread_cond_signal(&dog->changed);
    pthread_mutex_unlock(&dog->lock);
    pthread_join(dog->thread, NULL);
    pthread_mutex_destroy(&dog->lock);
    pthread_cond_destroy(&dog->changed);
    free(dog);
}
