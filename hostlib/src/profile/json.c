/* SPDX-License-Identifier: Apache-2.0 */
/* profile/json.c - write a profile in the format of docs/profile-format.md. */
#include "profile.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include <hl/hl.h>

#include "file_replace.h"
#include "grow.h"
#include "utf8.h"

#define INT(value) json_integer((json_int_t)(value))

/* Set when this thread could not allocate a part of the document. */
static _Thread_local bool incomplete;

/* Takes ownership of value, which is NULL if there was no memory for it. */
static void put_member(json_t *o, const char *key, json_t *value)
{
    incomplete |= json_object_set_new(o, key, value) != 0;
}

static void append(json_t *list, json_t *value)
{
    incomplete |= json_array_append_new(list, value) != 0;
}

/* jansson requires UTF-8; names in a guest's file may be any bytes. */
static json_t *text(const char *s)
{
    if (!s)
        return json_null();
    json_t *t = json_string(s);
    if (t)
        return t;
    size_t n = utf8_escape(NULL, 0, s, strlen(s));
    char *copy = malloc(n + 1);
    if (copy)
        utf8_escape(copy, n + 1, s, strlen(s));
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
        put_member(o, "function", string(p, f->function));
        put_member(o, "file", string(p, f->file));
        put_member(o, "line", json_integer(f->line));
        if (f->address)
            put_member(o, "address", json_sprintf("0x%" PRIx64, f->address));
        for (unsigned k = 0; k < 3; k++)
            if (f->flags & 1u << k)
                put_member(o, flag[k], json_true());
        append(list, o);
    }
    return list;
}

static json_t *stacks(const struct profile_view *v)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < v->nodes.count; i++) {
        const struct profile_node *n = table_at(&v->nodes, i);
        append(list, json_pack("[o, o]", number_or_none(n->parent), INT(n->what)));
    }
    return list;
}

static void put_times(json_t *o, const struct stat_times *s)
{
    put_member(o, "count", INT(s->count));
    put_member(o, "ns", INT(s->ns));
    put_member(o, "min_ns", INT(s->min));
    put_member(o, "p50_ns", INT(stat_percentile(s, 0.5)));
    put_member(o, "p99_ns", INT(stat_percentile(s, 0.99)));
    put_member(o, "max_ns", INT(s->max));
}

static json_t *histogram(const struct stat_times *s)
{
    json_t *list = json_array();
    for (unsigned k = 0; k < 64; k++) {
        uint64_t count = stat_octave(s, k);
        if (count)
            append(list, json_pack("[i, o]", (int)k, INT(count)));
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
        ; /* no detail */
    else if (k->reason == REASON_MMIO)
        put_member(o, "address", json_sprintf("0x%" PRIx64, k->detail));
    else if (name[k->reason])
        put_member(o, name[k->reason], INT(k->detail));
    if (k->reason == REASON_HOST || k->reason == REASON_SYSCALL)
        put_member(o, "failed", INT(k->failed));
    if (k->reason == REASON_HOST)
        put_member(o, "function_ns", INT(k->function_ns));
}

static json_t *kinds(const struct hl_profile *p)
{
    static const char *const reason[] = {"host", "syscall", "result", "log",     "abort",
                                         "io",   "mmio",    "fault",  "shutdown"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->kinds.count; i++) {
        const struct profile_kind *k = table_at(&p->kinds, i);
        json_t *o = json_object();
        put_member(o, "reason", json_string(reason[k->reason]));
        put_member(o, "name", string(p, k->name));
        put_detail(o, k);
        put_times(o, &k->times);
        put_member(o, "histogram", histogram(&k->times));
        append(list, o);
    }
    return list;
}

static json_t *exits(const struct profile_view *v)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < v->exits.count; i++) {
        const struct profile_exit *x = table_at(&v->exits, i);
        append(list, json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "kind", INT(x->kind), "stack",
                               number_or_none(x->node), "site", number_or_none(x->site), "count",
                               INT(x->count), "ns", INT(x->ns), "min_ns", INT(x->min), "max_ns",
                               INT(x->max)));
    }
    return list;
}

static json_t *samples(const struct hl_profile *p, const struct profile_view *v,
                       uint64_t of_root[ROOTS])
{
    static const char *const root[] = {"guest", "host", "vmm"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < v->samples.count; i++) {
        const struct profile_sample *s = table_at(&v->samples, i);
        json_t *o = json_object();
        of_root[s->root] += s->count;
        put_member(o, "root", json_string(root[s->root]));
        put_member(o, "stack", number_or_none(s->node));
        put_member(o, "site", number_or_none(s->site));
        if (s->kind != TABLE_NONE)
            put_member(o, "kind", INT(s->kind));
        put_member(o, "count", INT(s->count));
        put_member(o, "ns", INT(s->count * p->period));
        append(list, o);
    }
    return list;
}

