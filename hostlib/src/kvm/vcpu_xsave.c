/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/vcpu_xsave.c - vector state. */
#include "vcpu_kvm.h"

#include "retry.h"

uint64_t vcpu_kvm_xcr0(const struct hl_vcpu *v)
{
    return v->host->xcr0;
}

/* KVM_CAP_XSAVE2 gives the size; without it, the area is one page. */
size_t vcpu_kvm_xsave_size(const struct hl_vcpu *v)
{
    int size = retry_ioctl(v->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
    return size > (int)sizeof(struct kvm_xsave) ? (size_t)size : sizeof(struct kvm_xsave);
}

size_t vcpu_kvm_xsave_used(const struct hl_vcpu *v)
{
    return v->host->xsave_used;
}

int vcpu_kvm_get_xsave(struct hl_vcpu *v, void *area, struct hl_error *error)
{
    bool large = vcpu_kvm_xsave_size(v) > sizeof(struct kvm_xsave);
    if (retry_ioctl(v->fd, large ? KVM_GET_XSAVE2 : KVM_GET_XSAVE, area))
        return vcpu_kvm_failed(error, "KVM_GET_XSAVE");
    return 0;
}

int vcpu_kvm_put_xsave(struct hl_vcpu *v, const void *area, struct hl_error *error)
{
    /* KVM reads as many bytes as KVM_CAP_XSAVE2 says. */
    if (retry_ioctl(v->fd, KVM_SET_XSAVE, area))
        return vcpu_kvm_failed(error, "KVM_SET_XSAVE");
    return 0;
}
