/* SPDX-License-Identifier: Apache-2.0 */
/* bench_call.c - calls of a sandbox that is there: warm, with a host call, restored, interrupted.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include <hl/snapshot.h>

#include "bench.h"
#include "machine_impl.h"

#define BATCH 20 /* calls in one sample: the clock and the change of guests are spread */
#define SPIN_NS (300 * 1000) /* until a guest that was just entered is sure to be spinning */
#define PAGE 4096u

static struct hl_sandbox *sb;
static struct hl_snapshot *snapshot;
static struct raw_vm vm;

static void begin(void)
{
    struct hl_error error;
    sb = sandbox_new();
    sandbox_ready(sb);
    check(hl_snapshot_take(&snapshot, sb, &error), &error);
    raw_create(&vm, bench.kvm, RAW_RING3, bench.slot_size);
    raw_exit(&vm);
    echo(sb);
}

static void end(void)
{
    hl_sandbox_destroy(sb);
    hl_snapshot_destroy(snapshot);
    raw_destroy(&vm);
}

static double warm_echo(void)
{
    double t = now_us();
    for (int i = 0; i < BATCH; i++)
        echo(sb);
    return (now_us() - t) / BATCH;
}

static double one_trip(void)
{
    double t = now_us();
    for (int i = 0; i < BATCH; i++)
        raw_exit(&vm);
    return (now_us() - t) / BATCH;
}

static double warm_add(void)
{
    const struct hl_value args[] = {hl_i32(40), hl_i32(2)};
    struct hl_value result;
    struct hl_error error;
    double t = now_us();
    for (int i = 0; i < BATCH; i++) {
        check(hl_sandbox_call(sb, "Add", args, 2, &result, &error), &error);
        if (result.i32 != 42)
            exit(1);
    }
    return (now_us() - t) / BATCH;
}

static double two_trips(void)
{
    return 2 * one_trip();
}

/* ---- restore ---- */

static double restore_after_echo(void)
{
    struct hl_error error;
    double took = 0;
    for (int i = 0; i < BATCH; i++) {
        echo(sb);
        double t = now_us();
        check(hl_sandbox_restore(sb, snapshot, &error), &error);
        took += now_us() - t;
    }
    return took / BATCH;
}

static size_t dirty_pages;
static uint8_t *copy_from, *copy_to;
static struct kvm_regs regs;
static struct kvm_sregs sregs;
static uint8_t xsave[sizeof(struct kvm_xsave)];

/* How many pages differ after an Echo from what the snapshot has. */
static void begin_restore(void)
{
    struct hl_error error;
    begin();
    struct hl_machine *m = hl_sandbox_machine(sb);
    check(hl_sandbox_restore(sb, snapshot, &error), &error);
    uint8_t *before = malloc(m->free);
    memcpy(before, m->memory, m->free);
    echo(sb);
    dirty_pages = 0;
    for (hl_gpa_t at = m->pt.end; at < m->free; at += PAGE)
        dirty_pages += memcmp(before + at, m->memory + at, PAGE) != 0;
    free(before);
    copy_from = calloc(dirty_pages, PAGE);
    copy_to = calloc(dirty_pages, PAGE);
    if (ioctl(vm.vcpu, KVM_GET_REGS, &regs) || ioctl(vm.vcpu, KVM_GET_SREGS, &sregs) ||
        ioctl(vm.vcpu, KVM_GET_XSAVE, xsave))
        exit(1);
}

static void end_restore(void)
{
    free(copy_from);
    free(copy_to);
    end();
}

/* A round trip before each, as an Echo is before each of ours. */
static double copy_and_set(bool whole)
{
    double took = 0;
    for (int i = 0; i < BATCH; i++) {
        raw_exit(&vm);
        double t = now_us();
        for (size_t page = 0; page < dirty_pages; page++)
            memcpy(copy_to + page * PAGE, copy_from + page * PAGE, PAGE);
        __asm__ volatile("" : : "r"(copy_to) : "memory");
        if (whole &&
            (ioctl(vm.vcpu, KVM_SET_SREGS, &sregs) || ioctl(vm.vcpu, KVM_SET_XSAVE, xsave)))
            exit(1);
        if (ioctl(vm.vcpu, KVM_SET_REGS, &regs))
            exit(1);
        took += now_us() - t;
    }
    return took / BATCH;
}

