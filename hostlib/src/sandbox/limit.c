/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/limit.c - limits on a sandbox's calls: time, CPU time, exits.
 *
 * Reaching a limit is an interrupt with a reason.  Time and CPU time are watched by the deadline
 * thread, as a clock read at exits would miss a guest that makes none.  CPU time passes no faster
 * than time, so the thread looks again when the rest of it could be used up.
 */
#include "limit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "deadline.h"

#define NS 1000000000ull
#define CPU_LOOK 100000ull     /* minimum ns between two looks at CPU time */
#define DEBUG_LOOK 20000000ull /* ns between two looks at whether a debugger holds the guest */

struct limit {
    struct deadline deadline; /* the first member: see due() */
    struct hl_sandbox *sb;
    struct hl_limits max;
    bool timed; /* max.wall_ns or max.cpu_ns */
    _Atomic enum hl_limit hit;
    uint64_t last_exit; /* of sb->counts: no entry after it */
    uint64_t wall_end;
    uint64_t looked; /* time of the last due() */
    clockid_t cpu;   /* of the thread in the call */
    /* The end, on that clock; NEVER while a host function runs.  due() reads it. */
    _Atomic uint64_t cpu_end;
    atomic_bool unwatched; /* due() found a host function running, and will not look again */
    uint64_t cpu_left;     /* while a host function runs */
};

