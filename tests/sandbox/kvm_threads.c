/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads, many sandboxes, many lives: none disturbs another, and nothing is left of them. */
#include "left.h"
#include "thread.h"
#include "conformance.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <hl/core.h>

/* ---- one sandbox ---- */

/* A life with each step in a thread of its own. */
struct steps {
    struct con *con;
    int step;
    bool failed;
};

static void *take_step(void *opaque)
{
    struct steps *s = opaque;
    struct box *box = &s->con->box;
    struct hl_snapshot **snapshot = &s->con->snapshot;
    const struct hl_value args[] = {value_i32(40), value_i32(2)};
    struct hl_value sum = {0};
    switch (s->step) {
    case 0:
        s->failed = hl_sandbox_create(&box->sb, box->image, NULL, &box->error) != 0;
        break;
    case 1:
        s->failed = hl_sandbox_register(box->sb, "HostAdd", "i32(i32, i32)", con_add, s->con,
                                        &box->error) != 0;
        break;
    case 2:
        s->failed = hl_sandbox_start(box->sb, &box->error) != 0;
        break;
    case 3:
        s->failed = hl_snapshot_take(snapshot, box->sb, &box->error) != 0;
        break;
    case 4:
    case 7:
        s->failed = hl_sandbox_call(box->sb, "Add", args, 2, &sum, &box->error) || sum.i32 != 42;
        break;
    case 5:
        s->failed =
            hl_sandbox_call(box->sb, "DivideByZero", NULL, 0, NULL, &box->error) != HL_ERR_FAULT;
        break;
    case 6:
        s->failed = hl_sandbox_restore(box->sb, *snapshot, &box->error) != 0;
        break;
    default:
        hl_sandbox_destroy(box->sb);
        box->sb = NULL;
        break;
    }
    return NULL;
}

static void test_moves_between_threads(void **state)
{
    struct con *con = *state;
    hl_snapshot_destroy(con->snapshot);
    con->snapshot = NULL;
    hl_sandbox_destroy(con->box.sb);
    struct steps s = {.con = con};
    for (s.step = 0; s.step <= 8; s.step++) {
        pthread_t thread;
        thread_begin(&thread, take_step, &s);
        assert_int_equal(pthread_join(thread, NULL), 0);
        if (s.failed)
            fail_msg("step %d: %s", s.step, con->box.error.text);
    }
}

static void expect_busy(struct con *con, int rc)
{
    assert_int_equal(rc, HL_ERR_BUSY);
    check_error(&con->box.error, rc);
    assert_non_null(strstr(con->box.error.text, "in use"));
    assert_non_null(strstr(con->box.error.hint, "one thread at a time"));
}

static void test_two_threads_on_one_sandbox(void **state)
{
    struct con *con = *state;
    struct con_call c = {.con = con, .function = "CallHostSpin"};
    struct hl_snapshot *s = NULL;
    struct hl_error *e = &con->box.error;
    struct hl_sandbox *sb = con->box.sb;
    const struct hl_limits limits = {.exits = 1};
    con_begin(&c);
    con_wait(&con->inside);
    expect_busy(con, hl_sandbox_call(sb, "NoOp", NULL, 0, NULL, e));
    expect_busy(con, hl_sandbox_call_index(sb, 0, NULL, 0, NULL, e));
    expect_busy(con, hl_sandbox_main(sb, NULL, e));
    expect_busy(con, hl_sandbox_start(sb, e));
    expect_busy(con, hl_sandbox_register(sb, "f", "void()", con_spin, NULL, e));
    expect_busy(con, hl_snapshot_take(&s, sb, e));
    expect_busy(con, hl_sandbox_restore(sb, con->snapshot, e));
    expect_busy(con, hl_sandbox_limit(sb, &limits, e));
    expect_busy(con, hl_sandbox_core(sb, "/nonexistent/core", e));
    assert_null(s);
    atomic_store(&con->leave, true);
    con_end(&c);
    assert_int_equal(c.rc, 0);
    con_works(con);
}

