/* SPDX-License-Identifier: Apache-2.0 */
/* Values of every type, there and back: to the guest alone, and through it to the host. */
#include <hl/guest.h>
#include <stdio.h>
#include <string.h>

#define ECHO(type)                                                                                 \
    HL_FUNCTION_NAMED("echo-" #type, type, echo_##type, (type, value))                             \
    {                                                                                              \
        return value;                                                                              \
    }                                                                                              \
    HL_HOST_FUNCTION_NAMED("host-" #type, type, host_##type, (type, value));                       \
    HL_FUNCTION_NAMED("trip-" #type, type, trip_##type, (type, value))                             \
    {                                                                                              \
        return host_##type(value);                                                                 \
    }

ECHO(i32)
ECHO(u32)
ECHO(i64)
ECHO(u64)
ECHO(f32)
ECHO(f64)
ECHO(bool)
ECHO(string)
ECHO(bytes)

HL_FUNCTION(void, NoOp)
{
}

/* Everything at once: printed as text, then passed on to the host unchanged. */
HL_HOST_FUNCTION(i32, HostAll, (i32, a), (u32, b), (i64, c), (u64, d), (f32, e), (f64, f),
                 (bool, g), (string, h), (bytes, i), (i32, j), (string, k), (bytes, l), (u64, m),
                 (bool, n), (f64, o), (string, p));

HL_FUNCTION(string, All, (i32, a), (u32, b), (i64, c), (u64, d), (f32, e), (f64, f), (bool, g),
            (string, h), (bytes, i), (i32, j), (string, k), (bytes, l), (u64, m), (bool, n),
            (f64, o), (string, p))
{
    if (HostAll(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p) != 16)
        return hl_error_message();
    return hl_format("%d %u %lld %llu %g %g %d %s %zu %d %s %zu %llu %d %g %s", a, b, (long long)c,
                     (unsigned long long)d, (double)e, f, g, h, i.len, j, k, l.len,
                     (unsigned long long)m, n, o, p);
}

/* A string of this length; it is static memory's, so the length has a limit. */
HL_FUNCTION(string, Long, (u32, length))
{
    static char text[1 << 21];
    if (length >= sizeof(text))
        return NULL;
    memset(text, 'x', length);
    text[length] = 0;
    return text;
}

HL_FUNCTION(u32, Sum, (bytes, data))
{
    uint32_t sum = 0;
    for (size_t i = 0; i < data.len; i++)
        sum = sum * 31 + data.data[i];
    return sum;
}

HL_HOST_FUNCTION(i32, HostFails, (i32, how));
HL_HOST_FUNCTION(string, HostText, (i32, how));
HL_HOST_FUNCTION(void, Nobody);

/* What the guest sees of a host function that fails: "value code message". */
HL_FUNCTION(string, SeeFailure, (i32, how))
{
    int32_t value = HostFails(how);
    return hl_format("%d %d %s", value, hl_error_code(), hl_error_message());
}

HL_FUNCTION(string, SeeText, (i32, how))
{
    const char *text = HostText(how);
    return hl_format("%s %d %s", text ? text : "NULL", hl_error_code(), hl_error_message());
}

HL_FUNCTION(string, CallNobody)
{
    Nobody();
    return hl_format("%d %s", hl_error_code(), hl_error_message());
}

/* The error of one call is gone with the next. */
HL_FUNCTION(i32, ErrorCodeAtStart)
{
    return hl_error_code();
}

HL_FUNCTION(i32, Fail, (i32, code), (string, message))
{
    hl_fail(code, message);
    return 1;
}

HL_FUNCTION(string, Null)
{
    return NULL;
}

HL_FUNCTION(bytes, Huge, (u64, length))
{
    return hl_bytes_of("x", length);
}

/* Results that are gone when the host reads them; the compiler must not see it. */
static __attribute__((noinline)) void *local(char fill)
{
    char text[64];
    void *p = text;
    memset(text, fill, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    __asm__("" : "+r"(p) : : "memory");
    return p;
}

HL_FUNCTION(string, DeadString, (bool, empty))
{
    return local(empty ? '\0' : 'x');
}

HL_FUNCTION(bytes, DeadBytes, (u32, size))
{
    return hl_bytes_of(local('x'), size);
}

HL_FUNCTION(string, TripError, (string, value))
{
    return host_string(value) ? "none" : hl_error_message();
}
