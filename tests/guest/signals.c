/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as a Linux program has them. */
#define _GNU_SOURCE
#include <hl/guest.h>

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "signals/signals.h"

volatile sig_atomic_t runs;
static volatile sig_atomic_t last;
siginfo_t info;
static ucontext_t context;
static volatile double disturbed;

static void note(int number)
{
    runs++;
    last = number;
}

static void note_all(int number, siginfo_t *i, void *c)
{
    note(number);
    info = *i;
    memcpy(&context, c, sizeof(context) < 304 ? sizeof(context) : 304);
    disturbed = disturbed * 3.0 + 1.0; /* vector registers */
}

static void dirty(void)
{
    volatile char b[4096];
    memset((void *)b, 0x5a, sizeof(b));
}

/* The structures of the kernel, without the libc in between. */
struct action {
    uint64_t handler, flags, restorer, mask;
};

HL_FUNCTION(i32, OldValues)
{
    struct action next = {.handler = 0x123456, .flags = 0x4000000, .restorer = 7, .mask = ~0ull};
    struct action old;
    uint64_t mask = ~0ull, before = 7;
    memset(&old, 0xa5, sizeof(old));
    CHECK(syscall(SYS_rt_sigaction, SIGUSR2, &next, &old, 8) == 0);
    CHECK(!old.handler && !old.flags && !old.restorer && !old.mask);
    CHECK(syscall(SYS_rt_sigaction, SIGUSR2, NULL, &old, 8) == 0);
    CHECK(old.handler == 0x123456 && old.flags == 0x4000000 && old.restorer == 7);
    CHECK(old.mask == ~(1ull << 8 | 1ull << 18));
    CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, 8) == 0 && before == 0);
    mask = 0;
    CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, 8) == 0);
    CHECK(before == ~(1ull << 8 | 1ull << 18));
    CHECK(syscall(SYS_rt_sigprocmask, 77, NULL, &before, 8) == 0 && before == 0);
    CHECK(signal(SIGUSR2, SIG_DFL) == (void (*)(int))0x123456);
    dirty();
    CHECK(signal(SIGINT, note) == SIG_DFL);
    CHECK(signal(SIGINT, SIG_DFL) == note);
    memset(&next, 0, sizeof(next));
    CHECK(syscall(SYS_rt_sigaction, SIGUSR2, &next, NULL, 8) == 0);
    return 0;
}

HL_FUNCTION(i32, Refused)
{
    struct action a = {0};
    uint64_t set = 0;
    CHECK(syscall(SYS_rt_sigaction, SIGUSR1, &a, NULL, 4) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_rt_sigaction, 0, NULL, &a, 8) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_rt_sigaction, 65, NULL, &a, 8) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_rt_sigaction, SIGKILL, &a, NULL, 8) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_rt_sigaction, SIGSTOP, &a, NULL, 8) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_rt_sigaction, SIGKILL, NULL, &a, 8) == 0);
    CHECK(syscall(SYS_rt_sigaction, SIGUSR1, 8, NULL, 8) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_rt_sigaction, SIGUSR1, NULL, 8, 8) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 128) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_rt_sigprocmask, 9, &set, NULL, 8) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, 8, NULL, 8) == -1 && errno == EFAULT);
    CHECK(kill(2, 0) == -1 && errno == ESRCH);
    CHECK(kill(getpid(), 65) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_tkill, -1, 0) == -1 && errno == EINVAL);
    CHECK(kill(getpid(), 0) == 0 && kill(0, 0) == 0);
    return 0;
}

int install(int number, int flags)
{
    struct sigaction a = {.sa_sigaction = note_all, .sa_flags = SA_SIGINFO | flags};
    runs = last = 0;
    sigemptyset(&a.sa_mask);
    return sigaction(number, &a, NULL);
}

/* A handler runs, knows why, and everything it disturbs is as before. */
HL_FUNCTION(i32, Handler)
{
    register double a __asm__("xmm7") = 1.5;
    CHECK(install(SIGUSR1, 0) == 0);
    __asm__ volatile("" : "+x"(a));
    CHECK(raise(SIGUSR1) == 0);
    CHECK(runs == 1 && last == SIGUSR1 && info.si_signo == SIGUSR1 && info.si_code == SI_TKILL);
    CHECK(kill(getpid(), SIGUSR1) == 0 && runs == 2);
    CHECK(info.si_code == SI_USER && info.si_pid == getpid());
    CHECK(context.uc_mcontext.gregs[REG_RAX] == 0); /* what kill() will have given */
    return 0;
}

