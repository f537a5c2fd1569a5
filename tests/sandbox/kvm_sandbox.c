/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: every type of value in both directions, host functions, and calls that are wrong. */
#include "box.h"

#define MIB (1u << 20)

static int echo(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    (void)opaque;
    (void)error;
    if (count != 1 || args[0].type != result->type)
        return 1;
    *result = args[0];
    return 0;
}

/* A guest of values.c with a host function of every type. */
static void open_values(struct box *box)
{
    static const char *const types[] = {"i32", "u32",  "i64",    "u64",  "f32",
                                        "f64", "bool", "string", "bytes"};
    const struct hl_sandbox_config config = {.input = 8 * MIB, .output = MIB};
    box_create(box, "values", config);
    for (size_t i = 0; i < COUNT(types); i++) {
        char name[32], signature[32];
        snprintf(name, sizeof(name), "host-%s", types[i]);
        snprintf(signature, sizeof(signature), "%s(%s)", types[i], types[i]);
        box_register(box, name, signature, echo, NULL);
    }
    box_start(box);
}

/* Through the guest, and through the guest to the host and back. */
static void expect_echo(struct box *box, struct hl_value value)
{
    static const char *const how[] = {"echo", "trip"};
    for (size_t i = 0; i < 2; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%s-%s", how[i], hl_type_name(value.type));
        const struct hl_value *result = CALL(box, name, value);
        assert_int_equal(result->type, value.type);
        switch (value.type) {
        case HL_I32:
        case HL_U32:
        case HL_F32: /* the bits: a NaN differs from itself */
            assert_int_equal(result->u32, value.u32);
            break;
        case HL_BOOL:
            assert_int_equal(result->boolean, value.boolean);
            break;
        case HL_STRING:
        case HL_BYTES:
            assert_int_equal(result->len, value.len);
            assert_memory_equal(result->data, value.data, value.len);
            assert_int_equal(((const char *)result->data)[value.len], 0);
            break;
        default:
            assert_int_equal(result->u64, value.u64);
        }
    }
}

static void test_integers(void **state)
{
    static const uint64_t values[] = {0,
                                      1,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      0x7fffffffffffffff,
                                      0x8000000000000000,
                                      UINT64_MAX,
                                      0x123456789abcdef0};
    struct box *box = *state;

    open_values(box);
    for (size_t i = 0; i < COUNT(values); i++) {
        expect_echo(box, (struct hl_value){.type = HL_U64, .u64 = values[i]});
        expect_echo(box, (struct hl_value){.type = HL_I64, .u64 = values[i]});
        expect_echo(box, (struct hl_value){.type = HL_U32, .u32 = (uint32_t)values[i]});
        expect_echo(box, (struct hl_value){.type = HL_I32, .u32 = (uint32_t)values[i]});
    }
    expect_echo(box, (struct hl_value){.type = HL_BOOL, .boolean = false});
    expect_echo(box, (struct hl_value){.type = HL_BOOL, .boolean = true});
}

/* Bit for bit: zeros of both signs, infinities, subnormals, quiet NaNs with a payload. */
static void test_floats(void **state)
{
    static const uint32_t floats[] = {0,          0x80000000, 0x3f800000, 1,         0x7f800000,
                                      0xff800000, 0x7fc12345, 0xffedcba9, 0x7f7fffff};
    static const uint64_t doubles[] = {0,
                                       0x8000000000000000,
                                       0x3ff0000000000000,
                                       1,
                                       0x7ff0000000000000,
                                       0xfff0000000000000,
                                       0x7ff8123456789abc,
                                       0xffffffffffffffff,
                                       0x7fefffffffffffff};
    struct box *box = *state;

    open_values(box);
    for (size_t i = 0; i < COUNT(floats); i++)
        expect_echo(box, (struct hl_value){.type = HL_F32, .u32 = floats[i]});
    for (size_t i = 0; i < COUNT(doubles); i++)
        expect_echo(box, (struct hl_value){.type = HL_F64, .u64 = doubles[i]});
}

