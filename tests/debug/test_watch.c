/* SPDX-License-Identifier: Apache-2.0 */
/* The debug target's watchpoints: debug registers, page protection, and what the host changes. */
#include "watch_rig.h"

static void test_write(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_WRITE, r->data + 8, 8);
    go_to(r, STORE);
    write_at(r, STORE, r->data + 8, 0x1234, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->data + 8);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + STORE + 3);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS) & TF, 0);
    expect_byte(r, r->data + 8, 0x34);
    go_to(r, STORE); /* reported once for each write */
    write_at(r, STORE, r->data + 8, 0x1235, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->data + 8);
    go_to(r, STORE); /* the same value is written, too */
    write_at(r, STORE, r->data + 8, 0x1235, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->data + 8);
    go_to(r, LOAD);
    read_at(r, LOAD, r->data + 8, 8);
    expect_running(r, LOAD);
    drop(r, GDB_WATCH_WRITE, r->data + 8, 8);
    assert_false(is_watched(r, r->data, HL_PROT_WRITE));
    go_to(r, STORE);
    write_at(r, STORE, r->data + 8, 0x1236, 8);
    expect_running(r, STORE);
}

/* Beside what is watched, but in its page: nobody hears of it, and the page stays watched. */
static void test_neighbours(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_WRITE, r->data + 8, 8);
    for (int i = 0; i < 3; i++) {
        go_to(r, STORE);
        write_at(r, STORE, r->data + (i ? 16 : 0), 0x1234, 8);
        expect_running(r, STORE);
        assert_int_equal(is_watched(r, r->data, HL_PROT_WRITE), !r->route->can.hw_watch);
    }
    assert_int_equal(atomic_load(&r->reports), 0);
}

static void test_read(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_READ, r->data, 4);
    assert_true(is_watched(r, r->data, HL_PROT_READ)); /* no processor has slots for reads alone */
    go_to(r, LOAD);
    read_at(r, LOAD, r->data, 8);
    expect_watch(r, GDB_WATCH_READ, r->data);
    go_to(r, STORE);
    write_at(r, STORE, r->data, 1, 8);
    expect_running(r, STORE);
    go_to(r, LOAD);
    read_at(r, LOAD, r->data + 4, 8);
    expect_running(r, LOAD);
    go_to(r, MODIFY); /* asks for the page to write, and reads */
    write_at(r, MODIFY, r->data, 2, 8);
    expect_watch(r, GDB_WATCH_READ, r->data);
    assert_true(is_watched(r, r->data, HL_PROT_READ));
}

static void test_access(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_ACCESS, r->data, 8);
    go_to(r, LOAD);
    read_at(r, LOAD, r->data, 8);
    expect_watch(r, GDB_WATCH_ACCESS, r->data);
    go_to(r, STORE);
    write_at(r, STORE, r->data, 1, 8);
    expect_watch(r, GDB_WATCH_ACCESS, r->data);
    go_to(r, STORE);
    write_at(r, STORE, r->data + 8, 1, 8);
    expect_running(r, STORE);
    drop(r, GDB_WATCH_ACCESS, r->data, 8);
    go_to(r, LOAD);
    read_at(r, LOAD, r->data, 8);
    expect_running(r, LOAD);
}

/* An instruction reads and writes the same page: two faults, one step. */
static void test_read_then_write(void **state)
{
    struct rig *r = *state;
    uint64_t value = 5;

    stand(r);
    insert(r, GDB_WATCH_READ, r->data, 4);
    insert(r, GDB_WATCH_WRITE, r->data + 0x800, 200);
    go_to(r, COPY);
    entered_at(r, r->text + COPY);
    assert_false(play_read(r, r->text + COPY, r->data + 0x100, 8));
    entered_at(r, r->text + COPY);
    assert_true(play_read(r, r->text + COPY, r->data + 0x100, 8));
    assert_false(play_write(r, r->text + COPY, r->data + 0x800, &value, 8));
    entered_at(r, r->text + COPY);
    assert_true(play_read(r, r->text + COPY, r->data + 0x100, 8));
    assert_true(play_write(r, r->text + COPY, r->data + 0x800, &value, 8));
    play_step(r, r->text + COPY + 2);
    expect_watch(r, GDB_WATCH_WRITE, r->data + 0x800);
}

