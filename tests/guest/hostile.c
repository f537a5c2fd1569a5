/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that sends the host whatever message the test made up, in whatever way.
 * flags: --freestanding
 */
#include <hl/guest.h>

HL_HOST_FUNCTION(i32, HostNumber, (i32, a), (bool, b));
HL_HOST_FUNCTION(string, HostText, (string, a), (bytes, b));

enum how { OUT_BYTE, OUT_WORD, OUT_LONG, IN_BYTE, IN_WORD, IN_LONG, OUT_STRING, OUT_REP, IN_REP };

/* Writes the message over the output buffer and leaves the guest by this port in this way. */
static void send(struct hl_bytes message, uint32_t port, uint32_t how)
{
    uint8_t *output = (uint8_t *)(uintptr_t)hl_boot()->output;
    static uint8_t scratch[4096];
    void *at = scratch;
    uint64_t n = 100;

    for (size_t i = 0; i < message.len; i++)
        output[i] = message.data[i];
    switch ((enum how)how) {
    case OUT_BYTE:
        __asm__ volatile("outb %%al, %%dx" : : "d"(port) : "memory");
        break;
    case OUT_WORD:
        __asm__ volatile("outw %%ax, %%dx" : : "d"(port) : "memory");
        break;
    case OUT_LONG:
        __asm__ volatile("outl %%eax, %%dx" : : "d"(port) : "memory");
        break;
    case IN_BYTE:
        __asm__ volatile("inb %%dx, %%al" : : "d"(port) : "rax", "memory");
        break;
    case IN_WORD:
        __asm__ volatile("inw %%dx, %%ax" : : "d"(port) : "rax", "memory");
        break;
    case IN_LONG:
        __asm__ volatile("inl %%dx, %%eax" : : "d"(port) : "rax", "memory");
        break;
    case OUT_STRING:
        __asm__ volatile("outsb" : "+S"(at) : "d"(port) : "memory");
        break;
    case OUT_REP:
        __asm__ volatile("rep outsb" : "+S"(at), "+c"(n) : "d"(port) : "memory");
        break;
    case IN_REP:
        __asm__ volatile("rep insb" : "+D"(at), "+c"(n) : "d"(port) : "memory");
        break;
    }
}

#define SENDER(type)                                                                               \
    HL_FUNCTION_NAMED("send-" #type, type, send_##type, (bytes, message), (u32, port), (u32, how))

SENDER(void)
{
    send(message, port, how);
}

SENDER(i32)
{
    send(message, port, how);
    return 7;
}

SENDER(bool)
{
    send(message, port, how);
    return 1;
}

SENDER(f32)
{
    send(message, port, how);
    return 1;
}

SENDER(string)
{
    send(message, port, how);
    return "fine";
}

SENDER(bytes)
{
    send(message, port, how);
    return hl_bytes_of("fine", 4);
}

/* Never used, but makes the imports exist, in this order. */
HL_FUNCTION(i32, UseImports)
{
    return HostNumber(1, 1) + (HostText("a", hl_bytes_of("b", 1)) != 0);
}

HL_FUNCTION(i32, Seven)
{
    return 7;
}

/* Asks for things that need no message: addresses of the shim, wild ones, as code and as data. */
HL_FUNCTION(i32, Touch, (u64, address), (i32, what))
{
    if (what == 0)
        return *(volatile char *)address;
    if (what == 1)
        *(volatile char *)address = 1;
    else
        ((void (*)(void))address)();
    return 0;
}
