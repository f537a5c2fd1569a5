/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_debug.h - single-step a machine, whichever way its debug events are reported.
 *
 * With by_exit the backend is asked to step if it can from there; else TF is set in the guest's own
 * flags, and the guest raises the #DB.  Both end in HL_EXIT_FAULT with vector 1, and the guest's
 * flags are then restored.
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
    bool done; /* the instruction was executed: our #DB, or an exit of its own */
    enum insn_kind kind;
};

/*
 * Execute one instruction of the guest.  A system call or an `out` is one, with its exit; so is an
 * instruction that faults or is interrupted by a kick (both not done).  slots: armed for it; `step`
 * and `sw_break` are ignored.
 */
int machine_step(struct hl_machine *m, bool by_exit, const struct vcpu_debug *slots,
                 struct hl_exit *exit, struct machine_step *step, struct hl_error *error);

/* Arm the backend for the next run; costs nothing if nothing changes. */
int machine_arm(struct hl_machine *m, const struct vcpu_debug *debug, struct hl_error *error);

/* How the debug trap of the last exit was reported, if it was one; read its reason at once. */
struct vcpu_trap machine_trap(const struct hl_machine *m);
void machine_forget_trap(struct hl_machine *m);

/*
 * Execute the next instruction without entering the guest.  False: it is not one of the plain ones,
 * and nothing has changed.  Accesses to watched pages are not noticed.
 */
bool machine_emulate(struct hl_machine *m);

/* hl_machine_get_regs() and _set_regs() without fs_base and gs_base, which cost a system call. */
int machine_get_general(struct hl_machine *m, struct hl_regs *regs, struct hl_error *error);
int machine_set_general(struct hl_machine *m, const struct hl_regs *regs, struct hl_error *error);

/* Only the guest's rip and rsp; 0 if they cannot be read. */
uint64_t machine_pc(struct hl_machine *m);
int machine_set_pc(struct hl_machine *m, uint64_t pc);

/* Withhold pages for watchpoints: see pagetable_watch().  Takes effect before the next entry. */
bool machine_watch_page(struct hl_machine *m, hl_gva_t gva, unsigned watch);

#endif
