/* SPDX-License-Identifier: Apache-2.0 */
/* hook_profile.h - HL_PROFILE in the environment. */
#ifndef HL_HOOK_PROFILE_H
#define HL_HOOK_PROFILE_H

#include "sandbox.h"

/*
 * Profile a new sandbox if the environment asks for it.  Never fails: a program that does not know
 * of profiles must run without one.
 */
int hook_profile(struct hl_sandbox *sb, struct hl_error *error);

#endif
