/* SPDX-License-Identifier: Apache-2.0 */
/* What a debugger meets: places to stop, instructions that are hard to step, registers, data. */
#include <hl/guest.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>

HL_HOST_FUNCTION(i32, HostPoke, (u64, address), (i32, value));

#define SLIDE "1000"
#define STORE_ALL(op)                                                                              \
    op("rax", "0") op("rbx", "8") op("rcx", "16") op("rdx", "24") op("rsi", "32") op("rdi", "40")  \
        op("rbp", "48") op("rsp", "56") op("r8", "64") op("r9", "72") op("r10", "80")              \
            op("r11", "88") op("r12", "96") op("r13", "104") op("r14", "112") op("r15", "120")
#define TO_BLOCK(reg, at) "mov %" reg ", block+" at "(%rip)\n"
#define TO_KEEP(reg, at) "mov %" reg ", keep+" at "(%rip)\n"
#define FROM_BLOCK(reg, at) "mov block+" at "(%rip), %" reg "\n"
#define FROM_KEEP(reg, at) "mov keep+" at "(%rip), %" reg "\n"

/* One instruction to be stepped; its address goes into the table. */
#define STEP(text) "9: " text "\n.pushsection .rodata.steps, \"a\"\n.quad 9b\n.popsection\n"

__asm__(".pushsection .rodata.steps, \"a\"\n.balign 8\n.globl steps\nsteps:\n.popsection\n"
        ".text\n.balign 4096\n"
        ".globl tick, tick_end\n"
        "tick: nop\n"
        "tick_end: ret\n"
        /* --- a thousand places */
        ".globl slide\n"
        "slide: .fill " SLIDE ", 1, 0x90\n"
        "ret\n"
        /* --- instructions a debugger gets wrong; what it lets the guest see is in eax: bits 8 of
         * all flags stored, 1: a register was lost, 2: so was memory */
        ".globl odd, odd_end\n"
        "odd:\n"                               /* */
        STEP("push %rbx") STEP("push %r12")    /* */
        STEP("xor %r12d, %r12d")               /* */
        STEP("pushfq") STEP("or (%rsp), %r12") /* TF as pushed */
        STEP("popfq")                          /* */
        STEP("pushfq") STEP("pop %rax") STEP("or %rax, %r12") STEP("pushfw")
            STEP("or (%rsp), %r12w") STEP("popfw") STEP("rdtsc") /* */
        STEP("xor %eax, %eax") STEP("cpuid")                     /* */
        STEP("mov $39, %eax") STEP("syscall")                    /* getpid: 1 */
        STEP("or %r11, %r12")                                    /* TF as `syscall` saves it */
        STEP("cmp $1, %eax") STEP("jne 1f")                      /* */
        STEP("lea bytes(%rip), %rsi") STEP("lea bytes+8(%rip), %rdi") STEP("mov $5, %ecx")
            STEP("rep movsb") /* */
        STEP("lea area(%rip), %rdi") STEP("fxsave64 (%rdi)") STEP("fxrstor64 (%rdi)")
            STEP("mov $7, %eax") STEP("xor %edx, %edx") STEP("xsave64 (%rdi)")
                STEP("xrstor64 (%rdi)") STEP("movd %eax, %xmm3") STEP("paddd %xmm3, %xmm3")
                    STEP("movd %xmm3, %ecx") STEP("cmp $14, %ecx") STEP("jne 1f") /* */
        STEP("fldpi") STEP("fstp %st(0)")                                         /* */
        STEP("lock incq counter(%rip)")                                           /* */
        STEP("call tick_end") /* ret comes from elsewhere: not in the table */
        STEP("and $0x100, %r12d") STEP("mov %r12d, %eax") STEP("2: pop %r12") STEP("pop %rbx")
            STEP("ret") /* */
        "1: or $1, %r12d\nmov %r12d, %eax\njmp 2b\n"
        "odd_end:\n"
        /* --- the guest's own traps */
        ".globl own_tf, own_tf_trap, own_int3, own_int3_trap\n"
        "own_tf: pushfq\norq $0x100, (%rsp)\npopfq\nnop\n"
        "own_tf_trap: nop\npushfq\nandq $~0x100, (%rsp)\npopfq\nret\n"
        "own_int3: int3\n"
        "own_int3_trap: ret\n"
        /* --- registers out */
        ".globl save, save_here, save_end, load, load_here\n"
        "save:\n" STORE_ALL(TO_KEEP) /* */
        "save_here: nop\n"           /* the debugger sets registers here */
        STORE_ALL(TO_BLOCK)          /* */
        "pushfq\npop block+128(%rip)\n"
        "testb $1, has_bases(%rip)\njz 1f\n"
        "rdfsbase %rax\nmov %rax, block+136(%rip)\nrdgsbase %rax\nmov %rax, block+144(%rip)\n"
        "mov keep+136(%rip), %rax\nwrfsbase %rax\nmov keep+144(%rip), %rax\nwrgsbase %rax\n"
        "1: cld\n"
        "mov $-1, %eax\nmov $-1, %edx\nxsave64 area(%rip)\n" /* */
        STORE_ALL(FROM_KEEP)                                 /* */
        "save_end: ret\n"
        /* --- registers in */
        "load:\n" STORE_ALL(TO_KEEP) /* */
        "mov $-1, %eax\nmov $-1, %edx\nxrstor64 area(%rip)\n"
        "pushq block+128(%rip)\npopfq\n" /* */
        STORE_ALL(FROM_BLOCK)            /* */
        "load_here: nop\n"               /* the debugger looks at them here */
        STORE_ALL(FROM_KEEP)             /* */
        "cld\nret\n"
        /* --- accesses */
        ".globl copy_here, store_push, store_modify, store_xsave\n"
        "copy_here: mov %rdx, %rcx\nrep movsb\nret\n"                   /* to, from, size */
        "store_push: xchg %rdi, %rsp\npush %rsi\nmov %rdi, %rsp\nret\n" /* below rdi */
        "store_modify: add %esi, (%rdi)\nret\n"
        "store_xsave: mov $3, %eax\nxor %edx, %edx\nxsave64 (%rdi)\nret\n"
        ".section .bss\n.balign 64\n"
        "area: .skip 16384\nkeep: .skip 256\nblock: .skip 256\n"
        "bytes: .skip 16\ncounter: .skip 8\nhas_bases: .skip 8\n.text\n");

