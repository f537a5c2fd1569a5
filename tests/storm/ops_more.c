/* SPDX-License-Identifier: Apache-2.0 */
/* ops_more.c - what takes a second thread or process, and observers. */
#include "storm.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- two threads on one sandbox ---- */

/* One interrupt, once the call is in progress: a lost one is a guest that spins without end. */
static void op_interrupt(struct worker *w, struct life *l)
{
    partner_prepare(w, l, JOB_INTERRUPT);
    l->worker = w;
    int rc = life_call(w, l, "CallHostThenSpin", "HostPrint");
    l->worker = NULL;
    CHECK(w, rc == HL_ERR_INTERRUPTED, "interrupted: %s", rc ? w->error.text : "fine");
    partner_wait(w);
    life_revive(w, l);
}

/* At any time: a call is right, or it was interrupted. */
static void op_stray_interrupt(struct worker *w, struct life *l)
{
    const struct hl_value one = hl_i32(1);
    struct hl_value result;
    bool ended = false;
    partner_prepare(w, l, JOB_INTERRUPT);
    partner_wake(w);
    for (unsigned i = 0; i < 20 && !ended; i++) {
        int rc = hl_sandbox_call(l->sb, "AddToStatic", &one, 1, &result, &w->error);
        l->counter++;
        ended = rc == HL_ERR_INTERRUPTED;
        CHECK(w, ended || (rc == 0 && result.i32 == l->counter), "neither: %s", w->error.text);
    }
    partner_wait(w);
    if (ended && l->debugged && hl_sandbox_state(l->sb) == HL_SANDBOX_READY)
        l->counter--; /* it had not begun */
    else if (ended)
        life_revive(w, l);
    life_add(w, l, 1);
}

static void renew(struct worker *w, struct life *l)
{
    struct hl_snapshot *s = l->snapshot;
    life_open(w, l, s && below(w, 2) ? s : NULL, 0);
    if (s)
        FINE(w, hl_sandbox_restore(l->sb, s, &w->error));
    l->counter = s ? l->counter_then : 0;
    life_add(w, l, 1);
}

static void op_destroy(struct worker *w, struct life *l)
{
    partner_prepare(w, l, JOB_DESTROY);
    l->worker = w;
    int rc = life_call(w, l, "CallHostThenSpin", "HostPrint");
    CHECK(w, rc == HL_ERR_INTERRUPTED, "destroyed: %s", rc ? w->error.text : "fine");
    partner_wait(w);
    renew(w, l);
}

static void op_destroy_within(struct worker *w, struct life *l)
{
    const struct hl_value args[] = {hl_i32(1), hl_i32(2)};
    l->destroyed_within = true;
    int rc = hl_sandbox_call(l->sb, "Add", args, 2, NULL, &w->error);
    CHECK(w, rc == HL_ERR_INTERRUPTED, "destroyed within: %s", rc ? w->error.text : "fine");
    renew(w, l);
}

static void op_debug(struct worker *w, struct life *l)
{
    char endpoint[128];
    snprintf(endpoint, sizeof(endpoint), "unix:%s/%u-%u.sock", storm.directory, w->number,
             (unsigned)atomic_load(&w->round));
    if (!l->debugged)
        FINE(w, hl_sandbox_debug(l->sb, below(w, 2) ? endpoint : NULL, NULL, &w->error));
    l->debugged = true;
    partner_prepare(w, l, JOB_DEBUG);
    partner_wake(w);
    while (!atomic_load(&w->partner.over))
        life_add(w, l, 1);
    partner_wait(w);
    FINE(w, hl_sandbox_debug_wait_gone(l->sb, -1));
    life_add(w, l, 1);
}

static void op_list(struct worker *w, struct life *l)
{
    struct hl_attachable *list;
    size_t count, ours = 0;
    FINE(w, hl_attachable_list(&list, &count, &w->error));
    for (size_t i = 0; i < count; i++) {
        CHECK(w, list[i].guest[0] && list[i].remote[0], "an empty entry");
        ours += l->debugged && list[i].pid == getpid() &&
                strcmp(list[i].remote, hl_sandbox_debug_remote(l->sb)) == 0;
    }
    CHECK(w, ours == l->debugged, "it is listed %zu times", ours);
    hl_attachable_free(list);
}

/* Another worker goes on with it. */
static void op_swap(struct worker *w, struct life *l)
{
    struct life **mine = &w->life[below(w, LIVES)];
    (void)l;
    *mine = atomic_exchange(&storm.waiting, *mine);
}

/* ---- observers ---- */

struct seen {
    uint64_t begins, ends, exits, served;
};

static void see(void *opaque, struct hl_sandbox *sb, const struct hl_event *event)
{
    struct seen *seen = opaque;
    (void)sb;
    seen->begins += event->kind == HL_EVENT_BEGIN;
    seen->ends += event->kind == HL_EVENT_END;
    seen->exits += event->kind == HL_EVENT_EXIT;
    seen->served += event->kind == HL_EVENT_SERVED;
}