static json_t *range(const struct range_of *r)
{
    if (!r->count)
        return json_null();
    uint64_t thousandths = (1000 * r->sum + r->count / 2) / r->count;
    return json_pack("{s:o, s:f, s:o}", "min", INT(r->min), "mean", (double)thousandths / 1e3,
                     "max", INT(r->max));
}

static json_t *calls(const struct hl_profile *p)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < p->calls.count; i++) {
        const struct profile_call *c = table_at(&p->calls, i);
        json_t *o = json_object();
        put_member(o, "name", string(p, c->name));
        put_times(o, &c->times);
        put_member(o, "failed", INT(c->failed));
        put_member(o, "interrupted", INT(c->interrupted));
        put_member(o, "exits", INT(c->exits));
        put_member(o, "guest_ns", INT(c->guest));
        put_member(o, "host_ns", INT(c->host));
        put_member(o, "vmm_ns", INT(c->vmm));
        put_member(o, "pages_dirtied", range(&c->dirtied));
        put_member(o, "pages_touched", range(&c->touched));
        append(list, o);
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
            append(list, json_pack("{s:s, s:o, s:o}", "step", name[i], "ns", INT(s->ns / s->count),
                                   "count", INT(s->count)));
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
        append(list, json_pack("{s:s, s:o, s:o}", "scope", c->vm ? "vm" : "vcpu", "name",
                               string(p, c->name), "value", INT(c->value)));
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
        put_member(o, all[i].name, INT(all[i].value));
    if (p->period) {
        put_member(o, "samples", INT(of_root[0] + of_root[1] + of_root[2]));
        put_member(o, "lost", INT(p->lost));
    }
    return o;
}

static json_t *document(struct hl_profile *p, const struct profile_view *v)
{
    json_t *o = json_object();
    uint64_t of_root[ROOTS] = {0};
    for (struct tap *t = p->taps; t; t = t->next)
        counters_update(t);
    json_t *list = samples(p, v, of_root);
    put_member(o, "format", json_string("hl-profile"));
    put_member(o, "version", json_integer(1));
    put_member(o, "mode", json_string(p->period ? "cpu" : "exits"));
    put_member(o, "guest", text(p->path));
    put_member(o, "hl", json_string(hl_version()));
    if (p->period)
        put_member(o, "rate_hz", INT(p->config.rate_hz));
    put_member(o, "totals", totals(p, of_root));
    put_member(o, "frames", frames(p));
    put_member(o, "stacks", stacks(v));
    put_member(o, "kinds", kinds(p));
    put_member(o, "exits", exits(v));
    put_member(o, "samples", list);
    put_member(o, "calls", calls(p));
    put_member(o, "startup", startup(p));
    put_member(o, "memory", memory(p));
    put_member(o, "kvm", counters(p));
    return o;
}

struct sink {
    char *data;
    size_t used, room;
    bool failed;
};

static int collect(const char *piece, size_t size, void *opaque)
{
    struct sink *s = opaque;
    size_t need = s->used + size + 1; /* with the NUL */
    char *more = s->failed ? NULL : array_grow(s->data, &s->room, need, 1);
    s->failed = !more;
    if (s->failed)
        return -1;
    s->data = more;
    memcpy(s->data + s->used, piece, size);
    s->used += size;
    s->data[s->used] = 0;
    return 0;
}

/* json_dumps() does not notice when memory for a key runs out (jansson 2.14). */
static char *dump(const json_t *o)
{
    struct sink s = {0};
    if (json_dump_callback(o, collect, &s,
                           JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15)) ||
        s.failed) {
        free(s.data);
        return NULL;
    }
    return s.data;
}

int hl_profile_json(struct hl_profile *p, char **out, struct hl_error *error)
{
    if (!p || !out)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no profile");
    struct profile_view view = {.nodes = {0}};
    profile_lock_naming(p);
    profile_name(p);
    profile_lock(p);
    incomplete = !profile_view_make(p, &view);
    json_t *o = document(p, &view);
    const char *missing = p->symbols ? hl_symbols_missing(p->symbols) : NULL;
    if (missing)
        put_member(o, "missing", text(missing));
    pthread_mutex_unlock(&p->lock);
    pthread_mutex_unlock(&p->naming);
    profile_view_free(&view);
    *out = incomplete ? NULL : dump(o);
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
