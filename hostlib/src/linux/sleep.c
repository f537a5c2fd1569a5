/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux/sleep.c - system calls in which the guest waits for time to pass, or for a signal.
 *
 * The guest's clocks are the host's: they go on while a debugger holds the guest, as on Linux.  A
 * sleeping guest waits on a futex, linux_of(sb)->nap.wakes, which sandbox_kick() changes for
 * anything that wants the guest's thread.  If that is a debugger or an interrupt, and not a signal,
 * the call is undone: the guest is before its `syscall` instruction, and repeats the call when it
 * continues, with the original end.
 */
#include "linux.h"

#include <errno.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include "futex.h"
#include "linux_sleep.h"
#include "machine_debug.h"
#include "source.h"

#define NS 1000000000ll
#define FOREVER_S (INT64_MAX / NS) /* the longest sleep of Linux */

void linux_wake(struct hl_sandbox *sb)
{
    atomic_fetch_add(&linux_of(sb)->nap.wakes, 1);
    if (atomic_load(&linux_of(sb)->nap.asleep))
        futex_wake(&linux_of(sb)->nap.wakes);
}

/* ---- time ---- */

static bool good_time(const struct timespec *t)
{
    return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < NS;
}

static struct timespec plus(struct timespec a, struct timespec b)
{
    if (b.tv_sec > FOREVER_S - a.tv_sec)
        return (struct timespec){.tv_sec = FOREVER_S};
    a.tv_sec += b.tv_sec;
    a.tv_nsec += b.tv_nsec;
    if (a.tv_nsec >= NS) {
        a.tv_sec++;
        a.tv_nsec -= NS;
    }
    return a;
}

/* The time left from b until a; never below 0. */
static struct timespec minus(struct timespec a, struct timespec b)
{
    a.tv_sec -= b.tv_sec;
    a.tv_nsec -= b.tv_nsec;
    if (a.tv_nsec < 0) {
        a.tv_sec--;
        a.tv_nsec += NS;
    }
    return a.tv_sec < 0 ? (struct timespec){0} : a;
}

/* ---- sleeping ---- */

/* Does this call continue one that was undone? */
static bool goes_on(struct hl_sandbox *sb, uint64_t number)
{
    struct linux_nap *nap = &linux_of(sb)->nap;
    struct hl_regs r;
    bool same = nap->kept && nap->number == number && !machine_get_general(sb->machine, &r, NULL) &&
                r.rip == nap->rip && r.rsp == nap->rsp;
    nap->kept = false;
    return same;
}

/* Remember the end for when the call is repeated. */
static int64_t undo(struct hl_sandbox *sb, uint64_t number)
{
    struct hl_regs r;
    linux_of(sb)->nap.number = number;
    linux_of(sb)->nap.kept = !machine_get_general(sb->machine, &r, NULL);
    linux_of(sb)->nap.rip = r.rip;
    linux_of(sb)->nap.rsp = r.rsp;
    return LINUX_AGAIN;
}

bool linux_is_wanted(const struct hl_sandbox *sb)
{
    return sandbox_is_interrupted(sb) || (sb->warden && sb->warden->ops->wanted(sb->warden));
}

/*
 * Sleep until the end in linux_of(sb)->nap.  0: it is reached; -EINTR: a signal came; LINUX_AGAIN:
 * the guest's thread is wanted.
 */
static int64_t wait_for_it(struct hl_sandbox *sb, uint64_t number)
{
    struct linux_nap *nap = &linux_of(sb)->nap;
    int64_t rc = 0;
    atomic_store(&nap->asleep, true);
    for (bool over = false; !over;) {
        uint32_t seen = atomic_load(&nap->wakes);
        linux_timer_look(sb);
        over = true;
        if (linux_is_due(sb))
            rc = -EINTR;
        else if (linux_is_wanted(sb))
            rc = undo(sb, number);
        else
            over = sb->source->ops->wait(sb->source, nap->clock, nap->endless ? NULL : &nap->until,
                                         &nap->wakes, seen);
    }
    atomic_store(&nap->asleep, false);
    return rc;
}

