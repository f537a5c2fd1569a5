/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.c - the few Linux system calls a libc needs to start, print, allocate and exit.
 *
 * docs/abi.md is the list for authors.  Pointers are the guest's: every access goes through the
 * page tables and gives -EFAULT where they say no.  What is not in the table is -ENOSYS.
 */
#include "sandbox.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "linux_heap.h"
#include "nondet.h"
#include "observe.h"

#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define THE_PID 1
#define CHUNK 4096
#define IOV_LIMIT 1024
#define RANDOM_LIMIT (1u << 20)
#define CONSOLE_LIMIT (1u << 20) /* of one call: between two the guest can be interrupted */

typedef uint64_t args6[6];

/* What one system call writes, given on in pieces as large as can be: a line in one. */
struct console {
    struct hl_sandbox *sb;
    int fd;
    size_t used;
    uint8_t chunk[CHUNK];
};

/* Not by an initialiser, which would clear the chunk for each system call. */
static void console_open(struct console *c, struct hl_sandbox *sb, int fd)
{
    c->sb = sb;
    c->fd = fd;
    c->used = 0;
}

static void console_flush(struct console *c)
{
    struct hl_sandbox *sb = c->sb;
    if (c->used && sb->config.console)
        sb->config.console(sb->config.opaque, c->fd, c->chunk, c->used);
    if (c->used && observes(sb, HL_EVENT_CONSOLE)) {
        const struct hl_event e = {.kind = HL_EVENT_CONSOLE, .console = {c->fd, c->chunk, c->used}};
        observe(sb, &e);
    }
    c->used = 0;
}

/* Give [gva, gva + size) to the console; how much of it could be read. */
static size_t console_put(struct console *c, hl_gva_t gva, size_t size)
{
    size_t done = 0;
    while (done < size) {
        if (c->used == sizeof(c->chunk))
            console_flush(c);
        size_t room = sizeof(c->chunk) - c->used;
        size_t want = size - done < room ? size - done : room;
        size_t got =
            hl_machine_read(c->sb->machine, gva + done, c->chunk + c->used, want, HL_PROT_READ);
        c->used += got;
        done += got;
        if (got < want)
            break;
    }
    return done;
}

static size_t at_most(uint64_t size, size_t limit)
{
    return size < limit ? size : limit;
}

static int64_t sys_write(struct hl_sandbox *sb, const args6 a)
{
    if (a[0] != 1 && a[0] != 2)
        return -EBADF;
    struct console c;
    console_open(&c, sb, (int)a[0]);
    size_t done = console_put(&c, a[1], at_most(a[2], CONSOLE_LIMIT));
    console_flush(&c);
    return done || !a[2] ? (int64_t)done : -EFAULT;
}

static int64_t sys_writev(struct hl_sandbox *sb, const args6 a)
{
    struct console c;
    console_open(&c, sb, (int)a[0]);
    size_t total = 0;
    bool fault = false;
    if (a[0] != 1 && a[0] != 2)
        return -EBADF;
    if (a[2] > IOV_LIMIT)
        return -EINVAL;
    for (uint64_t i = 0; i < a[2] && total < CONSOLE_LIMIT && !fault; i++) {
        uint64_t iov[2] = {0, 0};
        fault = hl_machine_read(sb->machine, a[1] + i * sizeof(iov), iov, sizeof(iov),
                                HL_PROT_READ) != sizeof(iov);
        size_t want = fault ? 0 : at_most(iov[1], CONSOLE_LIMIT - total);
        size_t done = console_put(&c, iov[0], want);
        total += done;
        fault |= done < want;
    }
    console_flush(&c);
    return total || !fault ? (int64_t)total : -EFAULT;
}

/* Standard input is empty; there are no other files. */
static int64_t sys_read(struct hl_sandbox *sb, const args6 a)
{
    (void)sb;
    return a[0] == 0 ? 0 : -EBADF;
}

