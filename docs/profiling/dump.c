/* SPDX-License-Identifier: Apache-2.0 */
/* The example of docs/profiling.md: a hex dump that asks its host for each character. */
#include <hl/guest.h>

HL_HOST_FUNCTION(void, HostPut, (u32, character));

static void put(char c)
{
    HostPut((unsigned char)c);
}

static void put_hex(uint8_t byte)
{
    static const char digit[] = "0123456789abcdef";

    put(digit[byte >> 4]);
    put(digit[byte & 15]);
}

HL_FUNCTION(u32, Dump, (bytes, data))
{
    for (size_t i = 0; i < data.len; i++) {
        put_hex(data.data[i]);
        put(i % 16 == 15 ? '\n' : ' ');
    }
    return (uint32_t)(3 * data.len);
}
