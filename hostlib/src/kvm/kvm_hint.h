/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KVM_HINT_H
#define KVM_HINT_H

#include <hl/error.h>

/* Put into error the hint for path that could not be opened, by errno; none where none is known. */
void kvm_hint(const char *path, int number, struct hl_error *error);

#endif
