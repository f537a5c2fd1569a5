/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of the conformance guest, one by one, and the host's interface. */
#include "values.h"

/* To the guest and back, and the same through the host. */
static void both_ways(struct con *con, const char *echo, const char *trip, struct hl_value value)
{
    for (int i = 0; i < 2; i++) {
        const struct hl_value *r =
            box_fine(&con->box, box_try(&con->box, i ? trip : echo, &value, 1));
        assert_int_equal(r->type, value.type);
        if (value.type == HL_STRING || value.type == HL_BYTES) {
            assert_int_equal(r->len, value.len);
            assert_memory_equal(r->data, value.data, value.len);
        } else {
            assert_memory_equal(
                &r->u64, &value.u64,
                value.type == HL_BOOL                                                  ? 1
                : value.type == HL_I64 || value.type == HL_U64 || value.type == HL_F64 ? 8
                                                                                       : 4);
        }
    }
}

static void test_echo(void **state)
{
    struct con *con = *state;
    char *text = malloc(300000);
    memset(text, 'e', 299999);
    text[299999] = 0;
    both_ways(con, "Echo", "RoundTripHostString", value_string("hello \xc3\xa4"));
    both_ways(con, "Echo", "RoundTripHostString", value_string(""));
    both_ways(con, "Echo", "RoundTripHostString", value_string(text));
    free(text);
}

static void test_echo_bytes(void **state)
{
    static uint8_t data[70000];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 7);
    both_ways(*state, "EchoBytes", "RoundTripHostBytes", value_bytes(data, sizeof(data)));
    both_ways(*state, "EchoBytes", "RoundTripHostBytes", value_bytes(data, 1));
}

static void test_echo_integers(void **state)
{
    struct con *con = *state;
    both_ways(con, "EchoI32", "RoundTripHostI32", value_i32(INT32_MIN));
    both_ways(con, "EchoI32", "RoundTripHostI32", value_i32(-1));
    both_ways(con, "EchoU32", "RoundTripHostU32", value_u32(UINT32_MAX));
    both_ways(con, "EchoI64", "RoundTripHostI64", value_i64(INT64_MIN));
    both_ways(con, "EchoU64", "RoundTripHostU64", value_u64(UINT64_MAX));
}

static void test_echo_floats(void **state)
{
    struct con *con = *state;
    both_ways(con, "EchoFloat", "RoundTripHostF32", value_f32(3.25f));
    both_ways(con, "EchoFloat", "RoundTripHostF32", value_f32(-INFINITY));
    both_ways(con, "EchoFloat", "RoundTripHostF32", value_f32(NAN));
    both_ways(con, "EchoDouble", "RoundTripHostF64", value_f64(-0.0));
    both_ways(con, "EchoDouble", "RoundTripHostF64", value_f64(5e-324));
    both_ways(con, "EchoDouble", "RoundTripHostF64", value_f64(NAN));
}

static void test_echo_bool(void **state)
{
    both_ways(*state, "EchoBool", "RoundTripHostBool", value_bool(true));
    both_ways(*state, "EchoBool", "RoundTripHostBool", value_bool(false));
}

static void test_no_op(void **state)
{
    struct con *con = *state;
    assert_int_equal(CALL0(&con->box, "NoOp")->type, HL_VOID);
}

static void test_set_byte_array_to_zero(void **state)
{
    struct con *con = *state;
    static const uint8_t zeros[1000];
    uint8_t data[1000];
    memset(data, 1, sizeof(data));
    const struct hl_value *r =
        CALL(&con->box, "SetByteArrayToZero", value_bytes(data, sizeof(data)));
    assert_int_equal(r->len, sizeof(data));
    assert_memory_equal(r->data, zeros, sizeof(zeros));
    assert_int_equal(data[0], 1); /* a copy: the host's own is as it was */
}

static void test_24k_in_8k_out(void **state)
{
    struct con *con = *state;
    static uint8_t data[24 << 10];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i % 251);
    const struct hl_value *r = CALL(&con->box, "24K_in_8K_out", value_bytes(data, sizeof(data)));
    assert_int_equal(r->len, 8 << 10);
    assert_memory_equal(r->data, data, r->len);
}

/* 50 MB of each, as the reference does; a little less where all is emulated. */
static void test_large_parameters(void **state)
{
    struct con *con = *state;
    const size_t size = emulated() ? 1u << 20 : 50u << 20;
    uint8_t *data = malloc(size);
    char *text = malloc(size + 1);
    con_close(con);
    con_open(con, (struct hl_sandbox_config){.input = 2 * size + (1 << 20), .heap = 8 << 20});
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)i;
    memset(text, 's', size);
    text[size] = 0;
    CALL(&con->box, "LargeParameters", value_bytes(data, size),
         (struct hl_value){.type = HL_STRING, .data = text, .len = size});
    free(data);
    free(text);
    con_restore(con);
    con_works(con);
}

