/* SPDX-License-Identifier: Apache-2.0 */
/* common: arrays that grow, tables, sorted search, numbers and names. */
#include "kit.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <hl/error.h>

#include "error_errno.h"
#include "grow.h"
#include "names.h"
#include "number.h"
#include "sorted.h"
#include "syscall_names.h"
#include "table.h"

static void test_grow(void **state)
{
    size_t room = 0, moves = 0, before = 0;
    uint32_t *list = NULL;
    (void)state;
    for (uint32_t i = 0; i < 10000; i++) {
        list = array_grow(list, &room, i + 1, sizeof(*list));
        assert_non_null(list);
        moves += room != before;
        before = room;
        list[i] = i;
    }
    assert_true(moves < 12);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(list[i], i);
    assert_ptr_equal(array_grow(list, &room, room, sizeof(*list)), list);
    assert_null(
        array_grow(list, &room, SIZE_MAX / 4 + 2, sizeof(*list))); /* 4 bytes, modulo 2^64 */
    assert_int_equal(room, before);                                /* as it was */
    free(list);
}

static void test_grow_at_once(void **state)
{
    size_t room = 0;
    char *bytes = array_grow(NULL, &room, 0, 1);
    (void)state;
    assert_non_null(bytes); /* a place for nothing is a place */
    bytes = array_grow(bytes, &room, 5000, 1);
    assert_true(bytes && room >= 5000);
    free(bytes);
}

struct pair {
    uint64_t key, square;
};

static void test_table(void **state)
{
    struct table t = {.item_size = sizeof(struct pair), .key_size = sizeof(uint64_t), .max = 5000};
    uint64_t key = 7;
    (void)state;
    assert_int_equal(table_find(&t, &key), TABLE_NONE);
    for (uint64_t i = 0; i < 5000; i++) {
        key = i * i * 0x10000; /* low bits alone tell them apart badly */
        assert_int_equal(table_intern(&t, &key), i);
        struct pair *p = table_at(&t, (uint32_t)i);
        assert_int_equal(p->square, 0);
        p->square = i;
    }
    for (uint64_t i = 0; i < 5000; i++) {
        key = i * i * 0x10000;
        assert_int_equal(table_intern(&t, &key), i);
        assert_int_equal(table_find(&t, &key), i);
        assert_int_equal(((struct pair *)table_at(&t, (uint32_t)i))->square, i);
    }
    key = 3;
    assert_int_equal(table_find(&t, &key), TABLE_NONE);
    assert_int_equal(table_intern(&t, &key), TABLE_NONE); /* full */
    table_free(&t);
    assert_int_equal(table_find(&t, &key), TABLE_NONE);
    assert_int_equal(table_intern(&t, &key), 0); /* and used again */
    table_free(&t);
}

static void test_sorted(void **state)
{
    static const struct {
        uint32_t other;
        uint64_t at;
    } list[] = {{9, 1}, {8, 3}, {7, 3}, {6, 10}, {5, UINT64_MAX}};
    static const struct {
        uint64_t key;
        size_t below, up_to;
    } wanted[] = {{0, 0, 0}, {1, 0, 1}, {2, 1, 1}, {3, 1, 3}, {11, 4, 4}, {UINT64_MAX, 4, 5}};
    (void)state;
    for (size_t i = 0; i < COUNT(wanted); i++) {
        assert_int_equal(SORTED_BELOW(list, COUNT(list), at, wanted[i].key), wanted[i].below);
        assert_int_equal(SORTED_UP_TO(list, COUNT(list), at, wanted[i].key), wanted[i].up_to);
    }
    assert_int_equal(SORTED_BELOW(list, 0, at, UINT64_MAX), 0);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        unsigned base;
        uint64_t max;
        bool is;
        uint64_t value;
    } list[] = {
        {"0", 10, 9, true, 0},
        {"0017", 10, 17, true, 17},
        {"18", 10, 17, false, 0},
        {"18446744073709551615", 10, UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", 10, UINT64_MAX, false, 0},
        {"99999999999999999999999", 10, UINT64_MAX, false, 0},
        {"fF", 16, 255, true, 255},
        {"ff", 10, 255, false, 0},
        {"10000000000000000", 16, UINT64_MAX, false, 0},
        {"", 10, 9, false, 0},
        {" 1", 10, 9, false, 0},
        {"+1", 10, 9, false, 0},
        {"-1", 10, UINT64_MAX, false, 0},
        {"1 ", 10, 9, false, 0},
        {"0x1", 16, 9, false, 0},
    };
    uint64_t value;
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        value = 0;
        bool is = number_is(list[i].text, list[i].base, list[i].max, &value);
        assert_int_equal(is, list[i].is);
        if (is)
            assert_int_equal(value, list[i].value);
    }
    assert_string_equal(number_read("12K", 10, 99, &value), "K");
    assert_int_equal(value, 12);
}

static void test_names(void **state)
{
    char text[4];
    (void)state;
    assert_string_equal(prot_text(0, text), "---");
    assert_string_equal(prot_text(HL_PROT_READ | HL_PROT_EXEC, text), "r-x");
    assert_string_equal(prot_text(HL_PROT_WRITE | 1u << 20, text), "-w-");
    assert_string_equal(signal_name(SIGSEGV), "SEGV");
    assert_string_equal(signal_name(0), "?");
    assert_string_equal(signal_name(-1), "?");
    assert_string_equal(signal_name(100000), "?");
}

static void test_syscalls(void **state)
{
    unsigned known = 0;
    (void)state;
    assert_string_equal(syscall_name(SYS_writev), "writev");
    assert_int_equal(syscall_number("writev"), SYS_writev);
    assert_int_equal(syscall_number("read"), 0);
    assert_int_equal(syscall_number("nothing"), -1);
    assert_null(syscall_name(335)); /* up to 423 there are none */
    assert_null(syscall_name(UINT64_MAX));
    for (uint64_t n = 0; n < 512; n++)
        if (syscall_name(n)) {
            assert_int_equal(syscall_number(syscall_name(n)), n);
            known++;
        }
    assert_true(known > 350);
}

static void test_errno(void **state)
{
    struct hl_error error = {0};
    (void)state;
    assert_int_equal(error_file(&error, "name", ENOENT), HL_ERR_FILE);
    assert_string_equal(error.text, "name: No such file or directory");
    assert_int_equal(error.sys_errno, ENOENT);
    assert_int_equal(error_file(NULL, "name", ENOENT), HL_ERR_FILE);
    assert_int_equal(error_errno(&error, EIO, HL_ERR_SYSTEM), HL_ERR_SYSTEM);
    assert_int_equal(error.sys_errno, EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grow),     cmocka_unit_test(test_grow_at_once),
        cmocka_unit_test(test_table),    cmocka_unit_test(test_sorted),
        cmocka_unit_test(test_numbers),  cmocka_unit_test(test_names),
        cmocka_unit_test(test_syscalls), cmocka_unit_test(test_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
