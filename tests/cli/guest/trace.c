/* SPDX-License-Identifier: Apache-2.0 */
/* trace.c - what a guest asks of its host.  The tests find the lines by the word after `AT`. */
#include <hl/guest.h>
#include <fcntl.h>
#include <signal.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

HL_HOST_FUNCTION(i32, HostAdd, (i32, a), (i32, b));
HL_HOST_FUNCTION(string, HostFail, (string, text));
HL_HOST_FUNCTION(bytes, HostFlip, (bytes, data), (bool, flip), (f64, factor));
HL_HOST_FUNCTION(void, HostSleep, (i32, ms));
HL_HOST_FUNCTION(void, HostSay, (string, text));
HL_HOST_FUNCTION(void, HostMissing);

HL_FUNCTION(i32, Add, (i32, a), (i32, b))
{
    return HostAdd(a, b); /* AT add */
}

HL_FUNCTION(string, Fail, (string, text))
{
    const char *answer = HostFail(text); /* AT fail */
    if (hl_error_code())
        hl_fail(hl_error_code(), hl_error_message());
    return answer;
}

HL_FUNCTION(bytes, Flip, (bytes, data))
{
    return HostFlip(data, true, 0.5); /* AT flip */
}

HL_FUNCTION(void, Sleep, (i32, ms))
{
    HostSleep(ms); /* AT sleep */
}

HL_FUNCTION(void, Say, (string, text))
{
    HostSay(text); /* AT say */
}

HL_FUNCTION(void, Missing)
{
    HostMissing(); /* AT missing */
}

HL_FUNCTION(void, Print, (string, text))
{
    write(1, text, strlen(text)); /* AT print */
}

HL_FUNCTION(void, Complain, (string, text))
{
    write(2, text, strlen(text)); /* AT complain */
}

HL_FUNCTION(void, Log, (string, text))
{
    hl_log(HL_LOG_WARN, text); /* AT log */
}

/* One system call of each kind that is decoded, all on lines of their own. */
HL_FUNCTION(void, Calls)
{
    static char data[] = "one\ttwo\377";
    struct winsize size;
    struct timespec t;
    char random[4];
    struct {
        uint64_t handler, flags, restorer, mask;
    } action = {1, SA_RESTART, 0, 1ull << (SIGINT - 1) | 1ull << (SIGALRM - 1)};
    uint64_t set = 0, zero = 0;
    struct itimerval timer = {{0, 0}, {0, 0}};
    const struct timespec past = {1, 2};
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(map, 4096, PROT_READ);
    munmap(map, 8192);
    syscall(SYS_mprotect, 0x1000, 4096, 0);
    syscall(SYS_write, 1, data, 0);
    syscall(SYS_write, 7, data, 8);
    syscall(SYS_write, 1, 0x10, 8);
    ioctl(1, TIOCGWINSZ, &size);
    ioctl(9, 0x1234);
    lseek(1, 0, SEEK_END);
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    syscall(SYS_clock_gettime, 77, &t);
    getrandom(random, sizeof(random), GRND_NONBLOCK);
    syscall(SYS_openat, -100, "/etc/passwd", 02000000 | 02);
    syscall(SYS_open, 0x10, 0);
    syscall(SYS_semctl, 1, 2, 3, 4, 5, 6);
    syscall(499, 1, 2, 3, 4, 5, 0xabc);
    syscall(SYS_arch_prctl, 0x1001, 0x10);
    syscall(SYS_rt_sigaction, SIGUSR1, &action, &action, 8);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &action.mask, &set, 8);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &zero, NULL, 4);
    syscall(SYS_setitimer, ITIMER_REAL, &timer, NULL);
    syscall(SYS_getitimer, ITIMER_PROF, &timer);
    syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL);
    syscall(SYS_fcntl, 1, F_GETFD, 0);
    syscall(SYS_open, "/dev/null", O_RDONLY | O_CLOEXEC);
}

HL_FUNCTION(void, Vector)
{
    const struct {
        const char *base;
        size_t size;
    } parts[] = {{"first, ", 7}, {"second\n", 7}};
    syscall(SYS_writev, 1, parts, 2);
    syscall(SYS_writev, 1, 0x10, 2);
}

HL_FUNCTION(void, Store)
{
    *(volatile int *)0x10 = 1; /* AT store */
}

HL_FUNCTION(void, Illegal)
{
    __asm__ volatile("ud2"); /* AT illegal */
}

HL_FUNCTION(void, Abort)
{
    hl_abort(7, "that is enough"); /* AT abort */
}

HL_FUNCTION(void, Raise)
{
    abort();
}

HL_FUNCTION(void, Spin)
{
    for (;;) /* AT spin */
        __asm__ volatile("");
}

HL_FUNCTION(i32, Port)
{
    int value;
    __asm__ volatile("inb $0xe0, %%al" : "=a"(value)); /* AT port */
    return value;
}

int main(int argc, char **argv)
{
    printf("%s\n", argc > 1 ? argv[1] : "nothing");
    return argc > 2 ? atoi(argv[2]) : 0;
}
