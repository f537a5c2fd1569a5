/* SPDX-License-Identifier: Apache-2.0 */
/* A sandbox that is destroyed while it is in use: from inside, and from another thread. */
#include "leaving.h"

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
    thread_begin(&thread, spin, a);
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
    return kit_host_add(opaque, args, count, result, error);
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

int main(void)
{
    watchdog(50);
    const struct CMUnitTest tests[] = {
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
