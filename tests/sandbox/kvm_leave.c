/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that the program leaves without a return, and sandboxes that it destroys from inside of
 * their own calls.  What is left is poisoned and can be restored; what is destroyed goes when the
 * call returns.
 */
#include "leaving.h"

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
    return kit_host_add(opaque, args, count, result, error);
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
    thread_begin(&thread, add_in_thread, a);
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
    thread_begin(&thread, jump_and_end, *state);
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

/* In its place on the stack there is a call of another sandbox now. */
static int host_mends(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    struct armed *a = opaque;
    assert_int_equal(hl_sandbox_restore(a->box.sb, a->snapshot, &a->box.error), 0);
    return kit_host_add(opaque, args, count, result, error);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
