/* SPDX-License-Identifier: Apache-2.0 */
#include "futex.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/futex.h>

bool futex_wait_until(_Atomic uint32_t *word, uint32_t seen, int clock,
                      const struct timespec *until)
{
    int op = FUTEX_WAIT_BITSET_PRIVATE | (clock == CLOCK_REALTIME ? FUTEX_CLOCK_REALTIME : 0);
    return syscall(SYS_futex, word, op, seen, until, NULL, FUTEX_BITSET_MATCH_ANY) &&
           errno == ETIMEDOUT;
}

void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
