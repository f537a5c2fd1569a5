/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KVM_HINT_H
#define KVM_HINT_H

#include <hl/error.h>

/*
 * Set the hint for a path that could not be opened, by errno; leaves *error alone if none is known.
 */
void kvm_hint(const char *path, int number, struct hl_error *error);

#endif
