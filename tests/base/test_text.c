/* SPDX-License-Identifier: Apache-2.0 */
/* Text of a guest: what is UTF-8, what a terminal would obey, and how it is escaped. */
#include "kit.h"

#include <hl/text.h>

static void test_characters(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        uint32_t character;
    } list[] = {
        {"a", 1, 'a'},
        {"\xc3\xa9", 2, 0xe9},
        {"\xe2\x82\xac", 3, 0x20ac},
        {"\xf0\x9f\x90\xa7", 4, 0x1f427},
        {"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
        {"\x80", 0, 0},             /* a continuation */
        {"\xc0\x80", 0, 0},         /* overlong */
        {"\xe0\x9f\xbf", 0, 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0, 0}, /* overlong */
        {"\xed\xa0\x80", 0, 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0, 0}, /* past U+10FFFF */
        {"\xe2\x82", 0, 0},         /* cut off */
        {"\xff", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        uint32_t c = 0;
        assert_int_equal(hl_text_character(list[i].text, strlen(list[i].text), &c), list[i].length);
        assert_int_equal(c, list[i].character);
    }
    assert_int_equal(hl_text_character("a", 0, NULL), 0);
    assert_int_equal(hl_text_character(NULL, 1, NULL), 0);
    assert_int_equal(hl_text_character("a", 1, NULL), 1);
}

static void test_controls(void **state)
{
    static const uint32_t controls[] = {0,      9,      0x1b,   0x1f,   0x7f,   0x80,   0x9b,
                                        0x9f,   0x61c,  0x200e, 0x200f, 0x2028, 0x2029, 0x202a,
                                        0x202e, 0x2066, 0x2069, 0xfeff, 0xfffe, 0x1ffff};
    static const uint32_t plain[] = {' ',    'a',    0x7e,   0xa0,   0xe9,   0x61b,  0x200d,
                                     0x2027, 0x202f, 0x2065, 0x206a, 0xfffd, 0x1f427};
    (void)state;
    for (size_t i = 0; i < COUNT(controls); i++)
        assert_true(hl_text_is_control(controls[i]));
    for (size_t i = 0; i < COUNT(plain); i++)
        assert_false(hl_text_is_control(plain[i]));
}

static void expect(const char *text, size_t size, const char *wanted)
{
    char buf[256];
    assert_int_equal(hl_text_escape(buf, sizeof(buf), text, size), strlen(wanted));
    assert_string_equal(buf, wanted);
}

static void test_escape(void **state)
{
    (void)state;
    expect("", 0, "");
    expect("d\xc3\xa9j\xc3\xa0 \\ \"", 10, "d\xc3\xa9j\xc3\xa0 \\ \"");
    expect("a\nb\tc\rd\0e", 9, "a\\nb\\tc\\rd\\x00e");
    expect("\x1b[31m\x9b\x31m", 8, "\\x1b[31m\\x9b1m");
    expect("\xc2\x9b\x7f", 3, "\\xc2\\x9b\\x7f");
    expect("\xe2\x80\xae", 3, "\\xe2\\x80\\xae");
    expect("x\xe2\x82", 3, "x\\xe2\\x82");
    assert_int_equal(hl_text_escape(NULL, 0, NULL, 5), 0);
}

/* Nothing is cut in the middle, and what follows what does not fit is left out, too. */
static void test_room(void **state)
{
    static const char *const wanted[] = {"", "a", "a", "a", "a", "a\\x1b", "a\\x1b"};
    (void)state;
    for (size_t room = 1; room <= 7; room++) {
        char buf[16] = "???????????????";
        assert_int_equal(hl_text_escape(buf, room, "a\x1b\xc3\xa9z", 5), 8);
        assert_string_equal(buf, wanted[room - 1]);
        assert_int_equal(buf[room], '?');
    }
    assert_int_equal(hl_text_escape(NULL, 0, "\x1b", 1), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_characters),
        cmocka_unit_test(test_controls),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
