/* SPDX-License-Identifier: Apache-2.0 */
/* profile_env.h - HL_PROFILE in the environment. */
#ifndef HL_PROFILE_ENV_H
#define HL_PROFILE_ENV_H

#include "sandbox.h"

/* Look at a sandbox that has just been made, if the environment asks for it. */
/* Never fails: a program that does not know of profiles must run without one. */
int profile_env_open(struct hl_sandbox *sb, struct hl_error *error);

#endif
