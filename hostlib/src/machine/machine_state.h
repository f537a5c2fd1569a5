/* SPDX-License-Identifier: Apache-2.0 */
/* machine_state.h - save and restore a machine's vCPU. */
#ifndef HL_MACHINE_STATE_H
#define HL_MACHINE_STATE_H

#include "machine.h"

/* Of a stopped guest, see backend.h (STATE).  The caller frees *state with free(). */
int machine_save(struct hl_machine *m, struct vcpu_state **state, struct hl_error *error);

/*
 * Continue the guest from the state.  thorough: it may have ended badly since, or the state is from
 * another machine; see backend.h.  The caller restores memory and mappings.
 */
int machine_restore(struct hl_machine *m, const struct vcpu_state *state, bool thorough,
                    struct hl_error *error);

#endif