/* All registers, the red zone and vector state, over a handler that comes in between. */
HL_FUNCTION(i32, Registers)
{
    uint64_t in[4] = {1, 2, 3, 4}, out[4] = {0}, r12 = 0, red = 0, flags = 0;
    uint32_t csr_in = 0x3f80, csr_out = 0, csr = 0x1f80;
    CHECK(install(SIGUSR1, 0) == 0);
    __asm__ volatile(
        "ldmxcsr %[csr_in]\n\t"
        "movdqu %[in], %%xmm9\n\t"
        "mov $0x1122334455667788, %%r12\n\t"
        "mov %%r12, -64(%%rsp)\n\t"
        "mov $62, %%eax\n\t"
        "mov $1, %%edi\n\t"
        "mov $10, %%esi\n\t"
        "std\n\t"
        "syscall\n\t"
        "pushfq\n\t"
        "pop %[flags]\n\t"
        "cld\n\t"
        "stmxcsr %[csr_out]\n\t"
        "mov %%r12, %[r12]\n\t"
        "movdqu %%xmm9, %[out]\n\t"
        : [out] "=m"(out), [r12] "=m"(r12), [csr_out] "=m"(csr_out), [flags] "=r"(flags)
        : [in] "m"(in), [csr_in] "m"(csr_in)
        : "rax", "rdi", "rsi", "rcx", "r11", "r12", "xmm9", "memory");
    __asm__ volatile("ldmxcsr %0" : : "m"(csr));
    (void)red;
    CHECK(runs == 1 && r12 == 0x1122334455667788 && out[0] == 1 && out[1] == 2);
    CHECK(csr_out == csr_in && (flags & 0x400));
    return 0;
}

HL_FUNCTION(i32, Masks)
{
    sigset_t one, old, pending;
    CHECK(install(SIGUSR1, 0) == 0);
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    CHECK(sigprocmask(SIG_BLOCK, &one, &old) == 0 && !sigismember(&old, SIGUSR1));
    CHECK(kill(getpid(), SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0 && runs == 0);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0 && runs == 1);
    CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 0);
    /* ignored while pending: gone */
    CHECK(sigprocmask(SIG_BLOCK, &one, NULL) == 0 && kill(getpid(), SIGUSR1) == 0);
    CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR && install(SIGUSR1, 0) == 0);
    CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0 && runs == 0);
    CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR && raise(SIGUSR1) == 0);
    CHECK(raise(SIGCHLD) == 0 && raise(SIGURG) == 0); /* ignored unless asked for */
    return 0;
}

static volatile int depth, deepest;
static void nest(int number)
{
    deepest = ++depth > deepest ? depth : deepest;
    if (runs++ < 3)
        raise(number);
    depth--;
}

HL_FUNCTION(i32, Flags)
{
    struct sigaction a = {.sa_handler = nest};
    sigemptyset(&a.sa_mask);
    runs = depth = deepest = 0;
    CHECK(sigaction(SIGUSR1, &a, NULL) == 0 && raise(SIGUSR1) == 0);
    CHECK(runs == 4 && deepest == 1); /* blocked meanwhile */
    a.sa_flags = SA_NODEFER;
    runs = deepest = 0;
    CHECK(sigaction(SIGUSR1, &a, NULL) == 0 && raise(SIGUSR1) == 0);
    CHECK(runs == 4 && deepest == 4);
    CHECK(install(SIGUSR1, SA_RESETHAND) == 0 && raise(SIGUSR1) == 0 && runs == 1);
    CHECK(signal(SIGUSR1, SIG_DFL) == SIG_DFL);
    return 0;
}

static char other[16384];
static volatile uintptr_t stood;
static void where(int number)
{
    volatile char here;
    (void)number;
    stood = (uintptr_t)&here;
}

HL_FUNCTION(i32, AltStack)
{
    stack_t s = {.ss_sp = other, .ss_size = sizeof(other)}, old;
    struct sigaction a = {.sa_handler = where, .sa_flags = SA_ONSTACK};
    memset(&old, 0x5a, sizeof(old));
    CHECK(sigaltstack(&s, &old) == 0 && old.ss_flags == SS_DISABLE && !old.ss_size);
    CHECK(sigaltstack(NULL, &old) == 0 && old.ss_sp == other && old.ss_size == sizeof(other));
    CHECK(sigaction(SIGUSR1, &a, NULL) == 0 && raise(SIGUSR1) == 0);
    CHECK(stood >= (uintptr_t)other && stood < (uintptr_t)other + sizeof(other));
    s.ss_size = 4096; /* enough with AVX-512, too */
    CHECK(sigaltstack(&s, NULL) == 0 && raise(SIGUSR1) == 0);
    CHECK(stood >= (uintptr_t)other && stood < (uintptr_t)other + 4096);
    s.ss_size = 100;
    CHECK(sigaltstack(&s, NULL) == -1 && errno == ENOMEM);
    s.ss_size = sizeof(other);
    s.ss_flags = SS_DISABLE | SS_ONSTACK;
    CHECK(sigaltstack(&s, NULL) == -1 && errno == EINVAL);
    s.ss_flags = SS_DISABLE;
    CHECK(sigaltstack(&s, NULL) == 0);
    return 0;
}

