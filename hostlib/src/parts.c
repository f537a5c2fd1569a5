/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts.c - what the library is put together from.
 *
 * The one file that names its backends and what looks at each new sandbox; the rooms that use them
 * see the tables of backend.h and sandbox.h only.  The fuzzers have a file of their own in its
 * place.
 */
#include "hook_gdb.h"
#include "hook_profile.h"
#include "linux.h"
#include "sandbox.h"
#include "vcpu_kvm.h"

const struct backend *const backend_default = &kvm_backend;

sandbox_hook *const sandbox_hooks[] = {hook_profile, hook_gdb, NULL};

const struct personality *const personality_default = &linux_personality;
