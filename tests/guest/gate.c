/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c - a little of everything, for tests/nested/gate.sh. */
#include <stdio.h>

#include <hl/guest.h>

HL_FUNCTION(string, Greet, (string, name))
{
    return hl_format("Hello, %s!", name);
}

HL_FUNCTION(void, Spin)
{
    for (;;)
        __asm__ volatile("pause");
}

/* Raise the exception with this vector. */
HL_FUNCTION(void, Fault, (i32, vector))
{
    switch (vector) {
    case 0:
        __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : : : "eax", "ecx", "edx", "cc");
        break;
    case 3:
        __asm__ volatile("int3");
        break;
    case 6:
        __asm__ volatile("ud2");
        break;
    case 13:
        __asm__ volatile("hlt");
        break;
    default:
        __asm__ volatile("movl $1, 8");
        break;
    }
}

int main(int argc, char **argv)
{
    (void)argv;
    printf("main with %d arguments\n", argc);
    return 7;
}
