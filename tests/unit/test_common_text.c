/* SPDX-License-Identifier: Apache-2.0 */
/* common: UTF-8 that is cut, hexadecimal digits.  What hl/text.h offers is in test_text.c. */
#include "../kvm/kit.h"

#include <string.h>

#include "hex.h"
#include "utf8.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_hex_digits),
        cmocka_unit_test(test_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