static int64_t sys_lseek(struct hl_sandbox *sb, const args6 a)
{
    (void)sb;
    return a[0] <= 2 ? -ESPIPE : -EBADF;
}

static int64_t sys_close(struct hl_sandbox *sb, const args6 a)
{
    (void)sb;
    return a[0] <= 2 ? 0 : -EBADF;
}

static int64_t sys_ioctl(struct hl_sandbox *sb, const args6 a)
{
    (void)sb;
    return a[0] <= 2 ? -ENOTTY : -EBADF;
}

static int64_t sys_fine(struct hl_sandbox *sb, const args6 a)
{
    (void)sb;
    (void)a;
    return 0;
}

static int64_t sys_id(struct hl_sandbox *sb, const args6 a)
{
    (void)sb;
    (void)a;
    return THE_PID;
}

static int64_t sys_arch_prctl(struct hl_sandbox *sb, const args6 a)
{
    struct hl_regs regs;
    if (hl_machine_get_regs(sb->machine, &regs, NULL))
        return -EIO;
    switch (a[0]) {
    case ARCH_SET_FS:
        if (a[1] >> 47)
            return -EPERM;
        regs.fs_base = a[1];
        return hl_machine_set_regs(sb->machine, &regs, NULL) ? -EIO : 0;
    case ARCH_GET_FS:
        return hl_machine_write(sb->machine, a[1], &regs.fs_base, sizeof(regs.fs_base),
                                HL_PROT_WRITE) == sizeof(regs.fs_base)
                   ? 0
                   : -EFAULT;
    default:
        return -EINVAL;
    }
}

static int64_t put_time(struct hl_sandbox *sb, hl_gva_t gva, const struct timespec *t)
{
    const int64_t words[2] = {t->tv_sec, t->tv_nsec};
    size_t done = hl_machine_write(sb->machine, gva, words, sizeof(words), HL_PROT_WRITE);
    return done == sizeof(words) ? 0 : -EFAULT;
}

/* The system's own clocks only: a negative id would name a clock by one of the host's descriptors.
 */
static bool good_clock(uint64_t clock)
{
    return clock <= CLOCK_BOOTTIME;
}

static int64_t sys_clock_gettime(struct hl_sandbox *sb, const args6 a)
{
    struct timespec t;
    int rc = good_clock(a[0]) ? nondet_clock((int)a[0], &t) : -EINVAL;
    return rc ? rc : put_time(sb, a[1], &t);
}

static int64_t sys_clock_getres(struct hl_sandbox *sb, const args6 a)
{
    struct timespec t;
    int rc = good_clock(a[0]) ? nondet_clock_resolution((int)a[0], &t) : -EINVAL;
    return rc ? rc : a[1] ? put_time(sb, a[1], &t) : 0;
}

static int64_t sys_gettimeofday(struct hl_sandbox *sb, const args6 a)
{
    struct timespec t;
    int rc = nondet_clock(CLOCK_REALTIME, &t);
    t.tv_nsec /= 1000; /* struct timeval */
    return rc ? rc : a[0] ? put_time(sb, a[0], &t) : 0;
}

static int64_t sys_time(struct hl_sandbox *sb, const args6 a)
{
    struct timespec t;
    int rc = nondet_clock(CLOCK_REALTIME, &t);
    int64_t now = t.tv_sec;
    if (!rc && a[0] &&
        hl_machine_write(sb->machine, a[0], &now, sizeof(now), HL_PROT_WRITE) != sizeof(now))
        rc = -EFAULT;
    return rc ? rc : now;
}

static int64_t sys_getrandom(struct hl_sandbox *sb, const args6 a)
{
    uint8_t chunk[CHUNK];
    size_t size = at_most(a[1], RANDOM_LIMIT), done = 0;
    while (done < size) {
        size_t n = size - done < sizeof(chunk) ? size - done : sizeof(chunk);
        int rc = nondet_random(chunk, n);
        if (rc)
            return rc;
        size_t put = hl_machine_write(sb->machine, a[0] + done, chunk, n, HL_PROT_WRITE);
        done += put;
        if (put < n)
            return done ? (int64_t)done : -EFAULT;
    }
    return (int64_t)done;
}

