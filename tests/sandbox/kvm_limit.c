/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on calls, and interrupts: in guest code, in host functions, under a debugger. */
#include "limits.h"

static void expect_limit(struct box *box, int rc, enum hl_limit which, const char *words)
{
    assert_int_equal(rc, HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_limit_hit(box->sb), which);
    assert_string_equal(box->error.text, words);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
    assert_int_equal(TRY0(box, "NoOp"), HL_ERR_STATE);
}

static void test_time_in_guest_code(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.wall_ns = 30 * MS});
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    int rc = TRY0(box, "Spin");
    uint64_t took = clock_ns(CLOCK_MONOTONIC) - begin;
    expect_limit(box, rc, HL_LIMIT_WALL,
                 "the guest was interrupted: its time limit of 30 ms was reached");
    assert_true(took >= 30 * MS);
    assert_true(took < 1 * S * slow());
}

static void test_cpu_time_in_guest_code(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.cpu_ns = 30 * MS, .wall_ns = 100 * S});
    uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    int rc = TRY0(box, "Spin");
    uint64_t took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    expect_limit(box, rc, HL_LIMIT_CPU,
                 "the guest was interrupted: its CPU time limit of 30 ms was reached");
    assert_true(took >= 30 * MS);
    assert_true(took < 1 * S * slow());
}

/* Other threads that want the processors make the call longer, not the guest's CPU time. */
static void *burn(void *opaque)
{
    atomic_bool *end = opaque;
    while (!atomic_load(end))
        ;
    return NULL;
}

static void test_cpu_time_is_the_threads_own(void **state)
{
    struct box *box = *state;
    struct host h;
    pthread_t thread[4];
    atomic_bool end = false;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.cpu_ns = 50 * MS});
    for (unsigned i = 0; i < COUNT(thread); i++)
        thread_begin(&thread[i], burn, &end);
    uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    int rc = TRY0(box, "Spin");
    uint64_t took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    atomic_store(&end, true);
    for (unsigned i = 0; i < COUNT(thread); i++)
        pthread_join(thread[i], NULL);
    expect_limit(box, rc, HL_LIMIT_CPU,
                 "the guest was interrupted: its CPU time limit of 50 ms was reached");
    assert_true(took >= 50 * MS);
}

static void test_time_in_a_host_function(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.wall_ns = 20 * MS});
    int rc = TRY(box, "AskHost", value_i32(1000), value_i32(50));
    expect_limit(box, rc, HL_LIMIT_WALL,
                 "the guest was interrupted: its time limit of 20 ms was reached");
    assert_int_equal(atomic_load(&h.calls), 1);
    assert_int_equal(h.limit, HL_ERR_BUSY);
}

/* Neither sleeping nor computing in a host function is CPU time of the guest. */
static void test_cpu_time_in_a_host_function(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.cpu_ns = 60 * MS * slow()});
    assert_int_equal(CALL(box, "AskHost", value_i32(1), value_i32(150 * (int)slow()))->i32, 1);
    h.burns = true;
    assert_int_equal(CALL(box, "AskHost", value_i32(1), value_i32(150 * (int)slow()))->i32, 1);
    assert_int_equal(CALL(box, "AskHost", value_i32(15), value_i32(10 * (int)slow()))->i32, 15);
}

/* After it the guest's own time counts on. */
static void test_cpu_time_after_host_functions(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    for (int burns = 0; burns < 2; burns++) {
        h.burns = burns;
        limit(box, (struct hl_limits){.cpu_ns = 40 * MS});
        int rc = TRY(box, "AskHost", value_i32(INT32_MAX), value_i32(1));
        expect_limit(box, rc, HL_LIMIT_CPU,
                     "the guest was interrupted: its CPU time limit of 40 ms was reached");
        box_close(box);
        open_limits(box, &h);
    }
}

static void test_exits(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.exits = 1});
    for (int i = 0; i < 100; i++)
        CALL0(box, "NoOp");
    limit(box, (struct hl_limits){.exits = 11});
    assert_int_equal(CALL(box, "AskHost", value_i32(10), value_i32(0))->i32, 10);
    int rc = TRY(box, "AskHost", value_i32(11), value_i32(0));
    expect_limit(box, rc, HL_LIMIT_EXITS,
                 "the guest was interrupted: its limit of 11 exits was reached");
    assert_int_equal(atomic_load(&h.calls), 21);
}

/* Interrupts that come for another reason are not the guest's exits. */
static void *kick_often(void *opaque)
{
    struct host *h = opaque;
    WAIT_WHILE((hl_machine_kick(hl_sandbox_machine(h->box->sb)), !atomic_load(&h->wait)));
    return NULL;
}

static void test_exits_are_the_guests(void **state)
{
    struct box *box = *state;
    struct host h;
    pthread_t thread;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.exits = 3, .wall_ns = 50 * MS});
    thread_begin(&thread, kick_often, &h);
    int rc = TRY0(box, "Spin");
    atomic_store(&h.wait, true);
    pthread_join(thread, NULL);
    expect_limit(box, rc, HL_LIMIT_WALL,
                 "the guest was interrupted: its time limit of 50 ms was reached");
    assert_int_equal(hl_sandbox_limit(box->sb, NULL, NULL), 0);
}

