/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdb-guest.c - what `make bench-gdb` debugs, as a guest and as a native process: gdb.py stops it
 * in mark() and chooses what it does next by its variables.
 */
#include <stdint.h>

#define MIB (1u << 20)

/* A thousand places for a breakpoint: f000 to f999. */
#define F(n)                                                                                       \
    __attribute__((noinline)) int f##n(int x)                                                      \
    {                                                                                              \
        return x + 1##n;                                                                           \
    }
#define F10(n) F(n##0) F(n##1) F(n##2) F(n##3) F(n##4) F(n##5) F(n##6) F(n##7) F(n##8) F(n##9)
#define F100(n)                                                                                    \
    F10(n##0)                                                                                      \
    F10(n##1) F10(n##2) F10(n##3) F10(n##4) F10(n##5) F10(n##6) F10(n##7) F10(n##8) F10(n##9)
/* clang-format off */
F100(0) F100(1) F100(2) F100(3) F100(4) F100(5) F100(6) F100(7) F100(8) F100(9)
    /* clang-format on */

    uint8_t data[16 * MIB];
volatile unsigned long hits, turns, total;

/* Noise: nothing that a run-length encoding could shorten. */
static void fill(void)
{
    uint32_t x = 1;
    for (unsigned i = 0; i < sizeof(data); i++) {
        x = x * 1664525 + 1013904223;
        data[i] = (uint8_t)(x >> 24);
    }
}

__attribute__((noinline)) void mark(void)
{
    __asm__ volatile("");
}

__attribute__((noinline)) void hit(unsigned long n)
{
    total += n;
}

/* Two instructions a turn, all on one line; rcx counts the turns down. */
__attribute__((noinline)) void spin(unsigned long n)
{
    __asm__ volatile("1: dec %0; jnz 1b" : "+c"(n));
}

int main(void)
{
    fill();
    for (;;) {
        mark();
        for (unsigned long i = 0; i < hits; i++)
            hit(i);
        if (turns)
            spin(turns);
    }
}
