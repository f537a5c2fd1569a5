/* SPDX-License-Identifier: Apache-2.0 */
/* test_nonstop.c - GDB's non-stop mode, packet by packet. */
#include "kit.h"

#define REGS "06:" R(07) ";07:" R(08) ";10:" R(11) ";"
#define R(b) #b #b #b #b #b #b #b #b
#define STOPPED(signal) "T" signal "thread:p1.1;" REGS

static const struct gdb_stop hit = {.reason = GDB_STOP_SW_BREAK, .address = 0x10000};

static void come(struct kit *k, struct gdb_stop stop, const char *text)
{
    fake_stop(&k->fake, stop);
    assert_true(take(k));
    assert_string_equal(k->text, text);
}

/* In non-stop mode, and the guest runs. */
static struct kit *running(void **state)
{
    struct kit *k = *state;

    expect(k, "QNonStop:1", "OK");
    expect(k, "?", STOPPED("05"));
    expect(k, "vStopped", "OK");
    expect(k, "vCont;c:p1.1", "OK");
    return k;
}

static void a_stop_is_a_notification(void **state)
{
    struct kit *k = running(state);

    silent(k);
    come(k, hit, "Stop:T05swbreak:;thread:p1.1;" REGS);
    silent(k);
    expect(k, "vStopped", "OK");
    expect(k, "vCont;s:p1.1", "OK");
    come(k, (struct gdb_stop){.reason = GDB_STOP_STEP}, "Stop:" STOPPED("05"));
    expect(k, "vStopped", "OK");
    expect(k, "vCont;c", "OK");
    come(k, (struct gdb_stop){.reason = GDB_STOP_EXITED, .status = 3}, "Stop:W03;process:1");
    expect(k, "vStopped", "OK");
    expect(k, "?", "W03;process:1");
}

/* A client that resumes before it has answered the notification hears of the next stop all the
 * same. */
static void one_notification_at_a_time(void **state)
{
    struct kit *k = running(state);

    come(k, hit, "Stop:T05swbreak:;thread:p1.1;" REGS);
    expect(k, "vCont;c", "OK");
    fake_stop(&k->fake, (struct gdb_stop){.signal = GDB_SIGNAL_SEGV});
    silent(k);
    expect(k, "vStopped", STOPPED("0b"));
    expect(k, "vStopped", "OK");
}

static void halting(void **state)
{
    struct kit *k = running(state);

    expect(k, "vCont;c", "OK"); /* it runs already */
    assert_int_equal(k->fake.resumes, 1);
    expect(k, "?", "OK");
    feed(k, "vCont;t:p1.1", 12);
    assert_true(take(k));
    assert_string_equal(k->text, "OK");
    assert_true(take(k));
    assert_string_equal(k->text, "Stop:" STOPPED("00"));
    expect(k, "vStopped", "OK");
    expect(k, "vCont;t", "OK"); /* it stands already */
    silent(k);
    expect(k, "vCont;c", "OK");
    feed(k, "vCtrlC", 6);
    assert_true(take(k));
    assert_string_equal(k->text, "OK");
    assert_true(take(k));
    assert_string_equal(k->text, "Stop:" STOPPED("02"));
}

/* Memory, points and conditions of a guest that runs: it is held for a moment and goes on as it
 * was. */
static void a_pause_is_not_seen(void **state)
{
    struct kit *k = running(state);
    unsigned interrupts = k->fake.interrupts, resumes = k->fake.resumes;

    memcpy(k->fake.memory, "\x12\x34", 2);
    expect(k, "m10000,2", "1234");
    silent(k);
    assert_int_equal(k->fake.interrupts, interrupts + 1);
    assert_int_equal(k->fake.resumes, resumes + 1);
    expect(k, "Z0,10010,1", "OK");
    assert_int_equal(k->fake.point_count, 1);
    assert_false(k->fake.held);
    expect_error(k, "g");
    expect_error(k, "P0=0000000000000000");
    expect(k, "qfThreadInfo", "mp1.1");
    expect(k, "Tp1.1", "OK");
    come(k, hit, "Stop:T05swbreak:;thread:p1.1;" REGS);
    assert_memory_equal(ask(k, "g"), "0101", 4);
}

static void a_pause_keeps_the_way_it_was_resumed(void **state)
{
    struct kit *k = *state;

    expect(k, "QNonStop:1", "OK");
    expect(k, "vCont;r10000,10010:p1.1", "OK");
    expect(k, "m10000,1", "00");
    assert_int_equal(k->fake.resume.how, GDB_RANGE_STEP);
    assert_int_equal(k->fake.resume.end, 0x10010);
    come(k, (struct gdb_stop){.reason = GDB_STOP_STEP}, "Stop:" STOPPED("05"));
}

/* The guest's own stop came before the pause: it is said, and what waited is answered. */
static void a_stop_wins_over_a_pause(void **state)
{
    struct kit *k = running(state);

    fake_stop(&k->fake, hit);
    feed(k, "m10000,1", 8);
    assert_true(take(k));
    assert_string_equal(k->text, "Stop:T05swbreak:;thread:p1.1;" REGS);
    assert_true(take(k));
    assert_string_equal(k->text, "00");
    assert_true(k->fake.held);
}

static void a_kill_in_a_pause(void **state)
{
    struct kit *k = running(state);

    feed(k, "m10000,1", 8);
    feed(k, "vKill;1", 7);
    assert_true(take(k));
    assert_true(take(k));
    assert_string_equal(k->text, "OK");
    silent(k);
    assert_int_equal(k->fake.kills, 1);
}

static void back_to_all_stop(void **state)
{
    struct kit *k = *state;

    expect_error(k, "QNonStop:2");
    expect_error(k, "QNonStop:");
    expect_error(k, "QNonStop:11");
    expect(k, "QNonStop:1", "OK");
    expect(k, "QNonStop:0", "OK");
    feed(k, "vCont;c", 7);
    silent(k);
    come(k, hit, "T05swbreak:;thread:p1.1;" REGS);
}

/* The next client is not in it. */
static void it_ends_with_the_client(void **state)
{
    struct kit *k = running(state);

    gdb_session_end(&k->s);
    feed(k, FEATURES, strlen(FEATURES));
    assert_true(take(k));
    assert_non_null(strstr(k->text, ";QNonStop+"));
    feed(k, "vCont;c", 7);
    silent(k);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_stop_is_a_notification),
        T(one_notification_at_a_time),
        T(halting),
        T(a_pause_is_not_seen),
        T(a_pause_keeps_the_way_it_was_resumed),
        T(a_stop_wins_over_a_pause),
        T(a_kill_in_a_pause),
        T(back_to_all_stop),
        T(it_ends_with_the_client),
    };

    return cmocka_run_group_tests_name("gdb-nonstop", tests, NULL, NULL);
}