/* A fault with a handler: it knows the address, and may go elsewhere. */
static sigjmp_buf out;
static void leave(int number, siginfo_t *i, void *c)
{
    (void)number;
    info = *i;
    memcpy(&context, c, 304);
    siglongjmp(out, 1);
}

HL_FUNCTION(i32, Fault)
{
    struct sigaction a = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO};
    CHECK(sigaction(SIGSEGV, &a, NULL) == 0 && sigaction(SIGFPE, &a, NULL) == 0);
    for (int i = 0; i < 3; i++) {
        if (!sigsetjmp(out, 1))
            *(volatile int *)0x1234 = 1;
        CHECK(info.si_signo == SIGSEGV && info.si_addr == (void *)0x1234);
        CHECK(info.si_code == SEGV_MAPERR && context.uc_mcontext.gregs[REG_TRAPNO] == 14);
        CHECK(context.uc_mcontext.gregs[REG_CR2] == 0x1234);
    }
    if (!sigsetjmp(out, 1)) {
        volatile int zero = 0;
        stood = (uintptr_t)(7 / zero);
    }
    CHECK(info.si_signo == SIGFPE && info.si_code == FPE_INTDIV);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGFPE, SIG_DFL);
    return 0;
}

HL_FUNCTION(void, Raise, (i32, number))
{
    raise(number);
}

/* A handler that returns, or a mask, is no way out. */
HL_FUNCTION(void, AbortCaught)
{
    signal(SIGABRT, note);
    abort();
}

HL_FUNCTION(void, AbortBlocked)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    abort();
}

/* The handler's value is in rax, even if it is a number that the host knows. */
static void least_rax(int number, siginfo_t *i, void *c)
{
    (void)number;
    (void)i;
    ((ucontext_t *)c)->uc_mcontext.gregs[REG_RAX] = INT64_MIN;
}

HL_FUNCTION(i32, AnyResult)
{
    struct sigaction a = {.sa_sigaction = least_rax, .sa_flags = SA_SIGINFO};
    int64_t rax = SYS_kill;
    CHECK(sigaction(SIGUSR1, &a, NULL) == 0);
    __asm__ volatile("syscall" : "+a"(rax) : "D"(getpid()), "S"(SIGUSR1) : "rcx", "r11", "memory");
    CHECK(rax == INT64_MIN);
    return 0;
}

/* Vector state that the processor would not load. */
static int damage;
static void damaged(int number, siginfo_t *i, void *c)
{
    static const struct {
        size_t at;
        uint8_t value;
    } places[] = {{27, 1}, {519, 0x80}, {520, 1}, {575, 1}};
    ucontext_t *context_here = c;
    uint8_t *state = (uint8_t *)context_here->uc_mcontext.fpregs;
    (void)number;
    (void)i;
    if (damage < 4)
        state[places[damage].at] = places[damage].value;
    else
        context_here->uc_mcontext.fpregs = (void *)(state + 1);
}

HL_FUNCTION(void, BadVectors, (i32, what))
{
    struct sigaction a = {.sa_sigaction = damaged, .sa_flags = SA_SIGINFO};
    damage = what;
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
}

/*
 * A handler in a handler, with all but 64 bytes of the other stack taken.  Depth alone would not
 * do: how much a frame takes is up to the vCPU, and one that ends right at the stack's low end lets
 * the next call leave the stack, after which Linux starts at its top again.
 */
static void nest_on(int number)
{
    __asm__ volatile("mov %2, %%rsp\n\tsyscall"
                     :
                     : "a"(SYS_kill), "D"(getpid()), "r"(other + sizeof(other) / 2 + 64),
                       "S"(number)
                     : "rcx", "r11", "memory");
    __builtin_trap();
}

HL_FUNCTION(void, FullStack)
{
    stack_t s = {.ss_sp = other + sizeof(other) / 2, .ss_size = sizeof(other) / 2};
    struct sigaction a = {.sa_handler = nest_on, .sa_flags = SA_ONSTACK | SA_NODEFER};
    sigaltstack(&s, NULL);
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
}

HL_FUNCTION(void, BadReturn)
{
    __asm__ volatile("mov $16, %%rsp\n\tsyscall"
                     :
                     : "a"(SYS_rt_sigreturn)
                     : "rcx", "r11", "memory");
}
