/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exits.c in another dress.
 * flags: -O1 -s
 */
#include "exits.c"
