/* SPDX-License-Identifier: Apache-2.0 */
/* machine/run.c - running a machine: from the vCPU's exits to the guest's. */
#include "machine_debug.h"
#include "machine_impl.h"

#include <stdio.h>
#include <string.h>

#include "shim.h"

enum { INT_IMM8 = 0xcd };

/* How often a vCPU that cannot be interrupted may stop on its way through the shim all the same. */
#define SHIM_PATIENCE 64

struct shim_frame *machine_frame(struct hl_machine *m)
{
    uint8_t *top = m->memory + m->shim + SHIM_STACK_TOP;
    return (struct shim_frame *)(void *)(top - sizeof(struct shim_frame));
}

/*
 * KVM completes an I/O or MMIO access at the next entry: before that, rip may stand on the
 * instruction or behind it, and setting registers would discard what is being read (api.rst,
 * KVM_RUN).
 */
int machine_settle(struct hl_machine *m, struct hl_error *error)
{
    if (!m->unsettled || m->in_shim)
        return 0;
    if (m->unanswered)
        return hl_error_set(error, HL_ERR_STATE, "the last exit waits for its answer");
    int rc = m->ops->settle(m->vcpu, error);
    m->unsettled = rc != 0;
    return rc;
}

int machine_get_general(struct hl_machine *m, struct hl_regs *regs, struct hl_error *error)
{
    int rc = m->unanswered ? 0 : machine_settle(m, error);
    const struct vcpu_regs *r = rc ? NULL : m->ops->regs(m->vcpu, error);
    if (!r)
        return rc ? rc : HL_ERR_KVM;
    *regs = (struct hl_regs){
        .rax = r->rax,
        .rbx = r->rbx,
        .rcx = r->rcx,
        .rdx = r->rdx,
        .rsi = r->rsi,
        .rdi = r->rdi,
        .rbp = r->rbp,
        .rsp = r->rsp,
        .r8 = r->r8,
        .r9 = r->r9,
        .r10 = r->r10,
        .r11 = r->r11,
        .r12 = r->r12,
        .r13 = r->r13,
        .r14 = r->r14,
        .r15 = r->r15,
        .rip = r->rip,
        .rflags = r->rflags,
    };
    if (m->in_shim) {
        const struct shim_frame *f = machine_frame(m);
        regs->rip = f->rip;
        regs->rsp = f->rsp;
        regs->rflags = f->rflags;
    }
    return 0;
}

int hl_machine_get_regs(struct hl_machine *m, struct hl_regs *regs, struct hl_error *error)
{
    int rc = machine_get_general(m, regs, error);
    return rc ? rc : m->ops->get_bases(m->vcpu, &regs->fs_base, &regs->gs_base, error);
}

static int set_bases(struct hl_machine *m, const struct hl_regs *regs, struct hl_error *error)
{
    uint64_t fs, gs;
    int rc = m->ops->get_bases(m->vcpu, &fs, &gs, error);
    if (rc || (fs == regs->fs_base && gs == regs->gs_base))
        return rc;
    return m->ops->set_bases(m->vcpu, regs->fs_base, regs->gs_base, error);
}

int machine_set_general(struct hl_machine *m, const struct hl_regs *regs, struct hl_error *error)
{
    int rc = machine_settle(m, error);
    struct vcpu_regs *r = rc ? NULL : m->ops->regs(m->vcpu, error);
    if (!r)
        return rc ? rc : HL_ERR_KVM;
    uint64_t rflags = (regs->rflags & RFLAGS_GUEST) | RFLAGS_FIXED;
    struct vcpu_regs next = {
        .rax = regs->rax,
        .rbx = regs->rbx,
        .rcx = regs->rcx,
        .rdx = regs->rdx,
        .rsi = regs->rsi,
        .rdi = regs->rdi,
        .rbp = regs->rbp,
        .rsp = regs->rsp,
        .r8 = regs->r8,
        .r9 = regs->r9,
        .r10 = regs->r10,
        .r11 = regs->r11,
        .r12 = regs->r12,
        .r13 = regs->r13,
        .r14 = regs->r14,
        .r15 = regs->r15,
        .rip = regs->rip,
        .rflags = rflags,
    };
    if (m->in_shim) {
        struct shim_frame *f = machine_frame(m);
        f->rip = regs->rip;
        f->rsp = regs->rsp;
        f->rflags = rflags;
        next.rip = r->rip;
        next.rsp = r->rsp;
        next.rflags = r->rflags;
    }
    *r = next;
    m->ops->regs_changed(m->vcpu);
    return 0;
}

