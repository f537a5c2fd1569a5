/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled without unwind information and without frame pointers. */
__attribute__((noipa)) int bare_leaf(int n)
{
    volatile int space[100];

    space[n & 63] = n;
    __asm__ volatile("ud2");
    return space[0];
}

__attribute__((noipa)) int bare_tail(int n)
{
    return bare_leaf(n + 1);
}