static void test_print_args(void **state)
{
    static const char *const functions[] = {"PrintOutput",    "PrintTwoArgs",   "PrintThreeArgs",
                                            "PrintFourArgs",  "PrintFiveArgs",  "PrintSixArgs",
                                            "PrintSevenArgs", "PrintEightArgs", "PrintNineArgs",
                                            "PrintTenArgs",   "PrintElevenArgs"};
    static const char *const parts[] = {"arg1:1",  " arg2:2",   " arg3:-3",     " arg4:4",
                                        " arg5:5", " arg6:1",   " arg7:0",      " arg8:8",
                                        " arg9:9", " arg10:10", " arg11:11.125"};
    struct con *con = *state;
    const struct hl_value args[] = {value_string("1"), value_i32(2),      value_i64(-3),
                                    value_string("4"), value_string("5"), value_bool(true),
                                    value_bool(false), value_u32(8),      value_u64(9),
                                    value_i32(10),     value_f32(11.125f)};
    char expected[256] = "Message: ";
    assert_int_equal(CALL(&con->box, "PrintOutput", value_string("1"))->i32, 1);
    assert_string_equal(con->printed, "1");
    strcat(expected, parts[0]);
    for (size_t n = 2; n <= COUNT(args); n++) {
        strcat(expected, parts[n - 1]);
        assert_int_equal(box_fine(&con->box, box_try(&con->box, functions[n - 1], args, n))->i32,
                         strlen(expected));
        assert_string_equal(con->printed, expected);
    }
}

static void test_add_through_host(void **state)
{
    struct con *con = *state;
    assert_int_equal(CALL(&con->box, "Add", value_i32(INT32_MAX), value_i32(-5))->i32,
                     INT32_MAX - 5);
    assert_int_equal(atomic_load(&con->calls), 1);
}

static void test_guest_method(void **state)
{
    struct con *con = *state;
    CALL(&con->box, "GuestMethod", value_string("Hello from the host"));
    assert_string_equal(con->printed, "Hello from GuestFunction, Hello from the host");
}

static void test_call_host_expect_error(void **state)
{
    struct con *con = *state;
    const struct hl_value *r = CALL(&con->box, "CallHostExpectError", value_string("HostFail"));
    assert_non_null(strstr(r->data, "asked to fail: please"));
    r = CALL(&con->box, "CallHostExpectError", value_string("HostMissing"));
    assert_non_null(strstr(r->data, "HostMissing is not registered"));
    con_works(con);
}

static void test_static(void **state)
{
    struct con *con = *state;
    const int32_t size = CALL0(&con->box, "SetStatic")->i32;
    assert_int_equal(CALL0(&con->box, "SumOfStatic")->i32, size);
    assert_int_equal(CALL(&con->box, "AddToStatic", value_i32(5))->i32, 5);
    assert_int_equal(CALL(&con->box, "AddToStatic", value_i32(5))->i32, 10);
    assert_int_equal(CALL0(&con->box, "GetStatic")->i32, 10);
    con_restore(con);
    assert_int_equal(CALL0(&con->box, "GetStatic")->i32, 0);
    assert_int_equal(CALL0(&con->box, "SumOfStatic")->i32, 0);
}

/* A failing function is an error of that call; what it did stays, until a restore. */
static void test_static_and_fail(void **state)
{
    struct con *con = *state;
    assert_int_equal(TRY0(&con->box, "AddToStaticAndFail"), HL_ERR_GUEST_ERROR);
    assert_int_equal(hl_sandbox_guest_code(con->box.sb), 7);
    assert_int_equal(CALL0(&con->box, "GetStatic")->i32, 10);
    con_restore(con);
    assert_int_equal(CALL0(&con->box, "GetStatic")->i32, 0);
}

static void test_memory_functions(void **state)
{
    struct con *con = *state;
    assert_int_equal(CALL0(&con->box, "SmallVar")->i32, 1024);
    assert_int_equal(CALL(&con->box, "StackAllocate", value_i32(100000))->i32, 100000);
    assert_int_equal(CALL(&con->box, "StackOverflow", value_i32(100))->i32, 100);
    assert_int_equal(CALL(&con->box, "CallMalloc", value_i32(100000))->i32, 100000);
    for (int i = 0; i < 100; i++)
        assert_int_equal(CALL(&con->box, "MallocAndFree", value_i32(1 << 20))->i32, 1 << 20);
    assert_int_equal(CALL(&con->box, "BufferOverrun", value_string("16 chars fit in."))->i32, 16);
}

static void test_mapped(void **state)
{
    struct con *con = *state;
    uint64_t place[2];
    const uint8_t *read;
    memcpy(place, CALL(&con->box, "MapAndKeep", value_u64(8192))->data, sizeof(place));
    assert_true(CALL(&con->box, "CheckMapped", value_u64(place[0] + 8191))->boolean);
    assert_false(CALL(&con->box, "CheckMapped", value_u64(8))->boolean);
    read = CALL(&con->box, "ReadMappedBuffer", value_u64(place[0]), value_u64(100))->data;
    assert_int_equal(read[99], 0x6b);
    assert_true(CALL(&con->box, "WriteMappedBuffer", value_u64(place[0]), value_u64(100))->boolean);
    read = CALL(&con->box, "ReadMappedBuffer", value_u64(place[0]), value_u64(101))->data;
    assert_int_equal(read[99], 0x77);
    assert_int_equal(read[100], 0x6b);
}

