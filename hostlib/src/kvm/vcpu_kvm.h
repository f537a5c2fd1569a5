/* SPDX-License-Identifier: Apache-2.0 */
/* vcpu_kvm.h - the inside of the KVM backend, for its own files. */
#ifndef HL_VCPU_KVM_H
#define HL_VCPU_KVM_H

#include "backend.h"
#include "kick.h"
#include "kvm.h"
#include "shim.h"

extern const struct backend kvm_backend;

/* If KVM does not switch them (kvm/vcpu_segments.c). */
struct vcpu_segments {
    uint16_t ds, es;
};

struct hl_vcpu {
    const struct kvm_host *host;
    struct backend_setup setup;
    int vm_fd, fd;
    struct kvm_run *run;
    bool regs_valid, regs_dirty; /* of vcpu_kvm_regs(), between runs */
    struct kvm_regs regs_buffer; /* if KVM has no KVM_CAP_SYNC_REGS */
    bool system_dirty;           /* run->s.regs: sregs and events wait for the next entry */
    struct kvm_sregs sregs;      /* of the guest at its start */
    struct vcpu_segments segments;
    /*
     * Where the vCPU is: at ring 3, or in a stub past its `out`, with the guest's state in the
     * frame on the ring-0 stack.  A stub's frame is the guest's rip, rflags and rsp.
     */
    bool in_shim;
    bool entered;           /* KVM may have translations cached */
    bool dead;              /* after HL_EXIT_SHUTDOWN */
    bool unsettled;         /* the last exit's `in`, `out` or MMIO access is not completed yet */
    bool unanswered;        /* ... and waits for the value read */
    bool kick_waiting;      /* an interrupt that came too early to be reported, ... */
    unsigned ticks_waiting; /* ... with this many ticks */
    struct kvm_userspace_memory_region slot;
    bool log_by_hand; /* KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2 */
    bool stats_opened;
    int stats_fd[2]; /* of the vCPU, of the VM; -1: not available */
    struct kick kick;
};

/* kvm/vcpu_sync.c */
/* Fill error from errno; returns the code. */
int vcpu_kvm_failed(struct hl_error *error, const char *what);
/* KVM's registers, good until the next run; NULL with an error.  Changed: regs_dirty. */
struct kvm_regs *vcpu_kvm_regs(struct hl_vcpu *v, struct hl_error *error);
/* Pass changed registers to KVM; 0 or -1 with errno. */
int vcpu_kvm_flush_regs(struct hl_vcpu *v);
/* Before KVM is asked for segments, control registers or bases: 0 or -1 with errno. */
int vcpu_kvm_flush_system(struct hl_vcpu *v);
/* No exception, interrupt or NMI waits to be delivered. */
void vcpu_kvm_fill_events(struct kvm_vcpu_events *events);

/* kvm/vcpu_msrs.c */
int vcpu_kvm_get_bases(struct hl_vcpu *v, uint64_t *fs, uint64_t *gs, struct hl_error *error);
int vcpu_kvm_set_bases(struct hl_vcpu *v, uint64_t fs, uint64_t gs, struct hl_error *error);
/* The MSRs of `syscall`, and XCR0. */
int vcpu_kvm_set_gate(struct hl_vcpu *v, struct hl_error *error);

/* kvm/vcpu_xsave.c */
uint64_t vcpu_kvm_xcr0(const struct hl_vcpu *v);
size_t vcpu_kvm_xsave_size(const struct hl_vcpu *v);
size_t vcpu_kvm_xsave_used(const struct hl_vcpu *v);
int vcpu_kvm_get_xsave(struct hl_vcpu *v, void *area, struct hl_error *error);
/* Of a vCPU without an access to complete. */
int vcpu_kvm_put_xsave(struct hl_vcpu *v, const void *area, struct hl_error *error);

/* kvm/vcpu_exit.c: convert KVM's reason to the guest's exit; not for an interrupt. */
int vcpu_kvm_exit(struct hl_vcpu *v, unsigned reason, struct hl_exit *exit, struct vcpu_trap *trap,
                  struct hl_error *error);

/* kvm/vcpu_run.c */
int vcpu_kvm_run(struct hl_vcpu *v, struct hl_exit *exit, struct vcpu_trap *trap,
                 struct hl_error *error);
/* Complete the last exit's access, so that registers are final. */
int vcpu_kvm_settle(struct hl_vcpu *v, struct hl_error *error);
/* ... whatever it is, so that KVM has nothing to complete. */
int vcpu_kvm_settle_all(struct hl_vcpu *v, struct hl_error *error);
int vcpu_kvm_answer(struct hl_vcpu *v, const void *data, size_t size);
int vcpu_kvm_syscall_result(struct hl_vcpu *v, uint64_t rax);

/* kvm/vcpu_regs.c */
int vcpu_kvm_get_regs(struct hl_vcpu *v, struct hl_regs *regs, struct hl_error *error);
int vcpu_kvm_set_regs(struct hl_vcpu *v, const struct hl_regs *regs, struct hl_error *error);
int vcpu_kvm_set_xsave(struct hl_vcpu *v, const void *area, struct hl_error *error);

/* kvm/vcpu_log.c */
void vcpu_kvm_log_prepare(struct hl_vcpu *v); /* before the memory slot is made */
bool vcpu_kvm_log_start(struct hl_vcpu *v);
bool vcpu_kvm_log_read(struct hl_vcpu *v, uint64_t *bits);
bool vcpu_kvm_log_clear(struct hl_vcpu *v, uint64_t *bits);

/* kvm/vcpu_segments.c: around an entry; afterwards the thread's own registers are restored. */
struct vcpu_segments vcpu_kvm_segments_enter(struct hl_vcpu *v);
void vcpu_kvm_segments_leave(struct hl_vcpu *v, struct vcpu_segments own);

/* kvm/vcpu_stats.c */
size_t vcpu_kvm_stats(struct hl_vcpu *v, struct vcpu_stat *list, size_t max);
void vcpu_kvm_stats_close(struct hl_vcpu *v);

/* kvm/vcpu_state.c */
int vcpu_kvm_cpu(struct vcpu_cpu *cpu, struct hl_error *error);
int vcpu_kvm_save(struct hl_vcpu *v, struct vcpu_state **state, struct hl_error *error);
int vcpu_kvm_restore(struct hl_vcpu *v, const struct vcpu_state *state, bool thorough,
                     struct hl_error *error);

/* kvm/vcpu_debug.c */
int vcpu_kvm_get_system(struct hl_vcpu *v, struct vcpu_system *system, struct hl_error *error);
int vcpu_kvm_arm(struct hl_vcpu *v, const struct vcpu_debug *debug, struct hl_error *error);
bool vcpu_kvm_can_step(const struct hl_vcpu *v);

#endif
