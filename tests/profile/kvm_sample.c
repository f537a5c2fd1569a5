/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of guests that run, memory, the counters of KVM, and the interface of a profile. */
#include "document.h"

/* ---- samples ---- */

static json_int_t samples_of(const struct prof *p, const char *root, const char *function)
{
    json_int_t sum = 0, parent;
    const json_t *s;
    size_t i;
    json_array_foreach(list(p, "samples"), i, s)
    {
        json_int_t node = number(s, "stack");
        if (strcmp(text(s, "root"), root) != 0)
            continue;
        bool in = !function;
        while (node >= 0 && !in) {
            in = strcmp(text(frame_of(p, node, &parent), "function"), function) == 0;
            node = parent;
        }
        sum += in ? number(s, "count") : 0;
    }
    return sum;
}

static void test_samples(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){.rate_hz = 1000});
    for (unsigned i = 0; i < 5; i++)
        CALL(&p->box, "Spin", value_u64(40000000));
    read_profile(p);
    json_int_t one = samples_of(p, "guest", "spin"), three = samples_of(p, "guest", "spin_more");
    json_int_t all = samples_of(p, "guest", NULL);
    /* A loaded machine loses samples, and says so; of those taken three of four are in spin_more.
     */
    assert_true(all >= 20);
    assert_true(one + three >= all * 9 / 10);
    assert_true(three > one);
    const json_t *totals = json_object_get(p->doc, "totals");
    assert_int_equal(number(totals, "samples"),
                     all + samples_of(p, "host", NULL) + samples_of(p, "vmm", NULL));
    json_int_t due = number(totals, "guest_ns") / 1000000;
    assert_in_range(all + number(totals, "lost"), due * 9 / 10, due * 11 / 10 + 2);
    assert_true(number(totals, "interrupts") >= all);
    assert_int_equal(number(totals, "exits"), 6 + count_of(p, "syscall", "arch_prctl") +
                                                  count_of(p, "syscall", "set_tid_address"));
}

static void test_samples_of_the_host(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){.rate_hz = 1000});
    CALL(&p->box, "Slow", value_u32(100000));
    read_profile(p);
    json_int_t host = samples_of(p, "host", "Slow");
    assert_true(host >= 99);
    assert_int_equal(host, samples_of(p, "host", NULL));
    assert_true(samples_of(p, "guest", NULL) <= host / 2);
}

/* Host functions do not see the signal: their system calls are not broken. */
static int host_sleep(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    const struct timespec t = {.tv_nsec = args[0].u32 * 1000l};
    int *broken = opaque;
    (void)count;
    (void)result;
    (void)error;
    *broken += nanosleep(&t, NULL) != 0;
    return 0;
}

static void test_no_signal_in_host_functions(void **state)
{
    struct prof *p = *state;
    const struct hl_profile_config config = {.rate_hz = 1000};
    sigset_t before, after;
    int broken = 0;
    box_create(&p->box, "exits", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&p->box, "HostSlow", "void(u32)", host_sleep, &broken);
    assert_int_equal(hl_profile_create(&p->profile, p->box.image, &config, &p->box.error), 0);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    box_start(&p->box);
    for (unsigned i = 0; i < 5; i++)
        CALL(&p->box, "Slow", value_u32(20000));
    assert_int_equal(broken, 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, hl_kick_signal()), 0);
    assert_int_equal(sigismember(&after, hl_kick_signal()), 0);
}

static int host_block(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    sigset_t set;
    (void)opaque;
    (void)args;
    (void)count;
    (void)result;
    (void)error;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return 0;
}

/* What a host function does to its thread's signals stays done, as it does without a profile. */
static void test_signal_mask_of_host_functions(void **state)
{
    struct prof *p = *state;
    const struct hl_profile_config config = {.rate_hz = 1000};
    sigset_t mask;
    box_create(&p->box, "exits", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&p->box, "HostTick", "void()", host_block, NULL);
    assert_int_equal(hl_profile_create(&p->profile, p->box.image, &config, &p->box.error), 0);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    box_start(&p->box);
    CALL0(&p->box, "Ten");
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGUSR2), 1);
    assert_int_equal(sigismember(&mask, hl_kick_signal()), 0);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
}

static void *spin(void *opaque)
{
    struct prof *p = opaque;
    const struct hl_value turns = value_u64(1ull << 60);
    p->rc = hl_sandbox_call(p->box.sb, "Spin", &turns, 1, NULL, NULL);
    atomic_store(&p->over, true);
    return NULL;
}

