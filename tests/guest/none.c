/* SPDX-License-Identifier: Apache-2.0 */
/*
 * none.c - a guest that makes any system call it is asked to, and depends on none.
 * flags: --freestanding
 */
#include <hl/guest.h>

HL_HOST_FUNCTION(i32, HostAdd, (i32, a), (i32, b));

HL_FUNCTION(i64, Ask, (u64, number))
{
    int64_t result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(0L), "S"(0L), "d"(0L)
                     : "rcx", "r11", "memory");
    return result;
}

HL_FUNCTION(i32, Add, (i32, a), (i32, b))
{
    return HostAdd(a, b);
}

/* How many times the exception was taken back: the host lets the instruction be skipped. */
HL_FUNCTION(i32, Trap, (i32, times))
{
    for (int i = 0; i < times; i++)
        __asm__ volatile("ud2");
    return times;
}
