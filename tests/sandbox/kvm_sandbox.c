/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: every type of value in both directions, host functions, and calls that are wrong. */
#include "values.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_integers),          BOX_TEST(test_floats),
        BOX_TEST(test_strings_and_bytes), BOX_TEST(test_void_result),
        BOX_TEST(test_sixteen_arguments), BOX_TEST(test_result_lives_until_the_next_call),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
