/* SPDX-License-Identifier: Apache-2.0 */
/* The libc in a guest, programs with a main(), and what they print. */
#include "box.h"

#include <time.h>

static void test_checks_of_the_guest(void **state)
{
    static const char *const checks[] = {
        "Constructors", "Tls",  "Setjmp",  "Qsort",  "Errno", "Floats", "MallocStress",
        "Realloc",      "Grow", "Shuffle", "Calloc", "Clock", "Large"};
    struct box *box = *state;

    box_open(box, "libc");
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT(checks); i++)
            if (CALL0(box, checks[i])->i32 != 0)
                fail_msg("%s: tests/guest/libc.c:%d", checks[i], box->result.i32);
}

static void test_random_numbers_differ(void **state)
{
    struct box *box = *state;

    box_open(box, "libc");
    uint64_t first = CALL0(box, "Random")->u64;
    assert_int_not_equal(first, 0);
    assert_int_not_equal(CALL0(box, "Random")->u64, first);
}

static void test_time_is_the_host_s(void **state)
{
    struct box *box = *state;

    box_open(box, "libc");
    struct timespec before, after; /* time() may be a tick late */
    clock_gettime(CLOCK_REALTIME, &before);
    int64_t guest = CALL0(box, "Time")->i64;
    clock_gettime(CLOCK_REALTIME, &after);
    assert_in_range(guest, before.tv_sec, after.tv_sec);
}

static void open_main(struct box *box, const char *const *argv, const char *const *envp)
{
    const struct hl_sandbox_config config = {.argv = argv, .envp = envp};
    box_create(box, "with_main", config);
    box_start(box);
}

static void test_main(void **state)
{
    static const char *const argv[] = {"name", "7", "", "two words", NULL};
    static const char *const envp[] = {"A=1", "PATH=", NULL};
    struct box *box = *state;
    int status = -1;

    open_main(box, argv, envp);
    assert_int_equal(hl_sandbox_main(box->sb, &status, &box->error), 0);
    assert_int_equal(status, 7);
    assert_int_equal(hl_sandbox_exit_status(box->sb), 7);
    assert_string_equal(box->out, "arg 0: name\narg 1: 7\narg 2: \narg 3: two words\n"
                                  "env 0: A=1\nenv 1: PATH=\n");
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_DEAD);
    assert_int_equal(hl_sandbox_main(box->sb, &status, &box->error), HL_ERR_STATE);
    check_error(&box->error, HL_ERR_STATE);
}

static void test_main_without_arguments(void **state)
{
    struct box *box = *state;
    int status = -1;

    open_main(box, NULL, NULL);
    assert_int_equal(hl_sandbox_main(box->sb, &status, &box->error), 0);
    assert_int_equal(status, 0);
    assert_int_equal(strncmp(box->out, "arg 0: /", 8), 0);
    assert_null(strstr(box->out, "env"));
}

static void test_main_with_no_argv_at_all(void **state)
{
    static const char *const none[] = {NULL};
    struct box *box = *state;
    int status = -1;

    open_main(box, none, none);
    assert_int_equal(hl_sandbox_main(box->sb, &status, NULL), 0);
    assert_string_equal(box->out, "");
}

static void test_main_exits_and_fails(void **state)
{
    static const struct {
        const char *argument;
        int rc, status;
    } cases[] = {{"exit", 0, 5},
                 {"256", 0, 0},
                 {"-1", 0, 255},
                 {"abort", HL_ERR_GUEST_ABORT, -1},
                 {"fault", HL_ERR_FAULT, -1}};
    struct box *box = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *const argv[] = {"x", cases[i].argument, NULL};
        int status = -1;
        open_main(box, argv, NULL);
        assert_int_equal(hl_sandbox_main(box->sb, &status, &box->error), cases[i].rc);
        assert_int_equal(status, cases[i].status);
        assert_int_equal(hl_sandbox_state(box->sb),
                         cases[i].rc ? HL_SANDBOX_POISONED : HL_SANDBOX_DEAD);
        box_close(box);
    }
}

