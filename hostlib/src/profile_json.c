/* SPDX-License-Identifier: Apache-2.0 */
/* profile_json.c - a profile as the document of docs/profile-format.md. */
#include "profile.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <hl/hl.h>

#include "file_replace.h"

#define INT(value) json_integer((json_int_t)(value))

/* jansson wants UTF-8; names are whatever bytes the guest's file holds. */
static json_t *text(const char *s)
{
    if (!s)
        return json_null();
    json_t *t = json_string(s);
    if (t)
        return t;
    size_t n = strlen(s);
    char *copy = malloc(n + 1);
    for (size_t i = 0; copy && i <= n; i++)
        copy[i] = (unsigned char)s[i] < 0x80 ? s[i] : '?';
    t = copy ? json_string(copy) : NULL;
    free(copy);
    return t;
}

static json_t *string(const struct hl_profile *p, uint32_t number)
{
    return text(profile_interned(p, number));
}

static json_t *number_or_none(uint32_t number)
{
    return json_integer(number == TABLE_NONE ? -1 : (json_int_t)number);
}

static json_t *frames(const struct hl_profile *p)
{
    static const char *const flag[] = {"inlined", "uncertain", "runtime"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->frames.count; i++) {
        const struct profile_frame *f = table_at(&p->frames, i);
        json_t *o = json_object();
        json_object_set_new(o, "function", string(p, f->function));
        json_object_set_new(o, "file", string(p, f->file));
        json_object_set_new(o, "line", json_integer(f->line));
        if (f->address)
            json_object_set_new(o, "address", json_sprintf("0x%" PRIx64, f->address));
        for (unsigned k = 0; k < 3; k++)
            if (f->flags & 1u << k)
                json_object_set_new(o, flag[k], json_true());
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *stacks(const struct hl_profile *p)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->nodes.count; i++) {
        const struct profile_node *n = table_at(&p->nodes, i);
        json_array_append_new(list, json_pack("[o, o]", number_or_none(n->parent), INT(n->frame)));
    }
    return list;
}

static void put_times(json_t *o, const struct stat_times *s)
{
    json_object_set_new(o, "count", INT(s->count));
    json_object_set_new(o, "ns", INT(s->ns));
    json_object_set_new(o, "min_ns", INT(s->min));
    json_object_set_new(o, "p50_ns", INT(stat_percentile(s, 0.5)));
    json_object_set_new(o, "p99_ns", INT(stat_percentile(s, 0.99)));
    json_object_set_new(o, "max_ns", INT(s->max));
}

static json_t *histogram(const struct stat_times *s)
{
    json_t *list = json_array();
    for (unsigned k = 0; k < 64; k++) {
        uint64_t count = stat_octave(s, k);
        if (count)
            json_array_append_new(list, json_pack("[i, o]", (int)k, INT(count)));
    }
    return list;
}

static void put_detail(json_t *o, const struct profile_kind *k)
{
    static const char *const name[] = {
        [REASON_HOST] = "port",    [REASON_SYSCALL] = "number", [REASON_RESULT] = "port",
        [REASON_LOG] = "port",     [REASON_ABORT] = "port",     [REASON_IO] = "port",
        [REASON_FAULT] = "vector", [REASON_SHUTDOWN] = NULL,
    };
    if (k->detail == KIND_REST)
        ; /* of none */
    else if (k->reason == REASON_MMIO)
        json_object_set_new(o, "address", json_sprintf("0x%" PRIx64, k->detail));
    else if (name[k->reason])
        json_object_set_new(o, name[k->reason], INT(k->detail));
    if (k->reason == REASON_HOST || k->reason == REASON_SYSCALL)
        json_object_set_new(o, "failed", INT(k->failed));
    if (k->reason == REASON_HOST)
        json_object_set_new(o, "function_ns", INT(k->function_ns));
}

static json_t *kinds(const struct hl_profile *p)
{
    static const char *const reason[] = {"host", "syscall", "result", "log",     "abort",
                                         "io",   "mmio",    "fault",  "shutdown"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->kinds.count; i++) {
        const struct profile_kind *k = table_at(&p->kinds, i);
        json_t *o = json_object();
        json_object_set_new(o, "reason", json_string(reason[k->reason]));
        json_object_set_new(o, "name", string(p, k->name));
        put_detail(o, k);
        put_times(o, &k->times);
        json_object_set_new(o, "histogram", histogram(&k->times));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *exits(const struct hl_profile *p)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->exits.count; i++) {
        const struct profile_exit *x = table_at(&p->exits, i);
        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "kind", INT(x->kind),
                                        "stack", number_or_none(x->node), "site",
                                        number_or_none(x->site), "count", INT(x->count), "ns",
                                        INT(x->ns), "min_ns", INT(x->min), "max_ns", INT(x->max)));
    }
    return list;
}

