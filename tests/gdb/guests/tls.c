/* SPDX-License-Identifier: Apache-2.0 */
/* Thread-local variables: with and without contents, hidden, more aligned than the rest. */
#include <errno.h>
#include <stdio.h>

__thread int first = 5;
static __thread long numbers[4] = {1, 2, 3};
__thread char aligned[300] __attribute__((aligned(256)));
static __thread short last;

__attribute__((noinline)) int look(void)
{
    return first;
}

int main(void)
{
    first++;
    numbers[3] = 40;
    aligned[299] = 'x';
    last = -2;
    errno = 7;
    printf("%p %p %p %p\n", (void *)&first, (void *)numbers, (void *)aligned, (void *)&last);
    return look() == 100 ? 0 : 1;
}
