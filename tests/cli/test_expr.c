/* SPDX-License-Identifier: Apache-2.0 */
/* Call expressions of hl-dev: values of every type, and every way to be wrong, each with its place.
 */
#include "kit.h"

#include <math.h>

#include "expr.h"
#include "tiny.h"
#include "value_text.h"

/* tiny_image() has a function of one argument for each type. */
static int parse(struct expr *e, const char *text, struct hl_error *error)
{
    *error = (struct hl_error){0};
    return expr_parse(e, text, tiny_image(), "/nonexistent", error);
}

static void parse_good(struct expr *e, const char *text)
{
    struct hl_error error;
    if (parse(e, text, &error))
        fail_msg("%s: %s", text, error.text);
}

/* ---- what is good, and how it is printed ---- */

static char *printed(const struct hl_value *v)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    value_print(f, v, SIZE_MAX);
    fclose(f);
    return text;
}

static void test_values(void **state)
{
    static const struct {
        const char *text, *printed;
    } list[] = {
        {"I32(0)", "0"},
        {"I32(-0)", "0"},
        {"I32(+7)", "7"},
        {"I32(2147483647)", "2147483647"},
        {"I32(-2147483648)", "-2147483648"},
        {"I32(0x7fffffff)", "2147483647"},
        {"I32(-0x80000000)", "-2147483648"},
        {"I32(007)", "7"}, /* decimal, not octal */
        {"U32(4294967295)", "4294967295"},
        {"U32(0XFFFFFFFF)", "4294967295"},
        {"U32(-0)", "0"},
        {"I64(9223372036854775807)", "9223372036854775807"},
        {"I64(-9223372036854775808)", "-9223372036854775808"},
        {"U64(18446744073709551615)", "18446744073709551615"},
        {"F32(0.1)", "0.1"},
        {"F32(1)", "1.0"},
        {"F32(-0)", "-0.0"},
        {"F64(0.1)", "0.1"},
        {"F64(1e308)", "1e+308"},
        {"F64(0x1p-3)", "0.125"},
        {"F64(-.5)", "-0.5"},
        {"F64(5e-324)", "5e-324"},
        {"F64(inf)", "inf"},
        {"F64(-inf)", "-inf"},
        {"F64(nan)", "nan"},
        {"Bool(true)", "true"},
        {"Bool(false)", "false"},
        {"String(\"\")", "\"\""},
        {"String(\"a, b)\")", "\"a, b)\""},
        {"String(\"\\n\\t\\\\\\\"\\'\\?\")", "\"\\n\\t\\\\\\\"'?\""},
        {"String(\"\\x41\\101\\x4a4\")", "\"AAJ4\""}, /* at most two digits, at most three */
        {"String(\"\\xc3\\xa9\")", "\"\xc3\xa9\""},
        {"Bytes(x\"\")", "x\"\""},
        {"Bytes(x\"00fFAb\")", "x\"00ffab\""},
        {"Bytes(\"a\\0b\")", "x\"610062\""},
        {" I32 ( 1 ) ", "1"},
        {"\tI32\n(\n1\t)\n", "1"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        struct expr e;
        parse_good(&e, list[i].text);
        assert_int_equal(e.count, 1);
        char *text = printed(&e.value[0]);
        if (strcmp(text, list[i].printed) != 0)
            fail_msg("%s is printed as %s", list[i].text, text);
        free(text);
        expr_free(&e);
    }
}

static void test_bytes_of_a_string(void **state)
{
    static const char wanted[] = "\a\b\f\n\r\t\v\\'\"?\377\1\0018";
    struct expr e;
    (void)state;
    parse_good(&e, "String(\"\\a\\b\\f\\n\\r\\t\\v\\\\\\'\\\"\\?\\377\\1\\0018\")");
    assert_int_equal(e.value[0].len, sizeof(wanted) - 1);
    assert_memory_equal(e.value[0].data, wanted, sizeof(wanted)); /* with a NUL after it */
    expr_free(&e);
}

static void test_counts(void **state)
{
    struct expr e;
    (void)state;
    parse_good(&e, "Void()");
    assert_int_equal(e.count, 0);
    assert_int_equal(expr_input_size(&e), sizeof(struct hl_input));
    expr_free(&e);
    parse_good(&e, "Void( )");
    expr_free(&e);
    char text[300] = "Many(";
    for (int i = 0; i < HL_MAX_ARGS; i++)
        strcat(text, i ? " ,x\"61\"" : "x\"61\"");
    parse_good(&e, strcat(text, ")"));
    assert_int_equal(e.count, HL_MAX_ARGS);
    assert_string_equal(hl_image_function(tiny_image(), e.function)->name, "Many");
    /* Enough for each with its NUL, wherever the one before it ended. */
    assert_true(expr_input_size(&e) >= sizeof(struct hl_input) + HL_MAX_ARGS * 16);
    expr_free(&e);
}

static void test_float_bits(void **state)
{
    struct expr e;
    (void)state;
    parse_good(&e, "F32(16777217)"); /* rounded once */
    assert_true(e.value[0].f32 == 16777216.0f);
    expr_free(&e);
    parse_good(&e, "F64(-0.0)");
    assert_true(signbit(e.value[0].f64) && e.value[0].f64 == 0);
    expr_free(&e);
}

/* ---- what is wrong ---- */

static void test_errors(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *error;
    } list[] = {
        {"", HL_ERR_ARGUMENT, "a function name is missing at character 1"},
        {"  ", HL_ERR_ARGUMENT, "a function name is missing at character 3"},
        {"(1)", HL_ERR_ARGUMENT, "a function name is missing at character 1"},
        {"I32", HL_ERR_ARGUMENT, "an opening parenthesis is missing at character 4"},
        {"I32 1", HL_ERR_ARGUMENT, "an opening parenthesis is missing at character 5"},
        {"Nope(1)", HL_ERR_NO_FUNCTION, "Nope"},
        {"I32(", HL_ERR_ARGUMENT, "an argument is missing at character 5"},
        {"I32()", HL_ERR_SIGNATURE, "too few arguments"},
        {"I32(1", HL_ERR_ARGUMENT, "a comma or a closing parenthesis is missing at character 6"},
        {"I32(1 2)", HL_ERR_ARGUMENT, "a comma or a closing parenthesis is missing at character 7"},
        {"I32(1,)", HL_ERR_ARGUMENT, "an argument is missing at character 7"},
        {"I32(,1)", HL_ERR_ARGUMENT, "an argument is missing at character 5"},
        {"I32(1,2)", HL_ERR_SIGNATURE, "too many arguments"},
        {"Void(1)", HL_ERR_SIGNATURE, "too many arguments"},
        {"I32(1))", HL_ERR_ARGUMENT, "something follows the closing parenthesis at character 7"},
        {"I32(1);", HL_ERR_ARGUMENT, "something follows the closing parenthesis at character 7"},
        {"I32(2147483648)", HL_ERR_SIGNATURE, "2147483648 is out of range for i32"},
        {"I32(-2147483649)", HL_ERR_SIGNATURE, "-2147483649 is out of range for i32"},
        {"U32(4294967296)", HL_ERR_SIGNATURE, "is out of range for u32"},
        {"U32(-1)", HL_ERR_SIGNATURE, "-1 is out of range for u32"},
        {"I64(9223372036854775808)", HL_ERR_SIGNATURE, "is out of range for i64"},
        {"U64(18446744073709551616)", HL_ERR_SIGNATURE, "is out of range for u64"},
        {"U64(-1)", HL_ERR_SIGNATURE, "is out of range for u64"},
        {"I32(0x)", HL_ERR_SIGNATURE, "0x where i32 is wanted"},
        {"I32(1x)", HL_ERR_SIGNATURE, "1x where i32 is wanted"},
        {"I32(--1)", HL_ERR_SIGNATURE, "where i32 is wanted"},
        {"I32(1.0)", HL_ERR_SIGNATURE, "1.0 where i32 is wanted"},
        {"I32(true)", HL_ERR_SIGNATURE, "true where i32 is wanted"},
        {"I32(\"1\")", HL_ERR_SIGNATURE, "a string where i32 is wanted"},
        {"I32(x\"00\")", HL_ERR_SIGNATURE, "bytes where i32 is wanted"},
        {"I32(@f)", HL_ERR_SIGNATURE, "a file where i32 is wanted"},
        {"Bool(1)", HL_ERR_SIGNATURE, "1 where bool is wanted"},
        {"Bool(TRUE)", HL_ERR_SIGNATURE, "TRUE where bool is wanted"},
        {"F32(1e39)", HL_ERR_SIGNATURE, "1e39 where f32 is wanted"},
        {"F64(1e309)", HL_ERR_SIGNATURE, "1e309 where f64 is wanted"},
        {"F64(1.0.0)", HL_ERR_SIGNATURE, "1.0.0 where f64 is wanted"},
        {"String(abc)", HL_ERR_SIGNATURE, "abc where string is wanted"},
        {"String(x\"61\")", HL_ERR_SIGNATURE, "bytes where string is wanted"},
        {"String(\"a)", HL_ERR_ARGUMENT, "a string without its closing quote at character 11"},
        {"String(\"\\q\")", HL_ERR_ARGUMENT, "an unknown escape"},
        {"String(\"\\x\")", HL_ERR_ARGUMENT, "an unknown escape"},
        {"String(\"\\400\")", HL_ERR_ARGUMENT, "an unknown escape"},
        {"String(\"\\", HL_ERR_ARGUMENT, "an unknown escape"},
        {"String(\"a\\0b\")", HL_ERR_SIGNATURE, "text with a NUL in it where string is wanted"},
        {"Bytes(x\"0\")", HL_ERR_ARGUMENT, "bytes are pairs of hexadecimal digits"},
        {"Bytes(x\"0g\")", HL_ERR_ARGUMENT, "bytes are pairs of hexadecimal digits"},
        {"Bytes(x\"00", HL_ERR_ARGUMENT, "bytes are pairs of hexadecimal digits"},
        {"Bytes(@)", HL_ERR_ARGUMENT, "@ without a file name"},
        {"Bytes(@\"\")", HL_ERR_ARGUMENT, "@ without a file name"},
        {"Bytes(@none)", HL_ERR_FILE, "/nonexistent/none"},
        {"Bytes(@\"a, b\")", HL_ERR_FILE, "/nonexistent/a, b"},
        {"Many(\"a\", x\"62\", ", HL_ERR_ARGUMENT, "an argument is missing at character 18"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        struct expr e;
        struct hl_error error;
        int rc = parse(&e, list[i].text, &error);
        if (rc != list[i].code || !strstr(error.text, list[i].error))
            fail_msg("%s: %d, '%s'", list[i].text, rc, error.text);
        assert_int_equal(error.code, rc);
        for (size_t k = 0; k < HL_MAX_ARGS; k++)
            assert_null(e.owned[k]); /* nothing is left */
    }
}

static void test_too_long(void **state)
{
    struct expr e;
    struct hl_error error;
    char text[400];
    (void)state;
    memset(text, '1', sizeof(text));
    memcpy(text, "U64(", 4);
    strcpy(text + 300, ")");
    assert_int_equal(parse(&e, text, &error), HL_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "a word that is too long at character 5"));
    memset(text, 'N', sizeof(text));
    strcpy(text + 300, "(1)");
    assert_int_equal(parse(&e, text, &error), HL_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "a name that is too long at character 1"));
}

