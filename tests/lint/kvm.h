/* SPDX-License-Identifier: Apache-2.0 */
/* For clang-tidy only, as analyzer.h is: vcpu_kvm_failed() never returns 0. */
#include "../../hostlib/src/kvm/vcpu_kvm.h"

#define vcpu_kvm_failed(error, what) ((vcpu_kvm_failed)((error), (what)), HL_ERR_KVM)
