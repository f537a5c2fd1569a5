/* SPDX-License-Identifier: Apache-2.0 */
/* test_xsave.c - registers in and out of an XSAVE area. */
#include "kit.h"

static uint8_t area[4096];
static struct gdb_xsave x;

static int fresh(void **state)
{
    (void)state;
    memset(area, 0xee, sizeof(area));
    memset(area + 512, 0, 64);
    x = (struct gdb_xsave){area, sizeof(area), {0}};
    x.offset[2] = 576;
    x.offset[5] = 1088;
    x.offset[6] = 1152;
    x.offset[7] = 1664;
    return 0;
}

static void present(uint64_t components)
{
    memcpy(area + 512, &components, sizeof(components));
}

static uint32_t word(unsigned number)
{
    uint32_t value = 0;

    assert_int_equal(gdb_xsave_read(&x, number, &value, 4), 0);
    return value;
}

static void initial_state_reads_as_such(void **state)
{
    uint8_t data[32], zero[32] = {0};

    (void)state;
    assert_int_equal(word(GDB_AMD64_FCTRL), 0x37f);
    assert_int_equal(word(GDB_AMD64_FTAG), 0xffff);
    assert_int_equal(word(GDB_AMD64_FSTAT), 0);
    assert_int_equal(gdb_xsave_read(&x, GDB_AMD64_XMM0 + 15, data, 16), 0);
    assert_memory_equal(data, zero, 16);
    assert_int_equal(gdb_xsave_read(&x, GDB_AMD64_ZMM0H + 31, data, 32), 0);
    assert_memory_equal(data, zero, 32);
    assert_int_equal(word(GDB_AMD64_MXCSR), 0xeeeeeeee); /* has no initial state of its own */
}

static void writes_touch_one_register(void **state)
{
    uint8_t one[32], data[32], zero[32] = {0};
    uint64_t bv;

    (void)state;
    memset(one, 0x55, sizeof(one));
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_YMM0H + 3, one, 16), 0);
    memcpy(&bv, area + 512, 8);
    assert_int_equal(bv, 4);
    assert_int_equal(gdb_xsave_read(&x, GDB_AMD64_YMM0H + 2, data, 16), 0);
    assert_memory_equal(data, zero, 16);
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_RAX, one, 8), HL_ERR_ARGUMENT);
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_ST0 + 1, one, 10), 0);
    assert_int_equal(word(GDB_AMD64_FCTRL), 0x37f); /* not reset, not garbage */
    for (unsigned n = GDB_AMD64_ST0; n < GDB_AMD64_CR0; n++) {
        size_t size = n < 32                ? 10
                      : n < 40              ? 4
                      : n == 56             ? 4
                      : n >= 116            ? 32
                      : n >= 108 && n < 116 ? 8
                                            : 16;
        if (n >= 57 && n < 60)
            continue;
        fresh(state);
        memset(one, (int)n, sizeof(one));
        assert_int_equal(gdb_xsave_write(&x, n, one, size - 1), HL_ERR_ARGUMENT);
        assert_int_equal(gdb_xsave_write(&x, n, one, size), 0);
        assert_int_equal(gdb_xsave_read(&x, n, data, size), 0);
        if (size != 4)
            assert_memory_equal(data, one, size);
    }
}

/* The stack in the area is in stack order: TOP turns the tags, not the registers. */
static void top_turns_tags_only(void **state)
{
    static const uint8_t pi[10] = {0x35, 0xc2, 0x68, 0x21, 0xa2, 0xda, 0x0f, 0xc9, 0x00, 0x40};
    uint8_t data[10], zero[10] = {0};
    uint32_t tags;

    (void)state;
    present(1);
    memset(area, 0, 24);
    area[3] = 6 << 3; /* TOP 6 */
    area[4] = 0xc0;   /* physical 6 and 7 */
    memcpy(area + 32, pi, 10);
    memset(area + 48, 0, 10);
    assert_int_equal(gdb_xsave_read(&x, GDB_AMD64_ST0, data, 10), 0);
    assert_memory_equal(data, pi, 10);
    assert_int_equal(word(GDB_AMD64_FTAG), 0x4fff); /* 6 valid, 7 zero */
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_ST0 + 1, pi, 10), 0);
    assert_memory_equal(area + 48, pi, 10);
    assert_memory_equal(area + 32, pi, 10);
    tags = 0x3fff; /* only physical 7 */
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_FTAG, &tags, 4), 0);
    assert_int_equal(area[4], 0x80);
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_ST0, zero, 10), 0);
}

static void control_words_stand_where_they_belong(void **state)
{
    uint32_t value = 0x27f;

    (void)state;
    present(3);
    memset(area, 0, 512);
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_FCTRL, &value, 4), 0);
    assert_int_equal(area[0] | area[1] << 8, 0x27f);
    assert_int_equal(area[2], 0);
    value = 0xffff1fa0;
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_MXCSR, &value, 4), 0);
    assert_int_equal(word(GDB_AMD64_MXCSR), 0x1fa0);
}

static void small_areas(void **state)
{
    uint8_t data[64];

    (void)state;
    x.offset[7] = 0;
    assert_int_equal(gdb_xsave_read(&x, GDB_AMD64_XMM16, data, 16), HL_ERR_ARGUMENT);
    x.size = 600;
    assert_int_equal(gdb_xsave_read(&x, GDB_AMD64_YMM0H + 4, data, 16), HL_ERR_ARGUMENT);
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_YMM0H, data, 16), HL_ERR_ARGUMENT);
    x.size = 512;
    assert_int_equal(gdb_xsave_read(&x, GDB_AMD64_XMM0, data, 16), HL_ERR_ARGUMENT);
    assert_int_equal(gdb_xsave_read(&x, 99999, data, 16), HL_ERR_ARGUMENT);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup(test, fresh)
    const struct CMUnitTest tests[] = {
        T(initial_state_reads_as_such),
        T(writes_touch_one_register),
        T(top_turns_tags_only),
        T(control_words_stand_where_they_belong),
        T(small_areas),
    };
    return cmocka_run_group_tests_name("xsave", tests, NULL, NULL);
}