int64_t linux_sleep(struct hl_sandbox *sb, uint64_t number, const struct timespec *span)
{
    struct timespec now;
    if (!goes_on(sb, number)) {
        linux_of(sb)->nap.clock = CLOCK_MONOTONIC;
        linux_of(sb)->nap.endless = !span;
        int rc = source_clock(sb, CLOCK_MONOTONIC, &now);
        if (rc)
            return rc;
        if (span)
            linux_of(sb)->nap.until = plus(now, *span);
    }
    return wait_for_it(sb, number);
}

int linux_sleep_left(struct hl_sandbox *sb, struct timespec *left)
{
    struct timespec now;
    int rc = source_clock(sb, linux_of(sb)->nap.clock, &now);
    *left = minus(linux_of(sb)->nap.until, now);
    return rc;
}

static int64_t tell_rest(struct hl_sandbox *sb, hl_gva_t at)
{
    struct timespec left;
    int rc = at ? linux_sleep_left(sb, &left) : 0;
    if (rc)
        return rc;
    return at && !linux_set(sb, at, &left, sizeof(left)) ? -EFAULT : -EINTR;
}

/* The span that the guest asks for, and an address for the rest of it. */
static int64_t sleep_span(struct hl_sandbox *sb, uint64_t number, hl_gva_t want, hl_gva_t rest)
{
    struct timespec span;
    if (!linux_get(sb, want, &span, sizeof(span)))
        return -EFAULT;
    if (!good_time(&span))
        return -EINVAL;
    int64_t rc = linux_sleep(sb, number, &span);
    return rc == -EINTR ? tell_rest(sb, rest) : rc;
}

/* Sleep until a time of a clock; if a futex does not support the clock, convert it to a span. */
static int64_t sleep_until(struct hl_sandbox *sb, int clock, hl_gva_t want)
{
    struct timespec until, now, mono;
    if (!linux_get(sb, want, &until, sizeof(until)))
        return -EFAULT;
    if (!good_time(&until))
        return -EINVAL;
    if (!goes_on(sb, SYS_clock_nanosleep)) {
        int rc = source_clock(sb, clock, &now);
        if (!rc)
            rc = source_clock(sb, CLOCK_MONOTONIC, &mono);
        if (rc)
            return rc;
        linux_of(sb)->nap.clock = clock == CLOCK_REALTIME ? clock : CLOCK_MONOTONIC;
        linux_of(sb)->nap.endless = false;
        linux_of(sb)->nap.until = clock == CLOCK_BOOTTIME ? plus(mono, minus(until, now)) : until;
    }
    return wait_for_it(sb, SYS_clock_nanosleep);
}

/* ---- system calls ---- */

int64_t linux_nanosleep(struct hl_sandbox *sb, const args6 a)
{
    return sleep_span(sb, SYS_nanosleep, a[0], a[1]);
}

int64_t linux_clock_nanosleep(struct hl_sandbox *sb, const args6 a)
{
    switch ((int)a[0]) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
        break;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
    if (a[1] & TIMER_ABSTIME)
        return sleep_until(sb, (int)a[0], a[2]);
    return sleep_span(sb, SYS_clock_nanosleep, a[2], a[3]);
}

int64_t linux_pause(struct hl_sandbox *sb, const args6 a)
{
    (void)a;
    return linux_sleep(sb, SYS_pause, NULL);
}

/* The old mask applies again when the handler returns: it is stored in the handler's frame. */
int64_t linux_rt_sigsuspend(struct hl_sandbox *sb, const args6 a)
{
    const uint64_t before = linux_of(sb)->process->blocked;
    uint64_t mask;
    if (a[1] != sizeof(mask))
        return -EINVAL;
    if (!linux_get(sb, a[0], &mask, sizeof(mask)))
        return -EFAULT;
    linux_change(sb)->blocked = mask & ~UNCATCHABLE;
    int64_t rc = linux_sleep(sb, SYS_rt_sigsuspend, NULL);
    if (rc != -EINTR) {
        linux_change(sb)->blocked = before;
        return rc;
    }
    linux_of(sb)->nap.back = before;
    linux_of(sb)->nap.suspended = true;
    return rc;
}
