/* SPDX-License-Identifier: Apache-2.0 */
/* All that can go wrong in a guest, one function each. */
#include <hl/guest.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int counter;
static volatile int zero;
static const char constant[] = "constant";

HL_HOST_FUNCTION(i32, HostHook, (i32, what));

HL_FUNCTION(i32, Count)
{
    return ++counter;
}

HL_FUNCTION(void, Abort, (i32, code), (string, message))
{
    hl_abort(code, message);
}

HL_FUNCTION(void, LibcAbort)
{
    abort();
}

HL_FUNCTION(void, Assert)
{
    assert(zero == 1);
}

HL_FUNCTION(void, Exit, (i32, status))
{
    exit(status);
}

HL_FUNCTION(void, Raise, (i32, number))
{
    syscall(200, 1, number); /* tkill */
}

HL_FUNCTION(i32, Divide)
{
    return counter / zero;
}

HL_FUNCTION(i32, Read, (u64, address))
{
    return *(volatile char *)address;
}

HL_FUNCTION(void, Write, (u64, address))
{
    *(volatile char *)address = 1;
}

HL_FUNCTION(void, Jump, (u64, address))
{
    ((void (*)(void))address)();
}

HL_FUNCTION(u64, Address, (i32, what))
{
    char local[16];
    switch (what) {
    case 0:
        return (uint64_t)Count;
    case 1:
        return (uint64_t)constant;
    case 2:
        return (uint64_t)&counter;
    case 3:
        return (uint64_t)malloc(64);
    default:
        __asm__ volatile("" : : "r"(local) : "memory");
        return (uint64_t)local;
    }
}

HL_FUNCTION(void, Privileged)
{
    __asm__ volatile("hlt");
}

HL_FUNCTION(void, Port, (u32, port))
{
    __asm__ volatile("outb %%al, %%dx" : : "d"(port));
}

HL_FUNCTION(void, Breakpoint)
{
    __asm__ volatile("int3");
}

static int recurse(volatile int *up)
{
    volatile int here[64];
    here[0] = *up + 1;
    if (zero)
        return 0;
    return recurse(here) + here[0];
}

HL_FUNCTION(i32, StackOverflow)
{
    volatile int start = 0;
    return recurse(&start);
}

HL_FUNCTION(i32, LargeFrame, (u32, size))
{
    volatile char *frame = __builtin_alloca(size);
    frame[0] = 1;
    return frame[0];
}

HL_FUNCTION(i32, SmashStack, (u32, size))
{
    volatile char buffer[16];
    for (uint32_t i = 0; i < size; i++)
        buffer[i] = 'x';
    return buffer[0];
}

/* How many pieces of this size there are, until malloc says NULL. */
HL_FUNCTION(u32, ExhaustHeap, (u32, size))
{
    void **last = NULL;
    uint32_t pieces = 0;
    for (void **p; (p = malloc(size)); last = p, pieces++)
        *p = last;
    if (errno != ENOMEM)
        return 0;
    while (last) {
        void **next = *last;
        free(last);
        last = next;
    }
    return pieces;
}

HL_FUNCTION(u64, UnmappedMemory)
{
    char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return 0;
    p[0] = p[65535] = 1;
    munmap(p, 65536);
    return (uint64_t)p;
}

HL_FUNCTION(u64, ReadOnlyMemory)
{
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return 0;
    p[0] = p[4096] = 1;
    mprotect(p, 4096, PROT_READ);
    return (uint64_t)p;
}

/* 0: both protections are refused, as W^X wants it. */
HL_FUNCTION(i32, ExecutableMemory)
{
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED || q == MAP_FAILED || mprotect(q, 4096, PROT_READ | PROT_EXEC) == 0;
}

HL_FUNCTION(i32, Syscall, (i64, number), (u64, a), (u64, b), (u64, c))
{
    errno = 0;
    long rc = syscall(number, a, b, c, 0, 0, 0);
    return rc == -1 ? -errno : (int32_t)rc;
}

HL_FUNCTION(void, Spin)
{
    HostHook(1); /* the host knows that it runs now */
    for (;;)
        counter++;
}

/* One writev of very much: as long as a system call can be made. */
HL_FUNCTION(i64, WriteMuch)
{
    enum { PIECES = 1024 };
    static struct {
        void *base;
        size_t size;
    } iov[PIECES];
    const size_t size = 16u << 20;
    char *memory = malloc(size);
    for (unsigned i = 0; memory && i < PIECES; i++) {
        iov[i].base = memory;
        iov[i].size = size;
    }
    long result;
    register long count __asm__("rdx") = PIECES;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(20), "D"(1), "S"(iov), "r"(count)
                     : "rcx", "r11", "memory");
    free(memory);
    return result;
}

HL_FUNCTION(void, CallForEver)
{
    for (;;)
        HostHook(2);
}

HL_FUNCTION(void, PrintForEver)
{
    for (;;) {
        fputs("again and again\n", stdout);
        fflush(stdout);
    }
}

HL_FUNCTION(i32, CallHook, (i32, what))
{
    return HostHook(what);
}

HL_FUNCTION(void, Log, (i32, level), (string, text))
{
    hl_log((enum hl_log_level)level, text);
}

HL_FUNCTION(void, Print, (string, text))
{
    printf("%s", text);
}

HL_FUNCTION(void, PrintError, (string, text))
{
    fprintf(stderr, "%s", text);
}
