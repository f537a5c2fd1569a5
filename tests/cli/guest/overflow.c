/* SPDX-License-Identifier: Apache-2.0 */
/* overflow.c - recursions whose stack is full in the middle of the libc, or of a frame's set-up. */
#include <hl/guest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int n;

static int compare(const void *a, const void *b);

__attribute__((noinline)) static int sort(int k)
{
    int a[16];

    for (int i = 0; i < 16; i++)
        a[i] = (i * 7 + k) % 16;
    qsort(a, 16, sizeof(*a), compare);
    return a[3] + k;
}

static int compare(const void *a, const void *b)
{
    return sort(n++) + *(const int *)a - *(const int *)b;
}

__attribute__((noinline)) static int print(int k)
{
    char b[100];
    int r = snprintf(b, sizeof(b), "%d %s %f", k, "x", 1.5 * k);

    return r + print(k + 1) + b[2];
}

__attribute__((noinline)) static int grow(int k)
{
    volatile char *p = __builtin_alloca(100 + (size_t)(k & 255) * 16);

    p[0] = (char)k;
    return grow(k + 1) + p[0];
}

__attribute__((noinline)) static int call(int k)
{
    return k == n ? 1 : call(k + 1) * k + 1;
}

HL_FUNCTION(i32, Sort, (i32, x))
{
    return sort(x);
}
HL_FUNCTION(i32, Print, (i32, x))
{
    return print(x);
}
HL_FUNCTION(i32, Grow, (i32, x))
{
    return grow(x);
}
HL_FUNCTION(i32, Call, (i32, x))
{
    return call(x);
}
