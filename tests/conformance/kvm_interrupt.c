/* SPDX-License-Identifier: Apache-2.0 */
/* Interruption: only the intended call, whatever the guest does, from any thread. */
#include "conformance.h"
#include "thread.h"

#include <time.h>

static void expect_interrupted(struct con *con, int rc)
{
    if (rc != HL_ERR_INTERRUPTED)
        fail_msg("%s: %s", hl_err_name(rc), rc ? con->box.error.text : "no error");
    con_ended(con, HL_SANDBOX_POISONED);
}

static void test_during_a_host_call(void **state)
{
    struct con *con = *state;
    struct con_call c = {.con = con, .function = "CallHostSpin"};
    con_begin(&c);
    con_wait(&con->inside);
    hl_sandbox_interrupt(con->box.sb);
    atomic_store(&con->leave, true);
    con_end(&c);
    expect_interrupted(con, c.rc);
}

static void test_before_a_call(void **state)
{
    struct con *con = *state;
    for (int i = 0; i < 50; i++) {
        hl_sandbox_interrupt(con->box.sb);
        con_works(con);
    }
    hl_sandbox_interrupt(con->box.sb);
    con_restore(con);
    con_works(con);
}

/* Interrupts until the call is over: one that comes before it began has no effect. */
struct killer {
    struct hl_sandbox *sb;
    atomic_bool end;
    pthread_t thread;
};

static void *kill_for_ever(void *opaque)
{
    struct killer *k = opaque;
    while (!atomic_load(&k->end)) {
        hl_sandbox_interrupt(k->sb);
        sched_yield();
    }
    return NULL;
}

static int call_killed(struct con *con, const char *function)
{
    struct killer k = {.sb = con->box.sb};
    thread_begin(&k.thread, kill_for_ever, &k);
    int rc = TRY0(&con->box, function);
    atomic_store(&k.end, true);
    assert_int_equal(pthread_join(k.thread, NULL), 0);
    return rc;
}

static void test_during_a_guest_call(void **state)
{
    struct con *con = *state;
    for (int i = 0; i < 20; i++)
        expect_interrupted(con, call_killed(con, "Spin"));
}

static void test_from_the_same_thread(void **state)
{
    struct con *con = *state;
    con->to_break = con->box.sb; /* by HostAdd, on the thread of the call */
    int rc = TRY(&con->box, "Add", value_i32(1), value_i32(2));
    con->to_break = NULL;
    expect_interrupted(con, rc);
    con->to_break = con->box.sb;
    rc = TRY(&con->box, "CallHostThenSpin", value_string("HostAdd"));
    con->to_break = NULL;
    expect_interrupted(con, rc);
}

static void test_moved_to_another_thread(void **state)
{
    struct con *con = *state;
    for (int i = 0; i < 10; i++) {
        struct con_call c = {.con = con, .function = "CallHostThenSpin", .text = "HostAdd"};
        con_works(con); /* here, then there */
        int before = atomic_load(&con->calls);
        con_begin(&c);
        con_wait_calls(con, before + 1);
        hl_sandbox_interrupt(con->box.sb);
        con_end(&c);
        expect_interrupted(con, c.rc);
    }
}

static void test_only_the_target_dies(void **state)
{
    struct con *con = *state;
    struct con others[3];
    struct con_call c = {.con = con, .function = "CallHostThenSpin", .text = "HostAdd"};
    memset(others, 0, sizeof(others));
    for (size_t i = 0; i < COUNT(others); i++)
        con_open(&others[i], (struct hl_sandbox_config){.heap = 1 << 20});
    con_begin(&c);
    con_wait_calls(con, 1);
    for (size_t i = 0; i < COUNT(others); i++) {
        hl_sandbox_interrupt(others[i].box.sb);
        con_works(&others[i]);
    }
    assert_int_equal(call_killed(&others[0], "Spin"), HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_state(con->box.sb), HL_SANDBOX_READY); /* still in its call */
    con_works(&others[1]);
    hl_sandbox_interrupt(con->box.sb);
    con_end(&c);
    expect_interrupted(con, c.rc);
    for (size_t i = 0; i < COUNT(others); i++)
        con_close(&others[i]);
}

/*
 * An interrupt may come any time before destroy begins, which the program's own lock sees to; up to
 * there it races with the call's end, the restore and the last look.
 */
struct shared {
    pthread_mutex_t lock;
    struct hl_sandbox *sb;
    atomic_bool end;
};

