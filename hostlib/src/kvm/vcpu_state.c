/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/vcpu_state.c - save and restore the whole state of a vCPU.
 *
 * A system call on a vCPU costs 5 us on kvm_pvm, so a restore makes only one, for the vector state:
 * general registers, segments, control registers and pending events are passed with the next
 * KVM_RUN (KVM_CAP_SYNC_REGS).
 */
#include "vcpu_kvm.h"

#include <stdlib.h>
#include <string.h>

#include "general.h"
#include "insn.h"
#include "retry.h"

#define DR6_INIT 0xffff0ff0ull
#define DR7_INIT 0x400ull
#define MSR_KERNEL_GS_BASE 0xc0000102u

/* vcpu_state's `own`: kvm/vcpu_segments.c. */
static uint32_t pack_segments(struct vcpu_segments s)
{
    return s.ds | (uint32_t)s.es << 16;
}

static struct vcpu_segments unpack_segments(uint32_t own)
{
    return (struct vcpu_segments){(uint16_t)own, (uint16_t)(own >> 16)};
}

static void fill(struct vcpu_state *state, const struct kvm_sregs *sregs)
{
    state->regs.fs_base = sregs->fs.base;
    state->regs.gs_base = sregs->gs.base;
    state->cr2 = sregs->cr2;
    state->ds = sregs->ds.selector;
    state->es = sregs->es.selector;
    state->fs = sregs->fs.selector;
    state->gs = sregs->gs.selector;
}

int vcpu_kvm_save(struct hl_vcpu *v, struct vcpu_state **state, struct hl_error *error)
{
    struct kvm_sregs sregs;
    struct hl_regs regs;
    if (v->in_shim)
        return hl_error_set(error, HL_ERR_STATE, "the guest is not at rest");
    int rc = vcpu_kvm_get_regs(v, &regs, error);
    if (rc)
        return rc;
    if (vcpu_kvm_flush_system(v) || retry_ioctl(v->fd, KVM_GET_SREGS, &sregs))
        return vcpu_kvm_failed(error, "KVM_GET_SREGS");
    if (sregs.cs.selector != USER_CS)
        return hl_error_set(error, HL_ERR_STATE, "the guest is not in 64-bit code at ring 3");
    size_t size = vcpu_kvm_xsave_size(v);
    struct vcpu_state *s = calloc(1, sizeof(*s) + size);
    if (!s)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    s->regs = regs;
    fill(s, &sregs);
    s->own = pack_segments(v->segments);
    s->xsave_size = (uint32_t)size;
    rc = vcpu_kvm_get_xsave(v, s->xsave, error);
    if (rc) {
        free(s);
        return rc;
    }
    *state = s;
    return 0;
}

/* In 64-bit mode a data segment is its selector, and for FS and GS also a base. */
static struct kvm_segment data_segment(const struct kvm_segment *plain, uint16_t selector,
                                       uint64_t base)
{
    struct kvm_segment s = *plain;
    s.selector = selector;
    s.base = base;
    if (selector < 4) {
        s.present = 0;
        s.unusable = 1;
    }
    return s;
}

static void fill_sregs(struct kvm_sregs *s, const struct kvm_sregs *began,
                       const struct vcpu_state *state)
{
    *s = *began;
    s->ds = data_segment(&began->ds, state->ds, 0);
    s->es = data_segment(&began->es, state->es, 0);
    s->fs = data_segment(&began->fs, state->fs, state->regs.fs_base);
    s->gs = data_segment(&began->gs, state->gs, state->regs.gs_base);
    s->cr2 = state->cr2;
}

/* State that ring 3 cannot change, but a triple fault resets. */
static int set_rest(struct hl_vcpu *v, struct hl_error *error)
{
    struct kvm_mp_state running = {.mp_state = KVM_MP_STATE_RUNNABLE};
    struct kvm_debugregs debug = {.dr6 = DR6_INIT, .dr7 = DR7_INIT};
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry[1];
    } msrs = {.head.nmsrs = 1, .entry = {{.index = MSR_KERNEL_GS_BASE}}};
    if (retry_ioctl(v->fd, KVM_SET_MP_STATE, &running))
        return vcpu_kvm_failed(error, "KVM_SET_MP_STATE");
    if (retry_ioctl(v->fd, KVM_SET_DEBUGREGS, &debug))
        return vcpu_kvm_failed(error, "KVM_SET_DEBUGREGS");
    if (retry_ioctl(v->fd, KVM_SET_MSRS, &msrs) != 1)
        return vcpu_kvm_failed(error, "KVM_SET_MSRS");
    return vcpu_kvm_set_gate(v, error);
}

