/* SPDX-License-Identifier: Apache-2.0 */
/* Signals, timers and sleep of a guest, and what an interrupt, a limit and a snapshot do to them.
 */
#include "box.h"
#include "files.h"
#include "thread.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include <hl/snapshot.h>

#include "linux.h"
#include "sandbox.h"

#define MS 1000000ull
#define LONG_MS 100000u /* longer than any test may last */

static int host_here(void *opaque, const struct hl_value *args, size_t count,
                     struct hl_value *result, struct hl_error *error)
{
    (void)opaque;
    (void)args;
    (void)count;
    (void)result;
    (void)error;
    return 0;
}

static void open_guest(struct box *box)
{
    box_create(box, "signals", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "Here", "void(i32)", host_here, NULL);
    box_start(box);
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

static void run_checks(struct box *box, const char *const *checks, size_t count)
{
    open_guest(box);
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < count; i++)
            if (CALL0(box, checks[i])->i32 != 0)
                fail_msg("tests/guest/signals: %s, line %d", checks[i], box->result.i32);
}

static void test_signals(void **state)
{
    static const char *const checks[] = {"OldValues", "Refused",  "Handler", "Registers", "Masks",
                                         "Flags",     "AltStack", "Fault",   "AnyResult"};
    run_checks(*state, checks, COUNT(checks));
}

static void test_time(void **state)
{
    static const char *const checks[] = {"Sleeps", "NoSleep", "BrokenSleep", "Suspend", "Spin"};
    run_checks(*state, checks, COUNT(checks));
}

static void test_defaults_end_the_guest(void **state)
{
    static const struct {
        int number;
        const char *text;
    } cases[] = {
        {SIGTERM, "the guest aborted: it raised signal 15 (SIGTERM)"},
        {SIGUSR1, "the guest aborted: it raised signal 10 (SIGUSR1)"},
        {SIGKILL, "the guest aborted: it raised signal 9 (SIGKILL)"},
        {SIGABRT, "the guest aborted: abort() was called"},
    };
    struct box *box = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        open_guest(box);
        assert_int_equal(TRY(box, "Raise", value_i32(cases[i].number)), HL_ERR_GUEST_ABORT);
        assert_string_equal(box->error.text, cases[i].text);
        assert_int_equal(hl_sandbox_guest_code(box->sb), cases[i].number);
        box_close(box);
    }
}

static void test_abort_ends_the_guest(void **state)
{
    static const char *const calls[] = {"AbortCaught", "AbortBlocked"};
    struct box *box = *state;
    for (size_t i = 0; i < COUNT(calls); i++) {
        open_guest(box);
        assert_int_equal(TRY0(box, calls[i]), HL_ERR_GUEST_ABORT);
        assert_string_equal(box->error.text, "the guest aborted: abort() was called");
        box_close(box);
    }
}

static void test_a_frame_that_is_none(void **state)
{
    struct box *box = *state;
    open_guest(box);
    assert_int_equal(TRY0(box, "BadReturn"), HL_ERR_GUEST_ABORT);
    assert_string_equal(box->error.text, "the guest aborted: it raised signal 11 (SIGSEGV)");
}

static void test_bad_vectors(void **state)
{
    struct box *box = *state;
    for (int i = 0; i < 5; i++) {
        open_guest(box);
        assert_int_equal(TRY(box, "BadVectors", value_i32(i)), HL_ERR_GUEST_ABORT);
        assert_string_equal(box->error.text, "the guest aborted: it raised signal 11 (SIGSEGV)");
        box_close(box);
    }
}

static void test_the_other_stack_is_full(void **state)
{
    struct box *box = *state;
    open_guest(box);
    assert_int_equal(TRY0(box, "FullStack"), HL_ERR_GUEST_ABORT);
    assert_string_equal(box->error.text,
                        "the guest aborted: no stack for its handler of signal 10 (SIGUSR1)");
}

/* A blocked interval rings once: more would only break off the guest. */
static void test_a_blocked_interval(void **state)
{
    struct box *box = *state;
    open_guest(box);
    uint64_t before = box->sb->counts.interrupts;
    assert_int_equal(CALL0(box, "Unheard")->i32, 0);
    assert_in_range(box->sb->counts.interrupts - before, 0, 5);
    assert_int_equal(CALL0(box, "Heard")->i32, 0);
}

static void test_alarm_ends_the_guest(void **state)
{
    static const char *const calls[] = {"SpinOn", "SleepOn"};
    struct box *box = *state;
    for (size_t i = 0; i < COUNT(calls); i++) {
        open_guest(box);
        CALL(box, "SetAlarm", value_u32(20000));
        int rc = i ? TRY(box, calls[i], value_u32(LONG_MS)) : TRY0(box, calls[i]);
        assert_int_equal(rc, HL_ERR_GUEST_ABORT);
        assert_string_equal(box->error.text,
                            "the guest aborted: its alarm rang, signal 14 (SIGALRM)");
        box_close(box);
    }
}

static void test_sleep_costs_nothing(void **state)
{
    struct box *box = *state;
    open_guest(box);
    uint64_t before = cpu_ns();
    assert_int_equal(CALL(box, "SleepOn", value_u32(200))->i32, 0);
    assert_true(cpu_ns() - before < 50 * MS);
}

/* ---- those who break a sleep ---- */