static double copy_and_regs(void)
{
    return copy_and_set(false);
}

static double copy_and_all(void)
{
    return copy_and_set(true);
}

/* ---- interrupts ---- */

/* The thread that interrupts: when asked, it waits a moment, notes the time and interrupts. */
static struct {
    pthread_t thread, victim;
    atomic_int go; /* 0 wait, 1 interrupt the sandbox, 2 the raw vCPU, 3 end */
    double sent;
} other;

static void on_signal(int number)
{
    (void)number;
}

static void *interrupter(void *unused)
{
    const struct timespec nap = {.tv_nsec = SPIN_NS};
    (void)unused;
    for (;;) {
        int what = atomic_load(&other.go);
        if (what == 3)
            return NULL;
        nanosleep(&nap, NULL); /* asleep: a guest may need the core */
        if (!what)
            continue;
        other.sent = now_us();
        if (what == 1) {
            hl_sandbox_interrupt(sb);
        } else {
            __atomic_store_n(&vm.run->immediate_exit, 1, __ATOMIC_SEQ_CST);
            pthread_kill(other.victim, SIGUSR1);
        }
        atomic_store(&other.go, 0);
    }
}

static void begin_interrupt(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct hl_error error;
    sb = sandbox_new();
    sandbox_ready(sb);
    check(hl_snapshot_take(&snapshot, sb, &error), &error);
    raw_create(&vm, bench.kvm, RAW_SPIN, bench.slot_size);
    sigaction(SIGUSR1, &action, NULL);
    other.victim = pthread_self();
    if (pthread_create(&other.thread, NULL, interrupter, NULL))
        exit(1);
}

static void end_interrupt(void)
{
    atomic_store(&other.go, 3);
    pthread_join(other.thread, NULL);
    end();
}

static double interrupt(void)
{
    struct hl_error error;
    atomic_store(&other.go, 1);
    int rc = hl_sandbox_call(sb, "Spin", NULL, 0, NULL, &error);
    double back = now_us();
    if (rc != HL_ERR_INTERRUPTED)
        check(rc ? rc : HL_ERR_STATE, &error);
    while (atomic_load(&other.go))
        ;
    check(hl_sandbox_restore(sb, snapshot, &error), &error);
    return back - other.sent;
}

static double raw_interrupt(void)
{
    atomic_store(&other.go, 2);
    int rc = ioctl(vm.vcpu, KVM_RUN, 0);
    double back = now_us();
    if (rc == 0)
        exit(1);
    while (atomic_load(&other.go))
        ;
    vm.run->immediate_exit = 0;
    return back - other.sent;
}

struct figure call_figures[] = {
    {.id = "echo",
     .what = "warm Echo",
     .floor_what = "one KVM_RUN from `out` to `out` at ring 3",
     .unit = "us",
     .target = 1.15,
     .divisor = 1,
     .begin = begin,
     .ours = warm_echo,
     .floor = one_trip,
     .end = end},
    {.id = "host_call",
     .what = "call with one host call",
     .floor_what = "two KVM_RUN from `out` to `out` at ring 3",
     .unit = "us",
     .target = 1.15,
     .divisor = 1,
     .begin = begin,
     .ours = warm_add,
     .floor = two_trips,
     .end = end},
    {.id = "restore",
     .what = "restore after Echo",
     .floor_what = "copying the pages that differ, KVM_SET_REGS",
     .unit = "us",
     .target = 1.5,
     .divisor = 1,
     .begin = begin_restore,
     .ours = restore_after_echo,
     .floor = copy_and_regs,
     .end = end_restore},
    {.id = "restore_all",
     .what = "  by the floor that sets all we restore",
     .floor_what = "the same, KVM_SET_SREGS and KVM_SET_XSAVE",
     .unit = "us",
     .divisor = 1,
     .begin = begin_restore,
     .ours = restore_after_echo,
     .floor = copy_and_all,
     .end = end_restore},
    {.id = "interrupt",
     .what = "interrupt of a spinning guest",
     .floor_what = "pthread_kill() of a thread in KVM_RUN",
     .unit = "us",
     .target = 200,
     .absolute = 1,
     .divisor = 1,
     .begin = begin_interrupt,
     .ours = interrupt,
     .floor = raw_interrupt,
     .end = end_interrupt},
};
const size_t call_count = sizeof(call_figures) / sizeof(call_figures[0]);
