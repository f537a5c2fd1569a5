/* SPDX-License-Identifier: Apache-2.0 */
#include "nondet.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/futex.h>

#include "retry.h"

int nondet_random(void *buf, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = RETRY(getrandom((uint8_t *)buf + done, size - done, 0));
        if (n < 0)
            return -errno;
        done += (size_t)n;
    }
    return 0;
}

int nondet_clock(int clock, struct timespec *time)
{
    return clock_gettime(clock, time) ? -errno : 0;
}

int nondet_clock_resolution(int clock, struct timespec *resolution)
{
    return clock_getres(clock, resolution) ? -errno : 0;
}

bool nondet_wait(int clock, const struct timespec *until, _Atomic uint32_t *word, uint32_t seen)
{
    int op = FUTEX_WAIT_BITSET_PRIVATE | (clock == CLOCK_REALTIME ? FUTEX_CLOCK_REALTIME : 0);
    return syscall(SYS_futex, word, op, seen, until, NULL, FUTEX_BITSET_MATCH_ANY) &&
           errno == ETIMEDOUT;
}
