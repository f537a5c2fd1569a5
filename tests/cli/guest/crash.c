/* SPDX-License-Identifier: Apache-2.0 */
/* crash.c - every way to end badly.  The tests find the lines by the word after `AT`. */
#include <hl/guest.h>

#if __STDC_HOSTED__
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#endif

HL_FUNCTION(void, Store)
{
    *(volatile int *)0x10 = 1; /* AT store */
}

HL_FUNCTION(i32, Divide, (i32, by))
{
    return 1000 / by; /* AT divide */
}

HL_FUNCTION(void, Illegal)
{
    __asm__ volatile("ud2"); /* AT illegal */
}

HL_FUNCTION(void, Privileged)
{
    __asm__ volatile("hlt"); /* AT privileged */
}

HL_FUNCTION(void, ReadOnly)
{
    extern const char text[] __asm__("Store");
    *(volatile char *)(uintptr_t)text = 0; /* AT readonly */
}

static int deeper(volatile int *depth)
{
    volatile int here[256];
    here[0] = *depth + 1;          /* AT overflow */
    return deeper(here) + here[0]; /* not a tail call */
}

HL_FUNCTION(i32, Overflow)
{
    volatile int depth = 0;
    return deeper(&depth);
}

static inline __attribute__((always_inline)) void inner(volatile int *p)
{
    *p = 7; /* AT inlined */
}

static __attribute__((noinline)) void outer(volatile int *p)
{
    inner(p); /* AT caller */
    __asm__ volatile("");
}

HL_FUNCTION(void, Inlined)
{
    outer((volatile int *)0x20);
}

HL_FUNCTION(void, Jump)
{
    void (*volatile nowhere)(void) = (void (*)(void))0x30;
    nowhere();
}

HL_FUNCTION(void, Abort)
{
    hl_abort(9, "giving up"); /* AT abort */
}

HL_FUNCTION(i32, Fine)
{
    return 1;
}

#if __STDC_HOSTED__
HL_FUNCTION(u64, Strlen)
{
    const char *volatile null = NULL;
    return strlen(null); /* AT strlen */
}

HL_FUNCTION(void, Assert)
{
    assert(1 == 2); /* AT assert */
}

HL_FUNCTION(void, LibcAbort)
{
    abort(); /* AT libcabort */
}

#ifdef EARLY
__attribute__((constructor)) static void early(void)
{
    *(volatile int *)0x40 = 1; /* AT early */
}
#endif

int main(int argc, char **argv)
{
    (void)argv;
    return *(volatile int *)(uintptr_t)(unsigned)argc; /* AT main */
}
#endif
