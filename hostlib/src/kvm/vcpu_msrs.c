/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/vcpu_msrs.c - MSRs (Intel SDM 4, 2.1): the gate of `syscall`, FS and GS base. */
#include "vcpu_kvm.h"

#include <errno.h>
#include <string.h>

#include "retry.h"

#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u /* `syscall` from 32-bit code, which ring 3 can enter on kvm_pvm */
#define MSR_SYSCALL_MASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
/* The gate runs with TF, IF, DF, IOPL, NT and AC clear, as Linux's does. */
#define SYSCALL_MASK 0x47700ull

static int set_msrs(struct hl_vcpu *v, const struct kvm_msr_entry *entries, unsigned count,
                    struct hl_error *error)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry[4];
    } msrs = {.head.nmsrs = count};
    memcpy(msrs.entry, entries, count * sizeof(*entries));
    int done = retry_ioctl(v->fd, KVM_SET_MSRS, &msrs);
    if (done == (int)count)
        return 0;
    if (done >= 0)
        errno = EINVAL;
    return vcpu_kvm_failed(error, "KVM_SET_MSRS");
}

int vcpu_kvm_set_gate(struct hl_vcpu *v, struct hl_error *error)
{
    const uint64_t gate_gva = shim_tables().gate;
    const struct kvm_msr_entry gate[] = {
        {.index = MSR_STAR, .data = (uint64_t)USER32_CS << 48 | (uint64_t)SHIM_KERNEL_CS << 32},
        {.index = MSR_LSTAR, .data = gate_gva},
        {.index = MSR_CSTAR, .data = gate_gva},
        {.index = MSR_SYSCALL_MASK, .data = SYSCALL_MASK},
    };
    struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0].value = v->host->xcr0};
    int rc = set_msrs(v, gate, sizeof(gate) / sizeof(gate[0]), error);
    if (!rc && v->host->xcr0 && retry_ioctl(v->fd, KVM_SET_XCRS, &xcrs))
        rc = vcpu_kvm_failed(error, "KVM_SET_XCRS");
    return rc;
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
        return set_msrs(v, bases, 2, error);
    waiting->fs.base = fs;
    waiting->gs.base = gs;
    return 0;
}
