/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small guest at any address, without a libc: two functions, two imports, data of every kind.
 * flags: --freestanding -static-pie
 */
#include <hl/guest.h>

HL_HOST_FUNCTION(i32, HostAdd, (i32, a), (i32, b));
HL_HOST_FUNCTION_NAMED("host-name+", string, host_name, (bytes, data));

static int counter = 7;

HL_FUNCTION(i32, Add, (i32, a), (i32, b))
{
    counter++;
    return HostAdd(a, b);
}

HL_FUNCTION_NAMED("24K_in_8K_out", bytes, shrink, (bytes, data), (f64, factor))
{
    const char *name = host_name(data);
    return hl_bytes_of(data.data, data.len / (name && factor > 1 ? 3 : 1));
}
