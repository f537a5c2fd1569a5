/* SPDX-License-Identifier: Apache-2.0 */
/* A guest whose debug information will be exchanged for something that asks for a lot. */
#include <hl/guest.h>

HL_FUNCTION(i32, Crash, (i32, value))
{
    *(volatile int *)8 = value;
    return 0;
}

HL_FUNCTION(void, Spin, (i32, value))
{
    for (volatile int32_t i = value;; i++)
        hl_log(HL_LOG_DEBUG, "round");
}
