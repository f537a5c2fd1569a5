/* SPDX-License-Identifier: Apache-2.0 */
/* Files and buffers of the host in a guest: what it sees, what it cannot do, and what is refused.
 */
#include "sharing.h"

/* ---- read-only ------------------------------------------------------------------------------ */

static void test_reads_the_file(void **state)
{
    struct box *box = *state;
    open_share(box, ROOM);
    for (int sealed = 0; sealed < 2; sealed++) {
        const size_t size = 5 * PAGE + 100;
        int fd = new_file(size, 3, sealed);
        hl_gva_t at = map(box, fd, size, HL_MAP_READ);
        close(fd);
        uint64_t sum = 0;
        for (size_t i = 0; i < size; i++)
            sum += byte_at(3, i);
        assert_int_equal(CALL(box, "Sum", value_u64(at), value_u64(size))->u64, sum);
        /* The rest of the last page is zeros. */
        assert_int_equal(CALL(box, "Sum", value_u64(at + size), value_u64(PAGE - 100))->u64, 0);
        unmap(box, at);
    }
}

static void test_write_to_a_read_only_mapping_faults(void **state)
{
    struct box *box = *state;
    int fd = new_file(2 * PAGE, 0, true);
    open_share(box, ROOM);
    hl_gva_t at = map(box, fd, 2 * PAGE, HL_MAP_READ);
    struct hl_snapshot *s = take(box);
    expect_fault(box, TRY(box, "Put", value_u64(at + 5), value_u32(9)), at + 5, WRITE_PRESENT);
    restore(box, s);
    assert_int_equal(get(box, at + 5), byte_at(0, 5));
    expect_fault(box, TRY(box, "Jump", value_u64(at)), at, FETCH_PRESENT);
    restore(box, s);
    /* Its own system calls do not help it. */
    assert_int_not_equal(CALL(box, "Mprotect", value_u64(at), value_u64(PAGE))->i32, 0);
    CALL(box, "Munmap", value_u64(at), value_u64(PAGE));
    assert_int_equal(get(box, at), byte_at(0, 0));
    expect_fault(box, TRY(box, "Put", value_u64(at), value_u32(9)), at, WRITE_PRESENT);
    assert_int_equal(file_byte(fd, 5), byte_at(0, 5));
    hl_snapshot_destroy(s);
    close(fd);
}

/* ---- copy on write -------------------------------------------------------------------------- */

static void test_changes_stay_in_the_sandbox(void **state)
{
    struct box *box = *state, other = {0};
    int fd = new_file(4 * PAGE, 1, true);
    open_share(box, ROOM);
    open_share(&other, ROOM);
    hl_gva_t here = map(box, fd, 4 * PAGE, HL_MAP_COPY_ON_WRITE);
    hl_gva_t there = map(&other, fd, 4 * PAGE, HL_MAP_COPY_ON_WRITE);
    hl_gva_t again = map(box, fd, 4 * PAGE, HL_MAP_READ);
    put(box, here + PAGE + 1, 200);
    assert_int_equal(get(box, here + PAGE + 1), 200);
    assert_int_equal(get(box, here + PAGE + 2), byte_at(1, PAGE + 2));
    assert_int_equal(get(&other, there + PAGE + 1), byte_at(1, PAGE + 1));
    assert_int_equal(get(box, again + PAGE + 1), byte_at(1, PAGE + 1));
    assert_int_equal(file_byte(fd, PAGE + 1), byte_at(1, PAGE + 1));
    box_close(&other);
    close(fd);
}

static void test_a_buffer_is_copied(void **state)
{
    struct box *box = *state;
    uint8_t data[5000];
    hl_gva_t at = 0;
    memset(data, 7, sizeof(data));
    open_share(box, ROOM);
    assert_int_equal(
        hl_sandbox_map_buffer(box->sb, &at, data, sizeof(data), HL_MAP_COPY_ON_WRITE, &box->error),
        0);
    memset(data, 8, sizeof(data));
    assert_int_equal(CALL(box, "Sum", value_u64(at), value_u64(2 * PAGE))->u64, 7 * 5000);
    put(box, at + 1, 99);
    assert_int_equal(data[1], 8);
    unmap(box, at);
}

/* ---- around it ------------------------------------------------------------------------------ */

