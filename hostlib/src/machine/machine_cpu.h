/* SPDX-License-Identifier: Apache-2.0 */
/* machine_cpu.h - the processor state of a machine besides the general registers. */
#ifndef HL_MACHINE_CPU_H
#define HL_MACHINE_CPU_H

#include "machine.h"

unsigned machine_features(const struct hl_machine *m); /* HL_FEATURE_* */

/* State components of the guest, and the XSAVE area in the standard format. */
uint64_t machine_xcr0(const struct hl_machine *m);
size_t machine_xsave_size(const struct hl_machine *m);
size_t machine_xsave_used(const struct hl_machine *m); /* bytes used by xcr0's components */
int machine_get_xsave(struct hl_machine *m, void *area, struct hl_error *error);
/* STATE while the last exit waits for its answer. */
int machine_set_xsave(struct hl_machine *m, const void *area, struct hl_error *error);

/* Their values at ring 3, wherever the guest stopped. */
int machine_get_system(struct hl_machine *m, struct vcpu_system *system, struct hl_error *error);

/* Let a timer end runs, see backend.h; 0 stops it.  An error if the backend cannot. */
int machine_sample(struct hl_machine *m, uint64_t period, struct hl_error *error);
/* At most VCPU_STATS counters of the backend; returns how many. */
size_t machine_stats(struct hl_machine *m, struct vcpu_stat *list);

#endif