static void test_at_start_and_in_main(void **state)
{
    struct box *box = *state;
    struct host h;
    const char *const env[] = {"SPIN_AT_START=1", NULL};
    int status;
    create(box, &h, env);
    limit(box, (struct hl_limits){.wall_ns = 20 * MS});
    expect_limit(box, hl_sandbox_start(box->sb, &box->error), HL_LIMIT_WALL,
                 "the guest was interrupted: its time limit of 20 ms was reached");
    box_close(box);

    open_limits(box, &h);
    limit(box, (struct hl_limits){.cpu_ns = 1500000});
    expect_limit(box, hl_sandbox_main(box->sb, &status, &box->error), HL_LIMIT_CPU,
                 "the guest was interrupted: its CPU time limit of 1.5 ms was reached");
}

/* Each call has the whole limit, and one that ends in time does not affect the next. */
static void test_each_call_anew(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){
                   .wall_ns = 200 * MS * slow(), .cpu_ns = 200 * MS * slow(), .exits = 3});
    for (uint64_t end = clock_ns(CLOCK_MONOTONIC) + 500 * MS * slow();
         clock_ns(CLOCK_MONOTONIC) < end;)
        assert_int_equal(CALL(box, "AskHost", value_i32(2), value_i32(0))->i32, 2);
    outlast(200 * MS * slow());
    CALL0(box, "NoOp");
    assert_int_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_NONE);
}

static void test_restored_after_a_limit(void **state)
{
    struct box *box = *state;
    struct host h;
    struct hl_snapshot *snapshot;
    open_limits(box, &h);
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    for (int i = 0; i < 5; i++) {
        limit(box, (struct hl_limits){.wall_ns = 5 * MS});
        assert_int_equal(TRY0(box, "Spin"), HL_ERR_INTERRUPTED);
        assert_int_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_WALL);
        assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
        limit(box, (struct hl_limits){.wall_ns = 10 * S});
        assert_int_equal(CALL(box, "AskHost", value_i32(3), value_i32(0))->i32, 3);
    }
    hl_snapshot_destroy(snapshot);
}

/* What ended it stays to be looked at. */
static void test_inspectable(void **state)
{
    struct box *box = *state;
    struct host h;
    struct hl_regs regs;
    uint8_t code[2];
    const uint8_t pause[2] = {0xf3, 0x90}, back[1] = {0xeb};
    open_limits(box, &h);
    limit(box, (struct hl_limits){.wall_ns = 20 * MS * slow()});
    assert_int_equal(TRY0(box, "Spin"), HL_ERR_INTERRUPTED);
    struct hl_machine *m = hl_sandbox_machine(box->sb);
    assert_int_equal(hl_machine_get_regs(m, &regs, &box->error), 0);
    assert_int_equal(hl_machine_read(m, regs.rip, code, 2, HL_PROT_EXEC), 2);
    assert_true(memcmp(code, pause, 2) == 0 || memcmp(code, back, 1) == 0);
    assert_int_equal(hl_machine_read(m, regs.rsp, code, 2, HL_PROT_READ), 2);
    assert_null(hl_sandbox_fault(box->sb));
}

static void test_interrupt_from_the_host_function(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.wall_ns = 10 * S, .cpu_ns = 10 * S, .exits = 1000});
    h.interrupts = true;
    assert_int_equal(TRY(box, "AskHost", value_i32(10), value_i32(1)), HL_ERR_INTERRUPTED);
    assert_string_equal(box->error.text, "the guest was interrupted");
    assert_int_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_NONE);
    assert_int_equal(atomic_load(&h.calls), 1);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
}

static void test_bad_arguments(void **state)
{
    struct box *box = *state;
    struct host h;
    const struct hl_limits all = {UINT64_MAX, UINT64_MAX, UINT64_MAX}, none = {0};
    assert_int_equal(hl_sandbox_limit(NULL, NULL, NULL), HL_ERR_ARGUMENT);
    open_limits(box, &h);
    assert_int_equal(hl_sandbox_limit(box->sb, NULL, &box->error), 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(hl_sandbox_limit(box->sb, &all, &box->error), 0);
        assert_int_equal(CALL(box, "AskHost", value_i32(3), value_i32(1))->i32, 3);
        assert_int_equal(hl_sandbox_limit(box->sb, &none, &box->error), 0);
        CALL0(box, "NoOp");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_time_in_guest_code),
        BOX_TEST(test_cpu_time_in_guest_code),
        BOX_TEST(test_cpu_time_is_the_threads_own),
        BOX_TEST(test_time_in_a_host_function),
        BOX_TEST(test_cpu_time_in_a_host_function),
        BOX_TEST(test_cpu_time_after_host_functions),
        BOX_TEST(test_exits),
        BOX_TEST(test_exits_are_the_guests),
        BOX_TEST(test_at_start_and_in_main),
        BOX_TEST(test_each_call_anew),
        BOX_TEST(test_restored_after_a_limit),
        BOX_TEST(test_inspectable),
        BOX_TEST(test_interrupt_from_the_host_function),
        BOX_TEST(test_bad_arguments),
    };
    watchdog(50);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
