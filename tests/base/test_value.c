/* SPDX-License-Identifier: Apache-2.0 */
/* Types and signatures: names, parsing, formatting, comparing. */
#include "kit.h"

#include <hl/value.h>

static void test_type_names(void **state)
{
    static const char *const names[] = {"void", "i32", "u32",  "i64",    "u64",
                                        "f32",  "f64", "bool", "string", "bytes"};
    (void)state;
    assert_int_equal(COUNT(names), HL_TYPE_COUNT);
    for (unsigned i = 0; i < HL_TYPE_COUNT; i++)
        assert_string_equal(hl_type_name((enum hl_type)i), names[i]);
    assert_string_equal(hl_type_name(HL_TYPE_COUNT), "?");
    assert_string_equal(hl_type_name((enum hl_type)UINT32_MAX), "?");
}

static void expect_parse(const char *text, const char *formatted)
{
    struct hl_signature signature;
    char buf[256];

    if (hl_signature_parse(text, &signature))
        fail_msg("\"%s\" was refused", text);
    int n = hl_signature_format("f", &signature, buf, sizeof(buf));
    assert_string_equal(buf, formatted);
    assert_int_equal(n, strlen(formatted));
}

static void test_parse(void **state)
{
    (void)state;
    expect_parse("void()", "f() -> void");
    expect_parse("  void  (  )  ", "f() -> void");
    expect_parse("i32(i32,string)", "f(i32, string) -> i32");
    expect_parse("\ti32 ( i32 ,\tstring ) ", "f(i32, string) -> i32");
    expect_parse("bytes(i32,u32,i64,u64,f32,f64,bool,string,bytes)",
                 "f(i32, u32, i64, u64, f32, f64, bool, string, bytes) -> bytes");
    expect_parse("f32(bool,bool,bool,bool,bool,bool,bool,bool,bool,bool,bool,bool,bool,bool,bool,"
                 "bool)",
                 "f(bool, bool, bool, bool, bool, bool, bool, bool, bool, bool, bool, bool, bool, "
                 "bool, bool, bool) -> f32");
}

static void test_parse_refuses(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "void",
        "void(",
        "void)",
        "void())",
        "void()x",
        "void(void)",
        "i32(,)",
        "i32(i32,)",
        "i32(,i32)",
        "i32(i32 i32)",
        "i32(i32;i32)",
        "int(i32)",
        "i33()",
        "I32()",
        "i32(i32))",
        "(i32)",
        "i32()()",
        "i32(i32",
        "i32(i32,",
        "strings()",
        "i32(string*)",
        "i32()\n",
        "i32(u8)",
        "voi(d)",
        "i32(i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32,i32)",
    };
    struct hl_signature untouched, signature;

    (void)state;
    memset(&signature, 0x5a, sizeof(signature));
    untouched = signature;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (hl_signature_parse(bad[i], &signature) != HL_ERR_ARGUMENT)
            fail_msg("\"%s\" was taken", bad[i]);
    assert_int_equal(hl_signature_parse(NULL, &signature), HL_ERR_ARGUMENT);
    assert_memory_equal(&signature, &untouched, sizeof(signature));
}

/* Random texts from the alphabet of signatures: what is taken comes back the same. */
static void test_parse_of_random_text(void **state)
{
    static const char *const words[] = {"i32", "u64", "void", "string", "bytes", "bool", "(", ")",
                                        ",",   " ",   "i",    "4",      "(i32",  ")",    ", "};
    uint64_t seed = 3;
    unsigned taken = 0;

    (void)state;
    for (unsigned i = 0; i < 50000; i++) {
        struct hl_signature a, b;
        char text[128] = "", formatted[160], again[200], name[16];
        if (next_random(&seed) % 2)
            strcat(text, "i64(");
        for (uint64_t n = next_random(&seed) % 8; n; n--)
            strcat(text, words[next_random(&seed) % COUNT(words)]);
        if (hl_signature_parse(text, &a))
            continue;
        taken++;
        hl_signature_format("f", &a, formatted, sizeof(formatted));
        /* "f(ARGS) -> RESULT" to "RESULT(ARGS)" */
        snprintf(name, sizeof(name), "%s", strrchr(formatted, ' ') + 1);
        *strstr(formatted, " ->") = 0;
        snprintf(again, sizeof(again), "%s%s", name, formatted + 1);
        assert_int_equal(hl_signature_parse(again, &b), 0);
        assert_true(hl_signature_equal(&a, &b));
    }
    assert_true(taken > 100);
}

static void test_format_cuts(void **state)
{
    struct hl_signature signature;
    const char *full = "Name(i32, bytes) -> string";
    char buf[64];

    (void)state;
    assert_int_equal(hl_signature_parse("string(i32,bytes)", &signature), 0);
    for (size_t size = 0; size < sizeof(buf); size++) {
        memset(buf, '#', sizeof(buf));
        assert_int_equal(hl_signature_format("Name", &signature, buf, size), strlen(full));
        if (size) {
            size_t kept = size - 1 < strlen(full) ? size - 1 : strlen(full);
            assert_memory_equal(buf, full, kept);
            assert_int_equal(buf[kept], 0);
        }
        assert_int_equal(buf[sizeof(buf) - 1], size == sizeof(buf) ? buf[sizeof(buf) - 1] : '#');
    }
    assert_int_equal(hl_signature_format("Name", &signature, NULL, 0), strlen(full));
}

