/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that the program leaves without a return, and sandboxes that it destroys from inside of
 * their own calls.  What is left is poisoned and can be restored; what is destroyed goes when the
 * call returns.
 */
#include "../wait.h"
#include "box.h"

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

static void leave(void)
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

static int host_add(void *opaque, const struct hl_value *args, size_t count,
                    struct hl_value *result, struct hl_error *error)
{
    if (now.at == HL_EVENT_HOST)
        leave();
    return box_host_add(opaque, args, count, result, error);
}

static void on_event(void *opaque, struct hl_sandbox *sb, const struct hl_event *event)
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

static int setup(void **state)
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

static int teardown(void **state)
{
    struct armed *a = *state;
    now.way = RETURN;
    box_close(&a->box);
    hl_snapshot_destroy(a->snapshot);
    hl_profile_destroy(a->profile);
    free(a);
    return 0;
}

static int add(struct armed *a)
{
    const struct hl_value args[] = {value_i32(40), value_i32(2)};
    return hl_sandbox_call(a->box.sb, "Add", args, 2, &a->box.result, &a->box.error);
}

static void *add_in_thread(void *opaque)
{
    struct armed *a = opaque;
    add(a);
    return NULL;
}

/* It is poisoned, all that was armed is let go, and it works again after a restore. */
static void expect_mended(struct armed *a)
{
    sigset_t blocked;
    now.way = RETURN;
    assert_int_equal(add(a), HL_ERR_STATE);
    assert_int_equal(hl_sandbox_state(a->box.sb), HL_SANDBOX_POISONED);
    assert_int_equal(now.ended, 1);
    assert_int_equal(now.end_rc, HL_ERR_HOST_FUNCTION);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_int_equal(sigismember(&blocked, hl_kick_signal()), 0);
    assert_null(hl_sandbox_fault(a->box.sb));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hl_sandbox_restore(a->box.sb, a->snapshot, &a->box.error), 0);
        assert_int_equal(add(a), 0);
        assert_int_equal(a->box.result.i32, 42);
    }
}

static __attribute__((noinline)) void jump_out(struct armed *a)
{
    if (!setjmp(now.back)) {
        now.way = JUMP;
        add(a);
        fail_msg("it returned");
    }
}

static void test_jump(void **state)
{
    jump_out(*state);
    expect_mended(*state);
}

/* Used next from a frame that is deeper than the one that is gone, over what that left there. */
static __attribute__((noinline)) void deeper(struct armed *a, unsigned depth, unsigned size)
{
    volatile uint8_t untouched[size];
    untouched[0] = (uint8_t)depth;
    if (untouched[0])
        deeper(a, depth - 1, size);
    else
        expect_mended(a);
}

static void test_jump_then_deeper(void **state)
{
    for (unsigned size = 16; size < 4096; size += size / 2) {
        now.ended = 0;
        jump_out(*state);
        deeper(*state, 3, size);
    }
}

static int host_uses(void *opaque, const struct hl_value *args, size_t count,
                     struct hl_value *result, struct hl_error *error)
{
    struct armed *a = opaque;
    struct hl_error e;
    /* Not gone: no frame of it is. */
    assert_int_equal(hl_sandbox_call(a->box.sb, "Echo", NULL, 0, NULL, &e), HL_ERR_BUSY);
    assert_int_equal(hl_sandbox_restore(a->box.sb, a->snapshot, &e), HL_ERR_BUSY);
    return box_host_add(opaque, args, count, result, error);
}

static void test_a_call_in_progress_is_not_left(void **state)
{
    struct armed *a = *state;
    hl_sandbox_destroy(a->box.sb);
    box_create(&a->box, "conformance", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&a->box, "HostAdd", "i32(i32, i32)", host_uses, a);
    box_start(&a->box);
    assert_int_equal(add(a), 0);
    assert_int_equal(a->box.result.i32, 42);
}

static void in_thread(struct armed *a, enum way way)
{
    pthread_t thread;
    now.way = way;
    assert_int_equal(pthread_create(&thread, NULL, add_in_thread, a), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_thread_exits(void **state)
{
    SKIP_IF(UNDER_ASAN, "the sanitizer does not see that pthread_exit() unwinds the stack");
    in_thread(*state, EXIT);
    assert_int_equal(now.ended, 1); /* at once */
    expect_mended(*state);
}

static void test_thread_is_cancelled(void **state)
{
    SKIP_IF(UNDER_ASAN, "the sanitizer does not see that a cancelled thread unwinds its stack");
    in_thread(*state, CANCEL);
    assert_int_equal(now.ended, 1);
    expect_mended(*state);
}

static void *jump_and_end(void *opaque)
{
    jump_out(opaque);
    return NULL;
}

/* The thread whose call was left has ended since: another one may have it. */
static void test_jump_in_a_thread_that_ends(void **state)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, jump_and_end, *state), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    expect_mended(*state);
}

