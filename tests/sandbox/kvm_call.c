/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that fail, and what their arguments and results may be. */
#include "values.h"

static int fails(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                 struct hl_error *error)
{
    (void)opaque;
    (void)count;
    result->i32 = 77;
    switch (args[0].i32) {
    case 0:
        return 0;
    case 1:
        return hl_error_set(error, 5, "the reason is %d", 42);
    case 2:
        return -1234567; /* without a text */
    case 3:
        memset(error->text, 'x', sizeof(error->text)); /* without an end */
        return 9;
    default:
        result->type = HL_STRING; /* not what was promised */
        return 0;
    }
}

static void test_host_function_fails(void **state)
{
    struct box *box = *state;

    box_create(box, "values", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "HostFails", "i32(i32)", fails, NULL);
    box_start(box);
    expect_text(CALL(box, "SeeFailure", value_i32(0)), "77 0 ");
    expect_text(CALL(box, "SeeFailure", value_i32(1)), "0 5 the reason is 42");
    expect_text(CALL(box, "SeeFailure", value_i32(2)), "0 -1234567 host function failed");
    const char *long_text = CALL(box, "SeeFailure", value_i32(3))->data;
    assert_int_equal(strlen(long_text), strlen("0 9 ") + sizeof(box->error.text) - 1);
    expect_text(CALL(box, "SeeFailure", value_i32(4)),
                "0 -17 host function HostFails returned a string instead of a i32");
    expect_text(CALL(box, "SeeFailure", value_i32(0)), "77 0 ");
    assert_int_equal(CALL0(box, "ErrorCodeAtStart")->i32, 0);
}

static int text_of(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                   struct hl_error *error)
{
    static char big[4 * MIB];
    (void)opaque;
    (void)count;
    (void)error;
    memset(big, 'y', sizeof(big));
    result->data = args[0].i32 == 0 ? "fine" : args[0].i32 == 1 ? "with\0NUL" : big;
    result->len = args[0].i32 == 0 ? 4 : args[0].i32 == 1 ? 8 : sizeof(big);
    if (args[0].i32 == 3)
        *result = (struct hl_value){.type = HL_STRING, .data = NULL, .len = 10};
    return 0;
}

static void test_host_function_gives_a_bad_string(void **state)
{
    struct box *box = *state;

    box_create(box, "values", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "HostText", "string(i32)", text_of, NULL);
    box_start(box);
    expect_text(CALL(box, "SeeText", value_i32(0)), "fine 0 ");
    const char *text = CALL(box, "SeeText", value_i32(1))->data;
    assert_non_null(strstr(text, "NUL"));
    assert_int_equal(strncmp(text, "NULL -17 ", 9), 0);
    text = CALL(box, "SeeText", value_i32(2))->data;
    assert_int_equal(strncmp(text, "NULL -11 ", 9), 0); /* over the input buffer */
    text = CALL(box, "SeeText", value_i32(3))->data;
    assert_int_equal(strncmp(text, "NULL -17 ", 9), 0); /* no data */
    expect_text(CALL(box, "SeeText", value_i32(0)), "fine 0 ");
}

static void test_import_that_nobody_registered(void **state)
{
    struct box *box = *state;

    box_open(box, "values");
    const char *text = CALL0(box, "CallNobody")->data;
    assert_int_equal(strncmp(text, "-14 ", 4), 0);
    assert_non_null(strstr(text, "Nobody"));
    assert_int_equal(CALL(box, "echo-i32", value_i32(3))->i32, 3);
}

static void test_signature_mismatch_at_start(void **state)
{
    struct box *box = *state;

    box_create(box, "values", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "HostFails", "i32(u32)", fails, NULL);
    for (unsigned i = 0; i < 2; i++) { /* a second try fails in the same way */
        assert_int_equal(hl_sandbox_start(box->sb, &box->error), HL_ERR_SIGNATURE);
        check_error(&box->error, HL_ERR_SIGNATURE);
        assert_non_null(strstr(box->error.text, "HostFails(i32) -> i32"));
        assert_non_null(strstr(box->error.text, "HostFails(u32) -> i32"));
    }
    assert_int_equal(TRY0(box, "NoOp"), HL_ERR_STATE);
}

