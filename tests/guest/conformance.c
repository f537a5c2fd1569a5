/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of the reference system's sample guest, by its names, and what its cases need
 * besides: one for each thing an honest or a hostile guest does.
 * flags: -O1
 */
#include <hl/guest.h>

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int zero;
static int32_t counter;
static uint32_t seed = 1;
static uint8_t large[256 << 10];

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

/* ---- memory ---- */

static __attribute__((noinline)) void overrun(volatile char *to, const char *from)
{
    while ((*to++ = *from++))
        ;
}

HL_FUNCTION(i32, BufferOverrun, (string, text))
{
    char buffer[17];
    overrun(buffer, text);
    return (int32_t)strlen(buffer);
}

static __attribute__((noinline)) int32_t nest(int32_t depth, volatile char *up)
{
    volatile char here[256];
    here[0] = up ? up[0] : 0;
    return depth > 0 ? nest(depth - 1, here) + 1 + here[0] : 0;
}

HL_FUNCTION(i32, StackOverflow, (i32, depth))
{
    return nest(depth, NULL);
}

static __attribute__((noinline)) int32_t recurse(volatile char *up)
{
    volatile char here[256];
    here[0] = up ? up[0] : 0;
    return zero ? 0 : recurse(here) + here[0];
}

HL_FUNCTION(void, InfiniteRecursion)
{
    recurse(NULL);
}

HL_FUNCTION(i32, StackAllocate, (i32, size))
{
    volatile char *p = alloca((size_t)size);
    p[0] = 1;
    p[size - 1] = 1;
    return size;
}

HL_FUNCTION(i32, LargeVar)
{
    volatile char array[2 << 20]; /* the stack has 1 MiB */
    array[0] = 1;
    return array[0];
}

HL_FUNCTION(i32, SmallVar)
{
    volatile char array[1 << 10];
    array[0] = 1;
    return array[0] + 1023;
}

HL_FUNCTION(i32, CallMalloc, (i32, size))
{
    volatile char *p = malloc((size_t)size);
    if (!p) {
        hl_fail(12, "no memory");
        return 0;
    }
    p[0] = 1;
    return size;
}

HL_FUNCTION(i32, MallocAndFree, (i32, size))
{
    volatile char *p = malloc((size_t)size);
    if (!p) {
        hl_fail(12, "no memory");
        return 0;
    }
    p[0] = 1;
    free((void *)p);
    return size;
}

HL_FUNCTION(void, FillHeapAndCauseException)
{
    for (void *p = &p; p;)
        if ((p = malloc(1 << 16)))
            memset(p, 1, 1 << 16);
    __asm__ volatile("ud2");
}

HL_FUNCTION(void, ExhaustHeap)
{
    size_t pieces = 0;
    for (; malloc(1 << 16); pieces++)
        ;
    hl_abort(12, hl_format("malloc failed after %zu pieces", pieces));
}

HL_FUNCTION(bytes, MapAndKeep, (u64, size))
{
    uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        hl_fail(12, "no memory");
        return hl_bytes_of(NULL, 0);
    }
    memset(p, 0x6b, size);
    static uint64_t place[2];
    place[0] = (uint64_t)p;
    place[1] = (uint64_t)syscall(SYS_brk, 0);
    syscall(SYS_brk, place[1] + 65536);
    return hl_bytes_of(place, sizeof(place));
}

static const uint8_t return_instruction[] = {0xc3};

HL_FUNCTION(string, ExecuteOnHeap)
{
    uint8_t *code = malloc(16);
    memcpy(code, return_instruction, 1);
    ((void (*)(void))code)();
    return "executed";
}

HL_FUNCTION(i32, ExecuteOnStack)
{
    uint8_t code[16];
    memcpy(code, return_instruction, 1);
    __asm__ volatile("" : : "r"(code) : "memory");
    ((void (*)(void))code)();
    return 1;
}

HL_FUNCTION(bytes, ReadMappedBuffer, (u64, address), (u64, size))
{
    uint8_t *copy = malloc(size);
    if (!copy) {
        hl_fail(12, "no memory");
        return hl_bytes_of(NULL, 0);
    }
    for (uint64_t i = 0; i < size; i++)
        copy[i] = ((volatile uint8_t *)address)[i];
    return hl_bytes_of(copy, size);
}

HL_FUNCTION(bool, WriteMappedBuffer, (u64, address), (u64, size))
{
    for (uint64_t i = 0; i < size; i++)
        ((volatile uint8_t *)address)[i] = 0x77;
    return 1;
}

HL_FUNCTION(bool, CheckMapped, (u64, address))
{
    return syscall(SYS_write, 2, address, 1) == 1;
}

