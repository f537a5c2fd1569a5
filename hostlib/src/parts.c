/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts.c - the parts that the library is put together from.
 *
 * The only file that names its backends and the hooks of new sandboxes; the rooms that use them see
 * only the tables of backend.h and sandbox.h.  The fuzzers replace it by a file of their own.
 */
#include "hook_gdb.h"
#include "hook_profile.h"
#include "linux.h"
#include "sandbox.h"
#include "vcpu_kvm.h"

const struct backend *const backend_default = &kvm_backend;

sandbox_hook *const sandbox_hooks[] = {hook_profile, hook_gdb, NULL};

const struct personality *const personality_default = &linux_personality;
