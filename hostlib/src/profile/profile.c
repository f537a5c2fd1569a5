/* SPDX-License-Identifier: Apache-2.0 */
/* profile/profile.c - create and free a profile, and its taps: the observers that measure. */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fork.h"
#include "image.h"
#include "sized.h"
#include "sum.h"
#include "symbols_walk.h"
#include "syscall_names.h"

/* ---- kinds of exits ---- */

static struct profile_kind kind_of_io(const struct tap *t, const struct hl_exit *exit,
                                      const char **name)
{
    const struct hl_message *m = &t->sb->output->message;
    const struct hl_function *import;
    struct profile_kind kind = {.detail = exit->io.port};
    switch (exit->io.port) {
    case HL_PORT_CALL:
        import = hl_image_import(t->sb->image, m->index);
        kind.reason = REASON_HOST;
        *name = import ? import->name : "?";
        break;
    case HL_PORT_WAIT:
        kind.reason = REASON_RESULT;
        *name = "result";
        break;
    case HL_PORT_LOG:
        kind.reason = REASON_LOG;
        *name = "log";
        break;
    case HL_PORT_ABORT:
        kind.reason = REASON_ABORT;
        *name = "abort";
        break;
    default:
        kind.reason = REASON_IO;
        *name = exit->io.in ? "in" : "out";
    }
    return kind;
}

static struct profile_kind kind_of(const struct tap *t, const struct hl_exit *exit,
                                   const char **name, char *buf, size_t size)
{
    switch (exit->kind) {
    case HL_EXIT_IO:
        return kind_of_io(t, exit, name);
    case HL_EXIT_SYSCALL:
        *name = syscall_name(exit->syscall.number);
        snprintf(buf, size, "#%llu", (unsigned long long)exit->syscall.number);
        if (!*name)
            *name = buf;
        return (struct profile_kind){.reason = REASON_SYSCALL, .detail = exit->syscall.number};
    case HL_EXIT_FAULT:
        *name = hl_fault_name(exit->fault.vector);
        return (struct profile_kind){.reason = REASON_FAULT, .detail = exit->fault.vector};
    case HL_EXIT_MMIO:
        *name = exit->mmio.write ? "write" : "read";
        return (struct profile_kind){.reason = REASON_MMIO, .detail = exit->mmio.gpa};
    case HL_EXIT_SHUTDOWN:
    case HL_EXIT_INTERRUPT: /* not counted here: see tap_exit() */
    default:
        *name = exit->shutdown.why;
        return (struct profile_kind){.reason = REASON_SHUTDOWN};
    }
}

/*
 * A hostile guest can make as many kinds as it likes, with system call numbers and addresses.  Each
 * reason has one kind for those that exceed the limit, so that sums stay right.
 */
static uint32_t intern_rest(struct hl_profile *p, struct profile_kind *kind)
{
    kind->name = profile_intern(p, "others");
    kind->detail = KIND_REST;
    p->kinds.max = FEW_MAX + REASONS;
    uint32_t n = table_intern(&p->kinds, kind);
    p->kinds.max = FEW_MAX;
    return n;
}

static uint32_t intern_kind(struct tap *t, const struct hl_exit *exit)
{
    char buf[32];
    const char *name = NULL;
    struct profile_kind kind = kind_of(t, exit, &name, buf, sizeof(buf));
    t->import = kind.reason == REASON_HOST ? name : NULL;
    kind.name = profile_intern(t->profile, name);
    uint32_t n = table_intern(&t->profile->kinds, &kind);
    return n == TABLE_NONE ? intern_rest(t->profile, &kind) : n;
}

/* ---- events, lock held ---- */

static void step(struct tap *t, enum step which, uint64_t ns)
{
    stat_add(&t->profile->step[which], ns);
}

static void tap_exit(struct tap *t, const struct hl_event *e)
{
    const struct hl_exit *exit = e->exit.exit;
    struct hl_profile *p = t->profile;
    if (!t->first_entry)
        step(t, STEP_INSTRUCTION, e->exit.entered - t->began);
    t->first_entry = true;
    t->guest += e->exit.left - e->exit.entered;
    t->entered = e->exit.entered;
    t->left = e->exit.left;
    t->host_began = t->host_took = 0;
    t->host_failed = false;
    t->kind = TABLE_NONE;
    if (exit->kind == HL_EXIT_INTERRUPT) {
        p->interrupts++;
    } else {
        t->exits++;
        t->kind = intern_kind(t, exit);
        if (!p->period)
            t->stack = profile_walk(t, hl_exit_is_behind(exit));
    }
    if (p->period)
        sample_exit(t, exit);
}

