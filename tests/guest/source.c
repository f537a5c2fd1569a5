/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - asks for everything that enters a guest from outside, and says what it got. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>

#include <hl/guest.h>

HL_HOST_FUNCTION(i32, Dice, (i32, sides));
HL_HOST_FUNCTION(string, Name);

static long long ns_of(clockid_t clock)
{
    struct timespec t = {0, 0};
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* An hour of sleep in the middle. */
HL_FUNCTION(string, Diary)
{
    const struct timespec hour = {3600, 0};
    uint64_t at_start, now = 0;
    memcpy(&at_start, (const void *)getauxval(AT_RANDOM), sizeof(at_start));
    getrandom(&now, sizeof(now), 0);
    long long real = ns_of(CLOCK_REALTIME), before = ns_of(CLOCK_MONOTONIC);
    nanosleep(&hour, NULL);
    long long slept = ns_of(CLOCK_MONOTONIC) - before;
    int dice = Dice(6);
    return hl_format("%llx %llx %lld %lld %lld %d %s", (unsigned long long)at_start,
                     (unsigned long long)now, real, before, slept, dice, Name());
}

HL_FUNCTION(i32, Random)
{
    char byte;
    return getrandom(&byte, 1, 0) == 1 ? 0 : errno;
}

static volatile sig_atomic_t rung;

static void on_alarm(int number)
{
    rung = number;
}

/* How many dice are thrown until an alarm of so many ms rings. */
HL_FUNCTION(i32, Throws, (i32, ms))
{
    const struct itimerval t = {{0, 0}, {ms / 1000, ms % 1000 * 1000}};
    int throws = 0;
    rung = 0;
    signal(SIGALRM, on_alarm);
    setitimer(ITIMER_REAL, &t, NULL);
    while (!rung) {
        Dice(6);
        throws++;
    }
    return throws;
}

/* ms that an alarm has still to go, once it was set and `throws` dice were thrown. */
HL_FUNCTION(i32, Left, (i32, ms), (i32, throws))
{
    struct itimerval t = {{0, 0}, {ms / 1000, ms % 1000 * 1000}};
    const struct itimerval off = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &t, NULL);
    while (throws-- > 0)
        Dice(6);
    setitimer(ITIMER_REAL, &off, &t);
    return (int)(t.it_value.tv_sec * 1000 + t.it_value.tv_usec / 1000);
}

static uint64_t cell;

HL_FUNCTION(u64, Cell)
{
    return (uint64_t)(uintptr_t)&cell;
}
