/* SPDX-License-Identifier: Apache-2.0 */
/* The conformance guest: memory, well used and badly. */
#include <hl/guest.h>

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conformance.h"

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

const uint8_t return_instruction[1] = {0xc3};

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
