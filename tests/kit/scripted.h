/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scripted.h - a backend without a processor, and without a ring 0: a player is the guest.
 *
 * Registers, vector state, bases, snapshots and what is armed are real; what happens between an
 * entry and its exit is the player's to say.  The one that comes with it is the test's own thread:
 * run() waits in the guest's thread, and once scripted_enter() has returned, the test is the guest.
 * It looks at registers, memory and armed traps as a processor would, changes what the guest's
 * instructions change, and comes out by scripted_leave() or one of the calls after it.  A kick ends
 * a run as a signal ends KVM_RUN, or the next one at once.  A fuzzer brings a player that reads a
 * script (tests/fuzz/script.c).
 */
#ifndef TESTS_SCRIPTED_H
#define TESTS_SCRIPTED_H

#include <pthread.h>

#include "backend.h"

#define SCRIPTED_XSAVE 4096
#define SCRIPTED_OWN                                                                               \
    0xffff800000000000ull /* a page of the upper half that is said to be its own                   \
                           */

struct hl_vcpu {
    struct backend_setup setup;
    struct hl_regs regs; /* with the bases */
    uint64_t cr2;
    struct vcpu_debug debug; /* as armed */
    unsigned unsettled;      /* bytes of the `out` that rip has yet to go past */
    bool unanswered;         /* a read waits for its value */
    bool stepless;           /* it stands where no armed step works, until the next entry */
    uint8_t xsave[SCRIPTED_XSAVE];

    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool inside, kicked, abandoned;
    bool deaf;           /* to a kick, until it has come out by itself */
    unsigned entries;    /* runs that got as far as the guest */
    struct hl_exit exit; /* of the run in progress, once it is not inside any more */
    struct vcpu_trap trap;
};

extern const struct backend scripted_backend;

/* Who plays the guests, and on what processor.  NULL: the test's thread, on this machine's. */
struct scripted_player {
    int (*run)(struct hl_vcpu *v, struct hl_exit *exit, struct hl_error *error);
    struct vcpu_cpu cpu;
    size_t xsave_size; /* at most SCRIPTED_XSAVE */
};
void scripted_set_player(const struct scripted_player *player);

/* Exits as the machine is to see them, for players: what a read leaves open is noted. */
struct hl_exit scripted_io(struct hl_vcpu *v, uint16_t port, uint8_t size, bool in);
struct hl_exit scripted_mmio_read(struct hl_vcpu *v, hl_gpa_t gpa, uint8_t size);
struct hl_exit scripted_syscall_exit(struct hl_vcpu *v);
struct hl_exit scripted_fault(struct hl_vcpu *v, unsigned vector, uint32_t error_code);

/* ---- the test's thread as the guest */

/* Wait until the guest's thread is in the guest; false after ten seconds. */
bool scripted_enter(struct hl_vcpu *v);
bool scripted_inside(struct hl_vcpu *v);
void scripted_leave(struct hl_vcpu *v, const struct hl_exit *exit);
/* The kick that comes now is an instant too late for this run: it ends the next one. */
void scripted_deafen(struct hl_vcpu *v);
/* From now on every run fails: the test is over. */
void scripted_abandon(struct hl_vcpu *v);

/* An exception that the guest raises; rip: where it will go on. */
void scripted_vector(struct hl_vcpu *v, unsigned vector, uint32_t error_code, uint64_t rip);
/* A trap that was armed: rip is on an int3, or past the instruction. */
void scripted_trap(struct hl_vcpu *v, unsigned vector, uint64_t dr6, uint64_t rip);
/* `out` of one byte at rip, `size` bytes long; past: rip is beyond it at once (kvm_pvm). */
void scripted_out(struct hl_vcpu *v, uint16_t port, uint64_t rip, unsigned size, bool past);
/* `syscall` at rip. */
void scripted_syscall(struct hl_vcpu *v, uint64_t rip);

/* What the page tables let ring 3 do at gva: HL_PROT_* as the processor sees it, 0 for nothing. */
unsigned scripted_prot(const struct hl_vcpu *v, uint64_t gva);

#endif