/* Two that call all the time: each call is made or refused, none is mixed up with another. */
struct rival {
    struct con *con;
    int32_t first;
    unsigned made, wrong;
    pthread_t thread;
};

static void *compete(void *opaque)
{
    struct rival *r = opaque;
    for (int32_t i = 0; r->made < 200 && !r->wrong; i++) {
        struct hl_value arg = value_i32(r->first + i), result = {0};
        struct hl_error error;
        int rc = hl_sandbox_call(r->con->box.sb, "EchoI32", &arg, 1, &result, &error);
        r->made += rc == 0;
        if (rc == HL_ERR_BUSY)
            sched_yield();
        r->wrong += (rc && rc != HL_ERR_BUSY) || (!rc && result.i32 != arg.i32);
    }
    return NULL;
}

static void test_rivals(void **state)
{
    struct rival r[2] = {{.con = *state, .first = 0}, {.con = *state, .first = 1000000}};
    for (int i = 0; i < 2; i++)
        thread_begin(&r[i].thread, compete, &r[i]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(r[i].thread, NULL), 0);
        assert_int_equal(r[i].wrong, 0);
        assert_true(r[i].made > 0);
    }
    con_works(*state);
}

/* ---- many ---- */

struct crowd {
    const struct con *con;
    pthread_barrier_t *barrier;
    pthread_t thread;
    int rc;
    struct hl_error error;
};

/* All of them exist at the same time: after the barrier each has a sandbox that runs. */
static void *live(void *opaque)
{
    struct crowd *c = opaque;
    struct con mine = {.box.image = c->con->box.image};
    struct hl_snapshot *s = NULL;
    struct hl_value args[] = {value_i32(40), value_i32(2)}, sum = {0};
    struct hl_sandbox *sb = NULL;
    struct hl_sandbox_config config = {.heap = 1 << 20};
    int rc = hl_sandbox_create(&sb, mine.box.image, &config, &c->error);
    if (!rc)
        rc = hl_sandbox_register(sb, "HostAdd", "i32(i32, i32)", con_add, &mine, &c->error);
    if (!rc)
        rc = hl_sandbox_start(sb, &c->error);
    pthread_barrier_wait(c->barrier);
    if (!rc)
        rc = hl_snapshot_take(&s, sb, &c->error);
    for (int i = 0; i < 5 && !rc; i++) {
        rc = hl_sandbox_call(sb, "Add", args, 2, &sum, &c->error);
        if (!rc && sum.i32 != 42)
            rc = -1000;
        if (!rc && i % 2)
            rc = hl_sandbox_restore(sb, s, &c->error);
    }
    hl_snapshot_destroy(s);
    hl_sandbox_destroy(sb);
    c->rc = rc;
    return NULL;
}

static void test_200_in_200_threads(void **state)
{
    enum { MOST = 200 };
    static struct crowd c[MOST];
    const unsigned count = emulated() ? 40 : MOST;
    pthread_barrier_t barrier;
    assert_int_equal(pthread_barrier_init(&barrier, NULL, count), 0);
    memset(c, 0, sizeof(c));
    for (unsigned i = 0; i < count; i++) {
        c[i].con = *state;
        c[i].barrier = &barrier;
        thread_begin(&c[i].thread, live, &c[i]);
    }
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pthread_join(c[i].thread, NULL), 0);
    pthread_barrier_destroy(&barrier);
    for (unsigned i = 0; i < count; i++)
        if (c[i].rc)
            fail_msg("thread %u: %d %s", i, c[i].rc, c[i].error.text);
}

/* Two descriptors a sandbox. */
static bool room_for(unsigned files)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return false;
    if (limit.rlim_cur < files) {
        limit.rlim_cur = files < limit.rlim_max ? files : limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur >= files;
}

