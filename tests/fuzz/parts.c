/* SPDX-License-Identifier: Apache-2.0 */
/* parts.c - in place of hostlib's: a vCPU that follows a script, and no look at the environment. */
#include "linux.h"
#include "tiny.h"

const struct vcpu_ops *const vcpu_default = &script_vcpu;

sandbox_hook *const sandbox_hooks[] = {NULL};

const struct personality *const personality_default = &linux_personality;