/* join() returns before the kernel has forgotten the thread's number. */
static void test_jumps_in_threads_that_end(void **state)
{
    struct armed *a = *state;
    for (int i = 0; i < 500; i++) {
        test_jump_in_a_thread_that_ends(state);
        now.ended = 0;
    }
    assert_int_equal(hl_sandbox_state(a->box.sb), HL_SANDBOX_READY);
}

/* From an observer of the call, wherever in it. */
static void test_jump_from_observer(void **state)
{
    static const enum hl_event_kind kinds[] = {HL_EVENT_BEGIN, HL_EVENT_EXIT, HL_EVENT_HOST_END,
                                               HL_EVENT_SERVED};
    struct armed *a = *state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        now.at = kinds[i];
        now.ended = 0;
        jump_out(a);
        now.at = HL_EVENT_HOST;
        expect_mended(a);
    }
}

static void test_destroy_after_a_jump(void **state)
{
    struct armed *a = *state;
    jump_out(a);
    now.way = RETURN;
    hl_sandbox_destroy(a->box.sb);
    a->box.sb = NULL;
    assert_int_equal(now.destroyed, 1);
    assert_int_equal(now.ended, 1);
}

/* ---- one in the other ---- */

static int host_nested(void *opaque, const struct hl_value *args, size_t count,
                       struct hl_value *result, struct hl_error *error)
{
    (void)opaque;
    (void)error;
    return hl_sandbox_call(now.inner, "Add", args, count, result, NULL);
}

static struct hl_sandbox *outer_of(struct armed *a, struct hl_snapshot **snapshot)
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

/* In its place on the stack there is a call of another sandbox now. */
static int host_mends(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    struct armed *a = opaque;
    assert_int_equal(hl_sandbox_restore(a->box.sb, a->snapshot, &a->box.error), 0);
    return box_host_add(opaque, args, count, result, error);
}

static void test_jump_then_in_another_call(void **state)
{
    const struct hl_value args[] = {value_i32(40), value_i32(2)};
    struct armed *a = *state;
    struct hl_sandbox *other, *both[2];
    assert_int_equal(hl_sandbox_create(&other, a->box.image, NULL, NULL), 0);
    assert_int_equal(
        hl_sandbox_register(other, "HostAdd", "i32(i32, i32)", host_mends, a, &a->box.error), 0);
    assert_int_equal(hl_sandbox_start(other, &a->box.error), 0);
    both[0] = a->box.sb;
    both[1] = other;
    now.way = JUMP;
    for (volatile int i = 0; i < 2; i++)
        if (!setjmp(now.back))
            assert_int_equal(hl_sandbox_call(both[i], "Add", args, 2, NULL, NULL), 0);
    hl_sandbox_destroy(other);
}

static void test_jump_over_two(void **state)
{
    const struct hl_value args[] = {value_i32(40), value_i32(2)};
    struct armed *a = *state;
    struct hl_snapshot *snapshot;
    struct hl_sandbox *outer = outer_of(a, &snapshot);
    if (!setjmp(now.back)) {
        now.way = JUMP;
        hl_sandbox_call(outer, "Add", args, 2, &a->box.result, &a->box.error);
        fail_msg("it returned");
    }
    expect_mended(a);
    assert_int_equal(hl_sandbox_call(outer, "Add", args, 2, NULL, NULL), HL_ERR_STATE);
    assert_int_equal(hl_sandbox_restore(outer, snapshot, &a->box.error), 0);
    assert_int_equal(hl_sandbox_call(outer, "Add", args, 2, &a->box.result, &a->box.error), 0);
    assert_int_equal(a->box.result.i32, 42);
    hl_sandbox_destroy(outer);
    hl_snapshot_destroy(snapshot);
}

/* ---- destroyed inside ---- */

static void expect_destroyed_by(struct armed *a, enum hl_event_kind at)
{
    now.at = at;
    now.way = DESTROY;
    assert_int_equal(add(a), HL_ERR_INTERRUPTED);
    check_error(&a->box.error, HL_ERR_INTERRUPTED);
    assert_non_null(strstr(a->box.error.text, "destroyed"));
    assert_int_equal(now.destroyed, 1);
    a->box.sb = NULL;
}

static void test_destroy_in_host_function(void **state)
{
    expect_destroyed_by(*state, HL_EVENT_HOST);
}

static void test_destroy_at_begin(void **state)
{
    expect_destroyed_by(*state, HL_EVENT_BEGIN);
}

static void test_destroy_at_exit(void **state)
{
    expect_destroyed_by(*state, HL_EVENT_EXIT);
}

static void test_destroy_at_end(void **state)
{
    expect_destroyed_by(*state, HL_EVENT_END);
}

static void test_destroy_twice(void **state)
{
    struct armed *a = *state;
    now.at = HL_EVENT_DESTROY; /* the observer does it again, while it happens */
    now.way = DESTROY;
    hl_sandbox_destroy(a->box.sb);
    a->box.sb = NULL;
    assert_int_equal(now.destroyed, 1);
}