static bool is_sampled(struct prof *p)
{
    read_profile(p);
    return samples_of(p, "guest", "spin") > 10;
}

/* Ticks are no stop requests, and stop requests are no ticks. */
static void test_interrupt_while_sampled(void **state)
{
    struct prof *p = *state;
    pthread_t thread;
    open_profile(p, "exits", (struct hl_profile_config){.rate_hz = 10000});
    thread_begin(&thread, spin, p);
    WAIT_FOR(is_sampled(p));
    WAIT_FOR((hl_sandbox_interrupt(p->box.sb), atomic_load(&p->over)));
    pthread_join(thread, NULL);
    assert_int_equal(p->rc, HL_ERR_INTERRUPTED);
    read_profile(p);
    assert_true(samples_of(p, "guest", "spin") > 10);
}

/* ---- memory, KVM ---- */

static void test_memory(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){.pages = true});
    CALL(&p->box, "Grow", value_u32(400));
    CALL(&p->box, "Stack", value_u32(64));
    CALL0(&p->box, "Ten");
    read_profile(p);
    const json_t *m = json_object_get(p->doc, "memory");
    assert_int_equal(number(m, "heap_size"), HL_HEAP_DEFAULT);
    assert_in_range(number(m, "heap_high"), 400 << 10, 420 << 10);
    assert_in_range(number(m, "stack_high"), 64 << 10, 80 << 10);
    const json_t *grow = json_object_get(call_of(p, "Grow"), "pages_dirtied");
    assert_in_range(number(grow, "max"), 100, 110);
    const json_t *stack = json_object_get(call_of(p, "Stack"), "pages_dirtied");
    assert_in_range(number(stack, "max"), 16, 24);
    const json_t *ten = json_object_get(call_of(p, "Ten"), "pages_touched");
    assert_in_range(number(ten, "max"), 3, 20);
    assert_true(number(m, "pages_dirtied") <= number(m, "pages_touched"));
}

static void test_stack_with_a_hole(void **state)
{
    struct prof *p = *state;
    const struct hl_sandbox_config config = {.stack = 32 << 20};
    box_create(&p->box, "exits", config);
    assert_int_equal(hl_profile_create(&p->profile, p->box.image, NULL, &p->box.error), 0);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    box_start(&p->box);
    CALL(&p->box, "Hole", value_u32(4000));
    read_profile(p);
    assert_in_range(number(json_object_get(p->doc, "memory"), "stack_high"), 4000 << 10,
                    4010 << 10);
    CALL(&p->box, "Hole", value_u32(20000));
    CALL(&p->box, "Hole", value_u32(10));
    read_profile(p);
    assert_in_range(number(json_object_get(p->doc, "memory"), "stack_high"), 20000 << 10,
                    20010 << 10);
}

static void test_pages_do_not_disturb_restore(void **state)
{
    struct prof *p = *state;
    struct hl_snapshot *snapshot = NULL;
    open_profile(p, "exits", (struct hl_profile_config){.pages = true});
    assert_int_equal(hl_snapshot_take(&snapshot, p->box.sb, &p->box.error), 0);
    for (unsigned i = 0; i < 3; i++) {
        CALL(&p->box, "Grow", value_u32(64));
        assert_int_equal(CALL0(&p->box, "Deep")->i32, 4);
        assert_int_equal(hl_sandbox_restore(p->box.sb, snapshot, &p->box.error), 0);
    }
    hl_snapshot_destroy(snapshot);
}

static json_int_t counter(const struct prof *p, const char *name)
{
    const json_t *c;
    size_t i;
    json_array_foreach(list(p, "kvm"), i,
                       c) if (strcmp(text(c, "name"), name) == 0) return number(c, "value");
    return 0;
}

static void test_kvm_counters(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){0});
    call_all(p);
    read_profile(p);
    if (!json_array_size(list(p, "kvm"))) {
        print_message("# this KVM has no KVM_GET_STATS_FD\n");
        skip();
    }
    json_int_t exits = number(json_object_get(p->doc, "totals"), "exits");
    assert_true(counter(p, "exits") >= exits);
    read_profile(p); /* they are not counted twice */
    assert_true(counter(p, "exits") >= exits);
    assert_true(counter(p, "exits") < 100 * exits);
}