static void tap_host_end(struct tap *t, const struct hl_event *e)
{
    t->host_began = e->host_end.began;
    t->host_took = e->host_end.took;
    t->host_failed = e->host_end.code != 0;
    t->host += t->host_took;
}

static void add_exit(struct tap *t, uint64_t ns)
{
    struct hl_profile *p = t->profile;
    const uint32_t key[2] = {t->kind, t->stack};
    uint32_t n = table_intern(&p->exits, key);
    if (n == TABLE_NONE) {
        p->dropped++;
        return;
    }
    struct profile_exit *x = table_at(&p->exits, n);
    if (!x->count || ns < x->min)
        x->min = ns;
    if (ns > x->max)
        x->max = ns;
    x->count++;
    x->ns += ns;
}

static void tap_served(struct tap *t, const struct hl_event *e)
{
    struct hl_profile *p = t->profile;
    const struct hl_exit *exit = e->served.exit;
    uint64_t ns = e->served.ended - e->served.began, own = t->observing - t->seen;
    ns -= own < ns ? own : ns; /* at HOST_END, waiting for the lock included */
    t->served = e->served.ended;
    if (exit->kind == HL_EXIT_SYSCALL)
        memory_syscall(t, exit->syscall.number);
    if (p->period)
        sample_served(t, e->served.began, e->served.ended, hl_exit_is_behind(exit));
    if (t->kind == TABLE_NONE)
        return;
    struct profile_kind *kind = table_at(&p->kinds, t->kind);
    stat_add(&kind->times, ns);
    kind->function_ns += t->host_took;
    kind->failed += t->host_failed || (e->served.answered && e->served.result < 0);
    if (!p->period)
        add_exit(t, ns);
}

static struct profile_call *find_call(struct hl_profile *p, const char *name)
{
    const uint32_t key[2] = {profile_intern(p, name), 0};
    uint32_t n = table_intern(&p->calls, key);
    return n == TABLE_NONE ? NULL : table_at(&p->calls, n);
}

static void tap_end(struct tap *t, const struct hl_event *e)
{
    struct hl_profile *p = t->profile;
    struct profile_call *call = find_call(p, e->end.name);
    uint64_t wall = e->end.ended - e->end.began;
    uint64_t known = t->guest + t->host + t->observing;
    uint64_t vmm = wall > known ? wall - known : 0;
    memory_end(t, call);
    p->runs++;
    p->exit_count += t->exits;
    p->wall += wall;
    p->guest += t->guest;
    p->host += t->host;
    p->vmm += vmm;
    p->observing += t->observing;
    uint64_t own = wall > t->observing ? wall - t->observing : 0;
    bool answered = e->end.rc == 0 || e->end.rc == HL_ERR_GUEST_ERROR;
    if (!t->first_result && e->end.what != HL_RUN_START && answered) {
        step(t, STEP_RESULT, own);
        t->first_result = true;
    }
    if (!call)
        return;
    stat_add(&call->times, own);
    call->failed += e->end.rc != 0;
    call->interrupted += e->end.rc == HL_ERR_INTERRUPTED;
    call->exits += t->exits;
    call->guest += t->guest;
    call->host += t->host;
    call->vmm += vmm;
}

static void tap_begin(struct tap *t)
{
    t->guest = t->host = t->observing = t->exits = 0;
    t->entered = t->left = t->served = 0;
    t->due = t->taken = 0;
    t->began = clock_now();
}

static void tap_close(struct tap *t);

