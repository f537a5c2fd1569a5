/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - a crash below inlined functions and a callback of the libc. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
volatile int sink;
int *volatile nowhere;
static inline __attribute__((always_inline)) void deepest(int v)
{
    sink = v;
    *nowhere = v; /* line 9: crash */
}
static inline __attribute__((always_inline)) void middle(int v)
{
    sink += v;
    deepest(v + 1); /* 14 */
}
__attribute__((noinline)) int real_fn(int n)
{
    if (n > 3)
        middle(n); /* 19 */
    sink++;
    return sink * n;
}
static int cb(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b + real_fn(sink) * 0; /* 25 */
}
__attribute__((noinline)) int sorter(int n)
{
    int a[8] = {5, 3, n, 1, 9, 2, 7, 4};
    qsort(a, 8, sizeof *a, cb); /* 30 */
    return a[0];
}
int main(int argc, char **argv)
{
    (void)argv;
    int r = sorter(argc); /* 36 */
    printf("r %d\n", r);
    return real_fn(10); /* 38 */
}
