/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scripted_vcpu.h - a backend without a processor: the test plays it, entry by entry.
 *
 * run() waits in the guest's thread.  Once scripted_enter() has returned, the test is the guest: it
 * looks at registers, memory and armed traps as a processor would, changes what the guest's
 * instructions change, and comes out by scripted_leave() or one of the roads below it.  A kick ends
 * a run as a signal ends KVM_RUN, or the next one at once.
 */
#ifndef TESTS_SCRIPTED_VCPU_H
#define TESTS_SCRIPTED_VCPU_H

#include <pthread.h>

#include "vcpu.h"

#define SCRIPTED_XSAVE 4096

struct hl_vcpu {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool inside, kicked, abandoned;
    bool deaf; /* to a kick, until it has come out by itself */
    unsigned entries;      /* runs that got as far as the guest */
    struct vcpu_exit exit; /* of the run in progress, once it is not inside any more */
    struct vcpu_setup setup;
    struct vcpu_regs regs;
    uint64_t fs_base, gs_base, cr2;
    struct vcpu_debug debug; /* as armed */
    unsigned unsettled;      /* bytes of the `out` that is not completed yet */
    uint8_t xsave[SCRIPTED_XSAVE];
};

extern const struct vcpu_ops scripted_ops;

/* Wait until the guest's thread is in the guest; false after ten seconds. */
bool scripted_enter(struct hl_vcpu *v);
bool scripted_inside(struct hl_vcpu *v);
void scripted_leave(struct hl_vcpu *v, const struct vcpu_exit *exit);
/* The kick that comes now is an instant too late for this run: it ends the next one. */
void scripted_deafen(struct hl_vcpu *v);
/* From now on every run fails: the test is over. */
void scripted_abandon(struct hl_vcpu *v);

/*
 * An exception by way of the IDT: the frame as the processor pushes it, and the stub's `out`.  rip:
 * where the guest will go on.
 */
void scripted_vector(struct hl_vcpu *v, unsigned vector, uint32_t error_code, uint64_t rip);
/* A trap that the backend takes before the IDT: rip is on an int3, or behind the instruction. */
void scripted_trap(struct hl_vcpu *v, unsigned vector, uint64_t dr6, uint64_t rip);
/* `out` of one byte at rip, `size` bytes long; behind: rip is beyond it at once (kvm_pvm). */
void scripted_out(struct hl_vcpu *v, uint16_t port, uint64_t rip, unsigned size, bool behind);
/* `syscall` at rip, through the gate; as_fault: as kvm_pvm shows it, a #PF on the gate. */
void scripted_syscall(struct hl_vcpu *v, uint64_t rip, bool as_fault);

/* What the page tables let ring 3 do at gva: HL_PROT_* as the processor sees it, 0 for nothing. */
unsigned scripted_prot(const struct hl_vcpu *v, uint64_t gva);

#endif