extern const char tick[], tick_end[], slide[], odd[], odd_end[], own_tf[], own_tf_trap[],
    own_int3[], own_int3_trap[], save_here[], save_end[], load_here[], steps[];
extern char area[], block[], keep[], has_bases[];
void save(void), load(void);
void copy_here(void *to, const void *from, size_t size);
void store_push(void *above, uint64_t value);
void store_modify(void *at, uint32_t value);
void store_xsave(void *at);

#define PIECE (64u << 10)
static _Alignas(4096) uint8_t global[PIECE];
static uint8_t *heap;
static volatile uint64_t words[2];

HL_FUNCTION(u64, Where, (string, name))
{
    const struct {
        const char *name;
        const void *at;
    } places[] = {
        {"tick", tick},           {"tick_end", tick_end},
        {"slide", slide},         {"odd", odd},
        {"odd_end", odd_end},     {"own_tf_trap", own_tf_trap},
        {"own_int3", own_int3},   {"save_here", save_here},
        {"load_here", load_here}, {"save_end", save_end},
        {"steps", steps},         {"area", area},
        {"block", block},         {"keep", keep},
        {"has_bases", has_bases}, {"copy_here", copy_here},
        {"global", global},       {"words", (const void *)words},
    };
    if (strcmp(name, "heap") == 0)
        return (uint64_t)(heap = heap ? heap : malloc(PIECE));
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (strcmp(places[i].name, name) == 0)
            return (uint64_t)places[i].at;
    return 0;
}