static void test_format_of_damaged_signature(void **state)
{
    struct hl_signature signature = {.result = (enum hl_type)77, .count = UINT32_MAX};
    char buf[256];

    (void)state;
    for (unsigned i = 0; i < HL_MAX_ARGS; i++)
        signature.args[i] = (enum hl_type)(1000 + i);
    assert_true(hl_signature_format("f", &signature, buf, sizeof(buf)) > 0);
    assert_non_null(strstr(buf, "-> ?"));
}

static void test_equal(void **state)
{
    static const char *const all[] = {"void()",        "i32()",         "void(i32)",   "void(u32)",
                                      "void(i32,i32)", "void(i32,u32)", "i32(i32,u32)"};
    struct hl_signature a, b;

    (void)state;
    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t j = 0; j < COUNT(all); j++) {
            assert_int_equal(hl_signature_parse(all[i], &a), 0);
            assert_int_equal(hl_signature_parse(all[j], &b), 0);
            b.args[b.count] = HL_BYTES; /* what follows the arguments does not count */
            assert_int_equal(hl_signature_equal(&a, &b), i == j);
        }
    a.count = b.count = HL_MAX_ARGS + 1;
    assert_false(hl_signature_equal(&a, &a));
}

/* What goes in by each constructor comes out by its helper, and by no other. */
static void test_values(void **state)
{
    const struct hl_value values[] = {hl_i32(INT32_MIN),  hl_u32(UINT32_MAX), hl_i64(INT64_MIN),
                                      hl_u64(UINT64_MAX), hl_f32(-1.5f),      hl_f64(1e300),
                                      hl_bool(true),      hl_string("text"),  hl_bytes("a\0b", 3)};
    int32_t i32 = 7;
    uint32_t u32 = 7;
    int64_t i64 = 7;
    uint64_t u64 = 7;
    float f32 = 7;
    double f64 = 7;
    bool boolean = false;
    const char *text = NULL;
    const void *data = NULL;
    size_t len = 7;

    (void)state;
    for (unsigned i = 0; i < COUNT(values); i++) {
        const struct hl_value *v = &values[i];
        struct hl_error error = {0};
        const int rc[] = {hl_get_i32(v, &i32, &error),         hl_get_u32(v, &u32, &error),
                          hl_get_i64(v, &i64, &error),         hl_get_u64(v, &u64, &error),
                          hl_get_f32(v, &f32, &error),         hl_get_f64(v, &f64, &error),
                          hl_get_bool(v, &boolean, &error),    hl_get_string(v, &text, &error),
                          hl_get_bytes(v, &data, &len, &error)};
        assert_int_equal(v->type, i + 1);
        for (unsigned j = 0; j < COUNT(rc); j++)
            assert_int_equal(rc[j], i == j ? 0 : HL_ERR_SIGNATURE);
        check_error(&error, HL_ERR_SIGNATURE);
        assert_non_null(strstr(error.text, hl_type_name(v->type)));
    }
    assert_int_equal(i32, INT32_MIN);
    assert_int_equal(u32, UINT32_MAX);
    assert_true(i64 == INT64_MIN && u64 == UINT64_MAX);
    assert_true(f32 == -1.5f && f64 == 1e300 && boolean);
    assert_string_equal(text, "text");
    assert_int_equal(values[7].len, 4);
    assert_int_equal(len, 3);
    assert_memory_equal(data, "a\0b", 3);
}

static void test_empty_values(void **state)
{
    const struct hl_value string = hl_string(NULL), bytes = hl_bytes(NULL, 0);
    struct hl_error error = {0};
    const char *text = NULL;
    const void *data = NULL;
    size_t len = 7;
    int32_t number = 7;

    (void)state;
    assert_int_equal(string.len, 0);
    assert_int_equal(hl_get_string(&string, &text, &error), 0);
    assert_string_equal(text, "");
    assert_int_equal(hl_get_bytes(&bytes, &data, &len, &error), 0);
    assert_non_null(data);
    assert_int_equal(len, 0);
    assert_int_equal(hl_get_i32(NULL, &number, &error), HL_ERR_ARGUMENT);
    check_error(&error, HL_ERR_ARGUMENT);
    assert_int_equal(hl_get_i32(&string, &number, NULL), HL_ERR_SIGNATURE);
    assert_int_equal(number, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_type_names),    cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses), cmocka_unit_test(test_parse_of_random_text),
        cmocka_unit_test(test_format_cuts),   cmocka_unit_test(test_format_of_damaged_signature),
        cmocka_unit_test(test_equal),         cmocka_unit_test(test_values),
        cmocka_unit_test(test_empty_values),
    };

    watchdog(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
