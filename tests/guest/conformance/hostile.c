/* SPDX-License-Identifier: Apache-2.0 */
/* The conformance guest: what takes ring 0, or more, and messages that no honest guest sends. */
#include <hl/guest.h>

#include <stdlib.h>
#include <string.h>

#include "conformance.h"

/* ---- what takes ring 0, or more ---- */

HL_FUNCTION(void, SetDr0, (u64, value))
{
    __asm__ volatile("mov %0, %%dr0" : : "r"(value));
}

HL_FUNCTION(u64, ReadXcr0)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

HL_FUNCTION(void, WriteXcr0, (u64, value))
{
    __asm__ volatile("xsetbv" : : "c"(0), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

HL_FUNCTION(u64, ReadMSR, (u32, index))
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
    return (uint64_t)high << 32 | low;
}

HL_FUNCTION(void, WriteMSR, (u32, index), (u64, value))
{
    __asm__ volatile("wrmsr" : : "c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

HL_FUNCTION(bytes, Cpuid, (u32, leaf), (u32, subleaf))
{
    static uint32_t out[4];
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(subleaf));
    return hl_bytes_of(out, sizeof(out));
}

/* By number, for a test that goes through them all. */
HL_FUNCTION(void, Privileged, (i32, what))
{
    uint64_t area[2] = {0, 0};
    switch (what) {
    case 0:
        __asm__ volatile("hlt");
        break;
    case 1:
        __asm__ volatile("cli");
        break;
    case 2:
        __asm__ volatile("mov %0, %%cr3" : : "r"(0ul));
        break;
    case 3:
        __asm__ volatile("mov %0, %%cr0" : : "r"(0ul));
        break;
    case 4:
        __asm__ volatile("mov %0, %%cr4" : : "r"(0ul));
        break;
    case 5:
        __asm__ volatile("mov %0, %%dr7" : : "r"(0xfful));
        break;
    case 6:
        __asm__ volatile("invlpg (%0)" : : "r"(area));
        break;
    case 7:
        __asm__ volatile("wbinvd");
        break;
    case 8:
        __asm__ volatile("lgdt %0" : : "m"(area));
        break;
    case 9:
        __asm__ volatile("lidt %0" : : "m"(area));
        break;
    case 10:
        __asm__ volatile("ltr %w0" : : "r"(0));
        break;
    case 11:
        __asm__ volatile("swapgs");
        break;
    case 12:
        __asm__ volatile("sysretq");
        break;
    case 13:
        __asm__ volatile("clts");
        break;
    default:
        __asm__ volatile("lmsw %w0" : : "r"(0));
        break;
    }
}
HL_FUNCTION(i32, PrivilegedCount)
{
    return 15;
}

HL_FUNCTION(void, Virtualise, (i32, what))
{
    uint64_t area = 0;
    switch (what) {
    case 0:
        __asm__ volatile("vmxon %0" : : "m"(area));
        break;
    case 1:
        __asm__ volatile("vmxoff");
        break;
    case 2:
        __asm__ volatile("vmlaunch");
        break;
    case 3:
        __asm__ volatile("vmptrld %0" : : "m"(area));
        break;
    case 4:
        __asm__ volatile("vmrun" : : "a"(&area));
        break;
    case 5:
        __asm__ volatile("vmload" : : "a"(&area));
        break;
    case 6:
        __asm__ volatile("stgi");
        break;
    case 7:
        __asm__ volatile("clgi");
        break;
    case 8:
        __asm__ volatile("vmcall");
        break;
    default:
        __asm__ volatile("vmmcall");
        break;
    }
}

/* ---- messages no honest guest sends ---- */

static void put_and_send(const void *message, size_t size, uint32_t port)
{
    memcpy((void *)hl_boot()->output, message, size);
    __asm__ volatile("outb %%al, %%dx" : : "d"(port), "a"(0) : "memory");
}

static int32_t corrupt(uint64_t bits, uint64_t len)
{
    struct hl_message message = {.kind = HL_MSG_RESULT, .count = 1};
    message.slot[0] = (struct hl_slot){.type = HL_BYTES, .bits = bits, .len = len};
    put_and_send(&message, sizeof(message), HL_PORT_WAIT);
    return 0;
}

/* Sizes and places are of bytes: these have a result of that type. */
HL_FUNCTION(bytes, CorruptOutputSize)
{
    corrupt((uint64_t)large, UINT64_MAX);
    return hl_bytes_of(NULL, 0);
}

HL_FUNCTION(bytes, CorruptOutputOffset)
{
    corrupt(UINT64_MAX - 8, 16);
    return hl_bytes_of(NULL, 0);
}

HL_FUNCTION(string, Send, (bytes, message), (u32, port))
{
    put_and_send(message.data, message.len, port);
    return "sent";
}

HL_FUNCTION(bytes, SendBytes, (bytes, message), (u32, port))
{
    put_and_send(message.data, message.len, port);
    return hl_bytes_of("sent", 4);
}

/* Everything in the input buffer, the message that is being served included. */
HL_FUNCTION(i32, ScribbleInput, (u32, value))
{
    memset((void *)hl_boot()->input, (int)value, hl_boot()->input_size);
    return 42;
}

HL_FUNCTION(void, LogForEver)
{
    for (;;)
        hl_log(HL_LOG_INFO, "again");
}