HL_FUNCTION(i32, Tick, (i32, times))
{
    for (int i = 0; i < times; i++)
        ((void (*)(void))tick)();
    return times;
}

HL_FUNCTION(i32, Slide)
{
    ((void (*)(void))slide)();
    return 1000;
}

HL_FUNCTION(i32, Odd)
{
    return ((int (*)(void))odd)();
}

HL_FUNCTION(i32, OwnTf)
{
    ((void (*)(void))own_tf)();
    return 1;
}

/* By the instruction itself: a libc may remember it. */
HL_FUNCTION(i32, Pid)
{
    int pid;
    __asm__ volatile("syscall" : "=a"(pid) : "0"(SYS_getpid) : "rcx", "r11", "memory");
    return pid;
}

HL_FUNCTION(i32, OwnInt3)
{
    ((void (*)(void))own_int3)();
    return 1;
}

HL_FUNCTION(i32, Save)
{
    save();
    return 1;
}

HL_FUNCTION(i32, Load)
{
    load();
    return 1;
}

/* ---- work to be stepped through ---- */

static unsigned collatz(unsigned n)
{
    unsigned steps_made = 0;
    for (; n != 1; steps_made++)
        n = n % 2 ? 3 * n + 1 : n / 2;
    return steps_made;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Loops, calls, a table of functions, strings, floating point, a host call, system calls. */
HL_FUNCTION(i32, Work, (i32, n))
{
    int list[8] = {5, 3, 8, 1, 9, 2, 7, 4};
    char text[64];
    qsort(list, 8, sizeof(list[0]), compare);
    snprintf(text, sizeof(text), "%d %.3f %s", n, n / 3.0, "text");
    int sum = (int)strlen(text) + (int)collatz((unsigned)n);
    for (int i = 0; i < 8; i++)
        sum += list[i] * i;
    sum += HostPoke(0, n);
    return sum;
}

HL_FUNCTION(void, Spin)
{
    for (;;)
        words[0]++;
}

/* ---- accesses ---- */

HL_FUNCTION(u64, OnStack)
{
    return (uint64_t)__builtin_frame_address(0) - 4 * 4096;
}

HL_FUNCTION(void, Store, (u64, address), (u32, size), (u64, value))
{
    switch (size) {
    case 1:
        *(volatile uint8_t *)address = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)address = (uint16_t)value;
        break;
    case 4:
        *(volatile uint32_t *)address = (uint32_t)value;
        break;
    default:
        *(volatile uint64_t *)address = value;
    }
}

HL_FUNCTION(u64, Load8, (u64, address))
{
    return *(volatile uint64_t *)address;
}

HL_FUNCTION(void, Copy, (u64, to), (u64, from), (u32, size))
{
    copy_here((void *)to, (const void *)from, size);
}

HL_FUNCTION(void, Push, (u64, above), (u64, value))
{
    store_push((void *)above, value);
}

HL_FUNCTION(void, Modify, (u64, address), (u32, value))
{
    store_modify((void *)address, value);
}

HL_FUNCTION(void, Xsave, (u64, address))
{
    store_xsave((void *)address);
}

/* The kernel's part of a libc, which is the host, writes there. */
HL_FUNCTION(void, Random, (u64, address), (u32, size))
{
    getrandom((void *)address, size, 0);
}

HL_FUNCTION(i32, Poke, (u64, address), (i32, value))
{
    return HostPoke(address, value);
}

HL_FUNCTION(i32, Crash)
{
    return *(volatile int *)0x10;
}

/* 0: it has slept to the end. */
HL_FUNCTION(i32, Nap, (u32, ms))
{
    const struct timespec span = {ms / 1000, (long)(ms % 1000) * 1000000};
    return nanosleep(&span, NULL);
}

static volatile int caught;
static void on_signal(int number)
{
    caught += number;
}

HL_FUNCTION(i32, Catch)
{
    caught = 0;
    signal(SIGUSR1, on_signal);
    signal(SIGUSR2, on_signal);
    raise(SIGUSR1);
    return caught;
}
