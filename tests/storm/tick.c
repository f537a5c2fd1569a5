/* SPDX-License-Identifier: Apache-2.0 */
/* tick.c - signals for one thread, without SA_RESTART: every system call there may be broken. */
#include "storm.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* glibc 2.36 does not name it. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

struct tick {
    timer_t timer;
};

static void on_tick(int signal_number)
{
    (void)signal_number;
}

struct tick *tick_begin(void)
{
    struct tick *tick = malloc(sizeof(*tick));
    struct sigaction action = {.sa_handler = on_tick};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGVTALRM};
    const struct itimerspec each = {{0, storm.period_ns}, {0, storm.period_ns}};
    event.sigev_notify_thread_id = gettid();
    sigemptyset(&action.sa_mask);
    if (!tick || sigaction(SIGVTALRM, &action, NULL) ||
        timer_create(CLOCK_MONOTONIC, &event, &tick->timer) ||
        timer_settime(tick->timer, 0, &each, NULL))
        storm_fail(NULL, "no timer");
    return tick;
}

void tick_end(struct tick *tick)
{
    timer_delete(tick->timer);
    free(tick);
}
