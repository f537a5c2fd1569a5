/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exits.c in another dress.
 * flags: -O2 -g0 -fomit-frame-pointer -fno-asynchronous-unwind-tables -fno-unwind-tables
 */
#include "exits.c"