static void test_destroy_at_restore(void **state)
{
    struct armed *a = *state;
    now.at = HL_EVENT_RESTORE;
    now.way = DESTROY;
    assert_int_equal(hl_sandbox_restore(a->box.sb, a->snapshot, &a->box.error), HL_ERR_INTERRUPTED);
    assert_int_equal(now.destroyed, 1);
    a->box.sb = NULL;
}

/* The one outside goes when its own call returns. */
static void test_destroy_the_outer_one(void **state)
{
    const struct hl_value args[] = {value_i32(40), value_i32(2)};
    struct armed *a = *state;
    struct hl_snapshot *snapshot;
    struct hl_sandbox *outer = outer_of(a, &snapshot);
    now.sb = outer;
    now.way = DESTROY;
    assert_int_equal(hl_sandbox_call(outer, "Add", args, 2, NULL, &a->box.error),
                     HL_ERR_INTERRUPTED);
    now.way = RETURN;
    assert_int_equal(add(a), 0);
    hl_snapshot_destroy(snapshot);
}

static void *spin(void *opaque)
{
    struct armed *a = opaque;
    a->box.result.i32 = hl_sandbox_call(a->box.sb, "Spin", NULL, 0, NULL, &a->box.error);
    return NULL;
}

/* From another thread: the call ends, and the sandbox with it. */
static void test_destroy_from_another_thread(void **state)
{
    struct armed *a = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, spin, a), 0);
    WAIT_FOR(atomic_load(&now.begun));
    hl_sandbox_destroy(a->box.sb);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(a->box.result.i32, HL_ERR_INTERRUPTED);
    a->box.sb = NULL;
}

static void print(void *opaque, int fd, const void *data, size_t size)
{
    (void)fd;
    (void)data;
    (void)size;
    hl_sandbox_destroy(*(struct hl_sandbox **)opaque);
}

static void test_destroy_while_it_prints(void **state)
{
    struct hl_sandbox *sb;
    const struct hl_sandbox_config config = {.console = print, .opaque = &sb};
    struct armed *a = *state;
    assert_int_equal(hl_sandbox_create(&sb, a->box.image, &config, &a->box.error), 0);
    assert_int_equal(hl_sandbox_start(sb, &a->box.error), 0);
    assert_int_equal(hl_sandbox_call(sb, "PrintForEver", NULL, 0, NULL, &a->box.error),
                     HL_ERR_INTERRUPTED);
}

/* What a call uses, let go while it runs; an image is there for those made from it. */
static int host_lets_go(void *opaque, const struct hl_value *args, size_t count,
                        struct hl_value *result, struct hl_error *error)
{
    struct armed *a = opaque;
    hl_image_close(a->box.image);
    hl_snapshot_destroy(a->snapshot);
    hl_profile_destroy(a->profile);
    a->box.image = NULL;
    a->snapshot = NULL;
    a->profile = NULL;
    return box_host_add(opaque, args, count, result, error);
}

static void test_let_go_of_all_else(void **state)
{
    struct armed *a = *state;
    struct hl_symbols *symbols;
    hl_sandbox_destroy(a->box.sb);
    box_create(&a->box, "conformance", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&a->box, "HostAdd", "i32(i32, i32)", host_lets_go, a);
    assert_int_equal(hl_profile_attach(a->profile, a->box.sb, &a->box.error), 0);
    box_start(&a->box);
    assert_int_equal(hl_symbols_open(&symbols, a->box.image, &a->box.error), 0);
    assert_int_equal(add(a), 0);
    assert_int_equal(a->box.result.i32, 42);
    assert_int_not_equal(hl_symbols_address(symbols, "hl_serve"), 0);
    hl_symbols_close(symbols);
    assert_string_equal(hl_image_function(hl_sandbox_image(a->box.sb), 0)->name, "Echo");
}

#define LEAVE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    watchdog(50);
    const struct CMUnitTest tests[] = {
        LEAVE_TEST(test_jump),
        LEAVE_TEST(test_jump_then_deeper),
        LEAVE_TEST(test_a_call_in_progress_is_not_left),
        LEAVE_TEST(test_thread_exits),
        LEAVE_TEST(test_thread_is_cancelled),
        LEAVE_TEST(test_jump_in_a_thread_that_ends),
        LEAVE_TEST(test_jumps_in_threads_that_end),
        LEAVE_TEST(test_jump_from_observer),
        LEAVE_TEST(test_destroy_after_a_jump),
        LEAVE_TEST(test_jump_then_in_another_call),
        LEAVE_TEST(test_jump_over_two),
        LEAVE_TEST(test_destroy_in_host_function),
        LEAVE_TEST(test_destroy_at_begin),
        LEAVE_TEST(test_destroy_at_exit),
        LEAVE_TEST(test_destroy_at_end),
        LEAVE_TEST(test_destroy_twice),
        LEAVE_TEST(test_destroy_at_restore),
        LEAVE_TEST(test_destroy_the_outer_one),
        LEAVE_TEST(test_destroy_from_another_thread),
        LEAVE_TEST(test_destroy_while_it_prints),
        LEAVE_TEST(test_let_go_of_all_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