/* KVM must not be asked for anything that it answers only when the guest comes out. */
static void test_json_while_the_guest_spins(void **state)
{
    struct prof *p = *state;
    pthread_t thread;
    open_profile(p, "exits", (struct hl_profile_config){0});
    thread_begin(&thread, spin, p);
    WAIT_FOR(atomic_load(&p->box.sb->call_state) == CALL_RUNNING);
    for (unsigned i = 0; i < 50; i++)
        read_profile(p);
    hl_sandbox_interrupt(p->box.sb);
    pthread_join(thread, NULL);
}

/* ---- the interface ---- */

static void test_arguments(void **state)
{
    struct prof *p = *state;
    struct hl_profile *other = NULL;
    struct hl_image *image = NULL;
    const struct hl_profile_config fast = {.rate_hz = HL_PROFILE_RATE_MAX + 1};
    char *json;
    open_profile(p, "exits", (struct hl_profile_config){0});
    assert_int_equal(hl_profile_create(NULL, p->box.image, NULL, &p->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_create(&other, NULL, NULL, &p->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_create(&other, p->box.image, &fast, &p->box.error),
                     HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_attach(NULL, p->box.sb, &p->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_json(NULL, &json, &p->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_write(p->profile, "/nowhere/profile", &p->box.error), HL_ERR_FILE);
    assert_int_equal(hl_image_open(&image, TEST_BUILD "/tests/guest/plain", &p->box.error), 0);
    assert_int_equal(hl_profile_create(&other, image, NULL, &p->box.error), 0);
    assert_int_equal(hl_profile_attach(other, p->box.sb, &p->box.error), HL_ERR_ARGUMENT);
    hl_profile_destroy(other);
    hl_image_close(image);
    hl_profile_destroy(NULL);
}

static void test_detach(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){0});
    CALL0(&p->box, "Ten");
    assert_int_equal(hl_profile_detach(p->profile, p->box.sb, &p->box.error), 0);
    CALL0(&p->box, "Ten");
    assert_int_equal(hl_profile_detach(p->profile, p->box.sb, &p->box.error), HL_ERR_ARGUMENT);
    read_profile(p);
    assert_int_equal(count_of(p, "host", "HostTick"), 10);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    CALL0(&p->box, "Ten");
    read_profile(p);
    assert_int_equal(count_of(p, "host", "HostTick"), 20);
}

struct worker {
    struct prof *p;
    struct hl_sandbox *sb;
    int rc;
};

static void *work(void *opaque)
{
    struct worker *w = opaque;
    for (unsigned i = 0; i < 20 && !w->rc; i++)
        w->rc = hl_sandbox_call(w->sb, "Ten", NULL, 0, NULL, NULL);
    return NULL;
}

static void test_threads(void **state)
{
    struct prof *p = *state;
    struct worker w[4];
    pthread_t thread[COUNT(w)];
    open_profile(p, "exits", (struct hl_profile_config){0});
    for (size_t i = 0; i < COUNT(w); i++) {
        w[i] = (struct worker){.p = p};
        assert_int_equal(hl_sandbox_create(&w[i].sb, p->box.image, NULL, &p->box.error), 0);
        assert_int_equal(hl_sandbox_register(w[i].sb, "HostTick", "void()", host_tick, NULL, NULL),
                         0);
        assert_int_equal(hl_profile_attach(p->profile, w[i].sb, &p->box.error), 0);
        assert_int_equal(hl_sandbox_start(w[i].sb, &p->box.error), 0);
        thread_begin(&thread[i], work, &w[i]);
    }
    for (unsigned i = 0; i < 20; i++)
        read_profile(p);
    for (size_t i = 0; i < COUNT(w); i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(w[i].rc, 0);
        hl_sandbox_destroy(w[i].sb);
    }
    read_profile(p);
    assert_int_equal(count_of(p, "host", "HostTick"), 20 * 10 * (json_int_t)COUNT(w));
}

int main(void)
{
    watchdog(120);
    const struct CMUnitTest tests[] = {
        PROF_TEST(test_samples),
        PROF_TEST(test_samples_of_the_host),
        PROF_TEST(test_no_signal_in_host_functions),
        PROF_TEST(test_signal_mask_of_host_functions),
        PROF_TEST(test_interrupt_while_sampled),
        PROF_TEST(test_memory),
        PROF_TEST(test_stack_with_a_hole),
        PROF_TEST(test_pages_do_not_disturb_restore),
        PROF_TEST(test_kvm_counters),
        PROF_TEST(test_json_while_the_guest_spins),
        PROF_TEST(test_arguments),
        PROF_TEST(test_detach),
        PROF_TEST(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
