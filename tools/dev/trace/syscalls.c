/* SPDX-License-Identifier: Apache-2.0 */
/* trace/syscalls.c - Linux system calls of x86-64: their names, and what their arguments are. */
#include <string.h>
#include <sys/syscall.h>

#include "trace_args.h"

/*
 * An argument's letter; trace/args.c decodes by it.  Upper case is what the call fills in, so it is
 * shown when it is over.  A name alone: six numbers.
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
#define S(name, args) [SYS_##name] = {#name, args}
#define N(name) [SYS_##name] = {#name, NULL}

/* clang-format off */
static const struct trace_syscall table[] = {
    S(read, "dBu"), S(write, "dbu"), S(open, "sO"), S(close, "d"), S(stat, "sp"),
    S(fstat, "dp"), S(lstat, "sp"), S(poll, "pud"), S(lseek, "ddw"), S(mmap, "puPMdx"),
    S(mprotect, "puP"), S(munmap, "pu"), S(brk, "p"), S(rt_sigaction, "gkKu"),
    S(rt_sigprocmask, "hzZu"), S(rt_sigreturn, ""), S(ioctl, "dip"), S(pread64, "dBuu"),
    S(pwrite64, "dbuu"), S(readv, "dpu"), S(writev, "dvu"), S(access, "sx"), S(pipe, "p"),
    S(select, "dpppp"), S(sched_yield, ""), S(mremap, "puuRp"), S(msync, "pux"), S(mincore, "pup"),
    S(madvise, "pum"), N(shmget), N(shmat), N(shmctl), S(dup, "d"), S(dup2, "dd"), S(pause, ""),
    S(nanosleep, "tp"), S(getitimer, "jL"), S(alarm, "u"), S(setitimer, "jlL"), S(getpid, ""), N(sendfile),
    S(socket, "ddd"), S(connect, "dpu"), S(accept, "dpp"), S(sendto, "dbuxpu"),
    S(recvfrom, "dBuxpp"), N(sendmsg), N(recvmsg), N(shutdown), S(bind, "dpu"), S(listen, "dd"),
    N(getsockname), N(getpeername), N(socketpair), N(setsockopt), N(getsockopt), N(clone),
    S(fork, ""), S(vfork, ""), S(execve, "spp"), S(exit, "d"), S(wait4, "dpxp"), S(kill, "dg"),
    S(uname, "p"), N(semget), N(semop), N(semctl), N(shmdt), N(msgget), N(msgsnd), N(msgrcv),
    N(msgctl), S(fcntl, "dyx"), N(flock), S(fsync, "d"), S(fdatasync, "d"), S(truncate, "su"),
    S(ftruncate, "du"), N(getdents), S(getcwd, "pu"), S(chdir, "s"), S(fchdir, "d"),
    S(rename, "ss"), S(mkdir, "sx"), S(rmdir, "s"), S(creat, "sx"), S(link, "ss"),
    S(unlink, "s"), S(symlink, "ss"), S(readlink, "spu"), S(chmod, "sx"), S(fchmod, "dx"),
    N(chown), N(fchown), N(lchown), S(umask, "x"), S(gettimeofday, "Up"), S(getrlimit, "dp"),
    S(getrusage, "dp"), S(sysinfo, "p"), S(times, "p"), N(ptrace), S(getuid, ""), N(syslog),
    S(getgid, ""), N(setuid), N(setgid), S(geteuid, ""), S(getegid, ""), N(setpgid),
    S(getppid, ""), S(getpgrp, ""), S(setsid, ""), N(setreuid), N(setregid), N(getgroups),
    N(setgroups), N(setresuid), N(getresuid), N(setresgid), N(getresgid), N(getpgid),
    N(setfsuid), N(setfsgid), N(getsid), N(capget), N(capset), S(rt_sigpending, "Zu"),
    N(rt_sigtimedwait), N(rt_sigqueueinfo), S(rt_sigsuspend, "zu"), S(sigaltstack, "pp"), N(utime),
    N(mknod), N(uselib), N(personality), N(ustat), N(statfs), N(fstatfs), N(sysfs),
    S(getpriority, "dd"), N(setpriority), N(sched_setparam), N(sched_getparam),
    N(sched_setscheduler), N(sched_getscheduler), N(sched_get_priority_max),
    N(sched_get_priority_min), N(sched_rr_get_interval), S(mlock, "pu"), S(munlock, "pu"),
    N(mlockall), N(munlockall), N(vhangup), N(modify_ldt), N(pivot_root), N(_sysctl),
    S(prctl, "dxxxx"), S(arch_prctl, "ap"), N(adjtimex), S(setrlimit, "dp"), N(chroot),
    S(sync, ""), N(acct), N(settimeofday), N(mount), N(umount2), N(swapon), N(swapoff),
    N(reboot), N(sethostname), N(setdomainname), N(iopl), N(ioperm), N(create_module),
    N(init_module), N(delete_module), N(get_kernel_syms), N(query_module), N(quotactl),
    N(nfsservctl), N(getpmsg), N(putpmsg), N(afs_syscall), N(tuxcall), N(security),
    S(gettid, ""), N(readahead), N(setxattr), N(lsetxattr), N(fsetxattr), N(getxattr),
    N(lgetxattr), N(fgetxattr), N(listxattr), N(llistxattr), N(flistxattr), N(removexattr),
    N(lremovexattr), N(fremovexattr), S(tkill, "dg"), S(time, "p"), S(futex, "pdupxu"),
    S(sched_setaffinity, "dup"), S(sched_getaffinity, "dup"), N(set_thread_area), N(io_setup),
    N(io_destroy), N(io_getevents), N(io_submit), N(io_cancel), N(get_thread_area),
    N(lookup_dcookie), N(epoll_create), N(epoll_ctl_old), N(epoll_wait_old),
    N(remap_file_pages), S(getdents64, "dpu"), S(set_tid_address, "p"), N(restart_syscall),
    N(semtimedop), N(fadvise64), N(timer_create), N(timer_settime), N(timer_gettime),
    N(timer_getoverrun), N(timer_delete), S(clock_settime, "ct"), S(clock_gettime, "cT"),
    S(clock_getres, "cT"), S(clock_nanosleep, "cntp"), S(exit_group, "d"), N(epoll_wait),
    N(epoll_ctl), S(tgkill, "ddg"), N(utimes), N(vserver), N(mbind), N(set_mempolicy),
    N(get_mempolicy), N(mq_open), N(mq_unlink), N(mq_timedsend), N(mq_timedreceive),
    N(mq_notify), N(mq_getsetattr), N(kexec_load), N(waitid), N(add_key), N(request_key),
    N(keyctl), N(ioprio_set), N(ioprio_get), N(inotify_init), N(inotify_add_watch),
    N(inotify_rm_watch), N(migrate_pages), S(openat, "fsO"), S(mkdirat, "fsx"), N(mknodat),
    N(fchownat), N(futimesat), S(newfstatat, "fspx"), S(unlinkat, "fsx"), S(renameat, "fsfs"),
    N(linkat), N(symlinkat), S(readlinkat, "fspu"), N(fchmodat), S(faccessat, "fsx"),
    S(pselect6, "dppptp"), S(ppoll, "putzu"), N(unshare), S(set_robust_list, "pu"), N(get_robust_list),
    N(splice), N(tee), N(sync_file_range), N(vmsplice), N(move_pages), N(utimensat),
    N(epoll_pwait), N(signalfd), N(timerfd_create), N(eventfd), N(fallocate),
    N(timerfd_settime), N(timerfd_gettime), N(accept4), N(signalfd4), N(eventfd2),
    N(epoll_create1), S(dup3, "ddO"), S(pipe2, "px"), N(inotify_init1), N(preadv), N(pwritev),
    N(rt_tgsigqueueinfo), N(perf_event_open), N(recvmmsg), N(fanotify_init), N(fanotify_mark),
    S(prlimit64, "ddpp"), N(name_to_handle_at), N(open_by_handle_at), N(clock_adjtime),
    N(syncfs), N(sendmmsg), N(setns), N(getcpu), N(process_vm_readv), N(process_vm_writev),
    N(kcmp), N(finit_module), N(sched_setattr), N(sched_getattr), N(renameat2), N(seccomp),
    S(getrandom, "Bur"), S(memfd_create, "sx"), N(kexec_file_load), N(bpf), N(execveat),
    N(userfaultfd), S(membarrier, "dxd"), N(mlock2), N(copy_file_range), N(preadv2),
    N(pwritev2), N(pkey_mprotect), N(pkey_alloc), N(pkey_free), S(statx, "fsxxp"),
    N(io_pgetevents), S(rseq, "pudx"), N(pidfd_send_signal), N(io_uring_setup),
    N(io_uring_enter), N(io_uring_register), N(open_tree), N(move_mount), N(fsopen),
    N(fsconfig), N(fsmount), N(fspick), N(pidfd_open), S(clone3, "pu"), S(close_range, "uux"),
    S(openat2, "fspu"), N(pidfd_getfd), S(faccessat2, "fsxx"), N(process_madvise),
    N(epoll_pwait2), N(mount_setattr), N(quotactl_fd), N(landlock_create_ruleset),
    N(landlock_add_rule), N(landlock_restrict_self), N(memfd_secret), N(process_mrelease),
    N(futex_waitv), N(set_mempolicy_home_node),
};
/* clang-format on */

const struct trace_syscall *trace_syscall(uint64_t number)
{
    bool known = number < sizeof(table) / sizeof(table[0]) && table[number].name;
    return known ? &table[number] : NULL;
}

int trace_syscall_find(const char *name)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].name && strcmp(table[i].name, name) == 0)
            return (int)i;
    return -1;
}
