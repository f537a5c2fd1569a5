/* SPDX-License-Identifier: Apache-2.0 */
/* common: UTF-8 that is cut, hexadecimal digits, quoting, values.  What hl/text.h offers is in
 * test_text.c. */
#include "kit.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "hex.h"
#include "quote.h"
#include "utf8.h"
#include "value_text.h"

/* One character each of 1, 2, 3 and 4 bytes. */
static const char mixed[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7";

static void test_cut(void **state)
{
    static const size_t whole[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
    (void)state;
    for (size_t max = 0; max < COUNT(whole); max++)
        assert_int_equal(utf8_whole(mixed, max), whole[max]);
    /* Not text: no more than a character's bytes are given up. */
    assert_int_equal(utf8_whole("\x80\x80\x80\x80\x80\x80\x80\x80", 7), 3);
}

static void test_count(void **state)
{
    static const size_t start[] = {0, 1, 3, 6, 10, 10};
    (void)state;
    assert_int_equal(utf8_count(""), 0);
    assert_int_equal(utf8_count(mixed), 4);
    for (size_t i = 0; i < COUNT(start); i++)
        assert_int_equal(utf8_start(mixed, i), start[i]);
}

static void test_hex_digits(void **state)
{
    static const char digits[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    int known = 0;
    (void)state;
    for (int i = 0; i < 16; i++) {
        assert_int_equal(hex_digit((unsigned char)digits[i]), i);
        assert_int_equal(hex_digit((unsigned char)upper[i]), i);
    }
    for (int c = 0; c < 256; c++)
        known += hex_digit((unsigned char)c) >= 0;
    assert_int_equal(known, 22);
}

static void test_hex(void **state)
{
    uint8_t bytes[256], back[256];
    char text[2 * 256];
    (void)state;
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    hex_encode(text, bytes, 256);
    assert_memory_equal(text, "000102", 6);
    assert_memory_equal(text + 2 * 253, "fdfeff", 6);
    assert_true(hex_decode(back, text, 256));
    assert_memory_equal(back, bytes, 256);
    assert_true(hex_decode(back, "fF", 1));
    assert_int_equal(back[0], 0xff);
    assert_false(hex_decode(back, "0g", 1));
    assert_false(hex_decode(back, "g0", 1));
    assert_false(hex_decode(back, "0", 1)); /* a string's NUL is not a digit */
    assert_true(hex_decode(back, "zz", 0));
}

/* What is printed is compared, and the stream is a new one. */
struct printed {
    FILE *f;
    char *text;
    size_t size;
};

static FILE *print_begin(struct printed *p)
{
    p->f = open_memstream(&p->text, &p->size);
    assert_non_null(p->f);
    return p->f;
}

static void print_is(struct printed *p, const char *wanted)
{
    assert_int_equal(fclose(p->f), 0);
    assert_string_equal(p->text, wanted);
    free(p->text);
}

static void test_quote(void **state)
{
    static const struct {
        const char *data;
        size_t size, max;
        const char *c, *json;
    } list[] = {
        {"", 0, 99, "\"\"", "\"\""},
        {"a\"\\\n\t\a'", 7, 99, "\"a\\\"\\\\\\n\\t\\a'\"", "\"a\\\"\\\\\\n\\t\\u0007'\""},
        {"\0\x1b[1m", 5, 99, "\"\\000\\033[1m\"", "\"\\u0000\\u001b[1m\""},
        {"\xc3\xa9\xff", 3, 99, "\"\xc3\xa9\\377\"", "\"\xc3\xa9\xef\xbf\xbd\""},
        {"\xe2\x80\xae", 3, 99, "\"\\342\\200\\256\"", "\"\\u202e\""}, /* right to left */
        {"\xf0\x9f\xbf\xbf", 4, 99, "\"\\360\\237\\277\\277\"", "\"\\ud83f\\udfff\""},
        {"abc", 3, 3, "\"abc\"", "\"abc\""},
        {"abc", 3, 2, "\"ab\"...", "\"abc\""},
        {"\xc3\xa9", 2, 1, "\"\\303\"...", "\"\xc3\xa9\""}, /* cut in the middle */
    };
    struct printed p;
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        quote(print_begin(&p), list[i].data, list[i].size, list[i].max);
        print_is(&p, list[i].c);
        quote_json(print_begin(&p), list[i].data, list[i].size);
        print_is(&p, list[i].json);
    }
}

static void word_is(char *word, const char *wanted)
{
    assert_string_equal(word, wanted);
    free(word);
}

static void test_words(void **state)
{
    (void)state;
    word_is(quote_word(""), "''");
    word_is(quote_word("a b"), "'a b'");
    word_is(quote_word("it's"), "'it'\\''s'");
    word_is(quote_word("it's\x1b"), "$'it\\'s\\x1b'");
    word_is(quote_plain_word("it's\x1b"), "'it'\\''s\x1b'");
    word_is(quote_plain_word("''''"), "''\\'''\\'''\\'''\\'''");
    assert_string_equal(quote_xml('<'), "&lt;");
    assert_string_equal(quote_xml('\''), "&apos;");
    assert_null(quote_xml('a'));
    assert_null(quote_xml('\0'));
}

static void test_long_hex(void **state)
{
    uint8_t bytes[1500];
    char wanted[2 * sizeof(bytes) + 1] = "";
    struct printed p;
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 7);
        snprintf(wanted + 2 * i, 3, "%02x", bytes[i]);
    }
    quote_hex(print_begin(&p), bytes, sizeof(bytes));
    print_is(&p, wanted);
}

