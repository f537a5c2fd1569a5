/* SPDX-License-Identifier: Apache-2.0 */
/* machine/run.c - run a machine, access its registers, and answer its exits. */
#include "machine_impl.h"

int machine_get_general(struct hl_machine *m, struct hl_regs *regs, struct hl_error *error)
{
    struct hl_regs now = {.fs_base = 0};
    int rc = m->backend->get_regs(m->vcpu, &now, error);
    if (!rc)
        *regs = now;
    return rc;
}

int hl_machine_get_regs(struct hl_machine *m, struct hl_regs *regs, struct hl_error *error)
{
    int rc = machine_get_general(m, regs, error);
    return rc ? rc : m->backend->get_bases(m->vcpu, &regs->fs_base, &regs->gs_base, error);
}

static int set_bases(struct hl_machine *m, const struct hl_regs *regs, struct hl_error *error)
{
    uint64_t fs, gs;
    int rc = m->backend->get_bases(m->vcpu, &fs, &gs, error);
    if (rc || (fs == regs->fs_base && gs == regs->gs_base))
        return rc;
    return m->backend->set_bases(m->vcpu, regs->fs_base, regs->gs_base, error);
}

int machine_can_set(const struct hl_machine *m, struct hl_error *error)
{
    return m->unanswered ? hl_error_set(error, HL_ERR_STATE, "the last exit waits for its answer")
                         : 0;
}

int machine_put_regs(struct hl_machine *m, const struct hl_regs *regs, struct hl_error *error)
{
    int rc = machine_can_set(m, error);
    return rc ? rc : m->backend->set_regs(m->vcpu, regs, error);
}

int machine_set_general(struct hl_machine *m, const struct hl_regs *regs, struct hl_error *error)
{
    struct hl_regs next = *regs;
    next.rflags = (regs->rflags & RFLAGS_GUEST) | RFLAGS_FIXED;
    return machine_put_regs(m, &next, error);
}

int hl_machine_set_regs(struct hl_machine *m, const struct hl_regs *regs, struct hl_error *error)
{
    int rc = machine_set_general(m, regs, error);
    return rc ? rc : set_bases(m, regs, error);
}

int hl_machine_run(struct hl_machine *m, struct hl_exit *exit, struct hl_error *error)
{
    if (m->dead)
        return hl_error_set(error, HL_ERR_STATE, "the vCPU has shut down");
    m->unanswered = false;
    m->trap = (struct vcpu_trap){.by_exit = false};
    int rc = m->backend->run(m->vcpu, exit, &m->trap, error);
    if (rc)
        return rc;
    m->dead = exit->kind == HL_EXIT_SHUTDOWN;
    m->unanswered = (exit->kind == HL_EXIT_IO && exit->io.in) ||
                    (exit->kind == HL_EXIT_MMIO && !exit->mmio.write);
    m->last = *exit;
    return 0;
}

bool hl_exit_is_behind(const struct hl_exit *exit)
{
    switch (exit->kind) {
    case HL_EXIT_FAULT: /* #BP and #OF are traps (Intel SDM 3, 6.5) */
        return exit->fault.vector == VECTOR_BREAKPOINT || exit->fault.vector == VECTOR_OVERFLOW;
    case HL_EXIT_IO: /* a read must be answered first: see hl_machine_get_regs() */
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
    if (m->last.kind != HL_EXIT_SYSCALL)
        return HL_ERR_STATE;
    return m->backend->syscall_result(m->vcpu, (uint64_t)result);
}

static int answer(struct hl_machine *m, const void *data, size_t size)
{
    int rc = m->backend->answer(m->vcpu, data, size);
    if (!rc)
        m->unanswered = false;
    return rc;
}

int hl_machine_io_result(struct hl_machine *m, uint32_t value)
{
    if (m->last.kind != HL_EXIT_IO || !m->last.io.in)
        return HL_ERR_STATE;
    return answer(m, &value, m->last.io.size);
}

int hl_machine_mmio_result(struct hl_machine *m, const void *data)
{
    if (m->last.kind != HL_EXIT_MMIO || m->last.mmio.write)
        return HL_ERR_STATE;
    return answer(m, data, m->last.mmio.size);
}

void hl_machine_kick(struct hl_machine *m)
{
    m->backend->kick(m->vcpu);
}
