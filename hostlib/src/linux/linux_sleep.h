/* SPDX-License-Identifier: Apache-2.0 */
/* linux_sleep.h - sleeping, for system calls that may have to wait. */
#ifndef HL_LINUX_SLEEP_H
#define HL_LINUX_SLEEP_H

#include "linux.h"

/*
 * Sleep for span, or without end (NULL), in system call `number`.  0: the time has passed; -EINTR:
 * a signal is pending; LINUX_AGAIN: to be returned at once, as the call is undone.
 */
int64_t linux_sleep(struct hl_sandbox *sb, uint64_t number, const struct timespec *span);
/* After -EINTR: the rest of the span. */
int linux_sleep_left(struct hl_sandbox *sb, struct timespec *left);

#endif
