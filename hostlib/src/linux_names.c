/* SPDX-License-Identifier: Apache-2.0 */
/* linux_names.c - the system calls that a libc makes, by name. */
#include "sandbox.h"

#include <sys/syscall.h>

#define NAME(name) [SYS_##name] = #name

/* clang-format off: it would put one on a line */
static const char *const names[] = {
    NAME(read), NAME(write), NAME(open), NAME(close), NAME(stat), NAME(fstat), NAME(lstat),
    NAME(poll), NAME(lseek), NAME(mmap), NAME(mprotect), NAME(munmap), NAME(brk),
    NAME(rt_sigaction), NAME(rt_sigprocmask), NAME(rt_sigreturn), NAME(ioctl), NAME(pread64),
    NAME(pwrite64), NAME(readv), NAME(writev), NAME(access), NAME(pipe), NAME(select),
    NAME(sched_yield), NAME(mremap), NAME(msync), NAME(madvise), NAME(dup), NAME(dup2), NAME(pause),
    NAME(nanosleep), NAME(getitimer), NAME(alarm), NAME(setitimer), NAME(getpid), NAME(socket),
    NAME(connect), NAME(accept), NAME(sendto), NAME(recvfrom), NAME(clone), NAME(fork), NAME(vfork),
    NAME(execve), NAME(exit), NAME(wait4), NAME(kill), NAME(uname), NAME(fcntl), NAME(fsync),
    NAME(ftruncate), NAME(getdents), NAME(getcwd), NAME(chdir), NAME(rename), NAME(mkdir),
    NAME(rmdir), NAME(unlink), NAME(readlink), NAME(chmod), NAME(umask), NAME(gettimeofday),
    NAME(getrlimit), NAME(getrusage), NAME(sysinfo), NAME(times), NAME(getuid), NAME(getgid),
    NAME(geteuid), NAME(getegid), NAME(getppid), NAME(sigaltstack), NAME(prctl), NAME(arch_prctl),
    NAME(setrlimit), NAME(gettid), NAME(tkill), NAME(time), NAME(futex), NAME(sched_setaffinity),
    NAME(sched_getaffinity), NAME(getdents64), NAME(set_tid_address), NAME(clock_settime),
    NAME(clock_gettime), NAME(clock_getres), NAME(clock_nanosleep), NAME(exit_group), NAME(tgkill),
    NAME(openat), NAME(newfstatat), NAME(unlinkat), NAME(readlinkat), NAME(faccessat), NAME(pselect6),
    NAME(ppoll), NAME(set_robust_list), NAME(utimensat), NAME(prlimit64), NAME(getrandom),
    NAME(memfd_create), NAME(membarrier), NAME(statx), NAME(rseq), NAME(clone3), NAME(close_range),
    NAME(openat2),
};
/* clang-format on */

const char *linux_syscall_name(uint64_t number)
{
    return number < sizeof(names) / sizeof(names[0]) ? names[number] : NULL;
}
