/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_stat.h - many durations as a few numbers: exact count, sum, extremes; percentiles to 3%.
 */
#ifndef HL_PROFILE_STAT_H
#define HL_PROFILE_STAT_H

#include <stdint.h>

/* Each power of two has 32 buckets: the width of a bucket is at most 1/32 of its values. */
#define STAT_STEPS 32u
#define STAT_BUCKETS ((64u - 5u) * STAT_STEPS + STAT_STEPS)

struct stat_times {
    uint64_t count, ns, min, max;
    uint64_t *bucket; /* STAT_BUCKETS; NULL before the first value, or out of memory */
};

void stat_add(struct stat_times *s, uint64_t ns);
/* The duration that this share of the values does not exceed: 0.5 for the median. */
uint64_t stat_percentile(const struct stat_times *s, double share);
/* The number of values from 2^k to 2^(k+1)-1 ns; 0 ns counts as 1. */
uint64_t stat_octave(const struct stat_times *s, unsigned k);
void stat_free(struct stat_times *s);

#endif
