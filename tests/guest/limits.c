/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that takes its time wherever it is asked to: in a constructor, in main(), in calls. */
#include <hl/guest.h>

#include <stdlib.h>
#include <unistd.h>

HL_HOST_FUNCTION(i32, HostTakes, (i32, ms));

static void spin(void)
{
    for (;;)
        __asm__ volatile("pause");
}

__attribute__((constructor)) static void begin(void)
{
    if (getenv("SPIN_AT_START"))
        spin();
}

HL_FUNCTION(void, Spin)
{
    spin();
}

HL_FUNCTION(void, AskAndSpin)
{
    HostTakes(0);
    spin();
}

HL_FUNCTION(void, NoOp)
{
}

/* n calls of the host, which takes ms for each. */
HL_FUNCTION(i32, AskHost, (i32, n), (i32, ms))
{
    int32_t sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += HostTakes(ms);
    return sum;
}

int main(void)
{
    spin();
    return 0;
}
