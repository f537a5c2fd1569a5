/* SPDX-License-Identifier: Apache-2.0 */
/* Errors: every code has a name and a text, and what is said is one line. */
#include "kit.h"

#include <hl/error.h>

static const struct {
    int code, number;
    const char *name;
} codes[] = {
#define X(name, number, text, hint) {HL_ERR_##name, number, #name},
    HL_ERRORS(X)
#undef X
};

static void expect_one_line(const char *text)
{
    assert_non_null(text);
    assert_null(strpbrk(text, "\n\r\t"));
}

static void test_every_code_has_its_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(codes); i++) {
        assert_int_equal(codes[i].code, -codes[i].number);
        assert_string_equal(hl_err_name(codes[i].code), codes[i].name);
        assert_true(hl_err_text(codes[i].code)[0]);
        expect_one_line(hl_err_text(codes[i].code));
        expect_one_line(hl_err_hint(codes[i].code));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(hl_err_name(codes[j].code), codes[i].name);
            assert_string_not_equal(hl_err_text(codes[j].code), hl_err_text(codes[i].code));
        }
    }
}

/* Numbers without gaps: a code that is added cannot fall between two others. */
static void test_numbers_are_dense(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(codes); i++)
        assert_int_equal(codes[i].number, i + 1);
}

static void test_numbers_that_are_no_codes(void **state)
{
    static const int numbers[] = {1, 23, -1000, INT32_MAX, INT32_MIN, INT32_MIN + 1};
    (void)state;
    assert_string_equal(hl_err_name(HL_OK), "OK");
    assert_string_equal(hl_err_text(HL_OK), "no error");
    assert_string_equal(hl_err_hint(HL_OK), "");
    for (size_t i = 0; i < COUNT(numbers); i++) {
        if (numbers[i] == -(int)(COUNT(codes) + 1))
            continue;
        assert_string_equal(hl_err_name(numbers[i]), "UNKNOWN");
        assert_true(hl_err_text(numbers[i])[0]);
        assert_string_equal(hl_err_hint(numbers[i]), "");
    }
    assert_string_equal(hl_err_name(-(int)COUNT(codes) - 1), "UNKNOWN");
}

static void test_set(void **state)
{
    struct hl_error error;

    (void)state;
    memset(&error, 0x5a, sizeof(error));
    assert_int_equal(hl_error_set(&error, HL_ERR_NO_KVM, "%s is %d", "it", 5), HL_ERR_NO_KVM);
    assert_int_equal(error.code, HL_ERR_NO_KVM);
    assert_int_equal(error.sys_errno, 0);
    assert_string_equal(error.text, "it is 5");
    assert_string_equal(error.hint, hl_err_hint(HL_ERR_NO_KVM));
    /* The next one leaves nothing of it. */
    assert_int_equal(hl_error_set(&error, HL_ERR_FAULT, "x"), HL_ERR_FAULT);
    assert_string_equal(error.text, "x");
    assert_string_equal(error.hint, "");
    assert_int_equal(hl_error_set(&error, 77, "a code of the caller's"), 77);
    assert_int_equal(error.code, 77);
}

static void test_null_error(void **state)
{
    (void)state;
    assert_int_equal(hl_error_set(NULL, HL_ERR_LIMIT, "%s", "x"), HL_ERR_LIMIT);
    assert_int_equal(hl_error_hint(NULL, "%s", "x"), HL_ERR_ARGUMENT);
}

static void test_long_text_is_cut(void **state)
{
    struct hl_error error;
    char text[4096];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    hl_error_set(&error, HL_ERR_FILE, "%s", text);
    assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
    hl_error_hint(&error, "%s", text);
    assert_int_equal(strlen(error.hint), sizeof(error.hint) - 1);
    assert_int_equal(error.code, HL_ERR_FILE);
}

static void test_one_line(void **state)
{
    struct hl_error error;

    (void)state;
    hl_error_set(&error, HL_ERR_FILE, "a\nb\rc\td\033[31m\x7f\x01 \xc3\xa4");
    assert_string_equal(error.text, "a\\nb\\rc\\td\\x1b[31m\\x7f\\x01 \xc3\xa4");
    assert_int_equal(hl_error_hint(&error, "x\ny"), HL_ERR_FILE);
    assert_string_equal(error.hint, "x\\ny");
}

/* A message may be made of the one before. */
static void test_text_of_itself(void **state)
{
    struct hl_error error;

    (void)state;
    hl_error_set(&error, HL_ERR_FILE, "inner");
    hl_error_set(&error, HL_ERR_SYSTEM, "outer: %s", error.text);
    assert_string_equal(error.text, "outer: inner");
    hl_error_hint(&error, "hint");
    hl_error_hint(&error, "more than %s", error.text);
    assert_string_equal(error.hint, "more than outer: inner");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_has_its_words),
        cmocka_unit_test(test_numbers_are_dense),
        cmocka_unit_test(test_numbers_that_are_no_codes),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_null_error),
        cmocka_unit_test(test_long_text_is_cut),
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_text_of_itself),
    };

    watchdog(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
