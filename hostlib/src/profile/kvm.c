/* SPDX-License-Identifier: Apache-2.0 */
/* profile/kvm.c - KVM's own counters of a profiled sandbox, to compare with. */
#include "profile.h"

#include <stdlib.h>

#include "machine_cpu.h"

static size_t read_counters(const struct tap *t, struct vcpu_stat *list)
{
    return machine_stats(t->sb->machine, list);
}

void counters_begin(struct tap *t)
{
    t->before = calloc(VCPU_STATS, sizeof(*t->before));
    t->before_count = t->before ? read_counters(t, t->before) : 0;
}

/* The same counters in the same order each time: the table is KVM's. */
void counters_update(struct tap *t)
{
    struct hl_profile *p = t->profile;
    struct vcpu_stat *now = t->before_count ? calloc(VCPU_STATS, sizeof(*now)) : NULL;
    size_t count = now ? read_counters(t, now) : 0;
    for (size_t i = 0; i < count && i < t->before_count; i++) {
        const uint32_t key[2] = {profile_intern(p, now[i].name), now[i].vm};
        uint32_t n =
            now[i].value > t->before[i].value ? table_intern(&p->counters, key) : TABLE_NONE;
        if (n == TABLE_NONE)
            continue;
        struct profile_counter *c = table_at(&p->counters, n);
        c->value += now[i].value - t->before[i].value;
        t->before[i].value = now[i].value;
    }
    free(now);
}

void counters_end(struct tap *t)
{
    counters_update(t);
    free(t->before);
    t->before = NULL;
}
