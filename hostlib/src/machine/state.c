/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_state.h"

#include <string.h>

#include "machine_impl.h"

int machine_save(struct hl_machine *m, struct vcpu_state **state, struct hl_error *error)
{
    if (m->dead)
        return hl_error_set(error, HL_ERR_STATE, "the vCPU has shut down");
    int rc = machine_can_set(m, error);
    return rc ? rc : m->backend->save(m->vcpu, state, error);
}

int machine_restore(struct hl_machine *m, const struct vcpu_state *state, bool thorough,
                    struct hl_error *error)
{
    int rc = m->backend->restore(m->vcpu, state, thorough || m->dead, error);
    if (rc)
        return rc;
    m->dead = m->unanswered = false;
    m->trap = (struct vcpu_trap){.by_exit = false};
    memset(&m->last, 0, sizeof(m->last));
    m->last.kind = HL_EXIT_INTERRUPT; /* nothing to answer */
    return 0;
}
