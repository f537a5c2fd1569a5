/* SPDX-License-Identifier: Apache-2.0 */
/* bench_profile.c - what being observed costs: a sandbox of the guest exits beside another one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hl/observe.h>
#include <hl/profile.h>

#include "bench.h"

#define BATCH 20
#define TURNS 30000000ull /* of a loop: some 40 ms */

static struct hl_image *image;
static struct hl_sandbox *watched, *plain;
static struct hl_profile *profile;

static int tick(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    (void)opaque;
    (void)args;
    (void)count;
    (void)result;
    (void)error;
    return 0;
}

static struct hl_sandbox *make(void)
{
    struct hl_sandbox *sb;
    struct hl_error error;
    check(hl_sandbox_create(&sb, image, NULL, &error), &error);
    check(hl_sandbox_register(sb, "HostTick", "void()", tick, NULL, &error), &error);
    check(hl_sandbox_start(sb, &error), &error);
    return sb;
}

/* The guest lies beside the one that all other figures work on. */
static void begin(unsigned rate)
{
    struct hl_error error;
    char path[4096];
    const char *slash = strrchr(bench.path, '/');
    const struct hl_profile_config config = {.rate_hz = rate};
    snprintf(path, sizeof(path), "%.*s/exits", slash ? (int)(slash - bench.path) : 1,
             slash ? bench.path : ".");
    check(hl_image_open(&image, path, &error), &error);
    watched = make();
    plain = make();
    check(hl_profile_create(&profile, image, &config, &error), &error);
    check(hl_profile_attach(profile, watched, &error), &error);
}

static void begin_exits(void)
{
    begin(0);
}

static void begin_samples(void)
{
    begin(1000);
}

static void nothing(void *opaque, struct hl_sandbox *sb, const struct hl_event *event)
{
    (void)opaque;
    (void)sb;
    (void)event;
}

static struct hl_observer observer = {.event = nothing, .kinds = HL_EVENTS_ALL};

/* It has been observed, and is not any more. */
static void begin_unobserved(void)
{
    struct hl_error error;
    begin(0);
    check(hl_profile_detach(profile, watched, &error), &error);
}

static void begin_observed(void)
{
    struct hl_error error;
    begin_unobserved();
    check(hl_sandbox_observe(watched, &observer, &error), &error);
}

static void end(void)
{
    hl_sandbox_destroy(watched);
    hl_sandbox_destroy(plain);
    hl_profile_destroy(profile);
    hl_image_close(image);
}

/* us a call of Ten: eleven exits. */
static double ten(struct hl_sandbox *sb)
{
    struct hl_error error;
    double t = now_us();
    for (int i = 0; i < BATCH; i++)
        check(hl_sandbox_call(sb, "Ten", NULL, 0, NULL, &error), &error);
    return (now_us() - t) / BATCH;
}

static double ten_watched(void)
{
    return ten(watched);
}

static double ten_plain(void)
{
    return ten(plain);
}

static double spin(struct hl_sandbox *sb)
{
    const struct hl_value turns = hl_u64(TURNS);
    struct hl_error error;
    double t = now_us();
    check(hl_sandbox_call(sb, "Spin", &turns, 1, NULL, &error), &error);
    return (now_us() - t) / 1000;
}

static double spin_watched(void)
{
    return spin(watched);
}

static double spin_plain(void)
{
    return spin(plain);
}

struct figure profile_figures[] = {
    {.id = "unobserved",
     .what = "ten host calls, nobody observes any more",
     .floor_what = "the same in a sandbox that nobody ever observed",
     .unit = "us",
     .target = 1.01,
     .divisor = 1,
     .begin = begin_unobserved,
     .ours = ten_watched,
     .floor = ten_plain,
     .end = end},
    {.id = "observed",
     .what = "ten host calls, an observer of everything",
     .floor_what = "the same in a sandbox that nobody ever observed",
     .unit = "us",
     .divisor = 1,
     .begin = begin_observed,
     .ours = ten_watched,
     .floor = ten_plain,
     .end = end},
    {.id = "profile-exits",
     .what = "ten host calls, profiled with stacks",
     .floor_what = "the same in a sandbox that nobody ever observed",
     .unit = "us",
     .divisor = 1,
     .begin = begin_exits,
     .ours = ten_watched,
     .floor = ten_plain,
     .end = end},
    {.id = "profile-cpu",
     .what = "a busy guest, sampled at 1 kHz",
     .floor_what = "the same guest, not profiled",
     .unit = "ms",
     .target = 1.05,
     .divisor = 4,
     .begin = begin_samples,
     .ours = spin_watched,
     .floor = spin_plain,
     .end = end},
};
const size_t profile_count = sizeof(profile_figures) / sizeof(profile_figures[0]);
