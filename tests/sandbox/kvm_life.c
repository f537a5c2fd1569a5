/* SPDX-License-Identifier: Apache-2.0 */
/* Life of sandboxes: states, threads, interruption, and that nothing is left behind. */
#include "box.h"
#include "left.h"
#include "files.h"
#include "thread.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

/* What HostHook does; the guest's argument chooses. */
enum { JUST_COUNT = 0, SIGNAL_RUNNING = 1, ENDLESS = 2, CALL_BACK = 3, WAIT_HERE = 4 };

struct hook {
    struct box *box;
    atomic_int calls;  /* of the hook */
    atomic_bool begin; /* it is in there, ... */
    atomic_bool end;   /* ... and may come back */
    int back[5];       /* what calling back gave */
};

static int hook(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    struct hook *h = opaque;
    (void)count;
    (void)error;
    atomic_fetch_add(&h->calls, 1);
    if (args[0].i32 == CALL_BACK) {
        h->back[0] = hl_sandbox_call(h->box->sb, "Count", NULL, 0, NULL, NULL);
        h->back[1] = hl_sandbox_main(h->box->sb, NULL, NULL);
        h->back[2] = hl_sandbox_start(h->box->sb, NULL);
        h->back[3] = hl_sandbox_register(h->box->sb, "f", "void()", hook, NULL, NULL);
        h->back[4] = hl_sandbox_call_index(h->box->sb, 0, NULL, 0, NULL, NULL);
    }
    if (args[0].i32 == WAIT_HERE) {
        atomic_store(&h->begin, true);
        while (!atomic_load(&h->end))
            sched_yield();
    }
    result->i32 = args[0].i32;
    return 0;
}

static void open_trouble(struct box *box, struct hook *h)
{
    memset(h, 0, sizeof(*h));
    h->box = box;
    box_create(box, "trouble", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "HostHook", "i32(i32)", hook, h);
    box_start(box);
}

