/* SPDX-License-Identifier: Apache-2.0 */
/* machine_state.h - a machine's vCPU out of and into a snapshot. */
#ifndef HL_MACHINE_STATE_H
#define HL_MACHINE_STATE_H

#include "machine.h"

/* Of a guest at ring 3, not in the shim (STATE); *state is the caller's to free(). */
int machine_save(struct hl_machine *m, struct vcpu_state **state, struct hl_error *error);

/*
 * The guest goes on as it was.  whole: the last exit may have been any, a shutdown's included; else
 * it was a plain `out`.  Memory and mappings are the caller's.
 */
int machine_restore(struct hl_machine *m, const struct vcpu_state *state, bool whole,
                    struct hl_error *error);

#endif
