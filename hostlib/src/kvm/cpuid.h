/* SPDX-License-Identifier: Apache-2.0 */
/* cpuid.h - the CPUID a guest sees. */
#ifndef HL_CPUID_H
#define HL_CPUID_H

#include "kvm.h"

/* Fill host->cpuid, xcr0 and fsgsbase from this processor. */
void cpuid_fill(struct kvm_host *host);

#endif
