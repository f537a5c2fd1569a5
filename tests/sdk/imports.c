// SPDX-License-Identifier: Apache-2.0
/* Calls host functions of every type; one of them at several places. */
#include "imports.h"

HL_FUNCTION(i32, Add, (i32, a), (i32, b))
{
    return HostAdd(HostAdd(a, b), 0) + 0 * add_elsewhere(a, b);
}

HL_FUNCTION(string, Text, (string, text), (bytes, data))
{
    const char *result = HostText(text, data);

    if (!result)
        hl_fail(hl_error_code(), hl_error_message());
    return result;
}

HL_FUNCTION(bytes, Bytes, (bytes, data))
{
    return HostBytes(data);
}

HL_FUNCTION(bool, Not, (bool, value))
{
    HostNothing();
    return HostNot(value);
}

HL_FUNCTION(f64, Scale, (f32, value), (f64, factor))
{
    return HostScale(odd_name(value), factor);
}

HL_FUNCTION(u64, Wide, (u32, a), (i64, b), (u64, c))
{
    return HostWide(a, b, c);
}