/* A range that no single slot covers, and accesses that reach into it from below. */
static void test_unaligned(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_WRITE, r->data + 9, 7);
    go_to(r, STORE);
    write_at(r, STORE, r->data + 2, 0x1111111111111111, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->data + 9);
    go_to(r, STORE);
    write_at(r, STORE, r->data + 1, 0x2222222222222222, 8);
    expect_running(r, STORE);
    go_to(r, STORE);
    write_at(r, STORE, r->data + 16, 0x2222222222222222, 8);
    expect_running(r, STORE);
    go_to(r, STORE);
    write_at(r, STORE, r->data + 15, 0x3333333333333333, 8);
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, GDB_STOP_WATCH);
    assert_in_range(stop.address, r->data + 9, r->data + 15);
}

static void test_across_pages(void **state)
{
    struct rig *r = *state;

    stand(r);
    hl_gva_t border = r->stack;
    insert(r, GDB_WATCH_WRITE, border - 50, 100);
    assert_true(is_watched(r, border - 1, HL_PROT_WRITE));
    assert_true(is_watched(r, border, HL_PROT_WRITE));
    assert_false(is_watched(r, border + PAGE, HL_PROT_WRITE));
    go_to(r, STORE);
    write_at(r, STORE, border - 4, 0x1111111111111111, 8);
    expect_watch(r, GDB_WATCH_WRITE, border - 4);
    go_to(r, STORE);
    write_at(r, STORE, border - 54, 0x1111111111111111, 8);
    expect_watch(r, GDB_WATCH_WRITE, border - 50);
    go_to(r, STORE);
    write_at(r, STORE, border + 49, 0x1111111111111111, 8);
    expect_watch(r, GDB_WATCH_WRITE, border + 49);
    go_to(r, STORE);
    write_at(r, STORE, border + 50, 0x1111111111111111, 8);
    expect_running(r, STORE);
    drop(r, GDB_WATCH_WRITE, border - 50, 100);
    assert_false(is_watched(r, border - 1, HL_PROT_WRITE));
    assert_false(is_watched(r, border, HL_PROT_WRITE));
}

/* An access from an unwatched page reaches into a watched one: no further than it does. */
static void test_reach_across_pages(void **state)
{
    struct rig *r = *state;

    stand(r);
    hl_gva_t border = r->stack;
    insert(r, GDB_WATCH_ACCESS, border + 4, 100);
    set_reg(r, GDB_AMD64_RDI, border - 4);
    go_to(r, LOAD);
    read_at(r, LOAD, border - 4, 8); /* up to border + 3 */
    expect_running(r, LOAD);
    set_reg(r, GDB_AMD64_RDI, border - 3);
    go_to(r, LOAD);
    read_at(r, LOAD, border - 3, 8);
    expect_watch(r, GDB_WATCH_ACCESS, border + 4);
}

