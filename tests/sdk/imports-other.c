// SPDX-License-Identifier: Apache-2.0
/* The second file of imports.c: uses one of the same host functions. */
#include "imports.h"

int32_t add_elsewhere(int32_t a, int32_t b)
{
    return HostAdd(a, b);
}

HL_FUNCTION(i32, AddElsewhere, (i32, a), (i32, b))
{
    return add_elsewhere(a, b);
}
