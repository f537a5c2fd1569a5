/* SPDX-License-Identifier: Apache-2.0 */
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static sigset_t held;
static pthread_t thread;
static bool running;
static int any; /* of those held, or 0 */
static atomic_bool leave_interrupt, stopping;

/* What nohup or a script's `&` has made us ignore we go on ignoring. */
static void hold(int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_IGN)
        sigaddset(&held, any = number);
}

void signals_hold(void)
{
    sigemptyset(&held);
    hold(SIGINT);
    hold(SIGTERM);
    hold(SIGHUP);
    pthread_sigmask(SIG_BLOCK, &held, NULL);
}

void signals_leave_interrupt(bool leave)
{
    leave_interrupt = leave;
}

static void *wait_for_one(void *opaque)
{
    int number;
    while (sigwait(&held, &number) == 0 && !stopping)
        if (number != SIGINT || !leave_interrupt)
            watchdog_end(opaque, WATCHDOG_SIGNAL, 128 + number);
    return NULL;
}

void signals_watch(struct watchdog *dog)
{
    running = any && pthread_create(&thread, NULL, wait_for_one, dog) == 0;
}

/*
 * Not by pthread_cancel(), which loads a library first, and ends the program where that cannot be
 * (no descriptor, no memory).
 */
void signals_stop(void)
{
    if (!running)
        return;
    stopping = true;
    pthread_kill(thread, any);
    pthread_join(thread, NULL);
    running = false;
}

void signals_die(int status)
{
    sigset_t one;
    signal(status - 128, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, status - 128);
    raise(status - 128);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}
