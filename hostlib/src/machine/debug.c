/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_debug.h"

#include <string.h>

#include "shim.h"

#define RFLAGS_TF 0x100ull

/* rip, rsp and rflags, wherever they are at the moment. */
struct place {
    uint64_t *rip, *rsp, *rflags;
    bool in_frame; /* of the shim: no register of the vCPU changes with them */
};

static int find(struct hl_machine *m, struct place *p, struct hl_error *error)
{
    struct vcpu_regs *r = m->ops->regs(m->vcpu, error);
    if (!r)
        return HL_ERR_KVM;
    *p = (struct place){&r->rip, &r->rsp, &r->rflags, false};
    if (m->in_shim) {
        struct shim_frame *f = machine_frame(m);
        *p = (struct place){&f->rip, &f->rsp, &f->rflags, true};
    }
    return 0;
}

static void set(struct hl_machine *m, const struct place *p, uint64_t *what, uint64_t value)
{
    if (*what == value)
        return;
    *what = value;
    if (!p->in_frame)
        m->ops->regs_changed(m->vcpu);
}

uint64_t machine_pc(struct hl_machine *m)
{
    struct place p;
    return find(m, &p, NULL) ? 0 : *p.rip;
}

int machine_set_pc(struct hl_machine *m, uint64_t pc)
{
    struct place p;
    int rc = find(m, &p, NULL);
    if (!rc)
        set(m, &p, p.rip, pc);
    return rc;
}

void machine_user_selectors(struct hl_machine *m, uint16_t *cs, uint16_t *ss)
{
    const struct shim_frame *f = machine_frame(m);
    *cs = (uint16_t)f->cs;
    *ss = (uint16_t)f->ss;
}

int machine_arm(struct hl_machine *m, const struct vcpu_debug *debug, struct hl_error *error)
{
    /* KVM looks at rip when a step is armed: after a change of registers it must look again. */
    /* Padding that differs costs an ioctl. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
    if (!debug->step && memcmp(debug, &m->armed, sizeof(*debug)) == 0)
        return 0;
    int rc = m->ops->debug(m->vcpu, debug, error);
    if (!rc)
        m->armed = *debug;
    return rc;
}

/* TF as it will be when the instruction is done: the guest's own, or what it loads itself. */
static bool tf_after(struct hl_machine *m, enum insn_kind kind, const struct place *p, bool before)
{
    uint64_t flags;
    uint64_t at = *p->rsp + (kind == INSN_IRET ? 16 : 0);
    if ((kind != INSN_POPF && kind != INSN_IRET) ||
        hl_machine_read(m, at, &flags, sizeof(flags), 0) != sizeof(flags))
        return before;
    return flags & RFLAGS_TF;
}

/* The TF that is ours leaks into what `pushf` stores. */
static void clean_pushed(struct hl_machine *m, const struct place *p, bool tf)
{
    uint16_t flags;
    if (!tf && hl_machine_read(m, *p->rsp, &flags, sizeof(flags), 0) == sizeof(flags)) {
        flags &= (uint16_t)~RFLAGS_TF;
        machine_write(m, *p->rsp, &flags, sizeof(flags), 0);
    }
}

static bool leaves_by_itself(enum insn_kind kind)
{
    return kind == INSN_SYSCALL || kind == INSN_OUT;
}

/* Put the trap in place.  In the shim an armed step would stop at ring 0: there, TF in the frame.
 */
static int arm_step(struct hl_machine *m, bool by_exit, enum insn_kind kind, const struct place *p,
                    const struct vcpu_debug *slots, struct hl_error *error)
{
    struct vcpu_debug debug = *slots;
    bool trap = !leaves_by_itself(kind);
    debug.step = trap && by_exit && !p->in_frame;
    debug.sw_break = false;
    set(m, p, p->rflags, trap && !debug.step ? *p->rflags | RFLAGS_TF : *p->rflags & ~RFLAGS_TF);
    return machine_arm(m, &debug, error);
}

static void judge(struct hl_machine *m, const struct hl_exit *exit, struct machine_step *step)
{
    step->done =
        exit->kind == HL_EXIT_IO || exit->kind == HL_EXIT_SYSCALL || exit->kind == HL_EXIT_MMIO;
    if (exit->kind == HL_EXIT_FAULT && exit->fault.vector == VECTOR_DEBUG)
        step->done = !m->trap_exit || (m->dr6 & DR6_STEP) || !(m->dr6 & DR6_SLOTS);
}

int machine_step(struct hl_machine *m, bool by_exit, const struct vcpu_debug *slots,
                 struct hl_exit *exit, struct machine_step *step, struct hl_error *error)
{
    struct place p;
    uint8_t code[INSN_MAX];
    int rc = machine_settle(m, error);
    if (!rc)
        rc = find(m, &p, error);
    if (rc)
        return rc;
    uint64_t rip = *p.rip;
    bool tf = *p.rflags & RFLAGS_TF;
    step->kind = insn_kind(code, hl_machine_read(m, rip, code, sizeof(code), HL_PROT_EXEC));
    bool tf_next = tf_after(m, step->kind, &p, tf);
    rc = arm_step(m, by_exit, step->kind, &p, slots, error);
    if (!rc)
        rc = hl_machine_run(m, exit, error);
    if (rc)
        return rc;
    judge(m, exit, step);
    if (exit->kind == HL_EXIT_IO || exit->kind == HL_EXIT_MMIO) {
        /* Registers cannot be set before the access is settled; nothing of ours is in them. */
        if (!tf && leaves_by_itself(step->kind))
            return 0;
        if (m->unanswered || machine_settle(m, NULL))
            return 0;
    }
    rc = find(m, &p, error);
    if (rc)
        return rc;
    bool own = step->done ? tf_next : tf;
    set(m, &p, p.rflags, own ? *p.rflags | RFLAGS_TF : *p.rflags & ~RFLAGS_TF);
    if (step->done && step->kind == INSN_PUSHF)
        clean_pushed(m, &p, tf);
    return 0;
}
