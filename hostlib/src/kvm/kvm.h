/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm.h - what is asked of /dev/kvm once per process: the device, its abilities, the guest's CPUID.
 */
#ifndef HL_KVM_H
#define HL_KVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/kvm.h>

#include <hl/error.h>

#define KVM_CPUID_MAX 16

struct kvm_host {
    int fd;
    size_t run_size; /* of the vCPU's shared page */
    bool sync_regs;  /* KVM_CAP_SYNC_REGS includes the general registers, ... */
    bool sync_all;   /* ... segments and control registers, and events */
    bool fsgsbase;
    uint64_t xcr0;     /* state components of a guest */
    size_t xsave_used; /* their bytes in the standard format */
    struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entry[KVM_CPUID_MAX];
    } cpuid;
};

/* Opened when first used, and kept open; a failure is retried next time.  Any thread. */
int kvm_host_get(const struct kvm_host **host, struct hl_error *error);

/*
 * The initial state of every new vCPU, read from the first one: 0, or -1 with errno.  Any thread.
 */
int kvm_host_reset_sregs(int vcpu_fd, struct kvm_sregs *sregs);

#endif
