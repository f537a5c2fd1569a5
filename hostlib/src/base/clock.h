/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - the host's own time, for limits and measurements; a guest's comes by nondet.h. */
#ifndef HL_CLOCK_H
#define HL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* CLOCK_MONOTONIC in ns. */
static inline uint64_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

#endif
