/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_debug.h - stepping a machine, whichever way its debug events take.
 *
 * With by_exit the backend is asked to step where it can from there; else TF is set in the guest's
 * own flags, and it is the guest that raises the #DB.  Both end in HL_EXIT_FAULT with vector 1, and
 * the guest's flags are its own again.
 */
#ifndef HL_MACHINE_DEBUG_H
#define HL_MACHINE_DEBUG_H

#include "insn.h"
#include "machine.h"
#include "x86.h"

#define DR6_SLOTS 0xfull /* B0 to B3 */
#define DR6_STEP (1ull << 14)

/* What a step did, besides its exit. */
struct machine_step {
    bool done; /* the instruction has been executed: a #DB of ours, or an exit of its own */
    enum insn_kind kind;
};

/*
 * One instruction of the guest: a system call or an `out` is one, with its exit; so is one that
 * faults (not done) or is broken by a kick (not done).  slots: armed meanwhile, `step` and
 * `sw_break` of it are not looked at.
 */
int machine_step(struct hl_machine *m, bool by_exit, const struct vcpu_debug *slots,
                 struct hl_exit *exit, struct machine_step *step, struct hl_error *error);

/* Arm the backend for the next run; costs nothing where nothing changes. */
int machine_arm(struct hl_machine *m, const struct vcpu_debug *debug, struct hl_error *error);

/* How the last exit's debug trap came, if it was one; what it was for is looked at once. */
struct vcpu_trap machine_trap(const struct hl_machine *m);
void machine_forget_trap(struct hl_machine *m);

/*
 * The next instruction, carried out without entering the guest.  false: it is not one of the plain
 * ones that can be, and nothing has changed.  Goes past watched pages unseen.
 */
bool machine_emulate(struct hl_machine *m);

/* hl_machine_get_regs() and _set_regs() but for fs_base and gs_base, which cost a system call. */
int machine_get_general(struct hl_machine *m, struct hl_regs *regs, struct hl_error *error);
int machine_set_general(struct hl_machine *m, const struct hl_regs *regs, struct hl_error *error);

/* The guest's rip and rsp without the rest; 0 when they cannot be had. */
uint64_t machine_pc(struct hl_machine *m);
int machine_set_pc(struct hl_machine *m, uint64_t pc);

/* Withhold pages for watchpoints: see pagetable_watch().  Takes effect before the next entry. */
bool machine_watch_page(struct hl_machine *m, hl_gva_t gva, unsigned watch);

#endif
