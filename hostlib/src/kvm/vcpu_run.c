/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/vcpu_run.c - enter a guest until an exit of its own, and complete that exit. */
#include "vcpu_kvm.h"

#include <errno.h>
#include <string.h>

#include "retry.h"

/* How often a vCPU that must not be interrupted may still stop on its way through the shim. */
#define SHIM_PATIENCE 64

/* Parts of one access: a `rep ins`, or an MMIO access across two pages. */
#define PARTS_MAX 16

/* whole: no kick and no signal ends it; they wait for the next.  An interrupt is KVM_EXIT_INTR. */
static int enter(struct hl_vcpu *v, bool whole, unsigned *reason, struct hl_error *error)
{
    if (vcpu_kvm_flush_regs(v))
        return vcpu_kvm_failed(error, "KVM_SET_REGS");
    struct vcpu_segments own = vcpu_kvm_segments_enter(v);
    int rc = kick_run(&v->kick, v->fd, v->run, whole);
    vcpu_kvm_segments_leave(v, own);
    v->regs_valid = v->host->sync_regs;
    *reason = v->run->exit_reason;
    if (!rc)
        return 0;
    *reason = KVM_EXIT_INTR;
    return errno == EINTR || errno == EAGAIN ? 0 : vcpu_kvm_failed(error, "KVM_RUN");
}

/* A signal may arrive when KVM has raised an exception and not yet entered the guest's handler. */
static bool is_faulting(const struct hl_vcpu *v)
{
    struct kvm_vcpu_events events;
    return retry_ioctl(v->fd, KVM_GET_VCPU_EVENTS, &events) == 0 &&
           (events.exception.injected || events.exception.pending);
}

/* Can the guest's registers be shown where it was interrupted?  Below 0: an error. */
static int at_rest(struct hl_vcpu *v, unsigned *ticks, struct hl_error *error)
{
    *ticks = v->kick.ticks;
    v->kick.ticks = 0;
    /* For a tick alone nothing is changed, so this need not be known. */
    bool faulting = (v->kick.asked || !*ticks) && is_faulting(v);
    const struct kvm_regs *r = vcpu_kvm_regs(v, error);
    if (!r)
        return -1;
    /* State read or changed now would not be the state at the exception. */
    enum shim_place place = faulting ? SHIM_BEFORE_OUT : shim_place(r->rip);
    v->in_shim = place == SHIM_PAST_OUT;
    return place != SHIM_BEFORE_OUT;
}

static int exit_interrupt(struct hl_exit *exit, unsigned ticks)
{
    exit->kind = HL_EXIT_INTERRUPT;
    exit->interrupt.ticks = ticks;
    return 0;
}

int vcpu_kvm_run(struct hl_vcpu *v, struct hl_exit *exit, struct vcpu_trap *trap,
                 struct hl_error *error)
{
    unsigned reason, ticks = 0;
    if (v->kick_waiting) {
        v->kick_waiting = false;
        ticks = v->ticks_waiting;
        v->ticks_waiting = 0;
        return exit_interrupt(exit, ticks);
    }
    v->entered = true;
    v->in_shim = v->unsettled = v->unanswered = false;
    for (int i = 0; i < SHIM_PATIENCE; i++) {
        int rc = enter(v, i > 0, &reason, error);
        if (rc || reason != KVM_EXIT_INTR) {
            v->kick_waiting = i > 0;
            return rc ? rc : vcpu_kvm_exit(v, reason, exit, trap, error);
        }
        rc = at_rest(v, &ticks, error);
        if (rc)
            return rc < 0 ? HL_ERR_KVM : exit_interrupt(exit, ticks);
        v->ticks_waiting += ticks;
    }
    return exit_interrupt(exit, ticks);
}

/*
 * KVM completes an I/O or MMIO access at the next entry.  Before that, rip may be on the
 * instruction or past it, and setting registers would discard the value being read (api.rst,
 * KVM_RUN).  So enter, and leave at once.
 */
static int complete_access(struct hl_vcpu *v, struct hl_error *error)
{
    if (vcpu_kvm_flush_regs(v))
        return vcpu_kvm_failed(error, "KVM_SET_REGS");
    struct vcpu_segments own = vcpu_kvm_segments_enter(v);
    int rc = kick_settle(&v->kick, v->fd, v->run);
    vcpu_kvm_segments_leave(v, own);
    v->regs_valid = v->host->sync_regs;
    /* Completing an instruction under a single step may cause the step's own exit. */
    if ((rc && errno == EINTR) || (!rc && v->run->exit_reason == KVM_EXIT_DEBUG))
        return 0;
    if (rc)
        return vcpu_kvm_failed(error, "KVM_RUN");
    return hl_error_set(error, HL_ERR_STATE, "an access in several parts: run on first");
}

int vcpu_kvm_settle(struct hl_vcpu *v, struct hl_error *error)
{
    int rc = v->unsettled ? complete_access(v, error) : 0;
    v->unsettled = rc != 0;
    return rc;
}

/* KVM completes an access after it has loaded new registers. */
int vcpu_kvm_settle_all(struct hl_vcpu *v, struct hl_error *error)
{
    int rc = HL_ERR_STATE;
    for (int i = 0; i < PARTS_MAX && rc == HL_ERR_STATE; i++)
        rc = complete_access(v, error);
    return v->dead ? 0 : rc;
}

int vcpu_kvm_answer(struct hl_vcpu *v, const void *data, size_t size)
{
    struct kvm_run *r = v->run;
    if (!v->unsettled)
        return HL_ERR_STATE;
    v->unanswered = false;
    if (r->exit_reason == KVM_EXIT_IO)
        for (uint32_t i = 0; i < r->io.count; i++) /* each item of a `rep ins` */
            memcpy((uint8_t *)r + r->io.data_offset + i * size, data, size);
    else
        memcpy(r->mmio.data, data, size);
    return 0;
}

int vcpu_kvm_syscall_result(struct hl_vcpu *v, uint64_t rax)
{
    if (!v->in_shim)
        return HL_ERR_STATE;
    struct kvm_regs *r = vcpu_kvm_regs(v, NULL);
    if (!r)
        return HL_ERR_KVM;
    r->rax = rax;
    v->regs_dirty = true;
    return 0;
}