/* More than the slots, of any length: pages have no limit. */
static void test_many(void **state)
{
    struct rig *r = *state;
    unsigned armed = 0;

    stand(r);
    for (hl_gva_t i = 0; i < 20; i++)
        insert(r, GDB_WATCH_WRITE, r->stack + 64 * i, 8);
    insert(r, GDB_WATCH_WRITE, r->stack + 0x2000, 5000);
    for (hl_gva_t i = 0; i < 20; i++) {
        go_to(r, STORE);
        write_at(r, STORE, r->stack + 64 * i, i + 1, 8);
        expect_watch(r, GDB_WATCH_WRITE, r->stack + 64 * i);
        go_to(r, STORE);
        write_at(r, STORE, r->stack + 64 * i + 8, i + 1, 8);
        expect_running(r, STORE);
    }
    for (unsigned i = 0; i < VCPU_SLOTS; i++)
        armed += r->v->debug.slot[i].kind == VCPU_SLOT_WRITE;
    assert_int_equal(armed, r->route->can.hw_watch ? VCPU_SLOTS : 0);
    go_to(r, STORE);
    write_at(r, STORE, r->stack + 0x2000 + 4996, 1, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->stack + 0x2000 + 4996);
    for (hl_gva_t i = 0; i < 20; i++)
        drop(r, GDB_WATCH_WRITE, r->stack + 64 * i, 8);
    go_to(r, STORE);
    write_at(r, STORE, r->stack, 0x77, 8);
    expect_running(r, STORE);
}

/* Ranges that overlap do not share their slots: what one gives back is its own. */
static void test_overlapping(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_WRITE, r->data, 8);
    insert(r, GDB_WATCH_WRITE, r->data, 4);
    drop(r, GDB_WATCH_WRITE, r->data, 4);
    go_to(r, STORE);
    write_at(r, STORE, r->data, 1, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->data);
    insert(r, GDB_WATCH_WRITE, r->data, 32); /* there are not enough slots left */
    drop(r, GDB_WATCH_WRITE, r->data, 32);
    go_to(r, STORE);
    write_at(r, STORE, r->data, 1, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->data);
    drop(r, GDB_WATCH_WRITE, r->data, 8);
    assert_int_equal(debug_ops.remove_point(r->d, GDB_WATCH_WRITE, r->data, 8), HL_ERR_ARGUMENT);
    assert_int_equal(debug_ops.remove_point(r->d, GDB_WATCH_READ, r->data, 8), HL_ERR_ARGUMENT);
    go_to(r, STORE);
    write_at(r, STORE, r->data, 2, 8);
    expect_running(r, STORE);
}

/* Each debug register's bit, alone and beside BS; stale ones of others say nothing. */
static void test_each_slot(void **state)
{
    struct rig *r = *state;

    stand(r);
    for (hl_gva_t i = 0; i < VCPU_SLOTS; i++)
        insert(r, i % 2 ? GDB_WATCH_ACCESS : GDB_WATCH_WRITE, r->data + 64 * i, 8);
    for (hl_gva_t i = 0; i < VCPU_SLOTS; i++) {
        enum gdb_point kind = i % 2 ? GDB_WATCH_ACCESS : GDB_WATCH_WRITE;
        go_to(r, STORE);
        entered_at(r, r->text + STORE);
        assert_int_equal(r->v->debug.slot[i].address, r->data + 64 * i);
        play_slots(r, r->text + STORE + 3, DR6_B(i));
        expect_watch(r, kind, r->data + 64 * i);
        STEP(r);
        entered_at(r, r->text + STORE + 3);
        play_step_and(r, r->text + STORE + 6, DR6_B(i));
        expect_watch(r, kind, r->data + 64 * i);
    }
    for (hl_gva_t i = 1; i < VCPU_SLOTS; i++)
        drop(r, i % 2 ? GDB_WATCH_ACCESS : GDB_WATCH_WRITE, r->data + 64 * i, 8);
    STEP(r);
    entered_at(r, r->text + STORE + 6);
    play_step_and(r, r->text + STORE + 9, DR6_B(1) | DR6_B(2) | DR6_B(3));
    expect_step(r, r->text + STORE + 9);
}

/* If a stop has two reasons, the watch is reported. */
static void test_watch_wins_over_step(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_WRITE, r->data, 8);
    insert(r, GDB_SW_BREAK, r->text + STORE + 3, 1);
    set_reg(r, GDB_AMD64_RIP, r->text + STORE);
    STEP(r);
    write_at(r, STORE, r->data, 1, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->data);
    set_reg(r, GDB_AMD64_RIP, r->text + STORE);
    resume_range(r, r->text, r->text + 3);
    write_at(r, STORE, r->data, 2, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->data);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + STORE + 3);
}