static void test_guards(void **state)
{
    struct box *box = *state;
    int fd = new_file(2 * PAGE, 0, true);
    open_share(box, ROOM);
    hl_gva_t at = map(box, fd, 2 * PAGE, HL_MAP_COPY_ON_WRITE);
    hl_gva_t next = map(box, fd, 2 * PAGE, HL_MAP_COPY_ON_WRITE);
    assert_true(next >= at + 2 * PAGE + GUARD);
    struct hl_snapshot *s = take(box);
    const hl_gva_t bad[] = {
        at - 1, at - PAGE, at - GUARD, at + 2 * PAGE, at + 2 * PAGE + GUARD - 1, next - 1};
    for (size_t i = 0; i < COUNT(bad); i++) {
        expect_fault(box, TRY(box, "Get", value_u64(bad[i])), bad[i], READ_UNMAPPED);
        restore(box, s);
    }
    get(box, at);
    get(box, next + 2 * PAGE - 1);
    hl_snapshot_destroy(s);
    close(fd);
}

static void test_unmapped_is_gone(void **state)
{
    struct box *box = *state;
    int fd = new_file(2 * PAGE, 0, true);
    open_share(box, ROOM);
    for (unsigned flags = HL_MAP_READ; flags <= HL_MAP_COPY_ON_WRITE; flags++) {
        hl_gva_t at = map(box, fd, 2 * PAGE, flags);
        struct hl_snapshot *s = take(box);
        get(box, at); /* it is in whatever the processor remembers */
        get(box, at + PAGE);
        unmap(box, at);
        assert_int_equal(hl_sandbox_unmap(box->sb, at, &box->error), HL_ERR_ARGUMENT);
        expect_fault(box, TRY(box, "Get", value_u64(at)), at, READ_UNMAPPED);
        restore(box, s);
        expect_fault(box, TRY(box, "Get", value_u64(at + PAGE)), at + PAGE, READ_UNMAPPED);
        restore(box, s);
        hl_snapshot_destroy(s);
    }
    close(fd);
}

/* The next user of the room sees nothing of it. */
static void test_room_is_reused(void **state)
{
    struct box *box = *state;
    open_share(box, 4 * PAGE);
    for (uint32_t i = 0; i < 30; i++) {
        int fd = new_file(4 * PAGE, i, i % 2);
        hl_gva_t at = map(box, fd, i % 3 ? 4 * PAGE : 10, HL_MAP_COPY_ON_WRITE);
        assert_int_equal(get(box, at), byte_at(i, 0));
        assert_int_equal(get(box, at + 20), i % 3 ? byte_at(i, 20) : 0);
        put(box, at + 30, 0xee);
        if (i % 3) {
            hl_gva_t more = 0;
            assert_int_equal(hl_sandbox_map_file(box->sb, &more, fd, 0, PAGE, 0, &box->error),
                             HL_ERR_LIMIT);
            check_error(&box->error, HL_ERR_LIMIT);
            assert_int_equal(more, 0);
        }
        unmap(box, at);
        close(fd);
    }
}

static void test_chosen_addresses(void **state)
{
    static const hl_gva_t at[] = {0x10000, 0x200000000, 0x100000000000, 0x7ffffff00000};
    struct box *box = *state;
    int fd = new_file(3 * PAGE, 5, true);
    open_share(box, ROOM);
    for (size_t i = 0; i < COUNT(at); i++)
        assert_int_equal(map_at(box, at[i], fd, 3 * PAGE, HL_MAP_READ), at[i]);
    for (size_t i = 0; i < COUNT(at); i++)
        assert_int_equal(get(box, at[i] + 2 * PAGE), byte_at(5, 2 * PAGE));
    close(fd);
}

static void test_a_hundred(void **state)
{
    enum { N = 100 };
    struct box *box = *state;
    hl_gva_t at[N];
    int fd = new_file(3 * PAGE, 0, true);
    open_share(box, ROOM);
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < N; i++) {
            at[i] = map(box, fd, (1 + i % 3) * PAGE, i % 2);
            if (i % 2)
                put(box, at[i], i);
        }
        for (uint32_t i = 0; i < N; i++)
            assert_int_equal(get(box, at[i]), i % 2 ? i : byte_at(0, 0));
        for (uint32_t i = 0; i < N; i++)
            unmap(box, at[i * 37 % N]);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_reads_the_file),
        BOX_TEST(test_write_to_a_read_only_mapping_faults),
        BOX_TEST(test_changes_stay_in_the_sandbox),
        BOX_TEST(test_a_buffer_is_copied),
        BOX_TEST(test_guards),
        BOX_TEST(test_unmapped_is_gone),
        BOX_TEST(test_room_is_reused),
        BOX_TEST(test_chosen_addresses),
        BOX_TEST(test_a_hundred),
    };
    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