typedef int64_t syscall_fn(struct hl_sandbox *sb, const args6 a);

static syscall_fn *const table[] = {
    [SYS_read] = sys_read,
    [SYS_readv] = sys_read,
    [SYS_write] = sys_write,
    [SYS_writev] = sys_writev,
    [SYS_lseek] = sys_lseek,
    [SYS_close] = sys_close,
    [SYS_ioctl] = sys_ioctl,
    [SYS_brk] = linux_brk,
    [SYS_mmap] = linux_mmap,
    [SYS_munmap] = linux_munmap,
    [SYS_mprotect] = linux_mprotect,
    [SYS_mremap] = linux_mremap,
    [SYS_madvise] = linux_madvise,
    [SYS_arch_prctl] = sys_arch_prctl,
    [SYS_set_tid_address] = sys_id,
    [SYS_gettid] = sys_id,
    [SYS_getpid] = sys_id,
    [SYS_getppid] = sys_fine, /* these cannot fail: a libc passes their result on */
    [SYS_getuid] = sys_fine,
    [SYS_geteuid] = sys_fine,
    [SYS_getgid] = sys_fine,
    [SYS_getegid] = sys_fine,
    [SYS_rt_sigaction] = sys_fine,
    [SYS_rt_sigprocmask] = sys_fine,
    [SYS_sched_yield] = sys_fine,
    [SYS_clock_gettime] = sys_clock_gettime,
    [SYS_clock_getres] = sys_clock_getres,
    [SYS_gettimeofday] = sys_gettimeofday,
    [SYS_time] = sys_time,
    [SYS_getrandom] = sys_getrandom,
};

static int exited(struct hl_sandbox *sb, uint64_t status, struct hl_error *error)
{
    sb->exit_status = (int)(status & 0xff);
    sb->state = HL_SANDBOX_DEAD;
    return hl_error_set(error, HL_ERR_EXITED, "%s with status %d", hl_err_text(HL_ERR_EXITED),
                        sb->exit_status);
}

/* raise() and abort(): there are no handlers to run, so a signal ends the guest. */
static int raised(struct hl_sandbox *sb, uint64_t signal_number, struct hl_error *error)
{
    int n = (int)(signal_number & 0x7f);
    const char *name = sigabbrev_np(n);
    sb->guest_code = sb->killed_by = n;
    if (n == SIGABRT)
        return hl_error_set(error, HL_ERR_GUEST_ABORT, "%s: abort() was called",
                            hl_err_text(HL_ERR_GUEST_ABORT));
    return hl_error_set(error, HL_ERR_GUEST_ABORT, "%s: it raised signal %d (SIG%s)",
                        hl_err_text(HL_ERR_GUEST_ABORT), n, name ? name : "?");
}

int linux_syscall(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error)
{
    const uint64_t number = exit->syscall.number, *a = exit->syscall.arg;
    int64_t result = -ENOSYS;
    switch (number) {
    case SYS_exit:
    case SYS_exit_group:
        return exited(sb, a[0], error);
    case SYS_kill:
    case SYS_tkill:
        if (a[1])
            return raised(sb, a[1], error);
        result = 0;
        break;
    case SYS_tgkill:
        if (a[2])
            return raised(sb, a[2], error);
        result = 0;
        break;
    default:
        if (number < sizeof(table) / sizeof(table[0]) && table[number])
            result = table[number](sb, a);
        else
            sb->counts.unknown_syscalls++;
    }
    sb->answered = true;
    sb->answer = result;
    hl_machine_syscall_result(sb->machine, result);
    return RUN_ON;
}
