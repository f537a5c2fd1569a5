/* SPDX-License-Identifier: Apache-2.0 */
/* main -> one -> two -> three -> four -> five, which stops. */
#define STEP __attribute__((noipa))

int counter = 1;

STEP int five(int n)
{
    __asm__ volatile("ud2");
    return n + 1;
}

STEP int four(int n)
{
    int around[32];

    for (int i = 0; i < 32; i++)
        around[i] = n + i;
    return five(around[n & 31]) + around[0];
}

STEP int three(int n)
{
    char variable[(n & 15) + 16];

    variable[n & 15] = (char)n;
    __asm__ volatile("" : : "r"(variable) : "memory");
    return four(n) + variable[0];
}

STEP int two(int n)
{
    return three(n + counter) * counter;
}

STEP int one(int n)
{
    return two(n) + two(n + 1);
}

int main(void)
{
    return one(counter) + 1;
}
