/* SPDX-License-Identifier: Apache-2.0 */
/* machine_state.h - a machine's vCPU out of and into a snapshot. */
#ifndef HL_MACHINE_STATE_H
#define HL_MACHINE_STATE_H

#include "machine.h"

/* Of a guest at rest, see backend.h (STATE); *state is the caller's to free(). */
int machine_save(struct hl_machine *m, struct vcpu_state **state, struct hl_error *error);

/*
 * The guest goes on as it was.  thorough: it may have ended badly since, or it is another one's
 * state; see backend.h.  Memory and mappings are the caller's.
 */
int machine_restore(struct hl_machine *m, const struct vcpu_state *state, bool thorough,
                    struct hl_error *error);

#endif