static json_t *samples(const struct hl_profile *p, uint64_t of_root[ROOTS])
{
    static const char *const root[] = {"guest", "host", "vmm"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->samples.count; i++) {
        const struct profile_sample *s = table_at(&p->samples, i);
        json_t *o = json_object();
        of_root[s->root] += s->count;
        json_object_set_new(o, "root", json_string(root[s->root]));
        json_object_set_new(o, "stack", number_or_none(s->node));
        json_object_set_new(o, "site", number_or_none(s->site));
        if (s->kind != TABLE_NONE)
            json_object_set_new(o, "kind", INT(s->kind));
        json_object_set_new(o, "count", INT(s->count));
        json_object_set_new(o, "ns", INT(s->count * p->period));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *range(const struct range_of *r)
{
    return r->count ? json_pack("{s:o, s:f, s:o}", "min", INT(r->min), "mean",
                                (double)r->sum / (double)r->count, "max", INT(r->max))
                    : json_null();
}

static json_t *calls(const struct hl_profile *p)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->calls.count; i++) {
        const struct profile_call *c = table_at(&p->calls, i);
        json_t *o = json_object();
        json_object_set_new(o, "name", string(p, c->name));
        put_times(o, &c->times);
        json_object_set_new(o, "failed", INT(c->failed));
        json_object_set_new(o, "exits", INT(c->exits));
        json_object_set_new(o, "guest_ns", INT(c->guest));
        json_object_set_new(o, "host_ns", INT(c->host));
        json_object_set_new(o, "vmm_ns", INT(c->vmm));
        json_object_set_new(o, "pages_dirtied", range(&c->dirtied));
        json_object_set_new(o, "pages_touched", range(&c->touched));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *startup(const struct hl_profile *p)
{
    static const char *const name[] = {
        [STEP_LOAD] = "load",
        [STEP_CREATE] = "create",
        [STEP_INSTRUCTION] = "first instruction",
        [STEP_RESULT] = "first result",
        [STEP_RESTORE] = "restore",
    };
    json_t *list = json_array();
    for (unsigned i = 0; i < STEPS; i++) {
        const struct stat_times *s = &p->step[i];
        if (s->count)
            json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "step", name[i], "ns",
                                                  INT(s->ns / s->count), "count", INT(s->count)));
    }
    return list;
}

static json_t *pages(const uint64_t *set, size_t words)
{
    uint64_t count = 0;
    for (size_t i = 0; i < words; i++)
        count += (uint64_t)__builtin_popcountll(set[i]);
    return set ? INT(count) : json_null();
}

static json_t *memory(const struct hl_profile *p)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "heap_size", INT(p->heap_size), "heap_high",
                     INT(p->heap_high), "stack_size", INT(p->stack_size), "stack_high",
                     INT(p->stack_high), "pages_dirtied", pages(p->dirtied, p->page_words),
                     "pages_touched", pages(p->touched, p->page_words));
}

static json_t *counters(const struct hl_profile *p)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->counters.count; i++) {
        const struct profile_counter *c = table_at(&p->counters, i);
        json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "scope", c->vm ? "vm" : "vcpu",
                                              "name", string(p, c->name), "value", INT(c->value)));
    }
    return list;
}

static json_t *totals(const struct hl_profile *p, const uint64_t of_root[ROOTS])
{
    json_t *o = json_object();
    const struct {
        const char *name;
        uint64_t value;
    } all[] = {
        {"runs", p->runs},    {"exits", p->exit_count},      {"interrupts", p->interrupts},
        {"wall_ns", p->wall}, {"guest_ns", p->guest},        {"host_ns", p->host},
        {"vmm_ns", p->vmm},   {"observer_ns", p->observing}, {"stacks_dropped", p->dropped},
    };
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        json_object_set_new(o, all[i].name, INT(all[i].value));
    if (p->period) {
        json_object_set_new(o, "samples", INT(of_root[0] + of_root[1] + of_root[2]));
        json_object_set_new(o, "lost", INT(p->lost));
    }
    return o;
}

static json_t *document(struct hl_profile *p)
{
    json_t *o = json_object();
    uint64_t of_root[ROOTS] = {0};
    for (struct tap *t = p->taps; t; t = t->next)
        counters_update(t);
    json_t *list = samples(p, of_root);
    json_object_set_new(o, "format", json_string("hl-profile"));
    json_object_set_new(o, "version", json_integer(1));
    json_object_set_new(o, "mode", json_string(p->period ? "cpu" : "exits"));
    json_object_set_new(o, "guest", text(p->path));
    json_object_set_new(o, "hl", json_string(hl_version()));
    if (p->period)
        json_object_set_new(o, "rate_hz", INT(p->config.rate_hz));
    json_object_set_new(o, "totals", totals(p, of_root));
    json_object_set_new(o, "frames", frames(p));
    json_object_set_new(o, "stacks", stacks(p));
    json_object_set_new(o, "kinds", kinds(p));
    json_object_set_new(o, "exits", exits(p));
    json_object_set_new(o, "samples", list);
    json_object_set_new(o, "calls", calls(p));
    json_object_set_new(o, "startup", startup(p));
    json_object_set_new(o, "memory", memory(p));
    json_object_set_new(o, "kvm", counters(p));
    return o;
}

int hl_profile_json(struct hl_profile *p, char **out, struct hl_error *error)
{
    if (!p || !out)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no profile");
    pthread_mutex_lock(&p->lock);
    json_t *o = document(p);
    pthread_mutex_unlock(&p->lock);
    *out = o ? json_dumps(o, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
    json_decref(o);
    return *out ? 0 : hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
}

int hl_profile_write(struct hl_profile *p, const char *path, struct hl_error *error)
{
    char *json;
    if (!path)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no file name");
    int rc = hl_profile_json(p, &json, error);
    if (rc)
        return rc;
    const struct file_part parts[] = {{json, strlen(json)}, {"\n", 1}};
    rc = file_replace(path, parts, 2, false, error);
    free(json);
    return rc;
}
