/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest whose exits are known, each by its line: a test finds the lines by the words after @.
 * flags: -O1
 */
#include <hl/guest.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

HL_HOST_FUNCTION(i32, HostAdd, (i32, a), (i32, b));
HL_HOST_FUNCTION(void, HostTick);
HL_HOST_FUNCTION(void, HostSlow, (u32, us));

HL_FUNCTION(i32, Thousand)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < 1000; i++)
        sum = HostAdd(sum, 1); /* @thousand */
    return sum;
}

/* Five times in each of two callers: one line, no function of its own. */
static inline __attribute__((always_inline)) void tick_five_times(void)
{
    for (int i = 0; i < 5; i++)
        HostTick(); /* @inlined */
}

static __attribute__((noinline)) void left(void)
{
    tick_five_times(); /* @left */
    __asm__ volatile("");
}

static __attribute__((noinline)) void right(void)
{
    tick_five_times(); /* @right */
    __asm__ volatile("");
}

HL_FUNCTION(void, Ten)
{
    left();
    right();
    __asm__ volatile("");
}

HL_FUNCTION(i64, Five)
{
    int64_t sum = 0;
    for (int i = 0; i < 5; i++)
        sum += syscall(SYS_getpid); /* @syscalls */
    return sum;
}

static __attribute__((noinline)) int32_t down(int32_t n)
{
    int32_t result = 1;
    if (n)
        result += down(n - 1); /* @deeper */
    else
        HostTick(); /* @deep */
    __asm__ volatile("" : "+r"(result));
    return result;
}

HL_FUNCTION(i32, Deep)
{
    int32_t result = down(3);
    __asm__ volatile("" : "+r"(result));
    return result;
}

HL_FUNCTION(i32, All)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < 1000; i++)
        sum = HostAdd(sum, 1); /* @all */
    left();
    right();
    return sum + down(2);
}

/* Time in the host, and in two functions of the guest: three parts to one. */
HL_FUNCTION(void, Slow, (u32, us))
{
    HostSlow(us); /* @slow */
}

static volatile uint64_t sink;

static __attribute__((noinline)) void spin(uint64_t turns)
{
    for (uint64_t i = 0; i < turns; i++)
        sink += i; /* @spin */
}

static __attribute__((noinline)) void spin_more(uint64_t turns)
{
    for (uint64_t i = 0; i < 3 * turns; i++)
        sink ^= i; /* @more */
}

HL_FUNCTION(void, Spin, (u64, turns))
{
    spin(turns);
    spin_more(turns);
    __asm__ volatile("");
}

/* A return address that leads to nowhere, then an exit. */
HL_FUNCTION(void, Corrupt)
{
    void **frame = __builtin_frame_address(0);
    void *saved[8];
    memcpy(saved, frame, sizeof(saved));
    for (unsigned i = 0; i < 8; i++)
        frame[i] = (void *)(0x4141414141414141u + i);
    HostTick(); /* @corrupt */
    memcpy(frame, saved, sizeof(saved));
}

HL_FUNCTION(void, Grow, (u32, kib))
{
    char *block = malloc((size_t)kib << 10);
    if (!block)
        abort();
    for (size_t i = 0; i < (size_t)kib << 10; i += 4096)
        ((volatile char *)block)[i] = 1;
    free(block);
}

static __attribute__((noinline)) uint32_t stack(uint32_t kib)
{
    volatile char page[1024];
    page[0] = page[1023] = (char)(kib | 1);
    uint32_t n = kib > 1 ? stack(kib - 1) : 0;
    return n + (page[0] != 0);
}

HL_FUNCTION(u32, Stack, (u32, kib))
{
    return stack(kib);
}

/* Most of the array stays as it was: the stack is deep, with a hole in the middle. */
HL_FUNCTION(void, Hole, (u32, kib))
{
    volatile char *hole = __builtin_alloca((size_t)kib << 10);
    __asm__ volatile("" : : "r"(hole));
    stack(1);
}

/* System calls that nobody knows. */
HL_FUNCTION(void, Unknown, (u32, count))
{
    for (uint32_t i = 0; i < count; i++)
        syscall(100000 + (long)i); /* @unknown */
}

HL_FUNCTION(void, Print, (string, text))
{
    puts(text); /* @print */
    fflush(stdout);
}

HL_FUNCTION(void, Crash)
{
    *(volatile int *)16 = 1; /* @crash */
}
