/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_state.h"

#include <string.h>

#include "machine_debug.h"
#include "machine_impl.h"

/* Parts of one access: a `rep ins`, or an MMIO access over two pages. */
#define PARTS_MAX 16

int machine_save(struct hl_machine *m, struct vcpu_state **state, struct hl_error *error)
{
    if (m->dead || m->in_shim)
        return hl_error_set(error, HL_ERR_STATE, "the guest is not at rest");
    int rc = machine_settle(m, error);
    return rc ? rc : m->ops->save(m->vcpu, state, error);
}

/* KVM completes an access after it has taken new registers over: it must have nothing to complete.
 */
static int settle_all(struct hl_machine *m, struct hl_error *error)
{
    int rc = HL_ERR_STATE;
    for (int i = 0; i < PARTS_MAX && rc == HL_ERR_STATE; i++)
        rc = m->ops->settle(m->vcpu, error);
    return m->dead ? 0 : rc;
}

/*
 * What is left of a plain `out` is to step over it, which KVM does if rip is still there
 * (complete_fast_pio_out in its x86.c); where rip is behind it already, as on kvm_pvm, nothing is
 * left.  So it needs no settling, which would cost as much as a register set, unless the guest is
 * to go on exactly at that `out`.
 */
static bool completes_harmlessly(struct hl_machine *m, const struct vcpu_state *state)
{
    uint8_t code[INSN_MAX];
    const struct vcpu_regs *r = m->ops->regs(m->vcpu, NULL);
    if (m->last.kind != HL_EXIT_IO || m->last.io.in || m->last.io.count != 1 || !r)
        return false;
    if (r->rip != state->regs.rip)
        return true;
    size_t size = hl_machine_read(m, r->rip, code, sizeof(code), HL_PROT_EXEC);
    return insn_kind(code, size) != INSN_OUT;
}

int machine_restore(struct hl_machine *m, const struct vcpu_state *state, bool whole,
                    struct hl_error *error)
{
    int rc = 0;
    if (m->entered && (whole || (m->unsettled && !completes_harmlessly(m, state))))
        rc = settle_all(m, error);
    if (whole)
        machine_write_shim(m);
    if (!rc)
        rc = m->ops->restore(m->vcpu, state, whole, error);
    if (rc)
        return rc;
    m->in_shim = m->dead = m->unsettled = m->unanswered = m->kick_waiting = false;
    m->trap = (struct machine_trap){false, 0};
    m->ticks_waiting = 0;
    memset(&m->last, 0, sizeof(m->last));
    m->last.kind = HL_EXIT_INTERRUPT; /* nothing to be answered */
    return 0;
}