static void op_trace(struct worker *w, struct life *l)
{
    struct seen seen = {0};
    struct hl_observer observer = {.event = see, .opaque = &seen, .kinds = HL_EVENTS_ALL};
    struct hl_counts before, after;
    const unsigned calls = 1 + below(w, 20);
    hl_sandbox_counts(l->sb, &before);
    FINE(w, hl_sandbox_observe(l->sb, &observer, &w->error));
    for (unsigned i = 0; i < calls; i++)
        life_add(w, l, 1);
    FINE(w, hl_sandbox_unobserve(l->sb, &observer, &w->error));
    hl_sandbox_counts(l->sb, &after);
    CHECK(w, seen.begins == calls && seen.ends == calls, "%u calls: %lu begun, %lu ended", calls,
          (unsigned long)seen.begins, (unsigned long)seen.ends);
    CHECK(w, after.calls - before.calls == calls, "calls counted");
    CHECK(w, seen.exits == seen.served && seen.exits == after.exits - before.exits,
          "%lu exits seen, %lu served, %lu counted", (unsigned long)seen.exits,
          (unsigned long)seen.served, (unsigned long)(after.exits - before.exits));
}

static json_int_t runs_of(struct worker *w, struct hl_profile *profile)
{
    char *text = NULL;
    FINE(w, hl_profile_json(profile, &text, &w->error));
    json_t *doc = json_loads(text, 0, NULL);
    json_t *runs = json_object_get(json_object_get(doc, "totals"), "runs");
    CHECK(w, json_is_integer(runs), "the profile is no document: %.100s", text);
    const json_int_t n = json_integer_value(runs);
    json_decref(doc);
    free(text);
    return n;
}

/* One of its own, which knows how many calls there were. */
static void op_profile(struct worker *w, struct life *l)
{
    const struct hl_profile_config configs[] = {{0}, {.rate_hz = 2000}, {.pages = true}};
    const unsigned calls = 1 + below(w, 10);
    struct hl_profile *profile = NULL;
    FINE(w, hl_profile_create(&profile, storm.image, &configs[below(w, 3)], &w->error));
    if (l->profile)
        FINE(w, hl_profile_detach(l->profile, l->sb, &w->error));
    l->profile = NULL;
    FINE(w, hl_profile_attach(profile, l->sb, &w->error));
    for (unsigned i = 0; i < calls; i++)
        life_add(w, l, 1);
    CHECK(w, runs_of(w, profile) == (json_int_t)calls, "the profile has another number of calls");
    if (below(w, 2))
        FINE(w, hl_profile_detach(profile, l->sb, &w->error));
    else
        l->profile = NULL; /* it stays until the sandbox goes */
    hl_profile_destroy(profile);
}

/* One that all share, written while others fill it. */
static void op_shared_profile(struct worker *w, struct life *l)
{
    char path[128];
    struct hl_profile *profile = storm.profile[below(w, 3)];
    if (l->profile)
        FINE(w, hl_profile_detach(l->profile, l->sb, &w->error));
    FINE(w, hl_profile_attach(profile, l->sb, &w->error));
    l->profile = profile;
    life_add(w, l, 1);
    CHECK(w, runs_of(w, profile) > 0, "the profile has no call");
    snprintf(path, sizeof(path), "%s/profile.json", storm.directory);
    FINE(w, hl_profile_write(profile, path, &w->error));
}

/* ---- files and buffers, images ---- */

static void op_share(struct worker *w, struct life *l)
{
    uint8_t data[5000];
    hl_gva_t at = 0;
    struct hl_value result = {0};
    memset(data, (int)below(w, 256), sizeof(data));
    FINE(w, hl_sandbox_map_buffer(l->sb, &at, data, sizeof(data), HL_MAP_READ, &w->error));
    const struct hl_value args[] = {hl_u64(at), hl_u64(sizeof(data))};
    FINE(w, hl_sandbox_call(l->sb, "ReadMappedBuffer", args, 2, &result, &w->error));
    CHECK(w, result.len == sizeof(data) && memcmp(result.data, data, sizeof(data)) == 0, "shared");
    FINE(w, hl_sandbox_unmap(l->sb, at, &w->error));
}

static void op_image(struct worker *w, struct life *l)
{
    struct hl_image *image = NULL;
    struct hl_symbols *symbols = NULL;
    struct hl_sandbox *sb = NULL;
    struct hl_location where;
    (void)l;
    FINE(w, hl_image_open(&image, storm.guest, &w->error));
    FINE(w, hl_symbols_open(&symbols, image, &w->error));
    FINE(w, hl_sandbox_create(&sb, image, NULL, &w->error));
    hl_image_close(image);
    CHECK(w,
          hl_symbols_find(symbols, storm.function, &where) &&
              strcmp(where.function, "AddToStatic") == 0,
          "the function has another name");
    hl_symbols_close(symbols);
    FINE(w, hl_sandbox_start(sb, &w->error));
    FINE(w, hl_sandbox_call(sb, "NoOp", NULL, 0, NULL, &w->error));
    hl_sandbox_destroy(sb);
}

const struct op more_ops[] = {
    {"interrupt", op_interrupt},
    {"interrupt at any time", op_stray_interrupt},
    {"destroy from another thread", op_destroy},
    {"destroy in a host function", op_destroy_within},
    {"debug", op_debug},
    {"list", op_list},
    {"swap", op_swap},
    {"trace", op_trace},
    {"profile", op_profile},
    {"shared profile", op_shared_profile},
    {"share", op_share},
    {"image", op_image},
    {"fork", op_fork},
    {"exec", op_exec},
};
const unsigned more_op_count = sizeof(more_ops) / sizeof(more_ops[0]);
