/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile/sample.c - what was executing at each multiple of the period.
 *
 * In the guest a timer's signal ends KVM_RUN at that moment, and the stack is walked.  Outside the
 * guest no signal is needed: the times at which host functions and libhl began and ended are known,
 * so the number of ticks in each is computed, and one walk of the stopped guest's stack is used for
 * all of them.
 */
#include "profile.h"

#include "machine_cpu.h"

/* Multiples of the period in (began, ended]. */
static uint64_t moments(const struct hl_profile *p, uint64_t began, uint64_t ended)
{
    return ended > began ? ended / p->period - began / p->period : 0;
}

static void add_sample(struct tap *t, enum root root, uint32_t kind, uint32_t stack, uint64_t count)
{
    struct hl_profile *p = t->profile;
    const uint32_t key[4] = {root, kind, stack, 0};
    uint32_t n = count ? table_intern(&p->samples, key) : TABLE_NONE;
    if (n == TABLE_NONE)
        return;
    struct profile_sample *s = table_at(&p->samples, n);
    s->count += count;
}

void sample_begin(struct tap *t)
{
    t->sampling = machine_sample(t->sb->machine, t->profile->period, NULL) == 0;
}

void sample_end(struct tap *t, uint64_t began, uint64_t ended)
{
    struct hl_profile *p = t->profile;
    if (t->sampling)
        machine_sample(t->sb->machine, 0, NULL);
    t->sampling = false;
    profile_lock(p);
    /* Arguments copied in, results copied out. */
    uint64_t edges = t->left ? moments(p, t->served, ended) : moments(p, began, ended);
    add_sample(t, ROOT_VMM, TABLE_NONE, TABLE_NONE, edges);
    /* A tick may end the run after the one in which it fell due: only the balance is exact. */
    if (t->due > t->taken)
        p->lost += t->due - t->taken;
    pthread_mutex_unlock(&p->lock);
}

void sample_exit(struct tap *t, const struct hl_exit *exit)
{
    struct hl_profile *p = t->profile;
    unsigned ticks = exit->kind == HL_EXIT_INTERRUPT ? exit->interrupt.ticks : 0;
    t->due += moments(p, t->entered, t->left);
    if (!ticks)
        return;
    add_sample(t, ROOT_GUEST, TABLE_NONE, profile_walk(t, false), 1);
    t->taken++;
}

void sample_served(struct tap *t, uint64_t began, uint64_t ended, bool past)
{
    struct hl_profile *p = t->profile;
    uint64_t host_ended = t->host_began + t->host_took;
    uint64_t host = t->host_began ? moments(p, t->host_began, host_ended) : 0;
    uint64_t all = moments(p, began, ended);
    if (!all)
        return;
    uint32_t stack = profile_walk(t, past);
    add_sample(t, ROOT_HOST, t->kind, stack, host);
    add_sample(t, ROOT_VMM, t->kind, stack, all > host ? all - host : 0);
}
