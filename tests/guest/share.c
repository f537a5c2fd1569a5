/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that looks at memory, and writes to it, at any address. */
#include <hl/guest.h>

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

HL_FUNCTION(u32, Get, (u64, address))
{
    return *(volatile uint8_t *)(uintptr_t)address;
}

HL_FUNCTION(void, Put, (u64, address), (u32, value))
{
    *(volatile uint8_t *)(uintptr_t)address = (uint8_t)value;
}

HL_FUNCTION(u64, Sum, (u64, address), (u64, size))
{
    const volatile uint8_t *p = (const volatile uint8_t *)(uintptr_t)address;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < size; i++)
        sum += p[i];
    return sum;
}

/* Every page of it. */
HL_FUNCTION(void, Fill, (u64, address), (u64, pages), (u32, value))
{
    for (uint64_t i = 0; i < pages; i++)
        *(volatile uint8_t *)(uintptr_t)(address + i * 4096) = (uint8_t)value;
}

HL_FUNCTION(void, Jump, (u64, address))
{
    ((void (*)(void))(uintptr_t)address)();
}

HL_FUNCTION(i32, Mprotect, (u64, address), (u64, size))
{
    return mprotect((void *)(uintptr_t)address, size, PROT_READ | PROT_WRITE) ? errno : 0;
}

HL_FUNCTION(i32, Munmap, (u64, address), (u64, size))
{
    return munmap((void *)(uintptr_t)address, size) ? errno : 0;
}