static void *kill_what_there_is(void *opaque)
{
    struct shared *s = opaque;
    while (!atomic_load(&s->end)) {
        pthread_mutex_lock(&s->lock);
        if (s->sb)
            hl_sandbox_interrupt(s->sb);
        pthread_mutex_unlock(&s->lock);
        sched_yield();
    }
    return NULL;
}

static void test_kill_races_delete(void **state)
{
    struct con *con = *state;
    struct shared s = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t thread;
    thread_begin(&thread, kill_what_there_is, &s);
    for (unsigned i = 0; i < (emulated() ? 10 : 100); i++) {
        struct hl_sandbox *sb = NULL;
        assert_int_equal(hl_sandbox_create(&sb, con->box.image, NULL, NULL), 0);
        pthread_mutex_lock(&s.lock);
        s.sb = sb;
        pthread_mutex_unlock(&s.lock);
        int rc = hl_sandbox_start(sb, NULL);
        if (!rc)
            rc = hl_sandbox_call(sb, i % 2 ? "Spin" : "NoOp", NULL, 0, NULL, NULL);
        assert_true(rc == HL_ERR_INTERRUPTED || (rc == 0 && i % 2 == 0));
        pthread_mutex_lock(&s.lock);
        s.sb = NULL;
        pthread_mutex_unlock(&s.lock);
        hl_sandbox_destroy(sb);
    }
    atomic_store(&s.end, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    con_works(con);
}

/* Sandboxes and threads that live in them, and one that kills at random. */
struct victim {
    struct hl_sandbox *sb;
    const struct hl_snapshot *snapshot;
    unsigned calls, fine, killed;
    int wrong;
    atomic_bool done;
    pthread_t thread;
};

static void *live(void *opaque)
{
    struct victim *v = opaque;
    const struct hl_value arg = {.type = HL_STRING, .data = "alive", .len = 5};
    for (unsigned i = 0; (i < v->calls || !v->killed) && !v->wrong; i++) {
        struct hl_value result;
        int rc = hl_sandbox_call(v->sb, "Echo", &arg, 1, &result, NULL);
        v->fine += rc == 0;
        v->killed += rc == HL_ERR_INTERRUPTED;
        if (rc == 0)
            v->wrong = result.len != 5 || memcmp(result.data, "alive", 5) != 0;
        else
            v->wrong = rc != HL_ERR_INTERRUPTED || hl_sandbox_restore(v->sb, v->snapshot, NULL);
    }
    atomic_store(&v->done, true);
    return NULL;
}

static void test_random_kill_stress(void **state)
{
    enum { MOST = 100 };
    static struct victim v[MOST];
    struct con *con = *state;
    const unsigned count = emulated() ? 4 : 20;
    uint64_t seed = 7;
    unsigned fine = 0, killed = 0;
    memset(v, 0, sizeof(v));
    for (unsigned i = 0; i < count; i++) {
        v[i].snapshot = con->snapshot;
        v[i].calls = emulated() ? 20 : 100;
        assert_int_equal(hl_sandbox_create_from(&v[i].sb, con->snapshot, NULL, &con->box.error), 0);
        assert_int_equal(hl_sandbox_start(v[i].sb, &con->box.error), 0);
    }
    for (unsigned i = 0; i < count; i++)
        thread_begin(&v[i].thread, live, &v[i]);
    for (bool any = true; any;) {
        uint64_t r = next_random(&seed);
        hl_sandbox_interrupt(v[r % count].sb);
        if (r >> 60 == 0)
            sched_yield();
        any = false;
        for (unsigned i = 0; i < count; i++)
            any |= !atomic_load(&v[i].done);
    }
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(pthread_join(v[i].thread, NULL), 0);
        assert_int_equal(v[i].wrong, 0);
        fine += v[i].fine;
        killed += v[i].killed;
        hl_sandbox_destroy(v[i].sb);
    }
    assert_true(fine + killed >= count * v[0].calls);
    assert_true(killed >= count);
}

static void expect_limit(struct con *con, struct hl_limits limits, const char *function,
                         const char *text, enum hl_limit which)
{
    struct hl_value arg = {.type = HL_STRING, .data = text, .len = text ? strlen(text) : 0};
    assert_int_equal(hl_sandbox_limit(con->box.sb, &limits, &con->box.error), 0);
    int rc = box_try(&con->box, function, &arg, text ? 1 : 0);
    assert_int_equal(hl_sandbox_limit_hit(con->box.sb), which);
    assert_int_equal(hl_sandbox_limit(con->box.sb, NULL, &con->box.error), 0);
    expect_interrupted(con, rc);
}

