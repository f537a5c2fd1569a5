/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exits.c in another dress.
 * flags: -O1 -g0 -fno-omit-frame-pointer -fno-asynchronous-unwind-tables -fno-unwind-tables
 */
#include "exits.c"
