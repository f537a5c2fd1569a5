/* SPDX-License-Identifier: Apache-2.0 */
/* vcpu_kvm.h - inside of the KVM backend, for its own files. */
#ifndef HL_VCPU_KVM_H
#define HL_VCPU_KVM_H

#include "kick.h"
#include "kvm.h"
#include "vcpu.h"

extern const struct vcpu_ops hl_vcpu_kvm;

struct hl_vcpu {
    const struct kvm_host *host;
    int vm_fd, fd;
    struct kvm_run *run;
    bool regs_valid, regs_dirty; /* of `regs`, between runs */
    struct kvm_regs regs_buffer; /* where KVM has no KVM_CAP_SYNC_REGS */
    bool system_dirty;           /* run->s.regs: sregs and events wait for the next entry */
    struct kvm_sregs sregs;      /* as the guest began */
    struct vcpu_segments segments;
    hl_gva_t gate;
    struct kvm_userspace_memory_region slot;
    bool log_by_hand; /* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 */
    bool stats_opened;
    int stats_fd[2]; /* of the vCPU, of the VM; -1: there is none */
    struct kick kick;
};

/* Fill error from errno; returns the code. */
int vcpu_kvm_failed(struct hl_error *error, const char *what);

/* Make what regs_changed() announced known to KVM; 0 or -1 with errno. */
int vcpu_kvm_flush_regs(struct hl_vcpu *v);

/* The MSRs of `syscall`, and XCR0. */
int vcpu_kvm_set_gate(struct hl_vcpu *v, struct hl_error *error);

/* kvm/vcpu_log.c */
void vcpu_kvm_log_prepare(struct hl_vcpu *v); /* before the memory slot is made */
bool vcpu_kvm_log_start(struct hl_vcpu *v);
bool vcpu_kvm_log_read(struct hl_vcpu *v, uint64_t *bits);
bool vcpu_kvm_log_clear(struct hl_vcpu *v, uint64_t *bits);

/* kvm/vcpu_segments.c: around an entry; the thread's own are given back. */
struct vcpu_segments vcpu_kvm_segments_enter(struct hl_vcpu *v);
void vcpu_kvm_segments_leave(struct hl_vcpu *v, struct vcpu_segments own);

/* kvm/vcpu_stats.c */
size_t vcpu_kvm_stats(struct hl_vcpu *v, struct vcpu_stat *list, size_t max);
void vcpu_kvm_stats_close(struct hl_vcpu *v);

/* kvm/vcpu_state.c */
int vcpu_kvm_cpu(struct vcpu_cpu *cpu, struct hl_error *error);
int vcpu_kvm_save(struct hl_vcpu *v, struct vcpu_state **state, struct hl_error *error);
int vcpu_kvm_restore(struct hl_vcpu *v, const struct vcpu_state *state, bool whole,
                     struct hl_error *error);
/* Before KVM is asked for segments, control registers or bases: 0 or -1 with errno. */
int vcpu_kvm_flush_system(struct hl_vcpu *v);
/* No exception, interrupt or NMI waits to be delivered. */
void vcpu_kvm_fill_events(struct kvm_vcpu_events *events);

/* kvm/vcpu_debug.c */
int vcpu_kvm_get_system(struct hl_vcpu *v, struct vcpu_system *system, struct hl_error *error);
uint64_t vcpu_kvm_xcr0(const struct hl_vcpu *v);
size_t vcpu_kvm_xsave_size(const struct hl_vcpu *v);
size_t vcpu_kvm_xsave_used(const struct hl_vcpu *v);
int vcpu_kvm_get_xsave(struct hl_vcpu *v, void *area, struct hl_error *error);
int vcpu_kvm_set_xsave(struct hl_vcpu *v, const void *area, struct hl_error *error);
int vcpu_kvm_debug(struct hl_vcpu *v, const struct vcpu_debug *debug, struct hl_error *error);

#endif
