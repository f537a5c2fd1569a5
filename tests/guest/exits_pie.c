/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exits.c in another dress.
 * flags: -O1 -pie
 */
#include "exits.c"
