/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux/timer.c - alarm() and setitimer(ITIMER_REAL).
 *
 * The source (with its deadline thread, when live) notes that the timer has expired and kicks the
 * guest; the guest's thread raises SIGALRM, and sets the deadline for the next expiry of an
 * interval.  So a guest that does not run costs nothing, however short its interval, and neither
 * does one that blocks SIGALRM.
 */
#include "linux.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

#include "source.h"

#define NS 1000000000ull
#define MOST ((uint64_t)INT64_MAX / 2) /* ns: 146 years */

static uint64_t due(struct deadline *d, uint64_t now)
{
    struct linux_timer *t = (struct linux_timer *)d;
    (void)now;
    atomic_store(&t->rung, true);
    sandbox_kick(t->sb);
    return DEADLINE_NEVER;
}

static int open_timer(struct hl_sandbox *sb, struct hl_error *error)
{
    struct linux_timer *t = &linux_of(sb)->timer;
    if (t->open)
        return 0;
    t->deadline.due = due;
    t->deadline.index = SIZE_MAX;
    t->sb = sb;
    int rc = sb->source->ops->open_alarm(sb->source, error);
    t->open = rc == 0;
    return rc;
}

static void arm(struct hl_sandbox *sb, uint64_t next)
{
    linux_of(sb)->timer.next = next;
    sb->source->ops->set_alarm(sb->source, &linux_of(sb)->timer.deadline, next);
}

void linux_timer_look(struct hl_sandbox *sb)
{
    struct linux_timer *t = &linux_of(sb)->timer;
    if (!atomic_load_explicit(&t->rung, memory_order_relaxed) || !atomic_exchange(&t->rung, false))
        return;
    if (!linux_of(sb)->process->timer_interval)
        t->next = DEADLINE_NEVER;
    linux_raise(sb, SIGALRM, CAUSE_TIMER);
    if (!(linux_of(sb)->process->pending & signal_bit(SIGALRM)))
        linux_timer_again(sb);
}

void linux_timer_again(struct hl_sandbox *sb)
{
    struct linux_timer *t = &linux_of(sb)->timer;
    uint64_t step = linux_of(sb)->process->timer_interval, now = source_now(sb);
    if (step && t->next <= now && !atomic_load(&t->rung))
        arm(sb, t->next + ((now - t->next) / step + 1) * step);
}

static uint64_t left(struct hl_sandbox *sb)
{
    uint64_t now = source_now(sb), next = linux_of(sb)->timer.next;
    return next == DEADLINE_NEVER ? 0 : next > now ? next - now : 1;
}

/* A timer that has expired without being noticed expires once more in the copy. */
void linux_timer_save(struct hl_sandbox *sb, struct linux_process *to)
{
    to->timer_left = left(sb);
}

int linux_timer_restore(struct hl_sandbox *sb, uint64_t wait, struct hl_error *error)
{
    int rc = wait ? open_timer(sb, error) : 0;
    if (rc || !linux_of(sb)->timer.open)
        return rc;
    arm(sb, DEADLINE_NEVER); /* after this, no earlier expiry can arrive */
    atomic_store(&linux_of(sb)->timer.rung, false);
    if (wait)
        arm(sb, source_now(sb) + (wait < MOST ? wait : MOST));
    return 0;
}

void linux_timer_free(struct hl_sandbox *sb)
{
    if (linux_of(sb)->timer.open)
        sb->source->ops->close_alarm(sb->source, &linux_of(sb)->timer.deadline);
}

/* ---- system calls ---- */

/* The old interval is discarded with the old timer. */
static int64_t set(struct hl_sandbox *sb, uint64_t wait, uint64_t interval)
{
    if (!wait && !linux_of(sb)->timer.open)
        return 0;
    if (open_timer(sb, NULL))
        return -EAGAIN;
    arm(sb, DEADLINE_NEVER);
    linux_timer_look(sb);
    linux_change(sb)->timer_interval = wait ? interval : 0;
    arm(sb, wait ? source_now(sb) + wait : DEADLINE_NEVER);
    return 0;
}

/* Linux rounds to the nearest second, but never down to zero. */
int64_t linux_alarm(struct hl_sandbox *sb, const args6 a)
{
    uint64_t was = left(sb), seconds = (was + NS / 2) / NS;
    int64_t rc = set(sb, (uint32_t)a[0] * NS, 0);
    return rc ? rc : (int64_t)(was && !seconds ? 1 : seconds);
}

static bool to_ns(const struct timeval *t, uint64_t *ns)
{
    if (t->tv_sec < 0 || t->tv_usec < 0 || t->tv_usec >= 1000000)
        return false;
    *ns = (uint64_t)t->tv_sec > MOST / NS ? MOST
                                          : (uint64_t)t->tv_sec * NS + (uint64_t)t->tv_usec * 1000;
    return true;
}

static struct timeval to_timeval(uint64_t ns)
{
    uint64_t us = (ns + 999) / 1000;
    return (struct timeval){.tv_sec = (time_t)(us / 1000000), .tv_usec = (long)(us % 1000000)};
}

int64_t linux_getitimer(struct hl_sandbox *sb, const args6 a)
{
    const struct itimerval now = {.it_interval = to_timeval(linux_of(sb)->process->timer_interval),
                                  .it_value = to_timeval(left(sb))};
    if ((int)a[0] != ITIMER_REAL)
        return -EINVAL;
    return linux_set(sb, a[1], &now, sizeof(now)) ? 0 : -EFAULT;
}

/* The two timers that count CPU time are not supported. */
int64_t linux_setitimer(struct hl_sandbox *sb, const args6 a)
{
    struct itimerval next = {{0, 0}, {0, 0}};
    const args6 old = {a[0], a[2]};
    uint64_t wait, interval;
    if ((int)a[0] != ITIMER_REAL)
        return -EINVAL;
    if (a[1] && !linux_get(sb, a[1], &next, sizeof(next)))
        return -EFAULT;
    if (!to_ns(&next.it_value, &wait) || !to_ns(&next.it_interval, &interval))
        return -EINVAL;
    int64_t rc = a[2] ? linux_getitimer(sb, old) : 0;
    return rc ? rc : set(sb, wait, interval);
}
