/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/vcpu_regs.c - the guest's registers: KVM's own at ring 3; past a stub's `out` rip, rsp and
 * rflags are in the shim's frame.
 */
#include "vcpu_kvm.h"

#include <string.h>

#include "general.h"
#include "retry.h"

#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u

struct kvm_regs *vcpu_kvm_regs(struct hl_vcpu *v, struct hl_error *error)
{
    bool synced = v->host->sync_regs;
    struct kvm_regs *regs = synced ? &v->run->s.regs.regs : &v->regs_buffer;
    if (!v->regs_valid) {
        if (retry_ioctl(v->fd, KVM_GET_REGS, regs)) {
            vcpu_kvm_failed(error, "KVM_GET_REGS");
            return NULL;
        }
        v->regs_valid = true;
    }
    return regs;
}

int vcpu_kvm_flush_regs(struct hl_vcpu *v)
{
    uint64_t dirty = (v->regs_dirty ? KVM_SYNC_X86_REGS : 0u) |
                     (v->system_dirty ? KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS : 0u);
    if (!dirty)
        return 0;
    v->regs_dirty = v->system_dirty = false;
    if (v->host->sync_regs) {
        v->run->kvm_dirty_regs = dirty;
        return 0;
    }
    return retry_ioctl(v->fd, KVM_SET_REGS, &v->regs_buffer);
}

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

/* The vCPU itself stays where it is in the shim; often only the frame changes. */
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

int vcpu_kvm_get_bases(struct hl_vcpu *v, uint64_t *fs, uint64_t *gs, struct hl_error *error)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry[2];
    } msrs = {.head.nmsrs = 2, .entry = {{.index = MSR_FS_BASE}, {.index = MSR_GS_BASE}}};
    const struct kvm_sregs *waiting = &v->run->s.regs.sregs;
    if (v->system_dirty) {
        *fs = waiting->fs.base;
        *gs = waiting->gs.base;
        return 0;
    }
    if (retry_ioctl(v->fd, KVM_GET_MSRS, &msrs) != 2)
        return vcpu_kvm_failed(error, "KVM_GET_MSRS");
    *fs = msrs.entry[0].data;
    *gs = msrs.entry[1].data;
    return 0;
}

int vcpu_kvm_set_bases(struct hl_vcpu *v, uint64_t fs, uint64_t gs, struct hl_error *error)
{
    const struct kvm_msr_entry bases[] = {
        {.index = MSR_FS_BASE, .data = fs},
        {.index = MSR_GS_BASE, .data = gs},
    };
    struct kvm_sregs *waiting = &v->run->s.regs.sregs;
    if (!v->system_dirty)
        return vcpu_kvm_set_msrs(v, bases, 2, error);
    waiting->fs.base = fs;
    waiting->gs.base = gs;
    return 0;
}
