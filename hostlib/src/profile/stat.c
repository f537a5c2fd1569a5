/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_stat.h"

#include <stdlib.h>

/* Below 32 a bucket is one value; above, the first five bits after the leading one select it. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < STAT_STEPS)
        return (unsigned)ns;
    unsigned octave = 63u - (unsigned)__builtin_clzll(ns);
    return (octave - 4) * STAT_STEPS + (unsigned)(ns >> (octave - 5) & (STAT_STEPS - 1));
}

/* The largest duration of a bucket. */
static uint64_t end_of(unsigned bucket)
{
    if (bucket < STAT_STEPS)
        return bucket;
    unsigned octave = bucket / STAT_STEPS + 4;
    uint64_t step = bucket % STAT_STEPS + STAT_STEPS;
    return ((step + 1) << (octave - 5)) - 1;
}

void stat_add(struct stat_times *s, uint64_t ns)
{
    if (!s->bucket)
        s->bucket = calloc(STAT_BUCKETS, sizeof(*s->bucket));
    if (s->bucket)
        s->bucket[bucket_of(ns)]++;
    if (!s->count || ns < s->min)
        s->min = ns;
    if (ns > s->max)
        s->max = ns;
    s->count++;
    s->ns += ns;
}

uint64_t stat_percentile(const struct stat_times *s, double share)
{
    uint64_t rank = (uint64_t)((double)s->count * share + 0.999999), seen = 0;
    for (unsigned i = 0; s->bucket && i < STAT_BUCKETS; i++) {
        seen += s->bucket[i];
        if (seen >= rank && seen) {
            uint64_t end = end_of(i);
            return end > s->max ? s->max : end < s->min ? s->min : end;
        }
    }
    return s->max;
}

uint64_t stat_octave(const struct stat_times *s, unsigned k)
{
    uint64_t sum = 0;
    if (!s->bucket)
        return 0;
    for (unsigned i = 0; i < STAT_STEPS && k >= 5; i++)
        sum += s->bucket[(k - 4) * STAT_STEPS + i];
    for (uint64_t ns = k ? 1ull << k : 0; k < 5 && ns < 2ull << k; ns++)
        sum += s->bucket[ns];
    return sum;
}

void stat_free(struct stat_times *s)
{
    free(s->bucket);
    s->bucket = NULL;
}