/* Memory of the host's in the guest: read, written to a copy of its own, gone again. */
static void test_mapped_buffer_of_the_host(void **state)
{
    struct con *con = *state;
    uint8_t mine[2 * PAGE];
    hl_gva_t at[2] = {0, 0};
    con_close(con);
    con_open(con, (struct hl_sandbox_config){.heap = 8 << 20, .shared = 1 << 20});
    memset(mine, 0x42, sizeof(mine));
    for (unsigned i = 0; i < 2; i++)
        if (hl_sandbox_map_buffer(con->box.sb, &at[i], mine, sizeof(mine),
                                  i ? HL_MAP_COPY_ON_WRITE : HL_MAP_READ, &con->box.error))
            fail_msg("%s", con->box.error.text);
    const uint8_t *read =
        CALL(&con->box, "ReadMappedBuffer", value_u64(at[0]), value_u64(sizeof(mine)))->data;
    assert_memory_equal(read, mine, sizeof(mine));
    CALL(&con->box, "WriteMappedBuffer", value_u64(at[1]), value_u64(sizeof(mine)));
    assert_int_equal(mine[0], 0x42);
    con_page_fault(con, TRY(&con->box, "WriteMappedBuffer", value_u64(at[0]), value_u64(1)),
                   PRESENT | USER | WRITE, at[0], "WriteMappedBuffer");
    con_page_fault(
        con, TRY(&con->box, "ReadMappedBuffer", value_u64(at[0] + sizeof(mine)), value_u64(1)),
        USER, at[0] + sizeof(mine), "ReadMappedBuffer");
    assert_int_equal(hl_sandbox_unmap(con->box.sb, at[0], &con->box.error), 0);
    assert_false(CALL(&con->box, "CheckMapped", value_u64(at[0]))->boolean);
}

static void test_log_message(void **state)
{
    struct con *con = *state;
    for (int level = 1; level <= 4; level++) {
        CALL(&con->box, "LogMessage", value_string("a line"), value_i32(level));
        assert_string_equal(con->box.log, "a line");
        assert_int_equal(con->box.log_level, level);
    }
}

static void test_sse2(void **state)
{
    struct con *con = *state;
    assert_true(CALL0(&con->box, "UseSSE2Registers")->f64 == 6.5);
}

static void test_spin_for_ms(void **state)
{
    struct con *con = *state;
    assert_true(CALL(&con->box, "SpinForMs", value_u32(30))->u64 > 0);
}

static void test_xcr0_cpuid_random(void **state)
{
    struct con *con = *state;
    assert_int_equal(CALL0(&con->box, "ReadXcr0")->u64 & 3, 3);
    assert_int_equal(CALL(&con->box, "Cpuid", value_u32(0), value_u32(0))->len, 16);
    int32_t first = CALL0(&con->box, "NextRandom")->i32;
    assert_int_not_equal(CALL0(&con->box, "NextRandom")->i32, first);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CASE("functions: Echo, RoundTripHostString", test_echo),
        CASE("functions: EchoBytes, RoundTripHostBytes", test_echo_bytes),
        CASE("functions: EchoI32, U32, I64, U64, RoundTripHost likewise", test_echo_integers),
        CASE("functions: EchoFloat, EchoDouble, RoundTripHostF32, F64", test_echo_floats),
        CASE("functions: EchoBool, RoundTripHostBool", test_echo_bool),
        CASE("functions: NoOp", test_no_op),
        CASE("functions: SetByteArrayToZero", test_set_byte_array_to_zero),
        CASE("functions: 24K_in_8K_out", test_24k_in_8k_out),
        CASE("functions: LargeParameters of 50 MB each", test_large_parameters),
        CASE("functions: PrintOutput, PrintTwoArgs to PrintElevenArgs", test_print_args),
        CASE("functions: Add through HostAdd", test_add_through_host),
        CASE("functions: GuestMethod", test_guest_method),
        CASE("functions: CallHostExpectError", test_call_host_expect_error),
        CASE("functions: SetStatic, AddToStatic, GetStatic", test_static),
        CASE("functions: AddToStaticAndFail", test_static_and_fail),
        CASE("functions: SmallVar, StackAllocate, CallMalloc, MallocAndFree",
             test_memory_functions),
        CASE("functions: ReadMappedBuffer, WriteMappedBuffer, CheckMapped", test_mapped),
        CASE("functions: ReadMappedBuffer and others on memory of the host",
             test_mapped_buffer_of_the_host),
        CASE("functions: LogMessage", test_log_message),
        CASE("functions: UseSSE2Registers", test_sse2),
        CASE("functions: SpinForMs", test_spin_for_ms),
        CASE("functions: ReadXcr0, Cpuid, NextRandom", test_xcr0_cpuid_random),
    };

    watchdog(60);
    if (argc == 3)
        return create_and_tell(argv[2]);
    return cmocka_run_group_tests_name("conformance", tests, NULL, NULL);
}
