/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry.h - system calls of ours that the host program's signals must not break.
 *
 * Every call that may return EINTR goes through here, but KVM_RUN, whose EINTR is an answer, and
 * calls that do not wait: those with MSG_DONTWAIT or O_NONBLOCK, sigtimedwait() with no time.
 * SA_RESTART does not help: the kernel restarts none of KVM's ioctls.
 */
#ifndef HL_RETRY_H
#define HL_RETRY_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "full_io.h"

/* Keep every signal from this thread, then let in what came; errno stays. */
void signals_block(sigset_t *before);
void signals_restore(const sigset_t *before);

/*
 * Tried again with every signal blocked: KVM_CREATE_VM takes longer the more mappings the process
 * has (5 ms with 20,000), and from 2,000 on it never ends between two ticks of 0.2 ms.
 */
int retry_ioctl_at(int fd, unsigned long request, uintptr_t argument);
#define retry_ioctl(fd, request, argument) retry_ioctl_at(fd, request, (uintptr_t)(argument))

/* The descriptor is gone after EINTR, and so would be what close() had to say about the data. */
int retry_close(int fd);

/*
 * Around what makes a file longer, one in memory too: beyond RLIMIT_FSIZE it is EFBIG and no more,
 * where SIGXFSZ would end the host program.  errno stays.
 */
struct file_limit {
    sigset_t before;
    bool waits; /* one of the program's own, which it blocks */
};
void file_limit_begin(struct file_limit *limit);
void file_limit_end(const struct file_limit *limit);

#endif
