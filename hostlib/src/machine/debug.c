/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_debug.h"
#include "machine_impl.h"

#include <string.h>

/* Nothing is written unless it changes. */
static int set_register(struct hl_machine *m, struct hl_regs *r, uint64_t *which, uint64_t value)
{
    if (*which == value)
        return 0;
    *which = value;
    return machine_put_regs(m, r, NULL);
}

static int set_tf(struct hl_machine *m, struct hl_regs *r, bool on)
{
    return set_register(m, r, &r->rflags, on ? r->rflags | RFLAGS_TF : r->rflags & ~RFLAGS_TF);
}

uint64_t machine_pc(struct hl_machine *m)
{
    struct hl_regs r;
    return m->backend->get_regs(m->vcpu, &r, NULL) ? 0 : r.rip;
}

int machine_set_pc(struct hl_machine *m, uint64_t pc)
{
    struct hl_regs r;
    int rc = m->backend->get_regs(m->vcpu, &r, NULL);
    return rc ? rc : set_register(m, &r, &r.rip, pc);
}

struct vcpu_trap machine_trap(const struct hl_machine *m)
{
    return m->trap;
}

void machine_forget_trap(struct hl_machine *m)
{
    m->trap.dr6 = 0;
}

int machine_arm(struct hl_machine *m, const struct vcpu_debug *debug, struct hl_error *error)
{
    /* A backend may read rip when a step is armed: arm it again after registers have changed. */
    /* Padding that differs costs an ioctl. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    if (!debug->step && memcmp(debug, &m->armed, sizeof(*debug)) == 0)
        return 0;
    int rc = m->backend->arm(m->vcpu, debug, error);
    if (!rc)
        m->armed = *debug;
    return rc;
}

/* TF after the instruction: the guest's own, or the one that it loads. */
static bool tf_after(struct hl_machine *m, enum insn_kind kind, const struct hl_regs *r,
                     bool before)
{
    uint64_t flags;
    uint64_t at = r->rsp + (kind == INSN_IRET ? 16 : 0);
    if ((kind != INSN_POPF && kind != INSN_IRET) ||
        hl_machine_read(m, at, &flags, sizeof(flags), 0) != sizeof(flags))
        return before;
    return flags & RFLAGS_TF;
}

/* Our TF would be visible in what `pushf` stores. */
static void clean_pushed(struct hl_machine *m, const struct hl_regs *r, bool tf)
{
    uint16_t flags;
    if (!tf && hl_machine_read(m, r->rsp, &flags, sizeof(flags), 0) == sizeof(flags)) {
        flags &= (uint16_t)~RFLAGS_TF;
        machine_write(m, r->rsp, &flags, sizeof(flags), 0);
    }
}

static bool leaves_by_itself(enum insn_kind kind)
{
    return kind == INSN_SYSCALL || kind == INSN_OUT;
}

/* Arm the trap: the backend's if it works from here, else TF. */
static int arm_step(struct hl_machine *m, bool by_exit, enum insn_kind kind, struct hl_regs *r,
                    const struct vcpu_debug *slots, struct hl_error *error)
{
    struct vcpu_debug debug = *slots;
    bool trap = !leaves_by_itself(kind);
    debug.step = trap && by_exit && m->backend->can_step(m->vcpu);
    debug.sw_break = false;
    int rc = set_tf(m, r, trap && !debug.step);
    return rc ? rc : machine_arm(m, &debug, error);
}

static void judge(struct hl_machine *m, const struct hl_exit *exit, struct machine_step *step)
{
    step->done =
        exit->kind == HL_EXIT_IO || exit->kind == HL_EXIT_SYSCALL || exit->kind == HL_EXIT_MMIO;
    if (exit->kind == HL_EXIT_FAULT && exit->fault.vector == VECTOR_DEBUG)
        step->done = !m->trap.by_exit || (m->trap.dr6 & DR6_STEP) || !(m->trap.dr6 & DR6_SLOTS);
}

/* Restore the guest's own flags, in the registers and, if it has just pushed them, in memory. */
static int clean_flags(struct hl_machine *m, const struct machine_step *step, bool tf, bool tf_next,
                       struct hl_error *error)
{
    struct hl_regs r;
    int rc = m->backend->get_regs(m->vcpu, &r, error);
    if (!rc)
        rc = set_tf(m, &r, step->done ? tf_next : tf);
    if (!rc && step->done && step->kind == INSN_PUSHF)
        clean_pushed(m, &r, tf);
    return rc;
}

int machine_step(struct hl_machine *m, bool by_exit, const struct vcpu_debug *slots,
                 struct hl_exit *exit, struct machine_step *step, struct hl_error *error)
{
    struct hl_regs r;
    uint8_t code[INSN_MAX];
    int rc = machine_can_set(m, error);
    if (!rc)
        rc = m->backend->get_regs(m->vcpu, &r, error);
    if (rc)
        return rc;
    bool tf = r.rflags & RFLAGS_TF;
    step->kind = insn_kind(code, hl_machine_read(m, r.rip, code, sizeof(code), HL_PROT_EXEC));
    bool tf_next = tf_after(m, step->kind, &r, tf);
    rc = arm_step(m, by_exit, step->kind, &r, slots, error);
    if (!rc)
        rc = hl_machine_run(m, exit, error);
    if (rc)
        return rc;
    judge(m, exit, step);
    bool access = exit->kind == HL_EXIT_IO || exit->kind == HL_EXIT_MMIO;
    /* Reading registers after an access may cost an entry; nothing of ours is in them. */
    if (access && !tf && leaves_by_itself(step->kind))
        return 0;
    rc = clean_flags(m, step, tf, tf_next, access ? NULL : error);
    return access ? 0 : rc; /* while a read waits for its answer they have not changed */
}