static void test_register_errors(void **state)
{
    struct box *box = *state;
    char name[HL_NAME_SIZE + 1];

    box_create(box, "values", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    struct hl_sandbox *sb = box->sb;
    assert_int_equal(hl_sandbox_register(NULL, "f", "i32()", echo, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_register(sb, NULL, "i32()", echo, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_register(sb, "f", NULL, echo, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_register(sb, "f", "i32()", NULL, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_register(sb, "", "i32()", echo, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_register(sb, "f", "int()", echo, NULL, &box->error),
                     HL_ERR_ARGUMENT);
    check_error(&box->error, HL_ERR_ARGUMENT);
    memset(name, 'x', sizeof(name));
    name[HL_NAME_SIZE] = 0;
    assert_int_equal(hl_sandbox_register(sb, name, "i32()", echo, NULL, NULL), HL_ERR_ARGUMENT);
    name[HL_NAME_SIZE - 1] = 0;
    assert_int_equal(hl_sandbox_register(sb, name, "i32()", echo, NULL, NULL), 0);
    assert_int_equal(hl_sandbox_register(sb, name, "i32()", echo, NULL, NULL), HL_ERR_ARGUMENT);
    box_start(box);
    assert_int_equal(hl_sandbox_register(sb, "late", "i32()", echo, NULL, &box->error),
                     HL_ERR_STATE);
    check_error(&box->error, HL_ERR_STATE);
}

static void test_wrong_calls(void **state)
{
    struct box *box = *state;
    struct hl_counts before, after;

    open_values(box);
    hl_sandbox_counts(box->sb, &before);
    assert_int_equal(TRY0(box, "echo"), HL_ERR_NO_FUNCTION);
    assert_non_null(strstr(box->error.hint, "echo-i32"));
    assert_int_equal(TRY0(box, "echo-i32"), HL_ERR_SIGNATURE);
    assert_non_null(strstr(box->error.text, "echo-i32(i32) -> i32"));
    assert_int_equal(TRY(box, "NoOp", value_i32(1)), HL_ERR_SIGNATURE);
    assert_int_equal(TRY(box, "echo-i32", value_u32(1)), HL_ERR_SIGNATURE);
    assert_int_equal(TRY(box, "echo-i32", {.type = (enum hl_type)99}), HL_ERR_SIGNATURE);
    assert_int_equal(TRY(box, "echo-bytes", value_string("x")), HL_ERR_SIGNATURE);
    assert_int_equal(TRY(box, "echo-string", value_bytes("x", 1)), HL_ERR_SIGNATURE);
    assert_int_equal(TRY(box, "echo-string", {.type = HL_STRING, .data = "a\0b", .len = 3}),
                     HL_ERR_SIGNATURE);
    assert_int_equal(TRY(box, "echo-string", {.type = HL_STRING, .data = NULL, .len = 3}),
                     HL_ERR_ARGUMENT);
    assert_int_equal(box_try(box, "echo-i32", NULL, 1), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_call(box->sb, NULL, NULL, 0, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_call(NULL, "NoOp", NULL, 0, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_call_index(box->sb, 10000, NULL, 0, NULL, &box->error),
                     HL_ERR_NO_FUNCTION);
    hl_sandbox_counts(box->sb, &after);
    assert_memory_equal(&before, &after, sizeof(before)); /* the guest knows of none of it */
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_READY);
}

static void test_arguments_over_the_input_buffer(void **state)
{
    struct box *box = *state;
    const struct hl_sandbox_config config = {.input = 8192};
    static char data[8192];
    size_t largest = 0;

    box_create(box, "values", config);
    box_start(box);
    for (size_t size = 7000; size <= sizeof(data); size++) {
        int rc = TRY(box, "Sum", value_bytes(data, size));
        assert_true(rc == 0 || rc == HL_ERR_LIMIT);
        if (rc == 0) {
            assert_int_equal(size, largest ? largest + 1 : 7000);
            largest = size;
        }
    }
    assert_in_range(largest, 8192 - sizeof(struct hl_input) - 32, 8192 - sizeof(struct hl_input));
    assert_int_equal(TRY(box, "Sum", value_bytes(data, SIZE_MAX)), HL_ERR_LIMIT);
    assert_int_equal(TRY(box, "Sum", value_bytes(data, SIZE_MAX - 8)), HL_ERR_LIMIT);
    assert_true(box->error.hint[0]);
}

static void test_result_over_the_limit(void **state)
{
    struct box *box = *state;
    const struct hl_sandbox_config config = {.result_max = 100000};

    box_create(box, "values", config);
    box_start(box);
    assert_int_equal(CALL(box, "Long", value_u32(100000))->len, 100000);
    assert_int_equal(TRY(box, "Long", value_u32(100001)), HL_ERR_PROTOCOL);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
}

static void test_guest_function_fails(void **state)
{
    struct box *box = *state;

    open_values(box);
    assert_int_equal(TRY(box, "Fail", value_i32(-7), value_string("for a reason")),
                     HL_ERR_GUEST_ERROR);
    assert_int_equal(hl_sandbox_guest_code(box->sb), -7);
    assert_non_null(strstr(box->error.text, "for a reason"));
    assert_int_equal(TRY(box, "Fail", value_i32(0), value_string("two\nlines")),
                     HL_ERR_GUEST_ERROR);
    assert_int_equal(TRY0(box, "Null"), HL_ERR_GUEST_ERROR);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_READY);
    assert_int_equal(CALL(box, "echo-i32", value_i32(3))->i32, 3);
}

static void test_warm_call_is_one_exit(void **state)
{
    struct box *box = *state;
    struct hl_counts before, after;

    open_values(box);
    CALL(box, "echo-i32", value_i32(1));
    for (unsigned i = 0; i < 100; i++) {
        hl_sandbox_counts(box->sb, &before);
        CALL(box, "echo-string", value_string("x"));
        hl_sandbox_counts(box->sb, &after);
        assert_int_equal(after.exits - before.exits, 1);
        assert_int_equal(after.calls - before.calls, 1);
        CALL(box, "trip-string", value_string("x"));
        hl_sandbox_counts(box->sb, &before);
        assert_int_equal(before.exits - after.exits, 2);
        assert_int_equal(before.host_calls - after.host_calls, 1);
    }
}

static void test_call_by_index(void **state)
{
    struct box *box = *state;
    const struct hl_value arg = value_i32(-9);
    struct hl_value result;

    open_values(box);
    int index = hl_image_find(box->image, "trip-i32");
    assert_true(index >= 0);
    assert_int_equal(hl_sandbox_call_index(box->sb, (size_t)index, &arg, 1, &result, &box->error),
                     0);
    assert_int_equal(result.i32, -9);
}

/* ---- strings that are none ---- */

static int forgets_len(void *opaque, const struct hl_value *args, size_t count,
                       struct hl_value *result, struct hl_error *error)
{
    (void)args;
    (void)count;
    (void)error;
    result->data = opaque;
    result->len = 0;
    return 0;
}

/* A length that was forgotten is no empty string, which may be at any address. */
static void test_string_without_len(void **state)
{
    static const char *const empty[] = {NULL, "", (const char *)1};
    struct box *box = *state;
    struct hl_value value = {.type = HL_STRING, .data = "text"};

    open_values(box);
    assert_int_equal(TRY(box, "echo-string", value), HL_ERR_ARGUMENT);
    assert_non_null(strstr(box->error.text, "argument 1 of echo-string"));
    assert_non_null(strstr(box->error.hint, ".len"));
    for (size_t i = 0; i < COUNT(empty); i++) {
        value.data = empty[i];
        assert_int_equal(CALL(box, "echo-string", value)->len, 0);
    }
    assert_int_equal(CALL(box, "echo-string", hl_string("text"))->len, 4);
    assert_int_equal(CALL(box, "echo-string", hl_string(NULL))->len, 0);
    assert_int_equal(CALL(box, "echo-bytes", hl_bytes("text", 0))->len, 0);
}

static void test_host_string_without_len(void **state)
{
    static char text[] = "text";
    struct box *box = *state;

    box_create(box, "values", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "host-string", "string(string)", forgets_len, text);
    box_start(box);
    assert_non_null(strstr(CALL(box, "TripError", hl_string("x"))->data, "length of 0"));
}

static void test_result_on_a_dead_stack(void **state)
{
    struct box *box = *state;

    open_values(box);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(TRY(box, "DeadString", hl_bool(i == 1)), HL_ERR_GUEST_ERROR);
        assert_non_null(
            strstr(box->error.text, "DeadString returned a string in its own stack frame"));
        assert_int_equal(hl_sandbox_guest_code(box->sb), -1);
        assert_int_equal(TRY(box, "DeadBytes", hl_u32(64)), HL_ERR_GUEST_ERROR);
        assert_int_equal(CALL(box, "DeadBytes", hl_u32(0))->len, 0);
        assert_int_equal(CALL(box, "echo-i32", hl_i32(-5))->i32, -5); /* it lives on */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_host_function_fails),
        BOX_TEST(test_host_function_gives_a_bad_string),
        BOX_TEST(test_import_that_nobody_registered),
        BOX_TEST(test_signature_mismatch_at_start),
        BOX_TEST(test_register_errors),
        BOX_TEST(test_wrong_calls),
        BOX_TEST(test_arguments_over_the_input_buffer),
        BOX_TEST(test_result_over_the_limit),
        BOX_TEST(test_guest_function_fails),
        BOX_TEST(test_warm_call_is_one_exit),
        BOX_TEST(test_string_without_len),
        BOX_TEST(test_host_string_without_len),
        BOX_TEST(test_result_on_a_dead_stack),
        BOX_TEST(test_call_by_index),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
