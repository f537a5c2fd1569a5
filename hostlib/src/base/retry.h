/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry.h - system calls that the host program's signals must not interrupt.
 *
 * Every call that may return EINTR goes through here, except KVM_RUN, for which EINTR is a result,
 * and calls that do not wait: those with MSG_DONTWAIT or O_NONBLOCK, sigtimedwait() with a zero
 * time. SA_RESTART does not help: the kernel restarts none of KVM's ioctls.
 */
#ifndef HL_RETRY_H
#define HL_RETRY_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "full_io.h"

/* Block all signals in this thread, and later restore the old mask.  Both keep errno. */
void signals_block(sigset_t *before);
void signals_restore(const sigset_t *before);

/*
 * Retried with every signal blocked: KVM_CREATE_VM takes longer the more mappings the process has
 * (5 ms with 20,000), and with 2,000 or more it never finishes between two ticks of 0.2 ms.
 */
int retry_ioctl_at(int fd, unsigned long request, uintptr_t argument);
#define retry_ioctl(fd, request, argument) retry_ioctl_at(fd, request, (uintptr_t)(argument))

/* After EINTR the descriptor is closed, and any error of close() about the data is lost. */
int retry_close(int fd);

/*
 * Around writes that extend a file, also one in memory: beyond RLIMIT_FSIZE they fail with EFBIG,
 * where SIGXFSZ would end the host program.  Keeps errno.
 */
struct file_limit {
    sigset_t before;
    bool waits; /* one of the program's own is already pending */
};
void file_limit_begin(struct file_limit *limit);
void file_limit_end(const struct file_limit *limit);

#endif
