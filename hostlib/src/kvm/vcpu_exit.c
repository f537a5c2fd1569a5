/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/vcpu_exit.c - convert KVM's exits to exits of the guest. */
#include "vcpu_kvm.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "retry.h"

enum { INT_IMM8 = 0xcd };

static int __attribute__((format(printf, 3, 4)))
dead(struct hl_vcpu *v, struct hl_exit *exit, const char *format, ...)
{
    va_list args;

    v->dead = true;
    exit->kind = HL_EXIT_SHUTDOWN;
    va_start(args, format);
    vsnprintf(exit->shutdown.why, sizeof(exit->shutdown.why), format, args);
    va_end(args);
    return 0;
}

/* The Linux system call convention (System V ABI AMD64, A.2.1); the frame is complete. */
static int exit_syscall(struct hl_vcpu *v, const struct kvm_regs *r, struct hl_exit *exit)
{
    v->in_shim = true;
    exit->kind = HL_EXIT_SYSCALL;
    exit->syscall.number = r->rax;
    const uint64_t arg[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};
    memcpy(exit->syscall.arg, arg, sizeof(arg));
    return 0;
}

static int get_cr2(struct hl_vcpu *v, uint64_t *cr2, struct hl_error *error)
{
    struct kvm_sregs s;
    if (vcpu_kvm_flush_system(v) || retry_ioctl(v->fd, KVM_GET_SREGS, &s))
        return vcpu_kvm_failed(error, "KVM_GET_SREGS");
    *cr2 = s.cr2;
    return 0;
}

static int exit_vector(struct hl_vcpu *v, struct hl_exit *exit, struct hl_error *error)
{
    const struct kvm_regs *r = vcpu_kvm_regs(v, error);
    struct hl_fault fault;
    if (!r)
        return HL_ERR_KVM;
    const char *why = shim_fault(v->setup.memory, r->rip, r->rsp, &fault);
    if (why)
        return dead(v, exit, "%s", why);
    if (shim_is_syscall(&fault, v->setup.tables, r->rcx)) {
        struct shim_frame *f = shim_frame(v->setup.memory);
        f->rip = r->rcx;
        f->rflags = (r->r11 & RFLAGS_GUEST) | RFLAGS_FIXED;
        return exit_syscall(v, r, exit);
    }
    v->in_shim = true;
    exit->kind = HL_EXIT_FAULT;
    exit->fault = fault;
    return fault.vector == VECTOR_PAGE_FAULT ? get_cr2(v, &exit->fault.address, error) : 0;
}

static int exit_gate(struct hl_vcpu *v, struct hl_exit *exit, struct hl_error *error)
{
    const struct kvm_regs *r = vcpu_kvm_regs(v, error);
    return r ? exit_syscall(v, r, exit) : HL_ERR_KVM;
}

static int exit_io(struct hl_vcpu *v, struct hl_exit *exit, struct hl_error *error)
{
    const struct kvm_run *r = v->run;
    if (r->io.port == SHIM_PORT_VECTOR)
        return exit_vector(v, exit, error);
    if (r->io.port == SHIM_PORT_SYSCALL)
        return exit_gate(v, exit, error);
    exit->kind = HL_EXIT_IO;
    exit->io.port = r->io.port;
    exit->io.size = r->io.size;
    exit->io.count = r->io.count;
    exit->io.in = r->io.direction == KVM_EXIT_IO_IN;
    exit->io.value = 0;
    if (!exit->io.in)
        memcpy(&exit->io.value, (const uint8_t *)r + r->io.data_offset, r->io.size);
    v->unsettled = true;
    v->unanswered = exit->io.in;
    return 0;
}

static int exit_mmio(struct hl_vcpu *v, struct hl_exit *exit)
{
    const struct kvm_run *r = v->run;
    exit->kind = HL_EXIT_MMIO;
    exit->mmio.gpa = r->mmio.phys_addr;
    exit->mmio.size = (uint8_t)r->mmio.len;
    exit->mmio.write = r->mmio.is_write;
    memcpy(exit->mmio.data, r->mmio.data, sizeof(exit->mmio.data));
    v->unsettled = true;
    v->unanswered = !exit->mmio.write;
    return 0;
}

/*
 * A debug trap that KVM took before the shim could: report it as if from the shim.  If KVM takes a
 * #BP first, rip stays on the int3.
 */
static int exit_debug(struct hl_vcpu *v, struct hl_exit *exit, struct vcpu_trap *trap,
                      struct hl_error *error)
{
    const unsigned vector = v->run->debug.arch.exception;
    struct kvm_regs *r = vcpu_kvm_regs(v, error);
    uint8_t code = 0;
    if (!r)
        return HL_ERR_KVM;
    *trap = (struct vcpu_trap){.by_exit = true, .dr6 = v->run->debug.arch.dr6};
    if (vector == VECTOR_BREAKPOINT) {
        pagetable_read(v->setup.tables, r->rip, &code, sizeof(code), 0);
        r->rip += code == INT_IMM8 ? 2 : 1;
        v->regs_dirty = true;
    }
    exit->kind = HL_EXIT_FAULT;
    exit->fault = (struct hl_fault){.vector = vector, .rip = r->rip};
    return 0;
}

int vcpu_kvm_exit(struct hl_vcpu *v, unsigned reason, struct hl_exit *exit, struct vcpu_trap *trap,
                  struct hl_error *error)
{
    switch (reason) {
    case KVM_EXIT_IO:
        return exit_io(v, exit, error);
    case KVM_EXIT_MMIO:
        return exit_mmio(v, exit);
    case KVM_EXIT_DEBUG:
        return exit_debug(v, exit, trap, error);
    case KVM_EXIT_SHUTDOWN:
        return dead(v, exit, "triple fault");
    case KVM_EXIT_INTERNAL_ERROR:
        return dead(v, exit, "KVM cannot run the guest's code: internal error, suberror %u",
                    v->run->internal.suberror);
    case KVM_EXIT_FAIL_ENTRY:
        return dead(v, exit, "KVM could not enter the guest: hardware reason 0x%x",
                    (unsigned)v->run->fail_entry.hardware_entry_failure_reason);
    default:
        return dead(v, exit, "unexpected exit from KVM, reason %u", reason);
    }
}