HL_FUNCTION(void, JumpTo, (u64, address))
{
    ((void (*)(void))address)();
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

/* ---- what takes ring 0, or more ---- */

HL_FUNCTION(void, SetDr0, (u64, value))
{
    __asm__ volatile("mov %0, %%dr0" : : "r"(value));
}

HL_FUNCTION(u64, ReadXcr0)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

HL_FUNCTION(void, WriteXcr0, (u64, value))
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

HL_FUNCTION(u64, ReadMSR, (u32, index))
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return (uint64_t)high << 32 | low;
}

HL_FUNCTION(void, WriteMSR, (u32, index), (u64, value))
{
    __asm__ volatile("wrmsr" : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

HL_FUNCTION(bytes, Cpuid, (u32, leaf), (u32, subleaf))
{
    static uint32_t out[4];
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(subleaf));
    return hl_bytes_of(out, sizeof(out));
}

/* By number, for a test that goes through them all. */
HL_FUNCTION(void, Privileged, (i32, what))
{
    uint64_t area[2] = {0, 0};
    switch (what) {
    case 0:
        __asm__ volatile("hlt");
        break;
    case 1:
        __asm__ volatile("cli");
        break;
    case 2:
        __asm__ volatile("mov %0, %%cr3" : : "r"(0ul));
        break;
    case 3:
        __asm__ volatile("mov %0, %%cr0" : : "r"(0ul));
        break;
    case 4:
        __asm__ volatile("mov %0, %%cr4" : : "r"(0ul));
        break;
    case 5:
        __asm__ volatile("mov %0, %%dr7" : : "r"(0xfful));
        break;
    case 6:
        __asm__ volatile("invlpg (%0)" : : "r"(area));
        break;
    case 7:
        __asm__ volatile("wbinvd");
        break;
    case 8:
        __asm__ volatile("lgdt %0" : : "m"(area));
        break;
    case 9:
        __asm__ volatile("lidt %0" : : "m"(area));
        break;
    case 10:
        __asm__ volatile("ltr %w0" : : "r"(0));
        break;
    case 11:
        __asm__ volatile("swapgs");
        break;
    case 12:
        __asm__ volatile("sysretq");
        break;
    case 13:
        __asm__ volatile("clts");
        break;
    default:
        __asm__ volatile("lmsw %w0" : : "r"(0));
        break;
    }
}
HL_FUNCTION(i32, PrivilegedCount)
{
    return 15;
}

HL_FUNCTION(void, Virtualise, (i32, what))
{
    uint64_t area = 0;
    switch (what) {
    case 0:
        __asm__ volatile("vmxon %0" : : "m"(area));
        break;
    case 1:
        __asm__ volatile("vmxoff");
        break;
    case 2:
        __asm__ volatile("vmlaunch");
        break;
    case 3:
        __asm__ volatile("vmptrld %0" : : "m"(area));
        break;
    case 4:
        __asm__ volatile("vmrun" : : "a"(&area));
        break;
    case 5:
        __asm__ volatile("vmload" : : "a"(&area));
        break;
    case 6:
        __asm__ volatile("stgi");
        break;
    case 7:
        __asm__ volatile("clgi");
        break;
    case 8:
        __asm__ volatile("vmcall");
        break;
    default:
        __asm__ volatile("vmmcall");
        break;
    }
}

/* ---- messages no honest guest sends ---- */

static void put_and_send(const void *message, size_t size, uint32_t port)
{
    memcpy((void *)hl_boot()->output, message, size);
    __asm__ volatile("outb %%al, %%dx" : : "d"(port), "a"(0) : "memory");
}

static int32_t corrupt(uint64_t bits, uint64_t len)
{
    struct hl_message message = {.kind = HL_MSG_RESULT, .count = 1};
    message.slot[0] = (struct hl_slot){.type = HL_BYTES, .bits = bits, .len = len};
    put_and_send(&message, sizeof(message), HL_PORT_WAIT);
    return 0;
}

/* Sizes and places are of bytes: these have a result of that type. */
HL_FUNCTION(bytes, CorruptOutputSize)
{
    corrupt((uint64_t)large, UINT64_MAX);
    return hl_bytes_of(NULL, 0);
}

HL_FUNCTION(bytes, CorruptOutputOffset)
{
    corrupt(UINT64_MAX - 8, 16);
    return hl_bytes_of(NULL, 0);
}

HL_FUNCTION(string, Send, (bytes, message), (u32, port))
{
    put_and_send(message.data, message.len, port);
    return "sent";
}

HL_FUNCTION(bytes, SendBytes, (bytes, message), (u32, port))
{
    put_and_send(message.data, message.len, port);
    return hl_bytes_of("sent", 4);
}

/* Everything in the input buffer, the message that is being served included. */
HL_FUNCTION(i32, ScribbleInput, (u32, value))
{
    memset((void *)hl_boot()->input, (int)value, hl_boot()->input_size);
    return 42;
}

HL_FUNCTION(void, LogForEver)
{
    for (;;)
        hl_log(HL_LOG_INFO, "again");
}
