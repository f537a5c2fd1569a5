/* SPDX-License-Identifier: Apache-2.0 */
/* A guest of functions, to be debugged over several calls. */
#include <hl/guest.h>

#include <string.h>

int hits, cells[4];
static char big[8192];
static volatile int stop;

HL_HOST_FUNCTION(i32, HostPoke, (i32, x));

HL_FUNCTION(i32, Work, (i32, a), (i32, b))
{
    int r = a + b;
    hits++;
    r += HostPoke(r); /* writes cells[0] from outside */
    cells[1] = r;
    memset(big, r, sizeof(big));
    return r;
}

HL_FUNCTION(i32, Other, (i32, a))
{
    cells[2] += a;
    return cells[2];
}

HL_FUNCTION(i32, Sum, (i32, n))
{
    int sum = 0;
    for (int i = 0; i < n; i++)
        sum += i;
    return sum;
}

HL_FUNCTION(i32, Spin)
{
    while (!stop)
        hits++;
    stop = 0;
    return cells[3];
}

/* Copies in pieces larger than what is watched. */
HL_FUNCTION(i32, Copy)
{
    static long from[4] = {1, 2, 3, 4}, to[4];
    for (int i = 0; i < 4; i++)
        to[i] = from[i];
    return (int)to[3];
}
