/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/vcpu_sync.c - registers between runs: those that KVM has reported, and those still to be set.
 */
#include "vcpu_kvm.h"

#include <errno.h>
#include <string.h>

#include "retry.h"

int vcpu_kvm_failed(struct hl_error *error, const char *what)
{
    int e = errno;
    int code = e == ENOMEM                  ? HL_ERR_MEMORY
               : e == EMFILE || e == ENFILE ? HL_ERR_SYSTEM
                                            : HL_ERR_KVM;
    hl_error_set(error, code, "%s: %s: %s", hl_err_text(code), what, strerror(e));
    if (error)
        error->sys_errno = e;
    return code;
}

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

void vcpu_kvm_fill_events(struct kvm_vcpu_events *events)
{
    *events = (struct kvm_vcpu_events){.flags = KVM_VCPUEVENT_VALID_NMI_PENDING |
                                                KVM_VCPUEVENT_VALID_SHADOW};
}

int vcpu_kvm_flush_system(struct hl_vcpu *v)
{
    if (!v->system_dirty)
        return 0;
    v->system_dirty = false;
    if (retry_ioctl(v->fd, KVM_SET_SREGS, &v->run->s.regs.sregs))
        return -1;
    return retry_ioctl(v->fd, KVM_SET_VCPU_EVENTS, &v->run->s.regs.events);
}