/* The time of the observers themselves is not part of any step. */
static void on_event(void *opaque, struct hl_sandbox *sb, const struct hl_event *e)
{
    struct tap *t = opaque;
    struct hl_profile *p = t->profile;
    uint64_t began = e->kind == HL_EVENT_EXIT ? e->exit.left : clock_now();
    (void)sb;
    if (e->kind == HL_EVENT_BEGIN) {
        tap_begin(t);
        memory_begin(t);
        if (p->period)
            sample_begin(t);
        t->observing += clock_now() - began;
        return;
    }
    if (e->kind == HL_EVENT_END && p->period)
        sample_end(t, e->end.began, e->end.ended);
    profile_lock(p);
    if (e->kind == HL_EVENT_EXIT)
        tap_exit(t, e);
    else if (e->kind == HL_EVENT_HOST_END)
        tap_host_end(t, e);
    else if (e->kind == HL_EVENT_SERVED)
        tap_served(t, e);
    else if (e->kind == HL_EVENT_END)
        tap_end(t, e);
    else if (e->kind == HL_EVENT_RESTORE)
        step(t, STEP_RESTORE, e->restore.took);
    pthread_mutex_unlock(&p->lock);
    t->observing += clock_now() - began;
    if (e->kind == HL_EVENT_EXIT)
        t->seen = t->observing;
    if (e->kind == HL_EVENT_DESTROY)
        tap_close(t);
}

#define EVENTS                                                                                     \
    (HL_EVENT_BIT(HL_EVENT_BEGIN) | HL_EVENT_BIT(HL_EVENT_EXIT) |                                  \
     HL_EVENT_BIT(HL_EVENT_HOST_END) | HL_EVENT_BIT(HL_EVENT_SERVED) |                             \
     HL_EVENT_BIT(HL_EVENT_END) | HL_EVENT_BIT(HL_EVENT_RESTORE) | HL_EVENT_BIT(HL_EVENT_DESTROY))

/* ---- life of a tap ---- */

static void profile_free(struct hl_profile *p);

static void tap_close(struct tap *t)
{
    struct hl_profile *p = t->profile;
    struct tap **at = &p->taps;
    profile_lock(p);
    counters_end(t);
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    bool last = p->doomed && !p->taps;
    pthread_mutex_unlock(&p->lock);
    observe_remove(t->sb, &t->observer);
    hl_symbols_close(t->symbols);
    machine_use_close(&t->use);
    free(t);
    if (last)
        profile_free(p);
}

static struct tap *find_tap(struct hl_profile *p, const struct hl_sandbox *sb)
{
    profile_lock(p);
    struct tap *t = p->taps;
    while (t && t->sb != sb)
        t = t->next;
    pthread_mutex_unlock(&p->lock);
    return t;
}

static void see_creation(struct tap *t)
{
    const struct hl_sandbox *sb = t->sb;
    struct hl_profile *p = t->profile;
    if (sb->state != HL_SANDBOX_NEW)
        return;
    step(t, STEP_LOAD, sb->image->load_ns);
    step(t, STEP_CREATE, sb->create_ns);
    p->heap_size = sb->config.heap;
    p->stack_size = sb->config.stack;
}

int profile_attach(struct hl_profile *p, struct hl_sandbox *sb, struct hl_error *error)
{
    struct tap *t = calloc(1, sizeof(*t));
    if (!t)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    t->profile = p;
    t->sb = sb;
    t->kind = TABLE_NONE;
    t->first_entry = t->first_result = sb->state != HL_SANDBOX_NEW;
    t->observer = (struct hl_observer){.event = on_event, .opaque = t, .kinds = EVENTS};
    if (p->config.pages && !machine_use_open(&t->use, sb->machine)) {
        free(t);
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    }
    hl_symbols_open(&t->symbols, sb->image, NULL); /* on failure: no stacks */
    if (t->symbols)
        symbols_prepare_walk(t->symbols);
    profile_lock(p);
    counters_begin(t);
    see_creation(t);
    t->next = p->taps;
    p->taps = t;
    pthread_mutex_unlock(&p->lock);
    observe_add(sb, &t->observer);
    return 0;
}

bool profile_is_of(const struct hl_profile *p, const struct hl_image *image, uint64_t sum)
{
    return p->image_size == image->size && p->image_sum == sum;
}

