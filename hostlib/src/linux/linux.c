/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux/linux.c - the Linux system calls that a libc needs to start, print, allocate and exit.
 *
 * docs/abi.md lists them for guest authors.  Pointers come from the guest: every access goes
 * through the page tables, and fails with -EFAULT if they do not allow it.  Other calls return
 * -ENOSYS.
 */
#include "linux.h"

#include <errno.h>
#include <sys/syscall.h>

#include "linux_heap.h"
#include "source.h"

#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003

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
        return machine_write(sb->machine, a[1], &regs.fs_base, sizeof(regs.fs_base),
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
    size_t done = machine_write(sb->machine, gva, words, sizeof(words), HL_PROT_WRITE);
    return done == sizeof(words) ? 0 : -EFAULT;
}

/*
 * Only the system's own clocks: a negative id would name a clock by one of the host's descriptors.
 */
static bool good_clock(uint64_t clock)
{
    return clock <= CLOCK_BOOTTIME;
}

static int64_t sys_clock_gettime(struct hl_sandbox *sb, const args6 a)
{
    struct timespec t;
    int rc = good_clock(a[0]) ? source_clock(sb, (int)a[0], &t) : -EINVAL;
    return rc ? rc : put_time(sb, a[1], &t);
}

static int64_t sys_clock_getres(struct hl_sandbox *sb, const args6 a)
{
    struct timespec t;
    int rc = good_clock(a[0]) ? sb->source->ops->resolution(sb->source, (int)a[0], &t) : -EINVAL;
    return rc ? rc : a[1] ? put_time(sb, a[1], &t) : 0;
}

static int64_t sys_gettimeofday(struct hl_sandbox *sb, const args6 a)
{
    struct timespec t;
    int rc = source_clock(sb, CLOCK_REALTIME, &t);
    t.tv_nsec /= 1000; /* struct timeval */
    return rc ? rc : a[0] ? put_time(sb, a[0], &t) : 0;
}

static int64_t sys_time(struct hl_sandbox *sb, const args6 a)
{
    struct timespec t;
    int rc = source_clock(sb, CLOCK_REALTIME, &t);
    int64_t now = t.tv_sec;
    if (!rc && a[0] &&
        machine_write(sb->machine, a[0], &now, sizeof(now), HL_PROT_WRITE) != sizeof(now))
        rc = -EFAULT;
    return rc ? rc : now;
}

static syscall_fn *const table[] = {
    [SYS_read] = linux_read,
    [SYS_readv] = linux_readv,
    [SYS_pread64] = linux_pread64,
    [SYS_write] = linux_write,
    [SYS_writev] = linux_writev,
    [SYS_pwrite64] = linux_pwrite64,
    [SYS_lseek] = linux_lseek,
    [SYS_open] = linux_open,
    [SYS_openat] = linux_openat,
    [SYS_close] = linux_close,
    [SYS_dup] = linux_dup,
    [SYS_dup2] = linux_dup2,
    [SYS_dup3] = linux_dup3,
    [SYS_fcntl] = linux_fcntl,
    [SYS_ioctl] = linux_ioctl,
    [SYS_stat] = linux_stat,
    [SYS_lstat] = linux_stat,
    [SYS_fstat] = linux_fstat,
    [SYS_newfstatat] = linux_newfstatat,
    [SYS_access] = linux_access,
    [SYS_faccessat] = linux_faccessat,
    [SYS_faccessat2] = linux_faccessat,
    [SYS_readlink] = linux_readlink,
    [SYS_readlinkat] = linux_readlinkat,
    [SYS_poll] = linux_poll,
    [SYS_ppoll] = linux_ppoll,
    [SYS_select] = linux_select,
    [SYS_pselect6] = linux_pselect6,
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
    [SYS_rt_sigaction] = linux_rt_sigaction,
    [SYS_rt_sigprocmask] = linux_rt_sigprocmask,
    [SYS_rt_sigpending] = linux_rt_sigpending,
    [SYS_rt_sigreturn] = linux_rt_sigreturn,
    [SYS_rt_sigsuspend] = linux_rt_sigsuspend,
    [SYS_sigaltstack] = linux_sigaltstack,
    [SYS_kill] = linux_kill,
    [SYS_tkill] = linux_tkill,
    [SYS_tgkill] = linux_tgkill,
    [SYS_pause] = linux_pause,
    [SYS_nanosleep] = linux_nanosleep,
    [SYS_clock_nanosleep] = linux_clock_nanosleep,
    [SYS_alarm] = linux_alarm,
    [SYS_getitimer] = linux_getitimer,
    [SYS_setitimer] = linux_setitimer,
    [SYS_sched_yield] = sys_fine,
    [SYS_clock_gettime] = sys_clock_gettime,
    [SYS_clock_getres] = sys_clock_getres,
    [SYS_gettimeofday] = sys_gettimeofday,
    [SYS_time] = sys_time,
    [SYS_getrandom] = linux_getrandom,
};

static int exited(struct hl_sandbox *sb, uint64_t status, struct hl_error *error)
{
    sb->exit_status = (int)(status & 0xff);
    sb->state = HL_SANDBOX_DEAD;
    return hl_error_set(error, HL_ERR_EXITED, "%s with status %d", hl_err_text(HL_ERR_EXITED),
                        sb->exit_status);
}

static int serve(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error)
{
    const uint64_t number = exit->syscall.number, *a = exit->syscall.arg;
    int64_t result = -ENOSYS;
    if (number == SYS_exit || number == SYS_exit_group)
        return exited(sb, a[0], error);
    if (number < sizeof(table) / sizeof(table[0]) && table[number])
        result = table[number](sb, a);
    else
        sb->counts.unknown_syscalls++;
    /*
     * For rt_sigreturn() it is the value of rax when the signal arrived, which may be any number.
     */
    if (result == LINUX_AGAIN && number != SYS_rt_sigreturn) {
        linux_rewind_call(sb, number);
        return RUN_ON;
    }
    sb->answer = result;
    hl_machine_syscall_result(sb->machine, result);
    int rc = linux_is_due(sb) ? linux_deliver(sb, error) : RUN_ON;
    sb->answered = rc == RUN_ON; /* a guest that has ended gets no answer */
    return rc;
}

static bool due(const struct hl_sandbox *sb)
{
    return linux_is_due(sb);
}

const struct personality linux_personality = {
    .name = "linux",
    .init = linux_init,
    .free = linux_free,
    .syscall = serve,
    .fault = linux_fault,
    .due = due,
    .deliver = linux_deliver,
    .strike = linux_strike,
    .wake = linux_wake,
    .page_use = linux_page_use,
    .heap_used = linux_heap_used,
    .lend = linux_lend,
    .take_back = linux_take_back,
    .saved_size = linux_saved_size,
    .save = linux_save,
    .check = linux_check,
    .restore = linux_restore,
    .begin = linux_begin,
};
