/* SPDX-License-Identifier: Apache-2.0 */
/* render/summary.c - totals, calls, start-up, memory and KVM's own figures, of a document. */
#include <string.h>

#include "profile_parts.h"

static void read_totals(struct view *view, struct profile_check *c, const json_t *doc)
{
    struct profile_totals *t = &view->totals;
    profile_at(c, "", -1);
    const json_t *o = profile_object(c, doc, "totals");
    if (!o)
        return;
    profile_at(c, "totals", -1);
    t->runs = profile_number_or_0(c, o, "runs");
    t->exits = profile_number_or_0(c, o, "exits");
    t->interrupts = profile_number_or_0(c, o, "interrupts");
    t->wall_ns = profile_number_or_0(c, o, "wall_ns");
    t->guest_ns = profile_number_or_0(c, o, "guest_ns");
    t->host_ns = profile_number_or_0(c, o, "host_ns");
    t->vmm_ns = profile_number_or_0(c, o, "vmm_ns");
    t->observer_ns = profile_number_or_0(c, o, "observer_ns");
    t->samples = profile_number_or_0(c, o, "samples");
    t->lost = profile_number_or_0(c, o, "lost");
    t->stacks_dropped = profile_number_or_0(c, o, "stacks_dropped");
}

static double real(struct profile_check *c, const json_t *o, const char *key)
{
    const json_t *value = json_object_get(o, key);
    double d = json_number_value(value);
    if (json_is_number(value) && d >= 0 && d < 1e18)
        return d;
    profile_bad(c, key, "not a possible number");
    return 0;
}

static void read_range(struct profile_check *c, const json_t *o, const char *key,
                       struct profile_range *range)
{
    const json_t *value = profile_object(c, o, key);
    if (!value)
        return;
    range->min = real(c, value, "min");
    range->mean = real(c, value, "mean");
    range->max = real(c, value, "max");
    range->known = true;
}

static void read_call(struct view *view, struct profile_check *c, const json_t *o,
                      struct view_call *call)
{
    call->name = profile_word(view, c, profile_string(c, o, "name", true));
    call->count = profile_number(c, o, "count");
    call->ns = profile_number(c, o, "ns");
    call->failed = profile_number_or_0(c, o, "failed");
    call->interrupted = profile_number_or_0(c, o, "interrupted");
    call->exits = profile_number_or_0(c, o, "exits");
    call->guest_ns = profile_number_or_0(c, o, "guest_ns");
    call->host_ns = profile_number_or_0(c, o, "host_ns");
    call->vmm_ns = profile_number_or_0(c, o, "vmm_ns");
    call->min_ns = profile_number_or_0(c, o, "min_ns");
    call->p50_ns = profile_number_or_0(c, o, "p50_ns");
    call->p99_ns = profile_number_or_0(c, o, "p99_ns");
    call->max_ns = profile_number_or_0(c, o, "max_ns");
    read_range(c, o, "pages_dirtied", &call->dirtied);
    read_range(c, o, "pages_touched", &call->touched);
}

static void read_calls(struct view *view, struct profile_check *c, const json_t *doc)
{
    profile_at(c, "", -1);
    const json_t *list = profile_list(c, doc, "calls", false);
    view->call = profile_array(c, list, sizeof(*view->call), &view->call_count);
    for (size_t i = 0; i < view->call_count && !c->rc; i++) {
        profile_at(c, "calls", (long)i);
        read_call(view, c, json_array_get(list, i), view->call + i);
    }
}

static void read_startup(struct view *view, struct profile_check *c, const json_t *doc)
{
    profile_at(c, "", -1);
    const json_t *list = profile_list(c, doc, "startup", false);
    view->step = profile_array(c, list, sizeof(*view->step), &view->step_count);
    for (size_t i = 0; i < view->step_count && !c->rc; i++) {
        const json_t *o = json_array_get(list, i);
        profile_at(c, "startup", (long)i);
        view->step[i].name = profile_word(view, c, profile_string(c, o, "step", true));
        view->step[i].ns = profile_number(c, o, "ns");
        view->step[i].count = profile_number_or_0(c, o, "count");
    }
}

static void read_memory(struct view *view, struct profile_check *c, const json_t *doc)
{
    struct profile_memory *m = &view->memory;
    profile_at(c, "", -1);
    const json_t *o = profile_object(c, doc, "memory");
    if (!o)
        return;
    profile_at(c, "memory", -1);
    m->known = true;
    m->heap_size = profile_number_or_0(c, o, "heap_size");
    m->heap_high = profile_number_or_0(c, o, "heap_high");
    m->stack_size = profile_number_or_0(c, o, "stack_size");
    m->stack_high = profile_number_or_0(c, o, "stack_high");
    m->dirtied = profile_number_or_0(c, o, "pages_dirtied");
    m->touched = profile_number_or_0(c, o, "pages_touched");
    m->dirtied_known = json_is_integer(json_object_get(o, "pages_dirtied"));
    m->touched_known = json_is_integer(json_object_get(o, "pages_touched"));
}

static void read_counters(struct view *view, struct profile_check *c, const json_t *doc)
{
    profile_at(c, "", -1);
    const json_t *list = profile_list(c, doc, "kvm", false);
    view->counter = profile_array(c, list, sizeof(*view->counter), &view->counter_count);
    for (size_t i = 0; i < view->counter_count && !c->rc; i++) {
        const json_t *o = json_array_get(list, i), *value;
        profile_at(c, "kvm", (long)i);
        view->counter[i].scope = profile_word(view, c, profile_string(c, o, "scope", true));
        view->counter[i].name = profile_word(view, c, profile_string(c, o, "name", true));
        value = json_object_get(o, "value");
        if (!json_is_number(value))
            profile_bad(c, "value", "not a number");
        view->counter[i].value = json_number_value(value);
    }
}

void profile_read_summary(struct view *view, struct profile_check *c, const json_t *doc)
{
    read_totals(view, c, doc);
    read_calls(view, c, doc);
    read_startup(view, c, doc);
    read_memory(view, c, doc);
    read_counters(view, c, doc);
}