static void test_no_main(void **state)
{
    struct box *box = *state;

    box_open(box, "libc");
    assert_int_equal(hl_sandbox_main(box->sb, NULL, &box->error), HL_ERR_NO_MAIN);
    check_error(&box->error, HL_ERR_NO_MAIN);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_READY);
    assert_int_equal(CALL0(box, "Tls")->i32, 0);
}

static void test_too_many_arguments(void **state)
{
    static const char *argv[4000];
    struct box *box = *state;
    const struct hl_sandbox_config config = {.argv = argv};

    for (size_t i = 0; i + 1 < COUNT(argv); i++)
        argv[i] = "x";
    box_open(box, "with_main");
    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
    assert_int_equal(hl_sandbox_create(&box->sb, box->image, &config, &box->error), HL_ERR_LIMIT);
    check_error(&box->error, HL_ERR_LIMIT);
    assert_null(box->sb);
    argv[1500] = NULL;
    assert_int_equal(hl_sandbox_create(&box->sb, box->image, &config, &box->error), 0);
}

static void test_arguments_over_the_stack(void **state)
{
    static char text[40000];
    const char *const argv[] = {text, NULL};
    struct box *box = *state;
    const struct hl_sandbox_config config = {.argv = argv, .stack = 16384};

    memset(text, 'x', sizeof(text) - 1);
    box_open(box, "with_main");
    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
    assert_int_equal(hl_sandbox_create(&box->sb, box->image, &config, &box->error), HL_ERR_LIMIT);
}

/* What was printed is there when the call is over, line or not; stdout and stderr apart. */
static void test_output(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    CALL(box, "Print", value_string("no newline"));
    assert_string_equal(box->out, "no newline");
    CALL(box, "Print", value_string(", more\nand"));
    assert_string_equal(box->out, "no newline, more\nand");
    CALL(box, "PrintError", value_string("error\n"));
    assert_string_equal(box->err, "error\n");
    assert_string_equal(box->out, "no newline, more\nand");
}

static void test_output_nobody_wants(void **state)
{
    struct box *box = *state;

    box_create(box, "trouble", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    hl_sandbox_destroy(box->sb);
    assert_int_equal(hl_sandbox_create(&box->sb, box->image, NULL, &box->error), 0);
    box_start(box);
    CALL(box, "Print", value_string("dropped"));
    CALL(box, "Log", value_i32(1), value_string("dropped"));
    assert_string_equal(box->out, "");
    assert_int_equal(box->logs, 0);
}

static void test_log(void **state)
{
    struct box *box = *state;
    static char text[10000];

    box_open(box, "trouble");
    CALL(box, "Log", value_i32(HL_LOG_WARN), value_string("careful\nnow"));
    assert_int_equal(box->log_level, HL_LOG_WARN);
    assert_string_equal(box->log, "careful\nnow");
    CALL(box, "Log", value_i32(-5), value_string(""));
    assert_int_equal(box->log_level, -5);
    assert_string_equal(box->log, "");
    memset(text, 'x', sizeof(text) - 1);
    CALL(box, "Log", value_i32(4), value_string(text));
    assert_int_equal(strlen(box->log), HL_LOG_MAX);
    struct hl_counts counts;
    hl_sandbox_counts(box->sb, &counts);
    assert_int_equal(counts.logs, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_checks_of_the_guest),
        BOX_TEST(test_random_numbers_differ),
        BOX_TEST(test_time_is_the_host_s),
        BOX_TEST(test_main),
        BOX_TEST(test_main_without_arguments),
        BOX_TEST(test_main_with_no_argv_at_all),
        BOX_TEST(test_main_exits_and_fails),
        BOX_TEST(test_no_main),
        BOX_TEST(test_too_many_arguments),
        BOX_TEST(test_arguments_over_the_stack),
        BOX_TEST(test_output),
        BOX_TEST(test_output_nobody_wants),
        BOX_TEST(test_log),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
