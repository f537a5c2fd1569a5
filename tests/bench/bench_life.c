/* SPDX-License-Identifier: Apache-2.0 */
/* bench_life.c - from nothing to a first result, and back: cold starts and clones. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hl/snapshot.h>

#include "bench.h"
#include "machine_impl.h"

static struct hl_snapshot *snapshot;

/* What take() gives in a process that has done nothing with KVM before. */
static double in_child(double (*take)(void))
{
    int pipes[2], status;
    double took = 0;
    pid_t pid;
    if (pipe(pipes) || (pid = fork()) < 0)
        exit(1);
    if (pid == 0) {
        took = take();
        _exit(write(pipes[1], &took, sizeof(took)) != sizeof(took));
    }
    ssize_t n = read(pipes[0], &took, sizeof(took));
    close(pipes[0]);
    close(pipes[1]);
    if (waitpid(pid, &status, 0) != pid || status || n != sizeof(took)) {
        fprintf(stderr, "bench: a child failed\n");
        exit(1);
    }
    return took;
}

static double first_ours(void)
{
    struct hl_error error;
    double t = now_us();
    check(hl_image_open(&bench.image, bench.path, &error), &error);
    struct hl_sandbox *sb = sandbox_new();
    sandbox_ready(sb);
    echo(sb);
    return now_us() - t;
}

static double first_floor(void)
{
    struct raw_vm vm;
    double t = now_us();
    raw_create(&vm, raw_open(), RAW_REAL, bench.slot_size);
    raw_exit(&vm);
    return now_us() - t;
}

static double slot_size(void)
{
    struct hl_error error;
    check(hl_image_open(&bench.image, bench.path, &error), &error);
    return (double)hl_sandbox_machine(sandbox_new())->memory_size;
}

/* In a child: nothing of libhl's is to be set up in this process yet. */
void life_prepare(void)
{
    bench.slot_size = (size_t)in_child(slot_size);
}

static double first_ours_in_child(void)
{
    return in_child(first_ours);
}

static double first_floor_in_child(void)
{
    return in_child(first_floor);
}

static double raw_life(enum raw_kind kind, bool whole)
{
    struct raw_vm vm;
    double t = now_us();
    raw_create(&vm, bench.kvm, kind, bench.slot_size);
    raw_exit(&vm);
    double result = now_us();
    raw_destroy(&vm);
    return (whole ? now_us() : result) - t;
}

enum { READY, RESULT, WHOLE };

static double our_life(int until)
{
    double t = now_us();
    struct hl_sandbox *sb = sandbox_new();
    sandbox_ready(sb);
    echo(sb);
    double result = now_us();
    hl_sandbox_destroy(sb);
    return (until == WHOLE ? now_us() : result) - t;
}

static double clone_life(int until)
{
    struct hl_error error;
    struct hl_sandbox *sb;
    double t = now_us(), ready;
    check(hl_sandbox_create_from(&sb, snapshot, NULL, &error), &error);
    sandbox_ready(sb);
    ready = now_us();
    echo(sb);
    double result = now_us();
    hl_sandbox_destroy(sb);
    return (until == WHOLE ? now_us() : until == RESULT ? result : ready) - t;
}

static void take_snapshot(void)
{
    struct hl_error error;
    struct hl_sandbox *sb = sandbox_new();
    sandbox_ready(sb);
    check(hl_snapshot_take(&snapshot, sb, &error), &error);
    hl_sandbox_destroy(sb);
}

static void drop_snapshot(void)
{
    hl_snapshot_destroy(snapshot);
}

static double cold(void)
{
    return our_life(RESULT);
}
static double cold_whole(void)
{
    return our_life(WHOLE);
}
static double clone_ready(void)
{
    return clone_life(READY);
}
static double clone_result(void)
{
    return clone_life(RESULT);
}
static double clone_whole(void)
{
    return clone_life(WHOLE);
}
static double real_exit(void)
{
    return raw_life(RAW_REAL, false);
}
static double ring3_exit(void)
{
    return raw_life(RAW_RING3, false);
}
static double real_whole(void)
{
    return raw_life(RAW_REAL, true);
}

#define REAL "KVM alone: VM, slot, vCPU, one `out` in real mode"
#define RING3 "KVM alone, one `out` at ring 3 in long mode"

struct figure life_figures[] = {
    {.id = "cold_first",
     .what = "first sandbox of a process, to a result",
     .floor_what = REAL ", /dev/kvm opened",
     .unit = "us",
     .target = 1.25,
     .divisor = 1,
     .ours = first_ours_in_child,
     .floor = first_floor_in_child},
    {.id = "cold",
     .what = "cold start, to a result",
     .floor_what = REAL,
     .unit = "us",
     .target = 1.25,
     .divisor = 1,
     .ours = cold,
     .floor = real_exit},
    {.id = "cold_ring3",
     .what = "  by the floor that comes out at ring 3",
     .floor_what = RING3,
     .unit = "us",
     .divisor = 1,
     .ours = cold,
     .floor = ring3_exit},
    {.id = "cold_whole",
     .what = "cold start, a result, destroy",
     .floor_what = REAL ", all closed again",
     .unit = "us",
     .target = 1.25,
     .divisor = 1,
     .ours = cold_whole,
     .floor = real_whole},
    {.id = "clone_ready",
     .what = "clone of a snapshot, to READY",
     .floor_what = REAL,
     .unit = "us",
     .target = 1.15,
     .divisor = 1,
     .begin = take_snapshot,
     .ours = clone_ready,
     .floor = real_exit,
     .end = drop_snapshot},
    {.id = "clone",
     .what = "clone of a snapshot, to a result",
     .floor_what = REAL,
     .unit = "us",
     .target = 1.15,
     .divisor = 1,
     .begin = take_snapshot,
     .ours = clone_result,
     .floor = real_exit,
     .end = drop_snapshot},
    {.id = "clone_ring3",
     .what = "  by the floor that comes out at ring 3",
     .floor_what = RING3,
     .unit = "us",
     .divisor = 1,
     .begin = take_snapshot,
     .ours = clone_result,
     .floor = ring3_exit,
     .end = drop_snapshot},
    {.id = "clone_whole",
     .what = "clone, a result, destroy",
     .floor_what = REAL ", all closed again",
     .unit = "us",
     .target = 1.15,
     .divisor = 1,
     .begin = take_snapshot,
     .ours = clone_whole,
     .floor = real_whole,
     .end = drop_snapshot},
};
const size_t life_count = sizeof(life_figures) / sizeof(life_figures[0]);