static void test_strings_and_bytes(void **state)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4095, 4096, 4097, 65536, MIB, 3 * MIB};
    struct box *box = *state;
    char *data = malloc(3 * MIB + 1);
    uint64_t seed = 5;

    assert_non_null(data);
    open_values(box);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (size_t j = 0; j < sizes[i]; j++)
            data[j] = (char)(1 + next_random(&seed) % 255);
        data[sizes[i]] = 0;
        expect_echo(box, (struct hl_value){.type = HL_STRING, .data = data, .len = sizes[i]});
        for (size_t j = 0; j < sizes[i]; j += 3)
            data[j] = 0;
        expect_echo(box, value_bytes(data, sizes[i]));
    }
    expect_echo(box, value_bytes("", 0));
    expect_echo(box, value_string("\xc3\xa4\xe2\x82\xac \n\t\x7f"));
    free(data);
    /* Without data, when there are no bytes: fine. */
    const struct hl_value *result = CALL(box, "echo-bytes", value_bytes(NULL, 0));
    assert_int_equal(result->len, 0);
    result = CALL(box, "echo-string", {.type = HL_STRING});
    assert_int_equal(result->len, 0);
}

static void test_void_result(void **state)
{
    struct box *box = *state;

    open_values(box);
    assert_int_equal(CALL0(box, "NoOp")->type, HL_VOID);
    assert_int_equal(hl_sandbox_call(box->sb, "NoOp", NULL, 0, NULL, NULL), 0);
}

static int all(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
               struct hl_error *error)
{
    const struct hl_value *sent = opaque;
    for (size_t i = 0; i < count; i++) {
        bool data = sent[i].type == HL_STRING || sent[i].type == HL_BYTES;
        if (args[i].type != sent[i].type ||
            (data ? args[i].len != sent[i].len || memcmp(args[i].data, sent[i].data, sent[i].len)
                  : memcmp(&args[i].u64, &sent[i].u64, sent[i].type == HL_BOOL ? 1 : 4) != 0))
            return hl_error_set(error, 1, "argument %zu", i);
    }
    result->i32 = (int32_t)count;
    return 0;
}

static void test_sixteen_arguments(void **state)
{
    struct box *box = *state;
    const struct hl_value args[16] = {
        {.type = HL_I32, .i32 = -1},
        {.type = HL_U32, .u32 = 4000000000},
        {.type = HL_I64, .i64 = -5},
        {.type = HL_U64, .u64 = UINT64_MAX},
        {.type = HL_F32, .f32 = 1.5f},
        {.type = HL_F64, .f64 = -2.25},
        {.type = HL_BOOL, .boolean = 1},
        value_string("first"),
        value_bytes("\0\1\2", 3),
        {.type = HL_I32, .i32 = INT32_MIN},
        value_string(""),
        value_bytes("", 0),
        {.type = HL_U64, .u64 = 7},
        {.type = HL_BOOL, .boolean = 0},
        {.type = HL_F64, .f64 = 1e300},
        value_string("last"),
    };

    box_create(box, "values", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "HostAll",
                 "i32(i32,u32,i64,u64,f32,f64,bool,string,bytes,i32,string,bytes,u64,bool,f64,"
                 "string)",
                 all, (void *)(uintptr_t)args);
    box_start(box);
    assert_int_equal(box_try(box, "All", args, 16), 0);
    expect_text(&box->result, "-1 4000000000 -5 18446744073709551615 1.5 -2.25 1 first 3 "
                              "-2147483648  0 7 0 1e+300 last");
}

/* The result is the caller's until the next call. */
static void test_result_lives_until_the_next_call(void **state)
{
    struct box *box = *state;

    open_values(box);
    CALL(box, "echo-string", value_string("kept"));
    assert_int_equal(TRY0(box, "Nothing"), HL_ERR_NO_FUNCTION);
    struct hl_counts counts;
    hl_sandbox_counts(box->sb, &counts);
    CALL(box, "echo-string", value_string("kept"));
    assert_string_equal(box->result.data, "kept");
}

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
                "0 -17 host function HostFails gave a string instead of a i32");
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
    for (unsigned i = 0; i < 2; i++) { /* a second try tells the same */
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
        assert_non_null(strstr(box->error.text, "DeadString returned a string on its own stack"));
        assert_int_equal(hl_sandbox_guest_code(box->sb), -1);
        assert_int_equal(TRY(box, "DeadBytes", hl_u32(64)), HL_ERR_GUEST_ERROR);
        assert_int_equal(CALL(box, "DeadBytes", hl_u32(0))->len, 0);
        assert_int_equal(CALL(box, "echo-i32", hl_i32(-5))->i32, -5); /* it lives on */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_integers),
        BOX_TEST(test_floats),
        BOX_TEST(test_strings_and_bytes),
        BOX_TEST(test_void_result),
        BOX_TEST(test_sixteen_arguments),
        BOX_TEST(test_result_lives_until_the_next_call),
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