static void test_call_before_start(void **state)
{
    struct box *box = *state;

    box_create(box, "trouble", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    assert_int_equal(TRY0(box, "Count"), HL_ERR_STATE);
    assert_int_equal(hl_sandbox_main(box->sb, NULL, &box->error), HL_ERR_STATE);
    assert_int_equal(hl_sandbox_call_index(box->sb, 0, NULL, 0, NULL, NULL), HL_ERR_STATE);
    hl_sandbox_interrupt(box->sb);
    assert_null(hl_sandbox_fault(box->sb));
    box_start(box);
    assert_int_equal(hl_sandbox_start(box->sb, &box->error), HL_ERR_STATE);
    check_error(&box->error, HL_ERR_STATE);
    assert_int_equal(CALL0(box, "Count")->i32, 1);
    assert_int_equal(CALL0(box, "Count")->i32, 2);
}

static void test_config(void **state)
{
    static const struct hl_sandbox_config bad[] = {{.heap = SIZE_MAX},
                                                   {.stack = HL_STACK_MAX + 1},
                                                   {.input = HL_BUFFER_MAX + 1},
                                                   {.output = SIZE_MAX},
                                                   {.heap = HL_MACHINE_MEMORY_MAX}};
    struct box *box = *state;
    struct hl_region regions[HL_REGIONS];

    box_open(box, "trouble");
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct hl_sandbox *sb = NULL;
        assert_int_equal(hl_sandbox_create(&sb, box->image, &bad[i], &box->error), HL_ERR_LIMIT);
        check_error(&box->error, HL_ERR_LIMIT);
        assert_null(sb);
    }
    assert_int_equal(hl_sandbox_create(NULL, box->image, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_create(&box->sb, NULL, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_plan(box->image, NULL, regions, &box->error), 0);
    for (size_t i = 0; i < HL_REGIONS; i++) {
        const struct hl_region *r = hl_sandbox_region(box->sb, i);
        assert_string_equal(r->name, regions[i].name);
        assert_int_equal(r->start, regions[i].start);
        assert_int_equal(r->size, regions[i].size);
        assert_true(i == 0 || r->start >= regions[i - 1].start + regions[i - 1].size + PAGE);
    }
    assert_null(hl_sandbox_region(box->sb, HL_REGIONS));
}

/* The smallest there can be: sizes of one byte are raised to the minima. */
static void test_smallest_sandbox(void **state)
{
    const struct hl_sandbox_config config = {.heap = 1, .stack = 1, .input = 1, .output = 1};
    struct box *box = *state;

    box_create(box, "trouble", config);
    box_start(box);
    assert_int_equal(CALL0(box, "Count")->i32, 1);
    CALL(box, "Print", value_string("x"));
    assert_string_equal(box->out, "x");
}

static void test_host_function_calls_back(void **state)
{
    struct box *box = *state;
    struct hook h;

    open_trouble(box, &h);
    assert_int_equal(CALL(box, "CallHook", value_i32(CALL_BACK))->i32, CALL_BACK);
    for (size_t i = 0; i < COUNT(h.back); i++)
        assert_int_equal(h.back[i], HL_ERR_BUSY);
    assert_int_equal(CALL0(box, "Count")->i32, 1);
}

struct caller {
    struct box *box;
    const char *function;
    int32_t argument;
    bool no_argument;
    int rc;
    struct hl_error error;
};

static void *call_in_thread(void *opaque)
{
    struct caller *c = opaque;
    struct hl_value arg = value_i32(c->argument);
    c->rc = hl_sandbox_call(c->box->sb, c->function, &arg, c->no_argument ? 0 : 1, NULL, &c->error);
    return NULL;
}

static void wait_for(atomic_bool *flag)
{
    WAIT_FOR(atomic_load(flag));
}

static void test_second_thread_is_told_busy(void **state)
{
    struct box *box = *state;
    struct hook h;
    struct caller c = {.box = box, .function = "CallHook", .argument = WAIT_HERE};
    pthread_t thread;

    open_trouble(box, &h);
    thread_begin(&thread, call_in_thread, &c);
    wait_for(&h.begin);
    assert_int_equal(TRY0(box, "Count"), HL_ERR_BUSY);
    assert_int_equal(hl_sandbox_main(box->sb, NULL, NULL), HL_ERR_BUSY);
    atomic_store(&h.end, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(c.rc, 0);
    assert_int_equal(CALL0(box, "Count")->i32, 1);
}

static void test_interrupt_in_a_host_call(void **state)
{
    struct box *box = *state;
    struct hook h;
    struct caller c = {.box = box, .function = "CallHook", .argument = WAIT_HERE};
    pthread_t thread;

    open_trouble(box, &h);
    thread_begin(&thread, call_in_thread, &c);
    wait_for(&h.begin);
    hl_sandbox_interrupt(box->sb);
    hl_sandbox_interrupt(box->sb);
    atomic_store(&h.end, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(c.rc, HL_ERR_INTERRUPTED);
    check_error(&c.error, HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
    assert_int_equal(TRY0(box, "Count"), HL_ERR_STATE);
}

/* Guests that never come back by themselves: in their own code, in host calls, printing. */
static void test_interrupt_ends_every_loop(void **state)
{
    static const char *const loops[] = {"Spin", "CallForEver", "PrintForEver"};
    struct box *box = *state;

    for (unsigned i = 0; i < 30; i++) {
        struct hook h;
        struct caller c = {.box = box, .function = loops[i % 3], .no_argument = true};
        pthread_t thread;
        open_trouble(box, &h);
        thread_begin(&thread, call_in_thread, &c);
        while (i % 3 == 2 ? __atomic_load_n(&box->out_size, __ATOMIC_RELAXED) < 100
                          : atomic_load(&h.calls) < 1 + (int)i % 5 && !(i % 3 == 0 && h.calls))
            sched_yield();
        hl_sandbox_interrupt(box->sb);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(c.rc, HL_ERR_INTERRUPTED);
        assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
        box_close(box);
    }
}

static void test_interrupt_between_calls_has_no_effect(void **state)
{
    struct box *box = *state;
    struct hook h;

    open_trouble(box, &h);
    for (int i = 1; i <= 50; i++) {
        hl_sandbox_interrupt(box->sb);
        assert_int_equal(CALL0(box, "Count")->i32, i);
    }
}

static void test_only_the_target_is_interrupted(void **state)
{
    struct box *box = *state, other;
    struct hook h, h2;
    struct caller c = {.box = box, .function = "Spin", .no_argument = true};
    pthread_t thread;

    memset(&other, 0, sizeof(other));
    open_trouble(box, &h);
    open_trouble(&other, &h2);
    thread_begin(&thread, call_in_thread, &c);
    WAIT_FOR(atomic_load(&h.calls));
    hl_sandbox_interrupt(other.sb);
    assert_int_equal(CALL0(&other, "Count")->i32, 1);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_READY);
    hl_sandbox_interrupt(box->sb);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(c.rc, HL_ERR_INTERRUPTED);
    assert_int_equal(CALL0(&other, "Count")->i32, 2);
    box_close(&other);
}

static void *interrupt_all_the_time(void *opaque)
{
    struct hook *h = opaque;
    while (!atomic_load(&h->end)) {
        hl_sandbox_interrupt(h->box->sb);
        sched_yield();
    }
    return NULL;
}

/* Interrupts at any moment of short calls: each ends well or is interrupted, nothing in between. */
static void test_interrupt_races_with_calls(void **state)
{
    struct box *box = *state;
    unsigned fine = 0, interrupted = 0;

    for (unsigned i = 0; i < 40; i++) {
        struct hook h;
        pthread_t thread;
        int rc = 0, count = 0;
        open_trouble(box, &h);
        thread_begin(&thread, interrupt_all_the_time, &h);
        while (!rc && count < 200) {
            rc = hl_sandbox_call(box->sb, "Count", NULL, 0, &box->result, &box->error);
            if (!rc)
                assert_int_equal(box->result.i32, ++count);
        }
        atomic_store(&h.end, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(rc == 0 || rc == HL_ERR_INTERRUPTED);
        fine += rc == 0;
        interrupted += rc != 0;
        assert_int_equal(hl_sandbox_state(box->sb), rc ? HL_SANDBOX_POISONED : HL_SANDBOX_READY);
        box_close(box);
    }
    assert_int_equal(fine + interrupted, 40);
    assert_true(interrupted > 0);
}

static void test_moves_between_threads(void **state)
{
    struct box *box = *state;
    struct hook h;

    open_trouble(box, &h);
    for (int i = 0; i < 20; i++) {
        struct caller c = {.box = box, .function = "CallHook", .argument = JUST_COUNT};
        pthread_t thread;
        thread_begin(&thread, call_in_thread, &c);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(c.rc, 0);
        CALL(box, "CallHook", value_i32(JUST_COUNT));
    }
    assert_int_equal(atomic_load(&h.calls), 40);
}

static void one_life(struct box *box, unsigned i)
{
    struct hl_sandbox *sb = NULL;
    struct hl_error error;
    assert_int_equal(hl_sandbox_create(&sb, box->image, NULL, &error), 0);
    if (i % 5 != 4) /* some are destroyed unstarted, some after a fault */
        assert_int_equal(hl_sandbox_start(sb, &error), 0);
    if (i % 5 < 3)
        assert_int_equal(hl_sandbox_call(sb, "Count", NULL, 0, &box->result, &error), 0);
    if (i % 5 == 2)
        assert_int_equal(hl_sandbox_call(sb, "Divide", NULL, 0, NULL, &error), HL_ERR_FAULT);
    hl_sandbox_destroy(sb);
}

static void test_1000_lives_leave_nothing(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    for (unsigned i = 0; i < 20; i++)
        one_life(box, i);
    unsigned files = entries("/proc/self/fd"), maps = count_lines("/proc/self/maps");
    for (unsigned i = 0; i < 1000; i++)
        one_life(box, i);
    assert_int_equal(entries("/proc/self/fd"), files);
    assert_in_range(count_lines("/proc/self/maps"), 0, maps + 8); /* the allocator may keep a few */
}

struct crowd {
    const struct hl_image *image;
    int failed;
};

static void *live_in_thread(void *opaque)
{
    struct crowd *c = opaque;
    struct hl_sandbox *sb[7] = {NULL};
    struct hl_value result;
    for (size_t i = 0; i < COUNT(sb); i++)
        c->failed +=
            hl_sandbox_create(&sb[i], c->image, NULL, NULL) || hl_sandbox_start(sb[i], NULL);
    for (int round = 1; round <= 20 && !c->failed; round++)
        for (size_t i = 0; i < COUNT(sb); i++)
            c->failed +=
                hl_sandbox_call(sb[i], "Count", NULL, 0, &result, NULL) || result.i32 != round;
    for (size_t i = 0; i < COUNT(sb); i++)
        hl_sandbox_destroy(sb[i]);
    return NULL;
}

/* 112 sandboxes of one image in 16 threads. */
static void test_crowd(void **state)
{
    struct box *box = *state;
    struct crowd crowds[16];
    pthread_t threads[16];

    box_open(box, "trouble");
    for (size_t i = 0; i < COUNT(threads); i++) {
        crowds[i] = (struct crowd){box->image, 0};
        thread_begin(&threads[i], live_in_thread, &crowds[i]);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(crowds[i].failed, 0);
    }
    assert_int_equal(CALL0(box, "Count")->i32, 1);
}

static void test_destroy_null(void **state)
{
    (void)state;
    hl_sandbox_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_call_before_start),
        BOX_TEST(test_config),
        BOX_TEST(test_smallest_sandbox),
        BOX_TEST(test_host_function_calls_back),
        BOX_TEST(test_second_thread_is_told_busy),
        BOX_TEST(test_interrupt_in_a_host_call),
        BOX_TEST(test_interrupt_ends_every_loop),
        BOX_TEST(test_interrupt_between_calls_has_no_effect),
        BOX_TEST(test_only_the_target_is_interrupted),
        BOX_TEST(test_interrupt_races_with_calls),
        BOX_TEST(test_moves_between_threads),
        BOX_TEST(test_1000_lives_leave_nothing),
        BOX_TEST(test_crowd),
        cmocka_unit_test(test_destroy_null),
    };

    watchdog(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