int hl_machine_set_regs(struct hl_machine *m, const struct hl_regs *regs, struct hl_error *error)
{
    int rc = machine_set_general(m, regs, error);
    return rc ? rc : set_bases(m, regs, error);
}

static int shutdown(struct hl_machine *m, struct hl_exit *exit, const char *why)
{
    m->dead = true;
    exit->kind = HL_EXIT_SHUTDOWN;
    snprintf(exit->shutdown.why, sizeof(exit->shutdown.why), "%s", why);
    return 0;
}

/* The Linux system call convention (System V ABI AMD64, A.2.1); the frame is complete. */
static int exit_syscall(struct hl_machine *m, const struct vcpu_regs *r, struct hl_exit *exit)
{
    m->in_shim = true;
    exit->kind = HL_EXIT_SYSCALL;
    exit->syscall.number = r->rax;
    const uint64_t arg[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
    memcpy(exit->syscall.arg, arg, sizeof(arg));
    return 0;
}

/*
 * kvm_pvm takes a `syscall` to LSTAR with rcx and r11 set, but leaves the vCPU at ring 3, where the
 * gate's page is out of reach: it arrives as a #PF on the fetch of the gate's first byte.  Ring 3
 * could jump there on any KVM; only one that comes from a `syscall` is taken for one.
 */
static bool is_syscall_at_ring3(struct hl_machine *m, unsigned vector, uint32_t error_code,
                                const struct vcpu_regs *r)
{
    const uint32_t fetch_by_user = PF_USER | PF_FETCH; /* PF_PRESENT comes and goes */
    const uint8_t syscall_code[2] = {0x0f, 0x05};
    uint8_t code[2];
    return vector == VECTOR_PAGE_FAULT && (error_code & fetch_by_user) == fetch_by_user &&
           machine_frame(m)->rip ==
               SHIM_GVA + SHIM_CODE + (uint64_t)(hl_shim_gate - hl_shim_code) &&
           hl_machine_read(m, r->rcx - sizeof(code), code, sizeof(code), HL_PROT_EXEC) ==
               sizeof(code) &&
           memcmp(code, syscall_code, sizeof(code)) == 0;
}

/* A stub's `out`: which stub, and what did the processor push?  rip is at the `out` or behind it.
 */
static int exit_vector(struct hl_machine *m, struct hl_exit *exit, struct hl_error *error)
{
    const struct vcpu_regs *r = m->ops->regs(m->vcpu, error);
    if (!r)
        return HL_ERR_KVM;
    uint64_t offset = r->rip - (SHIM_GVA + SHIM_CODE);
    if (offset >= VECTORS * SHIM_STUB_SIZE)
        return shutdown(m, exit, "an exception stub ran outside the shim");
    unsigned vector = (unsigned)(offset / SHIM_STUB_SIZE);
    struct shim_frame *f = machine_frame(m);
    uint32_t error_code = 0;
    /*
     * From ring 0 the processor stays on the stack it was on: then `f` is an older exception's.  A
     * guest gets here by a `syscall` from 32-bit code where KVM takes that to nowhere (kvm_pvm).
     */
    uint64_t top = SHIM_GVA + SHIM_STACK_TOP - (x86_has_error_code(vector) ? 8 : 0);
    if ((f->cs & 3) != 3 || r->rsp != top - sizeof(*f))
        return shutdown(m, exit, "an exception inside the ring-0 shim");
    if (x86_has_error_code(vector))
        memcpy(&error_code, (const uint8_t *)f - 8, sizeof(error_code));
    if (is_syscall_at_ring3(m, vector, error_code, r)) {
        f->rip = r->rcx;
        f->rflags = (r->r11 & RFLAGS_GUEST) | RFLAGS_FIXED;
        return exit_syscall(m, r, exit);
    }
    m->in_shim = true;
    exit->kind = HL_EXIT_FAULT;
    exit->fault = (struct hl_fault){.vector = vector, .error_code = error_code, .rip = f->rip};
    return vector == VECTOR_PAGE_FAULT ? m->ops->get_cr2(m->vcpu, &exit->fault.address, error) : 0;
}

static int exit_gate(struct hl_machine *m, struct hl_exit *exit, struct hl_error *error)
{
    const struct vcpu_regs *r = m->ops->regs(m->vcpu, error);
    return r ? exit_syscall(m, r, exit) : HL_ERR_KVM;
}

static int exit_io(struct hl_machine *m, const struct vcpu_exit *from, struct hl_exit *exit,
                   struct hl_error *error)
{
    if (from->io.port == SHIM_PORT_VECTOR)
        return exit_vector(m, exit, error);
    if (from->io.port == SHIM_PORT_SYSCALL)
        return exit_gate(m, exit, error);
    exit->kind = HL_EXIT_IO;
    exit->io.port = from->io.port;
    exit->io.size = from->io.size;
    exit->io.in = from->io.in;
    exit->io.count = from->io.count;
    exit->io.value = from->io.value;
    return 0;
}

static int exit_mmio(const struct vcpu_exit *from, struct hl_exit *exit)
{
    exit->kind = HL_EXIT_MMIO;
    exit->mmio.gpa = from->mmio.gpa;
    exit->mmio.size = from->mmio.size;
    exit->mmio.write = from->mmio.write;
    memcpy(exit->mmio.data, from->mmio.data, sizeof(exit->mmio.data));
    return 0;
}

/* Where an interrupted vCPU was. */
enum place {
    AT_GUEST,
    BEFORE_OUT, /* in the shim, on the way to an exit of its own */
    BEHIND_OUT, /* in the shim, the frame complete, about to return */
};

static enum place place_of(const struct vcpu_regs *r)
{
    const uint64_t gate = (uint64_t)(hl_shim_gate - hl_shim_code);
    const uint64_t gate_out = (uint64_t)(hl_shim_gate_out - hl_shim_code);
    uint64_t offset = r->rip - (SHIM_GVA + SHIM_CODE);
    if (offset >= (uint64_t)(hl_shim_end - hl_shim_code))
        return AT_GUEST;
    if (offset >= gate)
        return offset <= gate_out ? BEFORE_OUT : BEHIND_OUT;
    return offset % SHIM_STUB_SIZE < SHIM_OUT_SIZE ? BEFORE_OUT : BEHIND_OUT;
}

/* A debug trap by the other road: as if it had gone through the shim. */
static int exit_debug(struct hl_machine *m, const struct vcpu_exit *from, struct hl_exit *exit,
                      struct hl_error *error)
{
    struct vcpu_regs *r = m->ops->regs(m->vcpu, error);
    uint8_t code = 0;
    if (!r)
        return HL_ERR_KVM;
    m->trap = (struct machine_trap){true, from->debug.dr6};
    if (from->debug.vector == VECTOR_BREAKPOINT) {
        hl_machine_read(m, r->rip, &code, sizeof(code), 0);
        r->rip += code == INT_IMM8 ? 2 : 1;
        m->ops->regs_changed(m->vcpu);
    }
    exit->kind = HL_EXIT_FAULT;
    exit->fault = (struct hl_fault){.vector = from->debug.vector, .rip = r->rip};
    return 0;
}

static int translate(struct hl_machine *m, const struct vcpu_exit *from, struct hl_exit *exit,
                     struct hl_error *error)
{
    switch (from->kind) {
    case VCPU_IO:
        return exit_io(m, from, exit, error);
    case VCPU_MMIO:
        return exit_mmio(from, exit);
    case VCPU_INTERRUPT:
        exit->kind = HL_EXIT_INTERRUPT;
        exit->interrupt.ticks = from->interrupt.ticks;
        return 0;
    case VCPU_DEBUG:
        return exit_debug(m, from, exit, error);
    case VCPU_DEAD:
        break;
    }
    return shutdown(m, exit, from->why);
}

/* Run the vCPU until it stops at a place where the guest's registers can be told. */
static int run_to_exit(struct hl_machine *m, struct vcpu_exit *out, struct hl_error *error)
{
    m->in_shim = false;
    for (int i = 0; i < SHIM_PATIENCE; i++) {
        int rc = m->ops->run(m->vcpu, i > 0, out, error);
        if (rc || out->kind != VCPU_INTERRUPT) {
            m->kick_waiting = i > 0;
            return rc;
        }
        const struct vcpu_regs *r = m->ops->regs(m->vcpu, error);
        if (!r)
            return HL_ERR_KVM;
        /* What would be looked at or changed now was not there when the exception was raised. */
        enum place place = out->interrupt.faulting ? BEFORE_OUT : place_of(r);
        m->in_shim = place == BEHIND_OUT;
        if (place != BEFORE_OUT)
            return 0;
        m->ticks_waiting += out->interrupt.ticks;
    }
    return 0;
}

int hl_machine_run(struct hl_machine *m, struct hl_exit *exit, struct hl_error *error)
{
    struct vcpu_exit from = {.kind = VCPU_DEAD};
    if (m->dead)
        return hl_error_set(error, HL_ERR_STATE, "the vCPU has shut down");
    if (m->kick_waiting) {
        m->kick_waiting = false;
        exit->kind = HL_EXIT_INTERRUPT;
        exit->interrupt.ticks = m->ticks_waiting;
        m->ticks_waiting = 0;
        return 0;
    }
    m->entered = true;
    m->unsettled = m->unanswered = false;
    m->trap = (struct machine_trap){false, 0};
    int rc = run_to_exit(m, &from, error);
    if (!rc)
        rc = translate(m, &from, exit, error);
    if (!rc && !m->in_shim) {
        m->unsettled = exit->kind == HL_EXIT_IO || exit->kind == HL_EXIT_MMIO;
        m->unanswered = (exit->kind == HL_EXIT_IO && exit->io.in) ||
                        (exit->kind == HL_EXIT_MMIO && !exit->mmio.write);
    }
    if (!rc)
        m->last = *exit;
    return rc;
}

bool hl_exit_is_behind(const struct hl_exit *exit)
{
    switch (exit->kind) {
    case HL_EXIT_FAULT: /* #BP and #OF are traps (Intel SDM 3, 6.5) */
        return exit->fault.vector == VECTOR_BREAKPOINT || exit->fault.vector == VECTOR_OVERFLOW;
    case HL_EXIT_IO: /* what is read has to be answered first: see hl_machine_get_regs() */
        return !exit->io.in;
    case HL_EXIT_MMIO:
        return exit->mmio.write;
    case HL_EXIT_SYSCALL:
        return true;
    default:
        return false;
    }
}

const struct hl_exit *hl_machine_last_exit(const struct hl_machine *m)
{
    return &m->last;
}

int hl_machine_syscall_result(struct hl_machine *m, int64_t result)
{
    if (m->last.kind != HL_EXIT_SYSCALL || !m->in_shim)
        return HL_ERR_STATE;
    struct vcpu_regs *r = m->ops->regs(m->vcpu, NULL);
    if (!r)
        return HL_ERR_KVM;
    r->rax = (uint64_t)result;
    m->ops->regs_changed(m->vcpu);
    return 0;
}

int hl_machine_io_result(struct hl_machine *m, uint32_t value)
{
    if (m->last.kind != HL_EXIT_IO || !m->last.io.in || !m->unsettled)
        return HL_ERR_STATE;
    m->ops->answer(m->vcpu, &value, m->last.io.size);
    m->unanswered = false;
    return 0;
}

int hl_machine_mmio_result(struct hl_machine *m, const void *data)
{
    if (m->last.kind != HL_EXIT_MMIO || m->last.mmio.write || !m->unsettled)
        return HL_ERR_STATE;
    m->ops->answer(m->vcpu, data, m->last.mmio.size);
    m->unanswered = false;
    return 0;
}

void hl_machine_kick(struct hl_machine *m)
{
    m->ops->kick(m->vcpu);
}
