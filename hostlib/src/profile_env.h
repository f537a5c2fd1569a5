/* SPDX-License-Identifier: Apache-2.0 */
/* profile_env.h - HL_PROFILE in the environment. */
#ifndef HL_PROFILE_ENV_H
#define HL_PROFILE_ENV_H

#include "sandbox.h"

/* Look at a sandbox that has just been made, if the environment asks for it. */
void profile_env_open(struct hl_sandbox *sb);

#endif
