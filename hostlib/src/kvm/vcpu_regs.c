/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/vcpu_regs.c - the guest's registers: KVM's at ring 3; past a stub's `out`, rip, rsp and
 * rflags are in the shim's frame.
 */
#include "vcpu_kvm.h"

#include <string.h>

#include "general.h"
#include "retry.h"

int vcpu_kvm_get_regs(struct hl_vcpu *v, struct hl_regs *regs, struct hl_error *error)
{
    int rc = v->unanswered ? 0 : vcpu_kvm_settle(v, error);
    const struct kvm_regs *r = rc ? NULL : vcpu_kvm_regs(v, error);
    if (!r)
        return rc ? rc : HL_ERR_KVM;
    HL_GENERAL_COPY(regs, r);
    regs->rflags = r->rflags;
    if (v->in_shim) {
        const struct shim_frame *f = shim_frame(v->setup.memory);
        regs->rip = f->rip;
        regs->rsp = f->rsp;
        regs->rflags = f->rflags;
    }
    return 0;
}

/* The vCPU itself stays in the shim; often only the frame changes. */
static void set_in_shim(struct hl_vcpu *v, struct kvm_regs *r, const struct hl_regs *regs)
{
    struct shim_frame *f = shim_frame(v->setup.memory);
    struct kvm_regs next = *r;
    HL_GENERAL_COPY(&next, regs);
    f->rip = regs->rip;
    f->rsp = regs->rsp;
    f->rflags = regs->rflags;
    next.rip = r->rip;
    next.rsp = r->rsp;
    if (memcmp(&next, r, sizeof(next)) == 0)
        return;
    *r = next;
    v->regs_dirty = true;
}

int vcpu_kvm_set_regs(struct hl_vcpu *v, const struct hl_regs *regs, struct hl_error *error)
{
    int rc = vcpu_kvm_settle(v, error);
    struct kvm_regs *r = rc ? NULL : vcpu_kvm_regs(v, error);
    if (!r)
        return rc ? rc : HL_ERR_KVM;
    if (v->in_shim) {
        set_in_shim(v, r, regs);
        return 0;
    }
    HL_GENERAL_COPY(r, regs);
    r->rflags = regs->rflags;
    v->regs_dirty = true;
    return 0;
}

int vcpu_kvm_set_xsave(struct hl_vcpu *v, const void *area, struct hl_error *error)
{
    int rc = vcpu_kvm_settle(v, error);
    return rc ? rc : vcpu_kvm_put_xsave(v, area, error);
}