static void test_2000_in_one_process(void **state)
{
    struct con *con = *state;
    const unsigned count = emulated() ? 50 : SANITIZED ? 500 : 2000;
    const struct hl_sandbox_config config = {.heap = 1 << 20};
    if (!room_for(2 * count + 100)) {
        print_message("# the hard limit on descriptors is below %u\n", 2 * count + 100);
        skip();
    }
    struct hl_sandbox **sb = calloc(count, sizeof(struct hl_sandbox *));
    assert_non_null(sb);
    for (unsigned i = 0; i < count; i++)
        if (hl_sandbox_create(&sb[i], con->box.image, &config, &con->box.error) ||
            hl_sandbox_start(sb[i], &con->box.error))
            fail_msg("sandbox %u: %s", i, con->box.error.text);
    for (unsigned i = 0; i < count; i++) {
        struct hl_value arg = value_i32((int32_t)i), result = {0};
        unsigned n = (unsigned)((uint64_t)i * 7919 % count); /* in another order */
        assert_int_equal(hl_sandbox_call(sb[n], "AddToStatic", &arg, 1, &result, NULL), 0);
        assert_int_equal(result.i32, (int32_t)i); /* and each has memory of its own */
    }
    for (unsigned i = 0; i < count; i++)
        hl_sandbox_destroy(sb[i]);
    free(sb);
    con_works(con);
}

/* ---- nothing is left ---- */

/* Lives of every kind: unstarted, called, failed, with a snapshot, a clone, a limit. */
static void one_life(struct con *con, unsigned i)
{
    const struct hl_value text = value_string("a life");
    const struct hl_limits limits = {.wall_ns = 10000000000};
    struct hl_snapshot *s = NULL;
    struct hl_sandbox *sb = NULL;
    struct hl_error *e = &con->box.error;
    struct hl_value result;
    int rc = i % 8 == 5 ? hl_sandbox_create_from(&sb, con->snapshot, NULL, e)
                        : hl_sandbox_create(&sb, con->box.image, NULL, e);
    if (!rc && i % 8 == 7) { /* not started */
        hl_sandbox_destroy(sb);
        return;
    }
    if (!rc)
        rc = hl_sandbox_start(sb, e);
    if (!rc && i % 8 == 4)
        rc = hl_sandbox_limit(sb, &limits, e);
    if (!rc)
        rc = hl_sandbox_call(sb, "Echo", &text, 1, &result, e);
    if (!rc && i % 8 == 3)
        rc = hl_snapshot_take(&s, sb, e);
    if (!rc && i % 8 == 2)
        assert_int_equal(hl_sandbox_call(sb, "DivideByZero", NULL, 0, NULL, e), HL_ERR_FAULT);
    if (rc)
        fail_msg("life %u: %s", i, e->text);
    hl_snapshot_destroy(s);
    hl_sandbox_destroy(sb);
}

static void test_10000_lives_leave_nothing(void **state)
{
    struct con *con = *state;
    const unsigned lives = emulated() ? 200 : SANITIZED ? 1000 : 10000;
    for (unsigned i = 0; i < 100; i++)
        one_life(con, i);
    struct left before = count_left();
    for (unsigned i = 0; i < lives; i++)
        one_life(con, i);
    struct left after = count_left();
    print_message("# %u lives: files %u, %u; threads %u, %u; pages %lu, %lu; resident %lu, %lu\n",
                  lives, before.files, after.files, before.threads, after.threads, before.size,
                  after.size, before.resident, after.resident);
    assert_int_equal(after.files, before.files);
    assert_int_equal(after.threads, before.threads);
    if (SANITIZED) /* keeps freed memory for a while */
        return;
    /* One leaked page in a hundred lives would show. */
    assert_in_range(after.size, 0, before.size + 64);
    assert_in_range(after.resident, 0, before.resident + 64);
}

int main(void)
{
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* a huge page is no leak */
    const struct CMUnitTest tests[] = {
        CASE("host API: a sandbox moves between threads", test_moves_between_threads),
        CASE("host API: two threads on one sandbox", test_two_threads_on_one_sandbox),
        CASE("host API: two threads that call at once", test_rivals),
        CASE("host API: 200 sandboxes in 200 threads", test_200_in_200_threads),
        CASE("host API: 2,000 sandboxes in one process", test_2000_in_one_process),
        CASE("host API: 10,000 create, call, destroy leave nothing",
             test_10000_lives_leave_nothing),
    };

    watchdog(300);
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
