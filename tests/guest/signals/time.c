/* SPDX-License-Identifier: Apache-2.0 */
/* Timers, and sleep that a signal breaks. */
#define _GNU_SOURCE
#include <hl/guest.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

HL_HOST_FUNCTION(void, Here, (i32, what));

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

HL_FUNCTION(i32, Sleeps)
{
    struct timespec span = {0, 20000000}, until;
    struct timeval micro = {0, 20000};
    int64_t began = now_us();
    CHECK(nanosleep(&span, NULL) == 0 && now_us() - began >= 20000);
    began = now_us();
    CHECK(usleep(20000) == 0 && now_us() - began >= 20000);
    began = now_us();
    CHECK(clock_gettime(CLOCK_REALTIME, &until) == 0);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) == 0);
    CHECK(now_us() - began >= 19000);
    CHECK(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL) == 0); /* gone by */
    CHECK(clock_gettime(CLOCK_BOOTTIME, &until) == 0);
    until.tv_sec -= 1;
    CHECK(clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, NULL) == 0);
    began = now_us();
    CHECK(poll(NULL, 0, 20) == 0 && now_us() - began >= 20000);
    began = now_us();
    CHECK(select(0, NULL, NULL, NULL, &micro) == 0 && now_us() - began >= 20000);
    began = now_us();
    CHECK(pselect(0, NULL, NULL, NULL, &span, NULL) == 0 && now_us() - began >= 20000);
    began = now_us();
    CHECK(ppoll(NULL, 0, &span, NULL) == 0 && now_us() - began >= 20000);
    return 0;
}

HL_FUNCTION(i32, NoSleep)
{
    struct timespec bad = {0, 1000000000}, negative = {-1, 0}, zero = {0, 0};
    CHECK(nanosleep(&bad, NULL) == -1 && errno == EINVAL);
    CHECK(nanosleep(&negative, NULL) == -1 && errno == EINVAL);
    CHECK(nanosleep((void *)8, NULL) == -1 && errno == EFAULT);
    CHECK(nanosleep(&zero, NULL) == 0);
    CHECK(clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &zero, NULL) == EOPNOTSUPP);
    CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &zero, NULL) == EINVAL);
    CHECK(clock_nanosleep(77, 0, &zero, NULL) == EINVAL);
    return 0;
}

/* The alarm breaks a sleep, which says what is left of it. */
HL_FUNCTION(i32, BrokenSleep)
{
    struct timespec span = {100, 0}, rest = {0, 0};
    struct itimerval soon = {{0, 0}, {0, 20000}};
    CHECK(install(SIGALRM, SA_RESTART) == 0);
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK(nanosleep(&span, &rest) == -1 && errno == EINTR && runs == 1);
    CHECK(rest.tv_sec == 99 && info.si_code == SI_KERNEL);
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK(pause() == -1 && errno == EINTR && runs == 2);
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK(poll(NULL, 0, -1) == -1 && errno == EINTR && runs == 3);
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK(select(0, NULL, NULL, NULL, NULL) == -1 && errno == EINTR && runs == 4);
    return 0;
}

HL_FUNCTION(i32, Suspend)
{
    struct itimerval soon = {{0, 0}, {0, 20000}};
    sigset_t alarms, none, now;
    CHECK(install(SIGALRM, 0) == 0);
    sigemptyset(&none);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    CHECK(sigprocmask(SIG_BLOCK, &alarms, NULL) == 0);
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == 0);
    CHECK(sigsuspend(&none) == -1 && errno == EINTR && runs == 1);
    CHECK(sigprocmask(SIG_UNBLOCK, &alarms, &now) == 0 && sigismember(&now, SIGALRM) == 1);
    return 0;
}

/* A guest that makes no exits at all is broken, too. */
HL_FUNCTION(i32, Spin)
{
    CHECK(install(SIGALRM, 0) == 0);
    CHECK(alarm(100) == 0);
    struct itimerval soon = {{0, 2000}, {0, 2000}}, old, off = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &soon, &old) == 0);
    CHECK(old.it_value.tv_sec == 99 || old.it_value.tv_sec == 100);
    while (runs < 5)
        ;
    CHECK(getitimer(ITIMER_REAL, &old) == 0 && old.it_interval.tv_usec == 2000);
    CHECK(setitimer(ITIMER_REAL, &off, NULL) == 0 && getitimer(ITIMER_REAL, &old) == 0);
    CHECK(!old.it_value.tv_sec && !old.it_value.tv_usec);
    CHECK(alarm(100) == 0 && alarm(0) == 100);
    CHECK(setitimer(ITIMER_VIRTUAL, &soon, NULL) == -1 && errno == EINVAL);
    CHECK(setitimer(ITIMER_PROF, &soon, NULL) == -1 && errno == EINVAL);
    soon.it_value.tv_usec = 1000000;
    CHECK(setitimer(ITIMER_REAL, &soon, NULL) == -1 && errno == EINVAL);
    return 0;
}

/* An interval of 50 us that is blocked for 20 ms; then it goes on. */
HL_FUNCTION(i32, Unheard)
{
    struct itimerval t = {{0, 50}, {0, 50}};
    const int64_t end = now_us() + 20000;
    sigset_t set;
    CHECK(install(SIGALRM, 0) == 0);
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && setitimer(ITIMER_REAL, &t, NULL) == 0);
    while (now_us() < end)
        ;
    return runs;
}

HL_FUNCTION(i32, Heard)
{
    const struct itimerval none = {{0, 0}, {0, 0}};
    sigset_t set;
    sigemptyset(&set);
    CHECK(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
    while (runs < 3)
        ;
    CHECK(setitimer(ITIMER_REAL, &none, NULL) == 0);
    return 0;
}

HL_FUNCTION(void, SetAlarm, (u32, us))
{
    struct itimerval soon = {{0, 0}, {us / 1000000, us % 1000000}};
    setitimer(ITIMER_REAL, &soon, NULL);
}

HL_FUNCTION(i32, CatchAlarm)
{
    return install(SIGALRM, 0);
}

HL_FUNCTION(i32, Rung)
{
    return runs;
}

HL_FUNCTION(i32, SleepOn, (u32, ms))
{
    struct timespec span = {ms / 1000, (long)(ms % 1000) * 1000000}, rest = {0, 0};
    Here(1);
    int rc = nanosleep(&span, &rest);
    return rc ? -errno : 0;
}

HL_FUNCTION(void, SpinOn)
{
    for (volatile int i = 0;; i++)
        ;
}
