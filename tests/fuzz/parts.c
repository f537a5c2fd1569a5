/* SPDX-License-Identifier: Apache-2.0 */
/* parts.c - in place of hostlib's: guests that follow a script, and no look at the environment. */
#include "linux.h"
#include "tiny.h"

const struct backend *const backend_default = &scripted_backend;

sandbox_hook *const sandbox_hooks[] = {NULL};

const struct personality *const personality_default = &linux_personality;
