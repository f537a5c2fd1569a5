/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raw.h - the floors: a guest on KVM's ioctls alone, not a line of libhl.
 *
 * RAW_REAL is the least that runs at all: one `out` at ring 0 in real mode.  RAW_RING3 is the least
 * that comes out the way a guest of ours does: long mode, four pages of page tables, a GDT and a
 * TSS whose bitmap allows the port, an `out` at ring 3.  Neither has an IDT, a CPUID, an MSR, XCR0
 * or a way to say what went wrong.
 */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <linux/kvm.h>
#include <stddef.h>
#include <stdint.h>

enum raw_kind {
    RAW_REAL,
    RAW_RING3,
    RAW_SPIN, /* RAW_RING3 with a guest that never comes out */
};

struct raw_vm {
    int vm, vcpu;
    struct kvm_run *run;
    uint8_t *memory;
    size_t size;
};

int raw_open(void); /* /dev/kvm, kept by the caller */
/* One slot of `size` bytes, one vCPU, ready for KVM_RUN; exits the program where KVM refuses. */
void raw_create(struct raw_vm *vm, int kvm, enum raw_kind kind, size_t size);
void raw_exit(struct raw_vm *vm); /* one KVM_RUN, to the next `out` */
void raw_destroy(struct raw_vm *vm);

#endif