/* ---- @FILE ---- */

static void test_files(void **state)
{
    static const char contents[] = "one\0two";
    char directory[] = "/tmp/hl-expr-XXXXXX", path[64], text[128];
    struct expr e;
    struct hl_error error = {0};
    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/a, b", directory);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fwrite(contents, 1, 7, f);
    fclose(f);
    /* by its quoted name, relative to the directory; and text that has a NUL in it */
    int rc = expr_parse(&e, "Bytes(@\"a, b\")", tiny_image(), directory, &error);
    int text_rc =
        expr_parse(&(struct expr){0}, "String(@\"a, b\")", tiny_image(), directory, &error);
    char plain[64];
    snprintf(plain, sizeof(plain), "%s/plain", directory);
    rename(path, plain);
    struct expr absolute;
    snprintf(text, sizeof(text), "Bytes(@%s  )", plain);
    int absolute_rc = expr_parse(&absolute, text, tiny_image(), "/nonexistent", &error);
    unlink(plain);
    rmdir(directory);
    assert_int_equal(rc, 0);
    assert_int_equal(e.value[0].len, 7);
    assert_memory_equal(e.value[0].data, contents, 8);
    assert_int_equal(text_rc, HL_ERR_SIGNATURE);
    assert_int_equal(absolute_rc, 0);
    assert_int_equal(absolute.value[0].len, 7);
    expr_free(&e);
    expr_free(&absolute);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_bytes_of_a_string),
        cmocka_unit_test(test_counts), cmocka_unit_test(test_float_bits),
        cmocka_unit_test(test_errors), cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_files),
    };
    watchdog(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
