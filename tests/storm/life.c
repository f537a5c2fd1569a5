/* SPDX-License-Identifier: Apache-2.0 */
/* life.c - one sandbox of the conformance guest, and what must be true of it. */
#include "storm.h"

#include <string.h>

static int host_add(void *opaque, const struct hl_value *args, size_t count,
                    struct hl_value *result, struct hl_error *error)
{
    struct life *l = opaque;
    (void)count;
    (void)error;
    result->i32 = (int32_t)((uint32_t)args[0].i32 + (uint32_t)args[1].i32);
    if (l->destroyed_within)
        hl_sandbox_destroy(l->sb);
    return 0;
}

/* The call is in progress: the partner may end it. */
static int host_print(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    struct life *l = opaque;
    (void)count;
    (void)error;
    if (l->worker)
        partner_wake(l->worker);
    result->i32 = (int32_t)args[0].len;
    return 0;
}

void life_open(struct worker *w, struct life *l, const struct hl_snapshot *from, int32_t counter)
{
    const struct hl_sandbox_config config = {.heap = HEAP, .shared = SHARED};
    struct hl_error *e = &w->error;
    l->sb = NULL;
    l->counter = counter;
    l->profile = NULL;
    l->debugged = l->destroyed_within = false;
    l->worker = NULL;
    if (from)
        FINE(w, hl_sandbox_create_from(&l->sb, from, &config, e));
    else
        FINE(w, hl_sandbox_create(&l->sb, storm.image, &config, e));
    FINE(w, hl_sandbox_register(l->sb, "HostAdd", "i32(i32, i32)", host_add, l, e));
    FINE(w, hl_sandbox_register(l->sb, "HostPrint", "i32(string)", host_print, l, e));
    FINE(w, hl_sandbox_start(l->sb, e));
}

void life_close(struct life *l)
{
    hl_sandbox_destroy(l->sb);
    hl_snapshot_destroy(l->snapshot);
    *l = (struct life){0};
}

void life_revive(struct worker *w, struct life *l)
{
    CHECK(w, hl_sandbox_state(l->sb) != HL_SANDBOX_READY, "it is READY after its end");
    CHECK(w, life_call(w, l, "NoOp", NULL) == HL_ERR_STATE, "a call after its end");
    FINE(w, hl_sandbox_restore(l->sb, l->snapshot ? l->snapshot : storm.base, &w->error));
    l->counter = l->snapshot ? l->counter_then : 0;
    life_add(w, l, 0);
}

void life_add(struct worker *w, struct life *l, int32_t n)
{
    const struct hl_value arg = hl_i32(n);
    struct hl_value result = {0};
    FINE(w, hl_sandbox_call(l->sb, "AddToStatic", &arg, 1, &result, &w->error));
    l->counter += n;
    CHECK(w, result.i32 == l->counter, "the counter is %d, not %d", result.i32, l->counter);
}

int life_call(struct worker *w, struct life *l, const char *function, const char *text)
{
    const struct hl_value arg = hl_string(text ? text : "");
    return hl_sandbox_call(l->sb, function, &arg, text ? 1 : 0, NULL, &w->error);
}
