/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of the reference system's sample guest, by its names, and what its cases need
 * besides: one for each thing an honest or a hostile guest does.
 * flags: -O1
 */
#include <hl/guest.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "conformance/conformance.h"

volatile int zero;
static int32_t counter;
static uint32_t seed = 1;
uint8_t large[256 << 10];

HL_HOST_FUNCTION(i32, HostAdd, (i32, a), (i32, b));
HL_HOST_FUNCTION(i32, HostPrint, (string, text));
HL_HOST_FUNCTION(i32, HostMethod1, (string, text));
HL_HOST_FUNCTION(void, HostSpin);
HL_HOST_FUNCTION(i32, HostFail, (string, text));
HL_HOST_FUNCTION(i32, HostMissing);
HL_HOST_FUNCTION(string, HostTwo, (bytes, a), (bytes, b));

/* ---- values ---- */

#define ECHO(name, trip, type)                                                                     \
    HL_FUNCTION(type, name, (type, value))                                                         \
    {                                                                                              \
        return value;                                                                              \
    }                                                                                              \
    HL_HOST_FUNCTION_NAMED("Host" #trip, type, host_##trip, (type, value));                        \
    HL_FUNCTION(type, RoundTripHost##trip, (type, value))                                          \
    {                                                                                              \
        return host_##trip(value);                                                                 \
    }

ECHO(Echo, String, string)
ECHO(EchoFloat, F32, f32)
ECHO(EchoDouble, F64, f64)
ECHO(EchoI32, I32, i32)
ECHO(EchoU32, U32, u32)
ECHO(EchoI64, I64, i64)
ECHO(EchoU64, U64, u64)
ECHO(EchoBool, Bool, bool)
ECHO(EchoBytes, Bytes, bytes)

HL_FUNCTION(void, NoOp)
{
}

HL_FUNCTION(bytes, SetByteArrayToZero, (bytes, data))
{
    memset(data.data, 0, data.len);
    return data;
}

HL_FUNCTION_NAMED("24K_in_8K_out", bytes, large_in_small_out, (bytes, data))
{
    if (data.len != 24 << 10)
        hl_fail(1, "not 24 KiB");
    return hl_bytes_of(data.data, data.len < 8 << 10 ? data.len : 8 << 10);
}

HL_FUNCTION(void, LargeParameters, (bytes, data), (string, text))
{
    for (size_t i = 0; i < data.len; i++)
        if (data.data[i] != (uint8_t)i) {
            hl_fail(1, "the bytes are damaged");
            return;
        }
    if (strspn(text, "s") != strlen(text) || !*text)
        hl_fail(2, "the string is damaged");
}

HL_FUNCTION(u64, LengthOf, (bytes, data), (string, text))
{
    return data.len + strlen(text);
}

HL_FUNCTION(bytes, LargeResult, (u64, size))
{
    uint8_t *data = malloc(size);
    if (data)
        memset(data, 'r', size);
    else
        hl_fail(1, "no memory");
    return hl_bytes_of(data, data ? size : 0);
}

/* ---- printing ---- */

HL_FUNCTION(i32, PrintOutput, (string, text))
{
    return HostPrint(text);
}

#define PRINT(...) HostPrint(hl_format("Message: " __VA_ARGS__))
#define A2 "arg1:%s arg2:%d"
#define A3 A2 " arg3:%lld"
#define A4 A3 " arg4:%s"
#define A5 A4 " arg5:%s"
#define A6 A5 " arg6:%d"
#define A7 A6 " arg7:%d"
#define A8 A7 " arg8:%u"
#define A9 A8 " arg9:%llu"
#define A10 A9 " arg10:%d"
#define A11 A10 " arg11:%.3f"
#define V3 (long long)c
#define V9 (unsigned long long)i

HL_FUNCTION(i32, PrintTwoArgs, (string, a), (i32, b))
{
    return PRINT(A2, a, b);
}
HL_FUNCTION(i32, PrintThreeArgs, (string, a), (i32, b), (i64, c))
{
    return PRINT(A3, a, b, V3);
}
HL_FUNCTION(i32, PrintFourArgs, (string, a), (i32, b), (i64, c), (string, d))
{
    return PRINT(A4, a, b, V3, d);
}
HL_FUNCTION(i32, PrintFiveArgs, (string, a), (i32, b), (i64, c), (string, d), (string, e))
{
    return PRINT(A5, a, b, V3, d, e);
}
HL_FUNCTION(i32, PrintSixArgs, (string, a), (i32, b), (i64, c), (string, d), (string, e), (bool, f))
{
    return PRINT(A6, a, b, V3, d, e, f);
}
HL_FUNCTION(i32, PrintSevenArgs, (string, a), (i32, b), (i64, c), (string, d), (string, e),
            (bool, f), (bool, g))
{
    return PRINT(A7, a, b, V3, d, e, f, g);
}
HL_FUNCTION(i32, PrintEightArgs, (string, a), (i32, b), (i64, c), (string, d), (string, e),
            (bool, f), (bool, g), (u32, h))
{
    return PRINT(A8, a, b, V3, d, e, f, g, h);
}
HL_FUNCTION(i32, PrintNineArgs, (string, a), (i32, b), (i64, c), (string, d), (string, e),
            (bool, f), (bool, g), (u32, h), (u64, i))
{
    return PRINT(A9, a, b, V3, d, e, f, g, h, V9);
}
HL_FUNCTION(i32, PrintTenArgs, (string, a), (i32, b), (i64, c), (string, d), (string, e), (bool, f),
            (bool, g), (u32, h), (u64, i), (i32, j))
{
    return PRINT(A10, a, b, V3, d, e, f, g, h, V9, j);
}
HL_FUNCTION(i32, PrintElevenArgs, (string, a), (i32, b), (i64, c), (string, d), (string, e),
            (bool, f), (bool, g), (u32, h), (u64, i), (i32, j), (f32, k))
{
    return PRINT(A11, a, b, V3, d, e, f, g, h, V9, j, (double)k);
}

HL_FUNCTION(void, LogMessage, (string, text), (i32, level))
{
    hl_log((enum hl_log_level)level, text);
}

HL_FUNCTION(void, PrintForEver)
{
    for (;;) {
        fputs("again and again\n", stdout);
        fflush(stdout);
    }
}

/* ---- host calls ---- */

HL_FUNCTION(i32, Add, (i32, a), (i32, b))
{
    return HostAdd(a, b);
}

HL_FUNCTION(i32, GuestMethod, (string, text))
{
    return HostMethod1(hl_format("Hello from GuestFunction, %s", text));
}

/* Imports are known when a guest is linked: a name can only choose among them. */
static int32_t call_host(const char *name)
{
    if (strcmp(name, "HostAdd") == 0)
        return HostAdd(1, 2);
    if (strcmp(name, "HostPrint") == 0)
        return HostPrint("called");
    if (strcmp(name, "HostFail") == 0)
        return HostFail("please");
    return HostMissing();
}

HL_FUNCTION(string, CallHostExpectError, (string, name))
{
    call_host(name);
    if (!hl_error_code())
        hl_fail(1, "no error");
    return hl_format("%d %s", hl_error_code(), hl_error_message());
}

HL_FUNCTION(void, CallHostSpin)
{
    HostSpin();
}

HL_FUNCTION(void, HostCallLoop, (string, name))
{
    for (;;)
        call_host(name);
}

HL_FUNCTION(void, CallHostThenSpin, (string, name))
{
    call_host(name);
    for (;;)
        counter++;
}

/* Both arguments are the same memory, or share a part of it. */
HL_FUNCTION(string, Overlapping, (bytes, data), (u32, shift))
{
    struct hl_bytes tail = hl_bytes_of(data.data + shift, data.len - shift);
    return HostTwo(data, tail);
}

/* ---- state ---- */

HL_FUNCTION(i32, SetStatic)
{
    memset(large, 1, sizeof(large));
    return (int32_t)sizeof(large);
}

HL_FUNCTION(i32, AddToStatic, (i32, n))
{
    return counter += n;
}

HL_FUNCTION(i32, GetStatic)
{
    return counter;
}

HL_FUNCTION(i32, SumOfStatic)
{
    int32_t sum = 0;
    for (size_t i = 0; i < sizeof(large); i++)
        sum += large[i];
    return sum;
}

HL_FUNCTION(i32, AddToStaticAndFail)
{
    counter += 10;
    hl_fail(7, "crash on purpose");
    return counter;
}

HL_FUNCTION(i32, NextRandom)
{
    seed = seed * 1103515245u + 12345u;
    return (int32_t)seed;
}

HL_FUNCTION(u64, AddressOf, (i32, what))
{
    return what == 0 ? (uint64_t)&NoOp : what == 1 ? (uint64_t)return_instruction : (uint64_t)large;
}

/* ---- the end ---- */

HL_FUNCTION(void, GuestAbortWithCode, (i32, code))
{
    hl_abort(code, NULL);
}

HL_FUNCTION(void, GuestAbortWithMessage, (i32, code), (string, text))
{
    hl_abort(code, text);
}

#include <assert.h>
HL_FUNCTION(void, FailAssertion)
{
    assert(zero == 1);
}

HL_FUNCTION(void, Exit, (i32, status))
{
    exit(status);
}

HL_FUNCTION(void, TriggerException)
{
    __asm__ volatile("ud2");
}

HL_FUNCTION(i32, TriggerInt3)
{
    __asm__ volatile("int3");
    return 1;
}

HL_FUNCTION(i32, DivideByZero)
{
    return counter / zero;
}

HL_FUNCTION(void, OutWithPort, (u32, port), (u32, value))
{
    __asm__ volatile("outb %%al, %%dx" : : "d"(port), "a"(value));
}

HL_FUNCTION(i64, Syscall, (i64, number), (u64, a), (u64, b), (u64, c))
{
    int64_t rc;
    __asm__ volatile("syscall"
                     : "=a"(rc)
                     : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return rc;
}

HL_FUNCTION(void, Spin)
{
    for (;;)
        counter++;
}

static uint64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

HL_FUNCTION(u64, SpinForMs, (u32, ms))
{
    uint64_t end = milliseconds() + ms, turns = 0;
    while (milliseconds() < end)
        turns++;
    return turns;
}

HL_FUNCTION(f64, UseSSE2Registers)
{
    double a = 3.25, b = 2.0, sum;
    __asm__ volatile("movapd %1, %%xmm8; mulsd %2, %%xmm8; movapd %%xmm8, %0"
                     : "=x"(sum)
                     : "x"(a), "x"(b)
                     : "xmm8");
    return sum;
}
