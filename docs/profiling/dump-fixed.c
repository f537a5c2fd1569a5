/* SPDX-License-Identifier: Apache-2.0 */
/* The same with a buffer: the host is asked once for each 4096 characters. */
#include <hl/guest.h>

HL_HOST_FUNCTION(void, HostWrite, (bytes, text));

static char buffer[4096];
static size_t used;

static void flush(void)
{
    HostWrite(hl_bytes_of(buffer, used));
    used = 0;
}

static void put(char c)
{
    buffer[used++] = c;
    if (used == sizeof(buffer))
        flush();
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
    if (used)
        flush();
    return (uint32_t)(3 * data.len);
}
