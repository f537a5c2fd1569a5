/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdb-floor.c STEPS - the least a program can do to step a guest: nothing but KVM_RUN again and
 * again, by each route that debug events take here.  The guest is ours at ring 3, on our shim, its
 * code `dec %rcx; jnz`.  Prints the steps per second of the better route.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#include "machine_debug.h"
#include "machine_impl.h"
#include "shim.h"
#include "vcpu_kvm.h"

#define TEXT 0x401000ull
#define RFLAGS_TF 0x100ull

static const uint8_t code[] = {0x48, 0xff, 0xc9, 0x75, 0xfb};
enum { PER_TURN = 2 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int make(struct hl_machine **m, struct hl_error *error)
{
    struct hl_machine_config config = {.memory = PAGE_SIZE};
    hl_gpa_t gpa;
    int rc = hl_machine_create(m, &config, error);
    if (!rc)
        rc = hl_machine_alloc(*m, PAGE_SIZE, &gpa, error);
    if (!rc)
        rc = hl_machine_map(*m, TEXT, gpa, PAGE_SIZE, HL_PROT_READ | HL_PROT_EXEC, error);
    if (!rc)
        memcpy(hl_machine_memory(*m, gpa, sizeof(code)), code, sizeof(code));
    return rc;
}

/* Where TF goes with the shim's frame, each return from the stub is one more step. */
static int first_step(struct hl_machine *m, bool by_exit, unsigned long steps,
                      struct hl_error *error)
{
    struct hl_regs regs = {.rip = TEXT, .rcx = steps, .rflags = by_exit ? 0 : RFLAGS_TF};
    struct vcpu_debug step = {.step = by_exit};
    struct hl_exit exit;
    int rc = hl_machine_set_regs(m, &regs, error);
    if (!rc)
        rc = machine_arm(m, &step, error);
    if (!rc)
        rc = hl_machine_run(m, &exit, error);
    if (!rc && (exit.kind != HL_EXIT_FAULT || exit.fault.vector != VECTOR_DEBUG))
        rc = hl_error_set(error, HL_ERR_KVM, "no step but exit %d", (int)exit.kind);
    return rc;
}

/* Steps per second, 0 where this route leads nowhere. */
static double measure(bool by_exit, unsigned long steps)
{
    struct hl_machine *m = NULL;
    struct hl_error error;
    struct kvm_regs end;
    double rate = 0;
    if (make(&m, &error) || first_step(m, by_exit, steps, &error) ||
        by_exit != machine_trap(m).by_exit)
        goto out;
    int fd = m->vcpu->fd;
    const __u32 *reason = &m->vcpu->run->exit_reason;
    const __u32 wanted = by_exit ? KVM_EXIT_DEBUG : KVM_EXIT_IO;
    m->vcpu->run->kvm_valid_regs = 0;
    double start = now();
    for (unsigned long i = 1; i < steps; i++)
        if (ioctl(fd, KVM_RUN, 0) || *reason != wanted)
            goto out;
    double took = now() - start;
    /* Believed is what the guest has done. */
    if (ioctl(fd, KVM_GET_REGS, &end) == 0 && (steps - end.rcx) * PER_TURN == steps)
        rate = (double)(steps - 1) / took;
out:
    hl_machine_destroy(m);
    return rate;
}

int main(int argc, char **argv)
{
    unsigned long steps = argc > 1 ? strtoul(argv[1], NULL, 0) & ~1ul : 0;
    if (!steps) {
        fprintf(stderr, "usage: gdb-floor STEPS\n");
        return 64;
    }
    double by_exit = measure(true, steps), by_shim = measure(false, steps);
    if (by_exit == 0 && by_shim == 0) {
        fprintf(stderr, "gdb-floor: no single step works on this KVM\n");
        return 1;
    }
    printf("%.0f\n", by_exit > by_shim ? by_exit : by_shim);
    return 0;
}
