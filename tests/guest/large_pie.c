/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same at any address.
 * flags: --freestanding -static-pie
 */
#include "large.c"
