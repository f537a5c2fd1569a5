/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore.c - what going back to a snapshot costs, and what the ways of finding the changed pages
 * cost on this machine.
 *
 *     restore GUEST [ROUNDS]      GUEST: build/tests/guest/rewind
 *
 * All times are medians, in us.  The floor of a restore is what cannot be saved: copying the pages
 * that the call has changed, plus one register set (KVM_SET_REGS, KVM_SET_SREGS, KVM_SET_XSAVE).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <hl/snapshot.h>

#include "machine_dirty.h"
#include "machine_impl.h"
#include "vcpu_kvm.h"

#define PAGES_MAX 16384
#define ROUNDS_MAX 100000

static double times[ROUNDS_MAX];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(int n)
{
    qsort(times, (size_t)n, sizeof(times[0]), by_value);
    return times[n / 2];
}

static void check(int rc, const struct hl_error *error)
{
    if (!rc)
        return;
    fprintf(stderr, "restore: %s\n", error->text);
    exit(1);
}

struct bench {
    struct hl_sandbox *sb;
    struct hl_snapshot *snapshot;
    struct hl_error error;
    int rounds;
};

static void call(struct bench *b, const char *name, struct hl_value *arg)
{
    struct hl_value result;
    check(hl_sandbox_call(b->sb, name, arg, arg ? 1 : 0, &result, &b->error), &b->error);
}

static void restore(struct bench *b)
{
    check(hl_sandbox_restore(b->sb, b->snapshot, &b->error), &b->error);
}

/* A call and a restore, many times: what each takes. */
static void call_and_restore(struct bench *b, const char *name, struct hl_value *arg,
                             double *call_time, double *restore_time)
{
    static double calls[ROUNDS_MAX];
    for (int i = 0; i < b->rounds; i++) {
        double t = now();
        call(b, name, arg);
        calls[i] = now() - t;
        t = now();
        restore(b);
        times[i] = now() - t;
    }
    *restore_time = median(b->rounds);
    memcpy(times, calls, sizeof(calls));
    *call_time = median(b->rounds);
}

static double calls_alone(struct bench *b, const char *name, struct hl_value *arg)
{
    for (int i = 0; i < b->rounds; i++) {
        double t = now();
        call(b, name, arg);
        times[i] = now() - t;
    }
    return median(b->rounds);
}

static size_t changed_pages(struct bench *b, const char *name, struct hl_value *arg)
{
    struct hl_machine *m = hl_sandbox_machine(b->sb);
    size_t n = 0, first = m->pt.end / 4096, end = m->free / 4096;
    uint8_t *before = malloc(m->free);
    restore(b);
    memcpy(before, m->memory, m->free);
    call(b, name, arg);
    for (size_t page = first; page < end; page++)
        n += memcmp(before + page * 4096, m->memory + page * 4096, 4096) != 0;
    restore(b);
    free(before);
    return n;
}

static double copying(size_t pages, int rounds)
{
    static uint8_t from[PAGES_MAX * 4096ul], to[PAGES_MAX * 4096ul];
    for (int i = -3; i < rounds; i++) {
        double t = now();
        for (size_t page = 0; page < pages; page++)
            memcpy(to + page * 4096, from + page * 4096, 4096);
        __asm__ volatile("" : : : "memory");
        if (i >= 0)
            times[i] = now() - t;
    }
    return median(rounds);
}

static double register_set(struct bench *b)
{
    struct hl_vcpu *v = hl_sandbox_machine(b->sb)->vcpu;
    static uint8_t xsave[65536];
    struct kvm_regs regs;
    struct kvm_sregs sregs;
    restore(b);
    vcpu_kvm_get_xsave(v, xsave, NULL);
    ioctl(v->fd, KVM_GET_REGS, &regs);
    ioctl(v->fd, KVM_GET_SREGS, &sregs);
    for (int i = 0; i < b->rounds; i++) {
        double t = now();
        ioctl(v->fd, KVM_SET_REGS, &regs);
        ioctl(v->fd, KVM_SET_SREGS, &sregs);
        ioctl(v->fd, KVM_SET_XSAVE, xsave);
        times[i] = now() - t;
    }
    return median(b->rounds);
}