int hl_profile_attach(struct hl_profile *p, struct hl_sandbox *sb, struct hl_error *error)
{
    if (!p || !sb)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no profile or no sandbox");
    if (!profile_is_of(p, sb->image, sum_of(sb->image->data, sb->image->size)))
        return hl_error_set(error, HL_ERR_ARGUMENT, "the profile is of another guest, %s", p->path);
    int rc = sandbox_take(sb, error);
    if (rc)
        return rc;
    rc = find_tap(p, sb) ? hl_error_set(error, HL_ERR_ARGUMENT, "it is attached already")
                         : profile_attach(p, sb, error);
    sandbox_give(sb);
    return rc;
}

int hl_profile_detach(struct hl_profile *p, struct hl_sandbox *sb, struct hl_error *error)
{
    if (!p || !sb)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no profile or no sandbox");
    int rc = sandbox_take(sb, error);
    if (rc)
        return rc;
    struct tap *t = find_tap(p, sb);
    if (t)
        tap_close(t);
    sandbox_give(sb);
    return t ? 0 : hl_error_set(error, HL_ERR_ARGUMENT, "it is not attached");
}

/* ---- life of a profile ---- */

static void set_tables(struct hl_profile *p)
{
    p->strings = (struct table){sizeof(struct profile_string), 16, .max = ITEMS_MAX};
    p->frames = (struct table){sizeof(struct profile_frame), 24, .max = ITEMS_MAX};
    p->codes = (struct table){sizeof(struct profile_code), 16, .max = ITEMS_MAX};
    p->nodes = (struct table){sizeof(struct profile_node), 8, .max = NODES_MAX};
    p->kinds = (struct table){sizeof(struct profile_kind), 16, .max = FEW_MAX};
    p->exits = (struct table){sizeof(struct profile_exit), 8, .max = ITEMS_MAX};
    p->samples = (struct table){sizeof(struct profile_sample), 16, .max = ITEMS_MAX};
    p->calls = (struct table){sizeof(struct profile_call), 8, .max = FEW_MAX};
    p->counters = (struct table){sizeof(struct profile_counter), 8, .max = FEW_MAX};
}

int hl_profile_create(struct hl_profile **profile, const struct hl_image *image,
                      const struct hl_profile_config *config, struct hl_error *error)
{
    if (!profile || !image)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no image");
    struct hl_profile_config own;
    int rc = SIZED_READ(hl_profile_config, &own, config, error);
    if (rc)
        return rc;
    if (own.rate_hz > HL_PROFILE_RATE_MAX)
        return hl_error_set(error, HL_ERR_ARGUMENT, "%u samples per second: the limit is %u",
                            own.rate_hz, HL_PROFILE_RATE_MAX);
    struct hl_profile *p = calloc(1, sizeof(*p));
    if (!p || !(p->path = strdup(image->path))) {
        free(p);
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    }
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->naming, NULL);
    p->forks = fork_count;
    p->image = image_use(image);
    p->config = own;
    p->period = p->config.rate_hz ? 1000000000u / p->config.rate_hz : 0;
    p->image_size = image->size;
    p->image_sum = sum_of(image->data, image->size);
    set_tables(p);
    *profile = p;
    return 0;
}

static void free_times(struct hl_profile *p)
{
    for (uint32_t i = 0; i < p->kinds.count; i++)
        stat_free(&((struct profile_kind *)table_at(&p->kinds, i))->times);
    for (uint32_t i = 0; i < p->calls.count; i++)
        stat_free(&((struct profile_call *)table_at(&p->calls, i))->times);
    for (unsigned i = 0; i < STEPS; i++)
        stat_free(&p->step[i]);
}

static void profile_free(struct hl_profile *p)
{
    struct table *const tables[] = {&p->frames, &p->codes,   &p->nodes, &p->kinds,
                                    &p->exits,  &p->samples, &p->calls, &p->counters};
    free_times(p);
    profile_intern_free(p);
    hl_symbols_close(p->symbols);
    image_unuse(p->image);
    for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        table_free(tables[i]);
    free(p->places);
    free(p->dirtied);
    free(p->touched);
    free(p->path);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->naming);
    free(p);
}

void hl_profile_destroy(struct hl_profile *p)
{
    if (!p)
        return;
    profile_lock(p);
    bool attached = p->taps;
    p->doomed = true;
    pthread_mutex_unlock(&p->lock);
    if (!attached)
        profile_free(p);
}
