/* SPDX-License-Identifier: Apache-2.0 */
/* sorts.c - a program that is mostly in the libc's code, which has no unwind information. */
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

int main(void)
{
    static int a[20000];

    for (int k = 0; k < 100; k++) {
        for (int i = 0; i < 20000; i++)
            a[i] = (i * 7919 + k) % 20011;
        qsort(a, 20000, sizeof(*a), compare);
        printf("%d\n", a[3]);
    }
    return 0;
}
