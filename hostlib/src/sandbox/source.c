/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox/source.c - the live source: this host, now. */
#include "source.h"

#include <errno.h>
#include <sys/random.h>

#include "deadline.h"
#include "futex.h"
#include "machine.h"
#include "retry.h"
#include "sandbox.h"

static int live_random(struct source *source, void *buf, size_t size)
{
    size_t done = 0;
    (void)source;
    while (done < size) {
        ssize_t n = RETRY(getrandom((uint8_t *)buf + done, size - done, 0));
        if (n < 0)
            return -errno;
        done += (size_t)n;
    }
    return 0;
}

static int live_clock(struct source *source, int clock, struct timespec *time)
{
    (void)source;
    return clock_gettime(clock, time) ? -errno : 0;
}

static int live_resolution(struct source *source, int clock, struct timespec *resolution)
{
    (void)source;
    return clock_getres(clock, resolution) ? -errno : 0;
}

static bool live_wait(struct source *source, int clock, const struct timespec *until,
                      _Atomic uint32_t *word, uint32_t seen)
{
    (void)source;
    return futex_wait_until(word, seen, clock, until);
}

static int live_open_alarm(struct source *source, struct hl_error *error)
{
    (void)source;
    return deadline_open(error);
}

static void live_set_alarm(struct source *source, struct deadline *alarm, uint64_t at)
{
    (void)source;
    deadline_set(alarm, at);
}

static void live_close_alarm(struct source *source, struct deadline *alarm)
{
    (void)source;
    deadline_close(alarm);
}

static int live_call_host(struct source *source, const struct source_call *call,
                          struct hl_value *result, struct hl_error *failure)
{
    (void)source;
    return call->fn(call->opaque, call->args, call->import->signature.count, result, failure);
}

static const struct source_ops live = {
    .random = live_random,
    .clock = live_clock,
    .resolution = live_resolution,
    .wait = live_wait,
    .open_alarm = live_open_alarm,
    .set_alarm = live_set_alarm,
    .close_alarm = live_close_alarm,
    .call_host = live_call_host,
};

struct source source_live = {.ops = &live};

/* ---- for callers ---- */

int source_random(struct hl_sandbox *sb, void *buf, size_t size)
{
    return sb->source->ops->random(sb->source, buf, size);
}

int source_clock(struct hl_sandbox *sb, int clock, struct timespec *time)
{
    return sb->source->ops->clock(sb->source, clock, time);
}

uint64_t source_now(struct hl_sandbox *sb)
{
    struct timespec t;
    if (source_clock(sb, CLOCK_MONOTONIC, &t))
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void source_changed(struct hl_sandbox *sb, enum source_change change, hl_gva_t gva, size_t size)
{
    if (sb->source->ops->changed && size)
        sb->source->ops->changed(sb->source, sb, change, gva, size);
}

static void written(void *sandbox, hl_gva_t gva, size_t size)
{
    source_changed(sandbox, SOURCE_WRITTEN, gva, size);
}

void source_listen(struct hl_sandbox *sb)
{
    if (sb->source->ops->changed)
        machine_on_write(sb->machine, written, sb);
}
