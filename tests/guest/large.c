/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest whose file is large: 1 MiB of constants, 512 KiB of variables, and pointers to both.
 * flags: --freestanding
 */
#include <hl/guest.h>

#define CONSTANTS 262144
#define VARIABLES 131072

static const unsigned constants[CONSTANTS] = {[0 ... CONSTANTS - 1] = 3};
static volatile unsigned variables[VARIABLES] = {[0 ... VARIABLES - 1] = 7};
static const volatile unsigned *volatile const places[] = {&constants[CONSTANTS - 1],
                                                           &variables[VARIABLES - 1]};

/* 3 times 262144 and 7 times 131072 as long as nobody has written. */
HL_FUNCTION(u32, Sum)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < CONSTANTS; i++)
        sum += *(const volatile unsigned *)&constants[i];
    for (unsigned i = 0; i < VARIABLES; i++)
        sum += variables[i];
    return sum;
}

HL_FUNCTION(u32, Peek, (u32, at))
{
    return variables[at % VARIABLES];
}

HL_FUNCTION(void, Poke, (u32, at), (u32, value))
{
    variables[at % VARIABLES] = value;
}

/* Through pointers, which a PIE's relocations have made. */
HL_FUNCTION(u32, Last, (u32, which))
{
    return *places[which % 2];
}

/* Constants cannot be written to. */
HL_FUNCTION(void, Break, (u32, at))
{
    *(volatile unsigned *)(unsigned long)&constants[at % CONSTANTS] = 1;
}
