/* SPDX-License-Identifier: Apache-2.0 */
/* profile_color.h - what a flame graph's frames look like. */
#ifndef DEV_PROFILE_COLOR_H
#define DEV_PROFILE_COLOR_H

#include "profile_tree.h"

enum profile_hue { HUE_GUEST, HUE_RUNTIME, HUE_HOST, HUE_SYSCALL, HUE_FAULT, HUE_OTHER, HUE_ROOT };

enum profile_hue profile_hue(const struct profile_cell *cell);

/* 0xRRGGBB of that hue: always the same one for a name, distinct from its neighbours'. */
unsigned profile_color(enum profile_hue hue, const char *name);

/* Red for what grew and blue for what shrank, most being the greatest change of all. */
unsigned profile_change_color(uint64_t now, uint64_t before, uint64_t most);

#endif