static void test_watch_wins_over_break(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_HW_BREAK, r->text + STORE + 3, 1);
    insert(r, GDB_WATCH_WRITE, r->data, 8);
    go_to(r, STORE);
    entered_at(r, r->text + STORE);
    assert_int_equal(r->v->debug.slot[0].kind, VCPU_SLOT_EXEC);
    assert_int_equal(r->v->debug.slot[1].kind, VCPU_SLOT_WRITE);
    play_slots(r, r->text + STORE + 3, DR6_B(0) | DR6_B(1));
    expect_watch(r, GDB_WATCH_WRITE, r->data);
    CONTINUE(r);
    entered_at(r, r->text + STORE + 3);
    play_slots(r, r->text + STORE + 3, DR6_B(0));
    expect_break(r, GDB_STOP_HW_BREAK, r->text + STORE + 3);
}

/* A false condition: on as if nothing had been; but a step has ended all the same. */
static void test_unwanted(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_WRITE, r->data, 8);
    atomic_store(&r->unwanted, true);
    for (uint64_t i = 1; i <= 3; i++) {
        go_to(r, STORE);
        write_at(r, STORE, r->data, i, 8);
        entered_at(r, r->text + STORE + 3);
        assert_int_equal(atomic_load(&r->reports), i);
        assert_int_equal(r->report[i - 1].reason, GDB_STOP_WATCH);
        assert_int_equal(r->report[i - 1].address, r->data);
        expect_running(r, STORE);
    }
    set_reg(r, GDB_AMD64_RIP, r->text + STORE);
    STEP(r);
    write_at(r, STORE, r->data, 9, 8);
    expect_step(r, r->text + STORE + 3);
}

/* One instruction hits two: if one is not wanted, the other is reported. */
static void test_two_at_once(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_WRITE, r->data, 4);
    insert(r, GDB_WATCH_ACCESS, r->data + 4, 4);
    insert(r, GDB_WATCH_WRITE, r->data, 2);
    atomic_store(&r->unwanted, true);
    go_to(r, STORE);
    write_at(r, STORE, r->data, 0x1111111111111111, 8);
    entered_at(r, r->text + STORE + 3);
    /* Two of a kind at one address are one question. */
    assert_int_equal(atomic_load(&r->reports), 2);
    assert_int_equal(r->report[0].point, GDB_WATCH_WRITE);
    assert_int_equal(r->report[1].point, GDB_WATCH_ACCESS);
    assert_int_equal(r->report[1].address, r->data + 4);
    expect_running(r, STORE);
    atomic_store(&r->unwanted, false);
    go_to(r, STORE);
    write_at(r, STORE, r->data, 0x2222222222222222, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->data);
    CONTINUE(r); /* that was all */
    entered_at(r, r->text + STORE + 3);
    expect_nothing(r);
}

int main(void)
{
    watchdog(120);
    const struct CMUnitTest tests[] = {
        ON_ALL_ROADS(test_write),
        ON_ALL_ROADS(test_neighbours),
        ON_ALL_ROADS(test_read),
        ON_ALL_ROADS(test_access),
        ON_ALL_ROADS(test_read_then_write),
        ON_ALL_ROADS(test_unaligned),
        ON_ALL_ROADS(test_across_pages),
        ON_ALL_ROADS(test_reach_across_pages),
        ON_ALL_ROADS(test_many),
        ON_ALL_ROADS(test_overlapping),
        ON(test_each_slot, exit),
        ON_ALL_ROADS(test_watch_wins_over_step),
        ON(test_watch_wins_over_break, exit),
        ON_ALL_ROADS(test_unwanted),
        ON_ALL_ROADS(test_two_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
