/* SPDX-License-Identifier: Apache-2.0 */
/* trace/syscalls.c - Linux system calls of x86-64: what their arguments are. */
#include <sys/syscall.h>

#include "trace_args.h"

/*
 * An argument's letter; trace/args.c decodes by it.  Upper case is what the call fills in, so it is
 * shown when it is over.  A call that is not here has six numbers.
 *   d int          u unsigned     x hexadecimal  p pointer      s path or text
 *   b bytes, their number follows                B the same, filled by the call
 *   v struct iovec, their number follows         t struct timespec
 *   T struct timespec, filled                    U struct timeval, filled
 *   f directory descriptor        c clock        g signal       a arch_prctl code
 *   i ioctl request               w whence       m advice       h how of sigprocmask
 *   k struct sigaction, K filled  z set of signals, Z filled     l struct itimerval, L filled
 *   n TIMER_ flags                j which timer  y command of fcntl
 *   P PROT_ flags  M MAP_ flags   R MREMAP_ flags  r GRND_ flags  O open flags
 */
#define S(name, letters) [SYS_##name] = letters

/* clang-format off */
static const char *const args[] = {
    S(read, "dBu"), S(write, "dbu"), S(open, "sO"), S(close, "d"), S(stat, "sp"), S(fstat, "dp"),
    S(lstat, "sp"), S(poll, "pud"), S(lseek, "ddw"), S(mmap, "puPMdx"), S(mprotect, "puP"),
    S(munmap, "pu"), S(brk, "p"), S(rt_sigaction, "gkKu"), S(rt_sigprocmask, "hzZu"),
    S(rt_sigreturn, ""), S(ioctl, "dip"), S(pread64, "dBuu"), S(pwrite64, "dbuu"), S(readv, "dpu"),
    S(writev, "dvu"), S(access, "sx"), S(pipe, "p"), S(select, "dpppp"), S(sched_yield, ""),
    S(mremap, "puuRp"), S(msync, "pux"), S(mincore, "pup"), S(madvise, "pum"), S(dup, "d"),
    S(dup2, "dd"), S(pause, ""), S(nanosleep, "tp"), S(getitimer, "jL"), S(alarm, "u"),
    S(setitimer, "jlL"), S(getpid, ""), S(socket, "ddd"), S(connect, "dpu"), S(accept, "dpp"),
    S(sendto, "dbuxpu"), S(recvfrom, "dBuxpp"), S(bind, "dpu"), S(listen, "dd"), S(fork, ""),
    S(vfork, ""), S(execve, "spp"), S(exit, "d"), S(wait4, "dpxp"), S(kill, "dg"), S(uname, "p"),
    S(fcntl, "dyx"), S(fsync, "d"), S(fdatasync, "d"), S(truncate, "su"), S(ftruncate, "du"),
    S(getcwd, "pu"), S(chdir, "s"), S(fchdir, "d"), S(rename, "ss"), S(mkdir, "sx"), S(rmdir, "s"),
    S(creat, "sx"), S(link, "ss"), S(unlink, "s"), S(symlink, "ss"), S(readlink, "spu"),
    S(chmod, "sx"), S(fchmod, "dx"), S(umask, "x"), S(gettimeofday, "Up"), S(getrlimit, "dp"),
    S(getrusage, "dp"), S(sysinfo, "p"), S(times, "p"), S(getuid, ""), S(getgid, ""),
    S(geteuid, ""), S(getegid, ""), S(getppid, ""), S(getpgrp, ""), S(setsid, ""),
    S(rt_sigpending, "Zu"), S(rt_sigsuspend, "zu"), S(sigaltstack, "pp"), S(getpriority, "dd"),
    S(mlock, "pu"), S(munlock, "pu"), S(prctl, "dxxxx"), S(arch_prctl, "ap"), S(setrlimit, "dp"),
    S(sync, ""), S(gettid, ""), S(tkill, "dg"), S(time, "p"), S(futex, "pdupxu"),
    S(sched_setaffinity, "dup"), S(sched_getaffinity, "dup"), S(getdents64, "dpu"),
    S(set_tid_address, "p"), S(clock_settime, "ct"), S(clock_gettime, "cT"), S(clock_getres, "cT"),
    S(clock_nanosleep, "cntp"), S(exit_group, "d"), S(tgkill, "ddg"), S(openat, "fsO"),
    S(mkdirat, "fsx"), S(newfstatat, "fspx"), S(unlinkat, "fsx"), S(renameat, "fsfs"),
    S(readlinkat, "fspu"), S(faccessat, "fsx"), S(pselect6, "dppptp"), S(ppoll, "putzu"),
    S(set_robust_list, "pu"), S(dup3, "ddO"), S(pipe2, "px"), S(prlimit64, "ddpp"),
    S(getrandom, "Bur"), S(memfd_create, "sx"), S(membarrier, "dxd"), S(statx, "fsxxp"),
    S(rseq, "pudx"), S(clone3, "pu"), S(close_range, "uux"), S(openat2, "fspu"),
    S(faccessat2, "fsxx"),
};
/* clang-format on */

const char *trace_syscall_args(uint64_t number)
{
    const char *letters = number < sizeof(args) / sizeof(args[0]) ? args[number] : NULL;
    return letters ? letters : "xxxxxx";
}