static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? DEADLINE_NEVER : sum;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t cpu_now(const struct limit *l)
{
    struct timespec t;
    if (clock_gettime(l->cpu, &t))
        return 0;
    return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static uint64_t stop(struct limit *l, enum hl_limit limit)
{
    if (sandbox_interrupt(l->sb))
        l->hit = limit;
    return DEADLINE_NEVER;
}

/*
 * When to look at the remaining CPU time; 0: none remains.  `unwatched` is set before cpu_end is
 * read, and limit_host_end() does it in the opposite order, so that one of the two sees the other's
 * store.
 */
static uint64_t next_cpu(struct limit *l, uint64_t now)
{
    atomic_store(&l->unwatched, true);
    uint64_t end = atomic_load(&l->cpu_end);
    if (end == DEADLINE_NEVER)
        return DEADLINE_NEVER;
    atomic_store(&l->unwatched, false);
    uint64_t used = cpu_now(l);
    if (used >= end)
        return 0;
    return add(now, end - used > CPU_LOOK ? end - used : CPU_LOOK);
}

static uint64_t due(struct deadline *d, uint64_t now)
{
    struct limit *l = (struct limit *)d;
    uint64_t since = l->looked, next;
    l->looked = now;
    if (l->sb->warden && l->sb->warden->ops->held(l->sb->warden)) {
        l->wall_end = add(l->wall_end, now - since);
        return now + DEBUG_LOOK;
    }
    if (now >= l->wall_end)
        return stop(l, HL_LIMIT_WALL);
    next = l->max.cpu_ns ? next_cpu(l, now) : DEADLINE_NEVER;
    if (!next)
        return stop(l, HL_LIMIT_CPU);
    next = earlier(next, l->wall_end);
    return l->sb->warden ? earlier(next, now + DEBUG_LOOK) : next;
}

/* The first look; before it only this thread reads *l. */
static uint64_t first_look(const struct limit *l, uint64_t now)
{
    uint64_t next = earlier(l->wall_end, l->max.cpu_ns ? add(now, l->max.cpu_ns) : DEADLINE_NEVER);
    return l->sb->warden ? earlier(next, now + DEBUG_LOOK) : next;
}

/* Exits for a signal or an interrupt are not caused by the guest. */
static uint64_t exits_so_far(const struct hl_sandbox *sb)
{
    return sb->counts.exits - sb->counts.interrupts;
}

void limit_begin(struct limit *l)
{
    l->hit = HL_LIMIT_NONE;
    l->last_exit = l->max.exits ? add(exits_so_far(l->sb), l->max.exits) : UINT64_MAX;
    if (!l->timed)
        return;
    uint64_t now = l->looked = clock_now();
    l->wall_end = l->max.wall_ns ? add(now, l->max.wall_ns) : DEADLINE_NEVER;
    atomic_store(&l->cpu_end, DEADLINE_NEVER);
    atomic_store(&l->unwatched, false);
    if (l->max.cpu_ns && pthread_getcpuclockid(pthread_self(), &l->cpu) == 0)
        atomic_store(&l->cpu_end, add(cpu_now(l), l->max.cpu_ns));
    deadline_set(&l->deadline, first_look(l, now));
}

bool limit_is_used_up(struct limit *l)
{
    if (exits_so_far(l->sb) < l->last_exit)
        return false;
    l->hit = HL_LIMIT_EXITS;
    return true;
}

static void duration(uint64_t ns, char *text, size_t size)
{
    double n = (double)ns;
    if (ns >= NS)
        snprintf(text, size, "%.9g s", n / 1e9);
    else if (ns >= NS / 1000)
        snprintf(text, size, "%.9g ms", n / 1e6);
    else
        snprintf(text, size, "%.9g us", n / 1e3);
}

static int say(const struct limit *l, struct hl_error *error)
{
    const char *interrupted = hl_err_text(HL_ERR_INTERRUPTED);
    char time[32];
    const enum hl_limit hit = l->hit; /* clang 14 does not accept _Atomic here */
    switch (hit) {
    case HL_LIMIT_WALL:
        duration(l->max.wall_ns, time, sizeof(time));
        return hl_error_set(error, HL_ERR_INTERRUPTED, "%s: its time limit of %s was reached",
                            interrupted, time);
    case HL_LIMIT_CPU:
        duration(l->max.cpu_ns, time, sizeof(time));
        return hl_error_set(error, HL_ERR_INTERRUPTED, "%s: its CPU time limit of %s was reached",
                            interrupted, time);
    case HL_LIMIT_EXITS:
        return hl_error_set(error, HL_ERR_INTERRUPTED, "%s: its limit of %llu exit%s was reached",
                            interrupted, (unsigned long long)l->max.exits,
                            l->max.exits == 1 ? "" : "s");
    case HL_LIMIT_NONE:
    default:
        return HL_ERR_INTERRUPTED;
    }
}

/* If a debugger ended the call, the error says so already. */
int limit_end(struct limit *l, int rc, struct hl_error *error)
{
    if (l->timed)
        deadline_set(&l->deadline, DEADLINE_NEVER);
    l->sb->limit_hit = rc == HL_ERR_INTERRUPTED ? l->hit : HL_LIMIT_NONE;
    return l->sb->limit_hit ? say(l, error) : rc;
}

void limit_host_begin(struct limit *l)
{
    uint64_t end = atomic_load(&l->cpu_end), now;
    if (!l->max.cpu_ns || end == DEADLINE_NEVER)
        return;
    now = cpu_now(l);
    l->cpu_left = now < end ? end - now : 0;
    atomic_store(&l->cpu_end, DEADLINE_NEVER);
}

void limit_host_end(struct limit *l)
{
    if (!l->max.cpu_ns || atomic_load(&l->cpu_end) != DEADLINE_NEVER)
        return;
    atomic_store(&l->cpu_end, add(cpu_now(l), l->cpu_left));
    if (atomic_exchange(&l->unwatched, false))
        deadline_advance(&l->deadline, add(clock_now(), l->cpu_left));
}

void limit_free(struct limit *l)
{
    if (l && l->timed)
        deadline_close(&l->deadline);
    free(l);
}

static int create(struct limit **limit, struct hl_sandbox *sb, const struct hl_limits *max,
                  struct hl_error *error)
{
    struct limit *l = calloc(1, sizeof(*l));
    if (!l)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    l->deadline.due = due;
    l->deadline.index = SIZE_MAX;
    l->sb = sb;
    l->max = *max;
    l->timed = max->wall_ns || max->cpu_ns;
    int rc = l->timed ? deadline_open(error) : 0;
    if (rc)
        free(l);
    else
        *limit = l;
    return rc;
}

int hl_sandbox_limit(struct hl_sandbox *sb, const struct hl_limits *limits, struct hl_error *error)
{
    struct limit *limit = NULL;
    int rc = sandbox_take(sb, error);
    if (rc)
        return rc;
    if (limits && (limits->wall_ns || limits->cpu_ns || limits->exits))
        rc = create(&limit, sb, limits, error);
    if (!rc) {
        limit_free(sb->limit);
        sb->limit = limit;
    }
    sandbox_give(sb);
    return rc;
}

enum hl_limit hl_sandbox_limit_hit(const struct hl_sandbox *sb)
{
    return sb->limit_hit;
}