static void *break_sleep(void *opaque)
{
    struct box *box = opaque;
    while (!atomic_load(&linux_of(box->sb)->nap.asleep))
        sched_yield();
    hl_sandbox_interrupt(box->sb);
    return NULL;
}

static void test_interrupt(void **state)
{
    struct box *box = *state;
    pthread_t thread;
    struct hl_snapshot *snapshot;
    open_guest(box);
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    for (unsigned i = 0; i < 20; i++) {
        thread_begin(&thread, break_sleep, box);
        assert_int_equal(TRY(box, "SleepOn", value_u32(LONG_MS)), HL_ERR_INTERRUPTED);
        pthread_join(thread, NULL);
        assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
        /* Nothing is left of the sleep that was broken off. */
        assert_int_equal(CALL(box, "SleepOn", value_u32(1))->i32, 0);
    }
    hl_snapshot_destroy(snapshot);
}

static void test_limit(void **state)
{
    const struct hl_limits limits = {.wall_ns = 20 * MS};
    struct box *box = *state;
    open_guest(box);
    assert_int_equal(hl_sandbox_limit(box->sb, &limits, &box->error), 0);
    assert_int_equal(TRY(box, "SleepOn", value_u32(LONG_MS)), HL_ERR_INTERRUPTED);
    assert_string_equal(box->error.text,
                        "the guest was interrupted: its time limit of 20 ms was reached");
}

/* ---- snapshots ---- */

static void test_snapshot_has_signals(void **state)
{
    struct box *box = *state;
    struct box clone = {.image = box->image};
    struct hl_snapshot *snapshot;
    open_guest(box);
    CALL0(box, "CatchAlarm");
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    assert_int_equal(hl_sandbox_create_from(&clone.sb, snapshot, NULL, &box->error), 0);
    box_register(&clone, "Here", "void(i32)", host_here, NULL);
    box_start(&clone);
    for (unsigned i = 0; i < 3; i++) {
        CALL(&clone, "Raise", value_i32(SIGALRM));
        assert_int_equal(CALL0(&clone, "Rung")->i32, 1);
        CALL(box, "Raise", value_i32(SIGALRM));
        assert_int_equal(CALL0(box, "Rung")->i32, 1);
        assert_int_equal(hl_sandbox_restore(clone.sb, snapshot, &box->error), 0);
        assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
    }
    hl_sandbox_destroy(clone.sb);
    hl_snapshot_destroy(snapshot);
}

/* What came after the snapshot is undone: a handler, a mask, a timer. */
static void test_restore_undoes(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *snapshot;
    open_guest(box);
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    CALL0(box, "CatchAlarm");
    CALL(box, "SetAlarm", value_u32(1000000));
    assert_true(linux_of(box->sb)->timer.next != DEADLINE_NEVER);
    assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
    assert_true(linux_of(box->sb)->timer.next == DEADLINE_NEVER);
    assert_int_equal(TRY(box, "Raise", value_i32(SIGALRM)), HL_ERR_GUEST_ABORT);
    hl_snapshot_destroy(snapshot);
}

/* Nothing but the time has changed since the snapshot: the alarm begins anew all the same. */
static void test_restore_keeps_the_alarm(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *snapshot;
    open_guest(box);
    CALL(box, "SetAlarm", value_u32(50000));
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
    assert_true(linux_of(box->sb)->timer.next != DEADLINE_NEVER);
    assert_int_equal(TRY(box, "SleepOn", value_u32(LONG_MS)), HL_ERR_GUEST_ABORT);
    hl_snapshot_destroy(snapshot);
}

/* An alarm that was running when the snapshot was taken rings in everything made of it. */
static void test_snapshot_has_the_alarm(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *snapshot;
    char path[SCRATCH_MAX];
    open_guest(box);
    CALL(box, "SetAlarm", value_u32(50000));
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    scratch_file(path, "", 0);
    assert_int_equal(hl_snapshot_save(snapshot, path, &box->error), 0);
    hl_snapshot_destroy(snapshot);
    assert_int_equal(hl_snapshot_load(&snapshot, box->image, path, 0, &box->error), 0);
    unlink(path);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
        assert_int_equal(TRY(box, "SleepOn", value_u32(LONG_MS)), HL_ERR_GUEST_ABORT);
    }
    hl_sandbox_destroy(box->sb);
    assert_int_equal(hl_sandbox_create_from(&box->sb, snapshot, NULL, &box->error), 0);
    box_register(box, "Here", "void(i32)", host_here, NULL);
    box_start(box);
    assert_int_equal(TRY(box, "SleepOn", value_u32(LONG_MS)), HL_ERR_GUEST_ABORT);
    hl_snapshot_destroy(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_signals),
        BOX_TEST(test_time),
        BOX_TEST(test_defaults_end_the_guest),
        BOX_TEST(test_abort_ends_the_guest),
        BOX_TEST(test_a_frame_that_is_none),
        BOX_TEST(test_bad_vectors),
        BOX_TEST(test_the_other_stack_is_full),
        BOX_TEST(test_a_blocked_interval),
        BOX_TEST(test_alarm_ends_the_guest),
        BOX_TEST(test_sleep_costs_nothing),
        BOX_TEST(test_interrupt),
        BOX_TEST(test_limit),
        BOX_TEST(test_snapshot_has_signals),
        BOX_TEST(test_restore_undoes),
        BOX_TEST(test_restore_keeps_the_alarm),
        BOX_TEST(test_snapshot_has_the_alarm),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