static void row(struct bench *b, const char *what, const char *name, struct hl_value *arg)
{
    double with_call, with_restore;
    size_t pages = changed_pages(b, name, arg);
    double floor = copying(pages, b->rounds) + register_set(b);
    restore(b);
    call_and_restore(b, name, arg, &with_call, &with_restore);
    printf("%-22s %6zu %10.1f %10.1f %8.2f %10.1f\n", what, pages, floor, with_restore,
           with_restore / floor, with_call);
}

/* The pieces, to see where the time goes. */
static void pieces(struct bench *b)
{
    struct hl_machine *m = hl_sandbox_machine(b->sb);
    struct hl_vcpu *v = m->vcpu;
    static uint64_t bits[1 << 16];
    static uint8_t resident[1 << 20];
    for (int i = 0; i < b->rounds; i++) {
        double t = now();
        vcpu_kvm_log_read(v, bits);
        times[i] = now() - t;
    }
    printf("%-44s %8.2f\n", "KVM_GET_DIRTY_LOG of all memory", median(b->rounds));
    memset(bits, 0, sizeof(bits));
    for (int i = 0; i < b->rounds; i++) {
        double t = now();
        vcpu_kvm_log_clear(v, bits);
        times[i] = now() - t;
    }
    printf("%-44s %8.2f\n", "KVM_CLEAR_DIRTY_LOG of no page", median(b->rounds));
    for (int i = 0; i < b->rounds; i++) {
        double t = now();
        mincore(m->memory, m->memory_size, resident);
        times[i] = now() - t;
    }
    printf("%-44s %8.2f\n", "mincore() of all memory", median(b->rounds));
    size_t n = 0;
    for (size_t i = 0; i < m->memory_size / 4096; i++)
        n += resident[i] & 1;
    printf("%-44s %8zu\n", "pages present", n);
    printf("%-44s %8.2f\n", "copying as many pages", copying(n, b->rounds));
    printf("%-44s %8.2f\n", "KVM_SET_REGS + SET_SREGS + SET_XSAVE", register_set(b));
}

/* What a log that is cleared by every restore would cost the next call. */
static void eager_clearing(struct bench *b, const char *name, struct hl_value *arg)
{
    struct hl_machine *m = hl_sandbox_machine(b->sb);
    struct hl_vcpu *v = m->vcpu;
    static uint64_t bits[1 << 16];
    double clear[3] = {0};
    for (int i = 0; i < b->rounds; i++) {
        restore(b);
        double t = now();
        vcpu_kvm_log_read(v, bits);
        vcpu_kvm_log_clear(v, bits);
        clear[0] += now() - t;
        t = now();
        call(b, name, arg);
        times[i] = now() - t;
    }
    printf("%-44s %8.2f\n", "clearing the log of what Echo wrote to", clear[0] / b->rounds);
    printf("%-44s %8.2f\n", "Echo after that", median(b->rounds));
}

/* A whole life with one call, by how it begins; the middle one of the times. */
static void lives(struct bench *b, const struct hl_image *image, struct hl_value *arg)
{
    static const char *const how[] = {"create", "create_from", "load + create_from",
                                      "load, verified + create_from"};
    static double begin[ROUNDS_MAX];
    const char *path = "/tmp/hl-bench-snapshot";
    check(hl_snapshot_save(b->snapshot, path, &b->error), &b->error);
    for (unsigned kind = 0; kind < 4; kind++) {
        for (int i = 0; i < b->rounds; i++) {
            struct bench c = *b;
            double t = now();
            if (kind > 1)
                check(hl_snapshot_load(&c.snapshot, image, path, kind == 3, &c.error), &c.error);
            if (kind)
                check(hl_sandbox_create_from(&c.sb, c.snapshot, NULL, &c.error), &c.error);
            else
                check(hl_sandbox_create(&c.sb, image, NULL, &c.error), &c.error);
            check(hl_sandbox_start(c.sb, &c.error), &c.error);
            begin[i] = now() - t;
            call(&c, "Echo", arg);
            hl_sandbox_destroy(c.sb);
            if (kind > 1)
                hl_snapshot_destroy(c.snapshot);
            times[i] = now() - t;
        }
        double whole = median(b->rounds), least = times[0];
        memcpy(times, begin, sizeof(begin));
        double ready = median(b->rounds);
        printf("%-30s %10.1f %10.1f %10.1f %10.1f\n", how[kind], ready, times[0], whole, least);
    }
    remove(path);
}

