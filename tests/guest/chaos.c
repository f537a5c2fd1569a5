/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that does anything: random instructions, which the host puts into chaos_code, and random
 * bytes into all it can reach, random messages, ports, system calls and jumps.  What it does is
 * the seed's doing alone.  tests/chaos/chaos.c drives it.
 */
#include <hl/guest.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

HL_HOST_FUNCTION(i32, HostAdd, (i32, a), (i32, b));
HL_HOST_FUNCTION(bytes, HostBytes, (bytes, data), (string, text));

#define CODE_SIZE 8192
__asm__(".pushsection .text.chaos, \"ax\", @progbits\n"
        ".balign 4096\n.globl chaos_code\n.type chaos_code, @function\n"
        "chaos_code: .fill 8192, 1, 0xc3\n.size chaos_code, 8192\n.popsection");
extern const uint8_t chaos_code[];

static uint8_t data[32 << 10];
static uint8_t known[4096]; /* 1, 2, 3, ...: looked at by Check() */
static uint64_t state;
static uint8_t *heap;

__attribute__((constructor)) static void set_up(void)
{
    heap = mmap(NULL, 64 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < sizeof(known); i++)
        known[i] = (uint8_t)i;
}

static uint64_t number(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dull;
}

static uint64_t below(uint64_t n)
{
    return (number() >> 16) % n;
}

/* A place: mostly one that is there, or next to one. */
static uint64_t place(void)
{
    const struct hl_boot *boot = hl_boot();
    const uint64_t wild = number();
    switch (below(14)) {
    case 0:
        return boot->input + below(boot->input_size);
    case 1:
        return boot->output + below(2048);
    case 2:
        return boot->output + boot->output_size - below(64);
    case 3:
        return boot->stack + below(boot->stack_size);
    case 4:
        return (uint64_t)__builtin_frame_address(0) - 512 + below(1024);
    case 5:
        return boot->heap + below(1 << 20);
    case 6:
        return (uint64_t)heap + below(64 << 10);
    case 7:
        return (uint64_t)data + below(sizeof(data));
    case 8:
        return (uint64_t)chaos_code - 65536 + below(131072);
    case 9:
        return 0x800000000000 - 65536 + below(131072);
    case 10:
        return (uint64_t)boot + below(8192) - 64;
    case 11:
        return below(8192);
    case 12:
        return wild >> below(64);
    default:
        return wild;
    }
}

static uint64_t value(void)
{
    static const uint64_t edges[] = {0,          1,          8,          16,        4095,
                                     4096,       INT32_MAX,  UINT32_MAX, 1u << 31,  1ull << 32,
                                     1ull << 63, UINT64_MAX, 256u << 20, 1ull << 47};
    switch (below(4)) {
    case 0:
        return edges[below(sizeof(edges) / sizeof(edges[0]))] + below(3) - 1;
    case 1:
        return below(300);
    case 2:
        return place();
    default:
        return number() >> below(64);
    }
}

static void leave(uint32_t port)
{
    __asm__ volatile("outb %%al, %%dx" : : "d"(port), "a"(0) : "memory");
}

/* Well formed but for what chance makes of it. */
static void message(void)
{
    struct hl_message m = {.kind = (uint32_t)below(9),
                           .index = (uint32_t)below(4),
                           .count = (uint32_t)below(4),
                           .code = (int32_t)number()};
    for (unsigned i = 0; i < HL_MAX_ARGS; i++)
        m.slot[i] = (struct hl_slot){
            .type = (uint32_t)below(11),
            .bits = below(2) ? (uint64_t)data + below(100) : value(),
            .len = below(3) ? below(5000) : value(),
        };
    for (uint64_t n = below(4); n--;)
        ((uint8_t *)&m)[below(sizeof(m))] = (uint8_t)number();
    memcpy((void *)hl_boot()->output, &m, sizeof(m));
    leave(HL_PORT_WAIT + (uint32_t)below(4));
}

static void host_calls(void)
{
    HostAdd((int32_t)number(), (int32_t)number());
    struct hl_bytes got = HostBytes(hl_bytes_of(data, below(sizeof(data))), "text");
    if (got.len)
        memset(got.data, 0x55, got.len);
}

