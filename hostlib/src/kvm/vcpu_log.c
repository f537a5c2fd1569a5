/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/vcpu_log.c - KVM's dirty log.  Clearing a page's bit write-protects it again, and the next
 * write is a fault of 8 us on kvm_pvm: so bits are cleared manually, and only for pages that have
 * not been written to for a while.
 */
#include "vcpu_kvm.h"

#include "page.h"
#include "retry.h"

void vcpu_kvm_log_prepare(struct hl_vcpu *v)
{
    struct kvm_enable_cap cap = {.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
                                 .args[0] = KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE};
    v->log_by_hand = retry_ioctl(v->vm_fd, KVM_ENABLE_CAP, &cap) == 0;
    v->slot.flags |= KVM_MEM_LOG_DIRTY_PAGES;
}

bool vcpu_kvm_log_start(struct hl_vcpu *v)
{
    if (v->slot.flags & KVM_MEM_LOG_DIRTY_PAGES)
        return true;
    vcpu_kvm_log_prepare(v);
    return retry_ioctl(v->vm_fd, KVM_SET_USER_MEMORY_REGION, &v->slot) == 0;
}

bool vcpu_kvm_log_read(struct hl_vcpu *v, uint64_t *bits)
{
    struct kvm_dirty_log log = {.slot = v->slot.slot, .dirty_bitmap = bits};
    return retry_ioctl(v->vm_fd, KVM_GET_DIRTY_LOG, &log) == 0;
}

bool vcpu_kvm_log_clear(struct hl_vcpu *v, uint64_t *bits)
{
    struct kvm_clear_dirty_log log = {
        .slot = v->slot.slot,
        .num_pages = (uint32_t)(v->slot.memory_size / PAGE_SIZE),
        .dirty_bitmap = bits,
    };
    return !v->log_by_hand || retry_ioctl(v->vm_fd, KVM_CLEAR_DIRTY_LOG, &log) == 0;
}
