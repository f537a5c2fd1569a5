/* SPDX-License-Identifier: Apache-2.0 */
#include "env.h"

#include <stdlib.h>

static const char *const names[] = {
    [ENV_GDB] = "HL_GDB",
    [ENV_PROFILE] = "HL_PROFILE",
    [ENV_PROFILE_HZ] = "HL_PROFILE_HZ",
    [ENV_KVM_DEVICE] = "HL_KVM_DEVICE",
    [ENV_DEBUG_DIR] = "HL_DEBUG_DIR",
    [ENV_RUNTIME_DIR] = "XDG_RUNTIME_DIR",
};

const char *env_value(enum env_variable variable)
{
    return secure_getenv(names[variable]);
}