static const uint64_t soon = 20000000; /* ns */

static void test_timeout(void **state)
{
    struct con *con = *state;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    expect_limit(con, (struct hl_limits){.wall_ns = soon}, "Spin", NULL, HL_LIMIT_WALL);
    expect_limit(con, (struct hl_limits){.wall_ns = soon}, "HostCallLoop", "HostAdd",
                 HL_LIMIT_WALL);
    expect_limit(con, (struct hl_limits){.cpu_ns = soon}, "Spin", NULL, HL_LIMIT_CPU);
    expect_limit(con, (struct hl_limits){.exits = 100}, "HostCallLoop", "HostAdd", HL_LIMIT_EXITS);
    clock_gettime(CLOCK_MONOTONIC, &to);
    if (!emulated())
        assert_true(to.tv_sec - from.tv_sec < 10);
    /* A limit that is not reached has no effect. */
    const struct hl_limits large = {.wall_ns = 60000000000, .cpu_ns = 60000000000, .exits = 1000};
    assert_int_equal(hl_sandbox_limit(con->box.sb, &large, &con->box.error), 0);
    con_works(con);
    assert_int_equal(hl_sandbox_limit_hit(con->box.sb), HL_LIMIT_NONE);
}

/* A guest in a thread, stopped once it certainly runs. */
static void stop_running(struct con *con, const char *function, const char *text)
{
    struct con_call c = {.con = con, .function = function, .text = text};
    int calls = atomic_load(&con->calls);
    size_t printed = con->box.out_size;
    struct killer k = {.sb = con->box.sb};
    con_begin(&c);
    if (text)
        con_wait_calls(con, calls + 3);
    else if (strncmp(function, "Print", 5) == 0)
        while (__atomic_load_n(&con->box.out_size, __ATOMIC_RELAXED) < printed + 100)
            sched_yield();
    thread_begin(&k.thread, kill_for_ever, &k);
    con_end(&c);
    atomic_store(&k.end, true);
    assert_int_equal(pthread_join(k.thread, NULL), 0);
    expect_interrupted(con, c.rc);
}

static void test_spinning(void **state)
{
    stop_running(*state, "Spin", NULL);
}

static void test_printing(void **state)
{
    stop_running(*state, "PrintForEver", NULL);
}

static void test_host_calling(void **state)
{
    stop_running(*state, "HostCallLoop", "HostAdd");
}

/* Recursion ends by itself, at the guard page; or before, by an interrupt. */
static void test_recursing(void **state)
{
    struct con *con = *state;
    int interrupted = 0;
    con_close(con); /* the way to the end of this stack takes a while */
    con_open(con, (struct hl_sandbox_config){.stack = 64 << 20, .heap = 1 << 20});
    for (int i = 0; i < 5; i++) {
        int rc = call_killed(con, "InfiniteRecursion");
        assert_true(rc == HL_ERR_INTERRUPTED || rc == HL_ERR_FAULT);
        interrupted += rc == HL_ERR_INTERRUPTED;
        con_ended(con, HL_SANDBOX_POISONED);
    }
    assert_true(interrupted > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("interrupt: kill during a host call", test_during_a_host_call),
        CASE("interrupt: kill before a call has no effect", test_before_a_call),
        CASE("interrupt: kill during a guest call", test_during_a_guest_call),
        CASE("interrupt: kill from the same thread", test_from_the_same_thread),
        CASE("interrupt: kill a sandbox moved to another thread", test_moved_to_another_thread),
        CASE("interrupt: only the target dies", test_only_the_target_dies),
        CASE("interrupt: kill races delete", test_kill_races_delete),
        CASE("interrupt: random-kill stress", test_random_kill_stress),
        CASE("interrupt: timeouts", test_timeout),
        CASE("interrupt: a spinning guest stops", test_spinning),
        CASE("interrupt: a recursing guest stops", test_recursing),
        CASE("interrupt: a printing guest stops", test_printing),
        CASE("interrupt: a host-calling guest stops", test_host_calling),
    };

    watchdog(90);
    return cmocka_run_group_tests_name("conformance-interrupt", tests, NULL, NULL);
}
