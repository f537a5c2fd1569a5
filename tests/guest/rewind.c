/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that leaves traces everywhere it can, and one function to look for them. */
#include <hl/guest.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define XSAVE_SIZE 4096

static int32_t counter, seed = 42;
static char big[64 << 10];
static char *kept;
static _Thread_local int tls = 7;

HL_HOST_FUNCTION(i32, HostAdd, (i32, a), (i32, b));

struct looks {
    uint8_t xsave[XSAVE_SIZE] __attribute__((aligned(64)));
    uint64_t rflags, fs_base, gs_base, xcr0;
    uint16_t ds, es, fs, gs;
    uint32_t mxcsr, pad;
};

static struct looks looks;

__attribute__((target("xsave"))) static uint64_t read_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* All registers a program can see, but for the general ones. */
HL_FUNCTION(bytes, Look)
{
    struct looks *l = &looks;
    l->xcr0 = read_xcr0();
    __asm__ volatile("xsave64 %0"
                     : "=m"(l->xsave)
                     : "a"((uint32_t)l->xcr0), "d"((uint32_t)(l->xcr0 >> 32))
                     : "memory");
    __asm__ volatile("pushfq; popq %0" : "=r"(l->rflags));
    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
                     : "=r"(l->ds), "=r"(l->es), "=r"(l->fs), "=r"(l->gs));
    __asm__ volatile("rdfsbase %0; rdgsbase %1" : "=r"(l->fs_base), "=r"(l->gs_base));
    __asm__ volatile("stmxcsr %0" : "=m"(l->mxcsr));
    return hl_bytes_of(l, sizeof(*l));
}

/* Every vector, mask and x87 register gets contents of its own. */
HL_FUNCTION(void, DirtyVectors, (u32, value))
{
    static uint8_t area[XSAVE_SIZE] __attribute__((aligned(64)));
    uint64_t xcr0 = read_xcr0();
    memset(area, (int)value | 1, sizeof(area));
    memset(area + 512, 0, 64);
    memcpy(area + 512, &xcr0, sizeof(xcr0));
    const uint16_t fcw = 0x0f7f, fsw = 0x3800;
    const uint32_t mxcsr = 0x7f80, mask = 0xffff;
    memset(area, 0, 32);
    memcpy(area, &fcw, 2);
    memcpy(area + 2, &fsw, 2);
    area[4] = 0xff;
    memcpy(area + 24, &mxcsr, 4);
    memcpy(area + 28, &mask, 4);
    __asm__ volatile("xrstor64 %0"
                     :
                     : "m"(area), "a"((uint32_t)xcr0), "d"((uint32_t)(xcr0 >> 32))
                     : "memory");
}

/* Direction, identification and alignment-check flag, and never seen again. */
HL_FUNCTION(void, DirtyFlags)
{
    __asm__ volatile("pushfq; orq $0x240400, (%%rsp); popfq; ud2" : : : "memory");
}

HL_FUNCTION(void, DirtySegments)
{
    __asm__ volatile("wrgsbase %0; mov %1, %%ds; mov %1, %%es; ud2" : : "r"(0x123456000ul), "r"(0));
}

HL_FUNCTION(void, DirtyFsBase)
{
    __asm__ volatile("wrfsbase %0; ud2" : : "r"(0x654321000ul));
}

HL_FUNCTION(void, DirtyGeneral)
{
    __asm__ volatile(
        "mov $0x5a5a5a5a, %%eax; mov %%rax, %%rbx; mov %%rax, %%rcx; mov %%rax, %%rdx\n"
        "mov %%rax, %%rsi; mov %%rax, %%rdi; mov %%rax, %%rbp; mov %%rax, %%rsp\n"
        "mov %%rax, %%r8; mov %%rax, %%r9; mov %%rax, %%r10; mov %%rax, %%r11\n"
        "mov %%rax, %%r12; mov %%rax, %%r13; mov %%rax, %%r14; mov %%rax, %%r15; ud2"
        :
        :
        : "memory");
}

