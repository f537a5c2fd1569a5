/* SPDX-License-Identifier: Apache-2.0 */
/* The host's interface: wrong calls, states, and resources that are not there. */
#include "values.h"

/* ---- host API ---- */

static void test_wrong_name(void **state)
{
    struct con *con = *state;
    assert_int_equal(TRY0(&con->box, "Ecko"), HL_ERR_NO_FUNCTION);
    assert_non_null(strstr(con->box.error.text, "Ecko"));
    assert_int_equal(TRY0(&con->box, ""), HL_ERR_NO_FUNCTION);
    assert_int_equal(TRY0(&con->box, "HostAdd"), HL_ERR_NO_FUNCTION);
    con_works(con);
}

static void test_wrong_count(void **state)
{
    struct con *con = *state;
    struct hl_value many[HL_MAX_ARGS + 4];
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = value_i32(1);
    for (size_t n = 0; n < COUNT(many); n++)
        if (n != 2)
            assert_int_equal(box_try(&con->box, "Add", many, n), HL_ERR_SIGNATURE);
    assert_int_equal(box_try(&con->box, "Add", NULL, 2), HL_ERR_ARGUMENT);
    con_works(con);
}

static void test_wrong_types(void **state)
{
    struct con *con = *state;
    const struct hl_value values[] = {value_u32(1),      value_i64(1),
                                      value_u64(1),      value_f32(1),
                                      value_f64(1),      value_bool(true),
                                      value_string("1"), value_bytes("", 1),
                                      {.type = HL_VOID}, {.type = (enum hl_type)77}};
    for (size_t i = 0; i < COUNT(values); i++) {
        assert_int_equal(TRY(&con->box, "EchoI32", values[i]), HL_ERR_SIGNATURE);
        if (values[i].type != HL_STRING)
            assert_int_equal(TRY(&con->box, "Echo", values[i]), HL_ERR_SIGNATURE);
    }
    assert_int_equal(
        TRY(&con->box, "Echo", (struct hl_value){.type = HL_STRING, .data = "a\0b", .len = 3}),
        HL_ERR_SIGNATURE);
    assert_int_equal(TRY(&con->box, "Echo", (struct hl_value){.type = HL_STRING, .len = 3}),
                     HL_ERR_ARGUMENT);
    con_works(con);
}

static void test_call_poisoned(void **state)
{
    struct con *con = *state;
    assert_int_equal(TRY0(&con->box, "TriggerException"), HL_ERR_FAULT);
    assert_int_equal(TRY0(&con->box, "NoOp"), HL_ERR_STATE);
    assert_non_null(strstr(con->box.error.text, "poisoned"));
    con_ended(con, HL_SANDBOX_POISONED);
}

static void test_call_dead(void **state)
{
    struct con *con = *state;
    assert_int_equal(TRY(&con->box, "Exit", value_i32(3)), HL_ERR_EXITED);
    assert_int_equal(hl_sandbox_exit_status(con->box.sb), 3);
    assert_int_equal(TRY0(&con->box, "NoOp"), HL_ERR_STATE);
    con_ended(con, HL_SANDBOX_DEAD);
}

static void test_destroy_in_every_state(void **state)
{
    struct con *con = *state;
    (void)state;
    for (int what = 0; what < 6; what++) {
        con_close(con);
        box_create(&con->box, "conformance", (struct hl_sandbox_config){.heap = 1 << 20});
        if (what == 0)
            continue; /* NEW */
        con_register(con);
        if (what == 1)
            continue; /* with host functions */
        box_start(&con->box);
        if (what == 3)
            assert_int_equal(TRY0(&con->box, "TriggerException"), HL_ERR_FAULT);
        if (what == 4)
            assert_int_equal(TRY(&con->box, "Exit", value_i32(0)), HL_ERR_EXITED);
        if (what == 5) { /* with a result of a call that nobody took */
            expect_text(CALL(&con->box, "Echo", value_string("x")), "x");
            assert_int_equal(TRY(&con->box, "GuestAbortWithCode", value_i32(1)),
                             HL_ERR_GUEST_ABORT);
        }
    }
}

/* In a child, which may lose all it has: `in` says how its work failed. */
static int in_child(int (*work)(void *), void *opaque)
{
    fflush(NULL);
    pid_t pid = child_fork();
    if (!pid) {
        alarm(60 * slow());
        _exit(work(opaque));
    }
    return child_code(pid);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static int without_memory(void *opaque)
{
    struct con *con = opaque;
    struct rlimit limit = {.rlim_cur = 48 << 20, .rlim_max = 48 << 20};
    if (setrlimit(RLIMIT_AS, &limit))
        return 99;
    return create_all(con->box.image);
}
#endif

static void test_out_of_memory(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)state;
    print_message("# a sanitizer needs more address space than this test leaves it\n");
    skip();
#else
    assert_int_equal(in_child(without_memory, *state), -HL_ERR_MEMORY);
    con_works(*state);
#endif
}

static int without_descriptors(void *opaque)
{
    struct con *con = opaque;
    int first = dup(0), n = 0;
    close(first);
    for (int room = 0; room < 4; room++) {
        struct rlimit limit = {.rlim_cur = (rlim_t)(first + room), .rlim_max = (rlim_t)(first + 8)};
        if (setrlimit(RLIMIT_NOFILE, &limit))
            return 99;
        int rc = create_all(con->box.image);
        if (rc == 0)
            break;
        if (rc != -HL_ERR_SYSTEM)
            return rc;
        n++;
    }
    return n >= 2 ? 0 : 98;
}

static void test_out_of_descriptors(void **state)
{
    assert_int_equal(in_child(without_descriptors, *state), 0);
    con_works(*state);
}

/* The device is opened once per process, so each runs in a new one. */
static int with_device(const char *path, const struct hl_image *image)
{
    char self[512];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(n > 0);
    self[n] = 0;
    int status = shell("HL_KVM_DEVICE=%s '%s' create '%s'", path, self, hl_image_path(image));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_device_missing(void **state)
{
    struct con *con = *state;
    assert_int_equal(with_device("/nonexistent/kvm", con->box.image), -HL_ERR_NO_KVM);
    assert_int_equal(with_device("/dev/null", con->box.image), -HL_ERR_NO_KVM);
    assert_int_equal(with_device("/dev/kvm", con->box.image), 0);
}

static void test_device_forbidden(void **state)
{
    struct con *con = *state;
    char path[SCRATCH_MAX];
    scratch_file(path, "", 0);
    assert_int_equal(chmod(path, 0), 0);
    /* Root may open anything: there the file is no KVM device. */
    assert_int_equal(with_device(path, con->box.image),
                     geteuid() == 0 ? -HL_ERR_NO_KVM : -HL_ERR_KVM_ACCESS);
    unlink(path);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CASE("host API: wrong name", test_wrong_name),
        CASE("host API: wrong count", test_wrong_count),
        CASE("host API: wrong types", test_wrong_types),
        CASE("host API: call on a poisoned sandbox", test_call_poisoned),
        CASE("host API: call on a dead sandbox", test_call_dead),
        CASE("host API: destroy in every state", test_destroy_in_every_state),
        CASE("host API: out of memory", test_out_of_memory),
        CASE("host API: out of file descriptors", test_out_of_descriptors),
        CASE("host API: /dev/kvm missing", test_device_missing),
        CASE("host API: /dev/kvm forbidden", test_device_forbidden),
    };

    watchdog(60);
    if (argc == 3)
        return create_and_tell(argv[2]);
    return cmocka_run_group_tests_name("conformance", tests, NULL, NULL);
}