/* The same with KVM alone: a VM, a vCPU, 64 MiB, torn down again. */
static double raw_life(int rounds)
{
    const struct kvm_host *host;
    const size_t size = 68u << 20;
    struct hl_error error;
    check(kvm_host_get(&host, &error), &error);
    for (int i = 0; i < rounds; i++) {
        double t = now();
        void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        struct kvm_userspace_memory_region slot = {.memory_size = size,
                                                   .userspace_addr = (uintptr_t)memory};
        int vm = ioctl(host->fd, KVM_CREATE_VM, 0);
        ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot);
        int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
        struct kvm_run *run =
            mmap(NULL, host->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
        struct kvm_sregs sregs;
        struct kvm_regs regs = {.rflags = 2};
        ioctl(vcpu, KVM_GET_SREGS, &sregs);
        sregs.cs.base = sregs.cs.selector = 0;
        ioctl(vcpu, KVM_SET_SREGS, &sregs);
        ioctl(vcpu, KVM_SET_REGS, &regs);
        memcpy(memory, "\xe6\x10", 2); /* out %al, $0x10 */
        if (ioctl(vcpu, KVM_RUN, 0) || run->exit_reason != KVM_EXIT_IO)
            exit(1);
        munmap(run, host->run_size);
        close(vcpu);
        close(vm);
        munmap(memory, size);
        times[i] = now() - t;
    }
    return median(rounds);
}

int main(int argc, char **argv)
{
    struct hl_image *image;
    struct bench b = {.rounds = argc > 2 ? atoi(argv[2]) : 2000};
    struct hl_value text = hl_string("hello");
    struct hl_value pages = {.type = HL_U32};
    if (argc < 2 || b.rounds < 1 || b.rounds > ROUNDS_MAX)
        return 2;
    check(hl_image_open(&image, argv[1], &b.error), &b.error);
    check(hl_sandbox_create(&b.sb, image, NULL, &b.error), &b.error);
    check(hl_sandbox_start(b.sb, &b.error), &b.error);
    double alone = calls_alone(&b, "Echo", &text);
    hl_sandbox_destroy(b.sb);
    check(hl_sandbox_create(&b.sb, image, NULL, &b.error), &b.error);
    check(hl_sandbox_start(b.sb, &b.error), &b.error);
    double t = now();
    check(hl_snapshot_take(&b.snapshot, b.sb, &b.error), &b.error);
    printf("%-44s %8.2f\n", "take the first snapshot", now() - t);
    hl_snapshot_destroy(b.snapshot);
    t = now();
    check(hl_snapshot_take(&b.snapshot, b.sb, &b.error), &b.error);
    printf("%-44s %8.2f\n", "take another", now() - t);
    printf("%-44s %8.2f\n", "Echo before there was a snapshot", alone);
    call(&b, "Echo", &text);
    restore(&b);
    printf("%-44s %8.2f\n", "Echo, never restored", calls_alone(&b, "Echo", &text));
    restore(&b);
    pieces(&b); /* before anybody has read all of the memory */
    eager_clearing(&b, "Echo", &text);
    puts("");
    printf("%-22s %6s %10s %10s %8s %10s\n", "call", "pages", "floor", "restore", "ratio",
           "next call");
    row(&b, "Echo", "Echo", &text);
    row(&b, "Count", "Count", NULL);
    b.rounds = b.rounds < 200 ? b.rounds : 200;
    for (uint32_t n = 1; n <= 4096; n *= 8) {
        char what[64];
        pages.u32 = n;
        snprintf(what, sizeof(what), "DirtyMemory(%u)", n);
        row(&b, what, "DirtyMemory", &pages);
    }
    restore(&b);
    printf("\n%-30s %10s %10s %10s %10s\n", "a life with one Echo", "to READY", "least", "whole",
           "least");
    double raw = raw_life(b.rounds);
    printf("%-30s %10s %10s %10.1f %10.1f\n", "KVM alone, one exit", "", "", raw, times[0]);
    lives(&b, image, &text);
    hl_snapshot_destroy(b.snapshot);
    hl_sandbox_destroy(b.sb);
    hl_image_close(image);
    return 0;
}