/*
 * To complete a plain `out` KVM only steps over it, if rip is still on it (complete_fast_pio_out in
 * its x86.c); if rip is already past it, as on kvm_pvm, nothing is left to do.  So it need not be
 * completed, which would cost as much as setting registers, unless the guest is to continue exactly
 * at that `out`.
 */
static bool completes_harmlessly(struct hl_vcpu *v, const struct vcpu_state *state)
{
    const struct kvm_run *run = v->run;
    uint8_t code[INSN_MAX];
    const struct kvm_regs *r = vcpu_kvm_regs(v, NULL);
    if (run->exit_reason != KVM_EXIT_IO || run->io.direction != KVM_EXIT_IO_OUT ||
        run->io.count != 1 || !r)
        return false;
    if (r->rip != state->regs.rip)
        return true;
    size_t size = pagetable_read(v->setup.tables, r->rip, code, sizeof(code), HL_PROT_EXEC);
    return insn_kind(code, size) != INSN_OUT;
}

static void set_general(struct hl_vcpu *v, const struct vcpu_state *state)
{
    struct kvm_regs *r = v->host->sync_regs ? &v->run->s.regs.regs : &v->regs_buffer;
    HL_GENERAL_COPY(r, &state->regs);
    r->rflags = state->regs.rflags;
    v->regs_valid = v->regs_dirty = true;
}

static int put_state(struct hl_vcpu *v, const struct vcpu_state *state, bool thorough,
                     struct hl_error *error)
{
    struct kvm_sync_regs *sync = &v->run->s.regs;
    if (thorough && state->xsave_size != vcpu_kvm_xsave_size(v))
        return hl_error_set(error, HL_ERR_STATE, "vector state of %u bytes, this vCPU has %zu",
                            state->xsave_size, vcpu_kvm_xsave_size(v));
    fill_sregs(&sync->sregs, &v->sregs, state);
    vcpu_kvm_fill_events(&sync->events);
    v->system_dirty = true;
    v->segments = unpack_segments(state->own);
    if ((thorough || !v->host->sync_all) && vcpu_kvm_flush_system(v))
        return vcpu_kvm_failed(error, "KVM_SET_SREGS");
    int rc = thorough ? set_rest(v, error) : 0;
    if (!rc)
        rc = vcpu_kvm_put_xsave(v, state->xsave, error);
    if (!rc)
        set_general(v, state);
    return rc;
}

int vcpu_kvm_restore(struct hl_vcpu *v, const struct vcpu_state *state, bool thorough,
                     struct hl_error *error)
{
    int rc = 0;
    thorough |= v->dead || v->in_shim;
    if (v->entered && (thorough || (v->unsettled && !completes_harmlessly(v, state))))
        rc = vcpu_kvm_settle_all(v, error);
    if (thorough)
        shim_write(v->setup.memory, v->setup.ports);
    if (!rc)
        rc = put_state(v, state, thorough, error);
    if (rc)
        return rc;
    v->in_shim = v->dead = v->unsettled = v->unanswered = v->kick_waiting = false;
    v->ticks_waiting = 0;
    return 0;
}

int vcpu_kvm_cpu(struct vcpu_cpu *cpu, struct hl_error *error)
{
    const struct kvm_host *host;
    int rc = kvm_host_get(&host, error);
    if (rc)
        return rc;
    *cpu = (struct vcpu_cpu){.xcr0 = host->xcr0};
    for (uint32_t i = 0; i < host->cpuid.head.nent; i++) {
        const struct kvm_cpuid_entry2 *e = &host->cpuid.entry[i];
        if (e->function == 1) {
            cpu->feature[0] = e->ecx;
            cpu->feature[1] = e->edx;
        } else if (e->function == 7 && e->index == 0) {
            cpu->feature[2] = e->ebx;
            cpu->feature[3] = e->ecx;
            cpu->feature[4] = e->edx;
        } else if (e->function == 7) {
            cpu->feature[5] = e->eax;
        } else if (e->function == 0x80000001) {
            cpu->feature[6] = e->ecx;
            cpu->feature[7] = e->edx;
        }
    }
    return 0;
}