static void scribble(void)
{
    uint8_t *to = (uint8_t *)place();
    for (uint64_t n = 1 + below(below(8) ? 64 : 20000); n--; to++)
        *to = (uint8_t)number();
}

static void system_call(void)
{
    static const uint16_t served[] = {0,   1,   3,   8,   9,   10,  11,  12,  13, 14,  16,
                                      19,  20,  24,  25,  28,  39,  60,  62,  96, 102, 158,
                                      186, 200, 201, 218, 228, 229, 231, 234, 318};
    uint64_t rax = below(8) ? served[below(sizeof(served) / sizeof(served[0]))] : value();
    register uint64_t r10 __asm__("r10") = value(), r8 __asm__("r8") = value(),
                          r9 __asm__("r9") = value();
    __asm__ volatile("syscall"
                     : "+a"(rax)
                     : "D"(value()), "S"(value()), "d"(value()), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
}

static void port(void)
{
    uint32_t at = below(2) ? HL_PORT_WAIT + (uint32_t)below(8) : (uint32_t)number() & 0xffff;
    uint64_t n = below(300);
    void *p = (void *)place();
    switch (below(7)) {
    case 0:
        __asm__ volatile("outw %%ax, %%dx" : : "d"(at), "a"(0) : "memory");
        break;
    case 1:
        __asm__ volatile("outl %%eax, %%dx" : : "d"(at), "a"(0) : "memory");
        break;
    case 2:
        __asm__ volatile("inb %%dx, %%al" : : "d"(at) : "rax", "memory");
        break;
    case 3:
        __asm__ volatile("inl %%dx, %%eax" : : "d"(at) : "rax", "memory");
        break;
    case 4:
        __asm__ volatile("rep outsb" : "+S"(p), "+c"(n) : "d"(at) : "memory");
        break;
    case 5:
        __asm__ volatile("rep insb" : "+D"(p), "+c"(n) : "d"(at) : "memory");
        break;
    default:
        leave(at);
        break;
    }
}

static void jump(void)
{
    ((void (*)(void))place())();
}

/* Registers are places and values; `rsp` now and then, too. */
static void run_code(void)
{
    uint64_t regs[14], target = (uint64_t)chaos_code + below(CODE_SIZE - 64);
    for (unsigned i = 0; i < 14; i++)
        regs[i] = below(3) ? place() : value();
    if (below(4))
        regs[13] = (uint64_t)__builtin_frame_address(0) - 4096;
    __asm__ volatile("push %1\n"
                     "mov (%0), %%rbx; mov 8(%0), %%rcx; mov 16(%0), %%rdx; mov 24(%0), %%rsi\n"
                     "mov 32(%0), %%rdi; mov 48(%0), %%r8; mov 56(%0), %%r9\n"
                     "mov 64(%0), %%r10; mov 72(%0), %%r11; mov 80(%0), %%r12; mov 88(%0), %%r13\n"
                     "mov 96(%0), %%r14; pop %%r15; mov 104(%0), %%rsp; mov 40(%0), %%rbp\n"
                     "jmp *%%r15"
                     :
                     : "a"(regs), "d"(target)
                     : "memory");
}

static void flags(void)
{
    __asm__ volatile("push %0; popfq" : : "r"(number() & 0x3f7fd5) : "memory", "cc");
}

HL_FUNCTION(i32, Chaos, (u64, seed))
{
    static void (*const deeds[])(void) = {message,     message,     scribble,   scribble,
                                          system_call, system_call, port,       jump,
                                          run_code,    run_code,    host_calls, flags};
    state = seed | 1;
    for (int i = 0; i < 8; i++)
        number();
    for (uint64_t n = 1 + below(24); n--;)
        deeds[below(sizeof(deeds) / sizeof(deeds[0]))]();
    return (int32_t)state;
}

/* Succeeds only in a guest that is intact. */
HL_FUNCTION(i32, Check, (i32, n))
{
    for (size_t i = 0; i < sizeof(known); i++)
        if (known[i] != (uint8_t)i)
            return -1;
    for (size_t i = 0; i < sizeof(data); i++)
        if (data[i])
            return -2;
    uint8_t *p = malloc(1000);
    if (!p || state)
        return -3;
    memset(p, 1, 1000);
    free(p);
    return HostAdd(n, 1);
}
