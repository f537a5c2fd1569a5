/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/vcpu_debug.c - KVM for debuggers: all registers, and KVM_SET_GUEST_DEBUG. */
#include "vcpu_kvm.h"

#include "retry.h"

/* DR7 (Intel SDM 3, 17.2.4): bit 10 is always one; 2 bits enable a slot, 4 more set its kind. */
#define DR7_FIXED 0x400u
#define DR7_GLOBAL(slot) (2u << 2 * (slot))
#define DR7_CONDITION(slot, bits) ((uint64_t)(bits) << (16 + 4 * (slot)))

int vcpu_kvm_get_system(struct hl_vcpu *v, struct vcpu_system *system, struct hl_error *error)
{
    struct kvm_sregs s;
    if (vcpu_kvm_flush_system(v) || retry_ioctl(v->fd, KVM_GET_SREGS, &s))
        return vcpu_kvm_failed(error, "KVM_GET_SREGS");
    *system = (struct vcpu_system){
        .cs = s.cs.selector,
        .ss = s.ss.selector,
        .ds = s.ds.selector,
        .es = s.es.selector,
        .fs = s.fs.selector,
        .gs = s.gs.selector,
        .cr0 = s.cr0,
        .cr2 = s.cr2,
        .cr3 = s.cr3,
        .cr4 = s.cr4,
        .cr8 = s.cr8,
        .efer = s.efer,
    };
    if (v->in_shim) { /* its own cs and ss are for ring 0 */
        const struct shim_frame *f = shim_frame(v->setup.memory);
        system->cs = (uint16_t)f->cs;
        system->ss = (uint16_t)f->ss;
    }
    return 0;
}

static uint64_t dr7_of(unsigned slot, enum vcpu_slot_kind kind, unsigned size)
{
    static const unsigned condition[] = {
        [VCPU_SLOT_EXEC] = 0, [VCPU_SLOT_WRITE] = 1, [VCPU_SLOT_ACCESS] = 3};
    static const unsigned length[] = {[1] = 0, [2] = 1, [4] = 3, [8] = 2};
    if (kind == VCPU_SLOT_OFF)
        return 0;
    unsigned bits = condition[kind] | (kind == VCPU_SLOT_EXEC ? 0 : length[size] << 2);
    return DR7_GLOBAL(slot) | DR7_CONDITION(slot, bits);
}

/*
 * KVM remembers the rip for which it arms a step: set registers before it, and not with the next
 * entry (KVM_CAP_SYNC_REGS), which would be too late.
 */
static int set_regs_now(struct hl_vcpu *v)
{
    if (!v->regs_dirty)
        return 0;
    v->regs_dirty = false;
    return retry_ioctl(v->fd, KVM_SET_REGS,
                       v->host->sync_regs ? &v->run->s.regs.regs : &v->regs_buffer);
}

/*
 * While it steps KVM considers TF its own, and clears it when stepping is turned off: a TF of the
 * guest's must be set again.
 */
static void set_tf_again(struct hl_vcpu *v)
{
    const struct kvm_regs *r = v->host->sync_regs ? &v->run->s.regs.regs : &v->regs_buffer;
    if (v->regs_valid && (r->rflags & RFLAGS_TF))
        v->regs_dirty = true;
}

/* In the shim it would stop at ring 0. */
bool vcpu_kvm_can_step(const struct hl_vcpu *v)
{
    return !v->in_shim;
}

int vcpu_kvm_arm(struct hl_vcpu *v, const struct vcpu_debug *debug, struct hl_error *error)
{
    struct kvm_guest_debug d = {.arch.debugreg[7] = DR7_FIXED};
    for (unsigned i = 0; i < VCPU_SLOTS; i++) {
        uint64_t dr7 = dr7_of(i, debug->slot[i].kind, debug->slot[i].size);
        d.arch.debugreg[i] = debug->slot[i].address;
        d.arch.debugreg[7] |= dr7;
        if (dr7)
            d.control |= KVM_GUESTDBG_USE_HW_BP;
    }
    if (debug->step)
        d.control |= KVM_GUESTDBG_SINGLESTEP;
    if (debug->sw_break)
        d.control |= KVM_GUESTDBG_USE_SW_BP;
    if (d.control)
        d.control |= KVM_GUESTDBG_ENABLE;
    /* rip is relative to CS: a vCPU that has never run is not yet at ring 3. */
    if (vcpu_kvm_flush_system(v) || set_regs_now(v) || retry_ioctl(v->fd, KVM_SET_GUEST_DEBUG, &d))
        return vcpu_kvm_failed(error, "KVM_SET_GUEST_DEBUG");
    if (!debug->step)
        set_tf_again(v);
    return 0;
}
