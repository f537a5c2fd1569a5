/* SPDX-License-Identifier: Apache-2.0 */
/* leaving.h - a guest with all that a call arms, and ways to leave it. */
#ifndef TESTS_LEAVING_H
#define TESTS_LEAVING_H

#include "box.h"
#include "thread.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>

#include <hl/observe.h>
#include <hl/profile.h>
#include <hl/snapshot.h>
#include <hl/symbols.h>

enum way { RETURN, JUMP, EXIT, CANCEL, DESTROY };

static struct {
    jmp_buf back;
    enum way way;
    enum hl_event_kind at; /* of the observer */
    struct hl_sandbox *sb, *inner;
    atomic_bool begun;
    unsigned destroyed, ended;
    int end_rc;
} now;

static inline void leave(void)
{
    switch (now.way) {
    case JUMP:
        longjmp(now.back, 1);
    case EXIT:
        pthread_exit(NULL);
    case CANCEL:
        pthread_cancel(pthread_self());
        pause(); /* where it takes effect */
        break;
    case DESTROY:
        hl_sandbox_destroy(now.sb);
        break;
    case RETURN:
        break;
    }
}

static inline int host_add(void *opaque, const struct hl_value *args, size_t count,
                           struct hl_value *result, struct hl_error *error)
{
    if (now.at == HL_EVENT_HOST)
        leave();
    return kit_host_add(opaque, args, count, result, error);
}

static inline void on_event(void *opaque, struct hl_sandbox *sb, const struct hl_event *event)
{
    (void)opaque;
    (void)sb;
    if (event->kind == HL_EVENT_BEGIN)
        atomic_store(&now.begun, true);
    now.destroyed += event->kind == HL_EVENT_DESTROY;
    if (event->kind == HL_EVENT_END) {
        now.ended++;
        now.end_rc = event->end.rc;
    }
    if (event->kind == now.at && now.at != HL_EVENT_HOST)
        leave();
}

static struct hl_observer observer = {.event = on_event, .kinds = HL_EVENTS_ALL};

/* A started guest with everything that a call arms: limits, samples, an observer. */
struct armed {
    struct box box;
    struct hl_snapshot *snapshot;
    struct hl_profile *profile;
};

static inline int setup(void **state)
{
    struct armed *a = calloc(1, sizeof(*a));
    const struct hl_limits limits = {.wall_ns = 60000000000, .cpu_ns = 60000000000};
    const struct hl_profile_config samples = {.rate_hz = 1000};
    memset(&now, 0, sizeof(now));
    now.at = HL_EVENT_HOST;
    box_create(&a->box, "conformance", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&a->box, "HostAdd", "i32(i32, i32)", host_add, NULL);
    box_start(&a->box);
    now.sb = a->box.sb;
    assert_int_equal(hl_snapshot_take(&a->snapshot, a->box.sb, &a->box.error), 0);
    assert_int_equal(hl_sandbox_limit(a->box.sb, &limits, &a->box.error), 0);
    assert_int_equal(hl_profile_create(&a->profile, a->box.image, &samples, &a->box.error), 0);
    assert_int_equal(hl_profile_attach(a->profile, a->box.sb, &a->box.error), 0);
    assert_int_equal(hl_sandbox_observe(a->box.sb, &observer, &a->box.error), 0);
    *state = a;
    return 0;
}

static inline int teardown(void **state)
{
    struct armed *a = *state;
    now.way = RETURN;
    box_close(&a->box);
    hl_snapshot_destroy(a->snapshot);
    hl_profile_destroy(a->profile);
    free(a);
    return 0;
}

static inline int add(struct armed *a)
{
    const struct hl_value args[] = {value_i32(40), value_i32(2)};
    return hl_sandbox_call(a->box.sb, "Add", args, 2, &a->box.result, &a->box.error);
}

/* ---- one in the other ---- */

static inline int host_nested(void *opaque, const struct hl_value *args, size_t count,
                              struct hl_value *result, struct hl_error *error)
{
    (void)opaque;
    (void)error;
    return hl_sandbox_call(now.inner, "Add", args, count, result, NULL);
}

static inline struct hl_sandbox *outer_of(struct armed *a, struct hl_snapshot **snapshot)
{
    struct hl_sandbox *outer;
    assert_int_equal(hl_sandbox_create(&outer, a->box.image, NULL, &a->box.error), 0);
    assert_int_equal(
        hl_sandbox_register(outer, "HostAdd", "i32(i32, i32)", host_nested, NULL, &a->box.error),
        0);
    assert_int_equal(hl_sandbox_start(outer, &a->box.error), 0);
    assert_int_equal(hl_snapshot_take(snapshot, outer, &a->box.error), 0);
    now.inner = a->box.sb;
    return outer;
}

#define LEAVE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

#endif
