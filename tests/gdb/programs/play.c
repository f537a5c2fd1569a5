/* SPDX-License-Identifier: Apache-2.0 */
/* play.c - something to stop in, step through, watch and look at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pair {
    int a;
    double b;
};

volatile int counter;
volatile long wide[4];
struct pair pair = {7, 2.5};
const char *text = "a string";
volatile int spinning = 1;

static int leaf(int n)
{
    counter = n; /* watch here */
    return n * 2;
}

static int middle(int n)
{
    int twice = leaf(n);

    return twice + 1;
}

int add(int a, int b)
{
    return a + b;
}

static void vectors(void)
{
    static float four[4] = {1.5f, 2.5f, 3.5f, 4.5f};

    __asm__ volatile("movups %0, %%xmm3\n"
                     "fld1\n fldpi\n nop\n vectors_here: nop\n fstp %%st(0)\n fstp %%st(0)\n"
                     :
                     : "m"(four)
                     : "xmm3");
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 0; i < 10; i++)
        total += middle(i);
    vectors();
    wide[1] = 5;
    total += (int)wide[1];
    printf("total %d\n", total);
    fflush(stdout);
    if (argc > 1 && !strcmp(argv[1], "spin"))
        while (spinning)
            counter++;
    if (argc > 1 && !strcmp(argv[1], "many"))
        for (int i = 0; i < 20000; i++)
            add(i, 1);
    if (argc > 1 && !strcmp(argv[1], "crash"))
        *(volatile int *)16 = 1;
    if (argc > 1 && !strcmp(argv[1], "trap"))
        __asm__ volatile("int3");
    if (argc > 1 && !strcmp(argv[1], "abort"))
        abort();
    return 3;
}
