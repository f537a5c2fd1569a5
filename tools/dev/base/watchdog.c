/* SPDX-License-Identifier: Apache-2.0 */
#include "watchdog.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <hl/debug.h>

#include "clock.h"
#include "ui.h"

#define AGAIN 0.01 /* an interrupt between two calls has no effect: say it again */
#define GRACE 2.0  /* so long; then a host function must be hanging */
/* ... or more for a report, which looks names up: HL_SYMBOLS_SECONDS, on a busy machine. */
#define REPORT_GRACE 10.0
#define LOOK 0.05 /* for a debugger, which stops the clock */
#define LONG 1e6
#define FAREWELL_MS 1000 /* until the end of a connection is noticed */

struct watchdog {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct hl_sandbox *sandbox;
    double left, waited; /* to the end of the time; since there was a reason */
    bool limited, waits, stop, reports;
    enum watchdog_reason reason;
    int status;
};

static double now(void)
{
    return (double)clock_now() / 1e9;
}

static struct timespec at(double seconds)
{
    double whole = floor(seconds);
    return (struct timespec){.tv_sec = (time_t)whole, .tv_nsec = (long)((seconds - whole) * 1e9)};
}

static bool has_debugger(const struct watchdog *dog)
{
    return dog->sandbox && hl_sandbox_debug_endpoint(dog->sandbox);
}

/* Is it a debugger that takes the time? */
static bool stands_still(const struct watchdog *dog)
{
    if (!has_debugger(dog))
        return false;
    return hl_sandbox_debug_attached(dog->sandbox) ||
           (dog->waits && hl_sandbox_debug_wait_gone(dog->sandbox, 0) != 0);
}

static double until_next(const struct watchdog *dog)
{
    if (dog->reason != WATCHDOG_NONE)
        return AGAIN;
    if (!dog->limited)
        return LONG;
    return has_debugger(dog) && dog->left > LOOK ? LOOK : dog->left;
}

/* No other thread can report this: the guest's thread hangs in the host's code, or in ours. */
static void give_up(const struct watchdog *dog)
{
    static const char *const names[] = {"", "time limit reached", "interrupted", "gdb has gone"};
    bool calls = dog->sandbox && hl_image_import_count(hl_sandbox_image(dog->sandbox));
    ui_error(0, "%s, and %s", names[dog->reason],
             dog->reports ? "the report does not end"
             : calls      ? "a host function does not return"
                          : "hl-dev cannot end the guest");
    quick_exit(dog->status); /* a trace's last line is ended, a profile is shown */
}

static void bite(struct watchdog *dog, double elapsed)
{
    if (dog->sandbox)
        hl_sandbox_interrupt(dog->sandbox);
    dog->waited += elapsed;
    if (dog->waited > GRACE + (dog->reports ? REPORT_GRACE : 0))
        give_up(dog);
}

static void *watch(void *opaque)
{
    struct watchdog *dog = opaque;
    pthread_mutex_lock(&dog->lock);
    for (double last = now(); !dog->stop;) {
        struct timespec next = at(last + until_next(dog));
        pthread_cond_timedwait(&dog->changed, &dog->lock, &next);
        double elapsed = now() - last;
        last += elapsed;
        if (dog->reason != WATCHDOG_NONE) {
            bite(dog, elapsed);
            continue;
        }
        if (dog->limited && !stands_still(dog))
            dog->left -= elapsed;
        if (dog->limited && dog->left <= 0) {
            dog->reason = WATCHDOG_TIMEOUT;
            dog->status = EXIT_TIMEOUT;
            bite(dog, 0);
        }
    }
    pthread_mutex_unlock(&dog->lock);
    return NULL;
}

struct watchdog *watchdog_start(double seconds, bool waits_for_debugger)
{
    struct watchdog *dog = calloc(1, sizeof(*dog));
    pthread_condattr_t attr;
    if (!dog)
        return NULL;
    dog->left = seconds;
    dog->limited = seconds > 0;
    dog->waits = waits_for_debugger;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&dog->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&dog->lock, NULL);
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
    dog->reports = false;
    pthread_cond_signal(&dog->changed);
    pthread_mutex_unlock(&dog->lock);
}

void watchdog_reports(struct watchdog *dog)
{
    if (!dog)
        return;
    pthread_mutex_lock(&dog->lock);
    dog->reports = true;
    pthread_mutex_unlock(&dog->lock);
}

/* It detached, or killed the guest, which then knows for itself; it may also never have come. */
static bool let_go(const struct watchdog *dog, int status)
{
    return status == 0 && dog->sandbox &&
           hl_sandbox_debug_wait_gone(dog->sandbox, FAREWELL_MS) == 0;
}

void watchdog_end(struct watchdog *dog, enum watchdog_reason reason, int status)
{
    if (!dog)
        return;
    pthread_mutex_lock(&dog->lock);
    if (dog->reason == WATCHDOG_NONE && !(reason == WATCHDOG_GDB_GONE && let_go(dog, status))) {
        dog->reason = reason;
        dog->status = status;
    }
    pthread_cond_signal(&dog->changed);
    pthread_mutex_unlock(&dog->lock);
}

enum watchdog_reason watchdog_reason(struct watchdog *dog, int *status)
{
    if (!dog)
        return WATCHDOG_NONE;
    pthread_mutex_lock(&dog->lock);
    enum watchdog_reason reason = dog->reason;
    if (status)
        *status = dog->status;
    pthread_mutex_unlock(&dog->lock);
    return reason;
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