static void test_values(void **state)
{
    const struct {
        struct hl_value value;
        size_t max;
        const char *text;
    } list[] = {
        {hl_value_i32(INT32_MIN), 9, "-2147483648"},
        {hl_value_u32(UINT32_MAX), 9, "4294967295"},
        {hl_value_i64(INT64_MIN), 9, "-9223372036854775808"},
        {hl_value_u64(UINT64_MAX), 9, "18446744073709551615"},
        {hl_value_f64(0.1), 9, "0.1"},
        {hl_value_f64(2), 9, "2.0"},
        {hl_value_f64(-0.0), 9, "-0.0"},
        {hl_value_f64(1e300), 9, "1e+300"},
        {hl_value_f64(INFINITY), 9, "inf"},
        {hl_value_f32(0.1f), 9, "0.1"},
        {hl_value_bool(true), 9, "true"},
        {hl_value_bool(false), 9, "false"},
        {hl_value_string("a\"b"), 9, "\"a\\\"b\""},
        {hl_value_string("abcdef"), 3, "\"abc\"..."},
        {hl_value_bytes("\0\xff", 2), 9, "x\"00ff\""},
        {hl_value_bytes("\0\xff", 2), 2, "x\"00ff\""},
        {hl_value_bytes("\0\xff", 2), 1, "x\"00\"..."},
        {{.type = HL_VOID}, 9, "void"},
    };
    struct printed p;
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        value_print(print_begin(&p), &list[i].value, list[i].max);
        print_is(&p, list[i].text);
    }
}

/* Any double comes back, from as few digits as do. */
static void test_shortest(void **state)
{
    static const double list[] = {0,      1.0 / 3,  DBL_MIN, DBL_MAX,  DBL_EPSILON,
                                  5e-324, 1.0 / 49, 0.3,     0.1 + 0.2};
    char text[40];
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        number_shortest(text, list[i], false);
        assert_true(strtod(text, NULL) == list[i]);
    }
    number_shortest(text, 0.3, false);
    assert_string_equal(text, "0.3");
    number_shortest(text, 0.1 + 0.2, false);
    assert_string_equal(text, "0.30000000000000004");
    number_shortest(text, (double)16777216.0f, true);
    assert_true(strtof(text, NULL) == 16777216.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),        cmocka_unit_test(test_count),
        cmocka_unit_test(test_hex_digits), cmocka_unit_test(test_hex),
        cmocka_unit_test(test_quote),      cmocka_unit_test(test_words),
        cmocka_unit_test(test_long_hex),   cmocka_unit_test(test_values),
        cmocka_unit_test(test_shortest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
