// SPDX-License-Identifier: Apache-2.0
/* Guest functions of every type and count; `bool` both as <stdbool.h> has it and without. */
#include <hl/guest.h>

HL_FUNCTION(bool, PlainBool, (bool, value))
{
    return !value;
}

#include <stdbool.h>

HL_FUNCTION(bool, EchoBool, (bool, value))
{
    return value;
}

HL_FUNCTION(i32, EchoI32, (i32, value))
{
    return value;
}

HL_FUNCTION(u32, EchoU32, (u32, value))
{
    return value;
}

HL_FUNCTION(i64, EchoI64, (i64, value))
{
    return value;
}

HL_FUNCTION(u64, EchoU64, (u64, value))
{
    return value;
}

HL_FUNCTION(f32, EchoF32, (f32, value))
{
    return value;
}

HL_FUNCTION(f64, EchoF64, (f64, value))
{
    return value;
}

HL_FUNCTION(string, EchoString, (string, value))
{
    return value;
}

HL_FUNCTION(bytes, EchoBytes, (bytes, value))
{
    return value;
}

HL_FUNCTION(void, NoOp)
{
}

HL_FUNCTION(i32, Sixteen, (i32, a), (u32, b), (i64, c), (u64, d), (f32, e), (f64, f), (bool, g),
            (string, h), (bytes, i), (i32, j), (i32, k), (i32, l), (i32, m), (i32, n), (i32, o),
            (i32, p))
{
    return a + (int32_t)b + (int32_t)c + (int32_t)d + (int32_t)e + (int32_t)f + g + (h[0] == 'h') +
           (int32_t)i.len + j + k + l + m + n + o + p;
}

HL_FUNCTION_NAMED("24K_in_8K_out", bytes, shrink, (bytes, data))
{
    return hl_bytes_of(data.data, data.len / 3);
}

HL_FUNCTION(string, Null)
{
    return NULL;
}

HL_FUNCTION(i32, Fail, (i32, code), (string, message))
{
    char copy[64];
    size_t i = 0;

    for (; message[i] && i < sizeof(copy) - 1; i++)
        copy[i] = message[i];
    copy[i] = '\0';
    hl_fail(code, copy);
    return 1;
}

HL_FUNCTION(void, Abort, (i32, code), (string, message))
{
    hl_abort(code, message);
}

HL_FUNCTION(string, Scratch, (u32, size))
{
    char *text = hl_scratch((size_t)size + 1);

    if (!text)
        return "exhausted";
    for (uint32_t i = 0; i < size; i++)
        text[i] = 'x';
    text[size] = '\0';
    return text;
}

HL_FUNCTION(void, Log, (string, message))
{
    hl_log(HL_LOG_INFO, message);
    hl_print("printed\n");
}

HL_FUNCTION(i32, Smash, (u32, size))
{
    volatile char buffer[16];

    for (uint32_t i = 0; i < size; i++)
        buffer[i] = 'x';
    return buffer[0];
}