/* Globals, heap, brk, mmap and stack; the number shows that it is the first time. */
HL_FUNCTION(i32, DirtyMemory, (u32, pages))
{
    size_t size = (size_t)pages * 4096;
    char *p = malloc(size);
    char *q = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *brk = (char *)syscall(SYS_brk, 0); /* musl's own heap moves to mmap then */
    volatile char stack[8192];
    if (!p || q == MAP_FAILED || syscall(SYS_brk, brk + size) != (long)(brk + size))
        return -1;
    memset(big, ++counter, sizeof(big));
    memset(p, 0x5a, size);
    memset(q, 0x5b, size);
    memset(brk, 0x5c, size);
    for (size_t i = 0; i < sizeof(stack); i++)
        stack[i] = 0x5d;
    mprotect(q, 4096, PROT_READ);
    if (kept)
        kept[0]++;
    tls++;
    return counter;
}

/* Before a snapshot: memory that is to come back. */
HL_FUNCTION(u64, Keep, (u32, size))
{
    kept = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(kept, 0x77, size);
    return (uint64_t)kept;
}

HL_FUNCTION(u64, Map, (u32, size))
{
    return (uint64_t)mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

HL_FUNCTION(i32, Unmap, (u64, at), (u32, size))
{
    return munmap((void *)at, size);
}

/* ... and in the call it all goes. */
HL_FUNCTION(i32, Drop, (u32, size))
{
    return munmap(kept, size);
}

HL_FUNCTION(i32, ProtectKept, (u32, size))
{
    return mprotect(kept, size, PROT_NONE);
}

HL_FUNCTION(i32, ReadKept, (u32, size))
{
    for (uint32_t i = 0; i < size; i++)
        if (kept[i] != 0x77)
            return (int32_t)i;
    return -1;
}

HL_FUNCTION(i32, Peek, (u64, address))
{
    return *(volatile char *)address;
}

HL_FUNCTION(i32, Count)
{
    return ++counter;
}

HL_FUNCTION(i32, Tls)
{
    return ++tls;
}

HL_FUNCTION(i32, NextRandom)
{
    seed = (int32_t)((uint32_t)seed * 1103515245u + 12345u);
    return seed;
}

HL_FUNCTION(string, Echo, (string, text))
{
    return text;
}

HL_FUNCTION(i32, Add, (i32, a), (i32, b))
{
    return HostAdd(a, b);
}

HL_FUNCTION(void, Fail, (i32, code))
{
    hl_fail(code, "failed");
}

HL_FUNCTION(void, Abort)
{
    hl_abort(3, "aborted");
}

HL_FUNCTION(void, Exit, (i32, status))
{
    exit(status);
}

HL_FUNCTION(void, Spin)
{
    HostAdd(0, 0);
    for (;;)
        counter++;
}

static volatile int endless = 1;
static int recurse(int depth)
{
    volatile char here[512];
    here[0] = (char)depth;
    return endless ? recurse(depth + 1) + here[0] : 0;
}

HL_FUNCTION(i32, Recurse)
{
    return recurse(0);
}

/* What no honest guest does with the ports it may use: the exit is left unanswered. */
HL_FUNCTION(void, ReadPort)
{
    __asm__ volatile("inb $0xe1, %%al" : : : "rax");
}

HL_FUNCTION(void, ReadPorts, (u32, port), (u32, count))
{
    __asm__ volatile("rep insb" : : "d"(port), "D"(big), "c"((uint64_t)count) : "memory");
}

HL_FUNCTION(void, LoadSegments, (u32, ds), (u32, es), (u32, fs), (u32, gs))
{
    uint64_t base; /* the C library's */
    __asm__ volatile("mov %1, %%ds; mov %2, %%es; mov %4, %%gs;"
                     "rdfsbase %0; mov %3, %%fs; wrfsbase %0"
                     : "=&r"(base)
                     : "r"(ds), "r"(es), "r"(fs), "r"(gs));
}

HL_FUNCTION(u64, Segments)
{
    uint16_t ds, es, fs, gs;
    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    return ds | (uint64_t)es << 16 | (uint64_t)fs << 32 | (uint64_t)gs << 48;
}
