/* SPDX-License-Identifier: Apache-2.0 */
/* Breakpoints in the debug registers, and many of both kinds. */
#include "break_rig.h"

/* In the guest, on its way to a hardware breakpoint at text + 16. */
static void begin_before_slot(struct rig *r)
{
    begin_held(r);
    insert(r, GDB_HW_BREAK, r->text + 16, 1);
    CONTINUE(r);
    entered_at(r, r->text);
}

/* Hardware breakpoints: debug registers while there are any, else int3. */
static void test_hw_break(void **state)
{
    struct rig *r = *state;
    unsigned armed = 0;

    begin_held(r);
    for (unsigned i = 1; i <= 6; i++)
        insert(r, GDB_HW_BREAK, r->text + 16 * i, 1);
    CONTINUE(r);
    entered_at(r, r->text);
    for (unsigned i = 0; i < VCPU_SLOTS; i++)
        armed += r->v->debug.slot[i].kind == VCPU_SLOT_EXEC;
    assert_int_equal(armed, r->route->can.hw_break ? VCPU_SLOTS : 0);
    for (unsigned i = 1; i <= 6; i++)
        assert_int_equal(seen(r, r->text + 16 * i) == INT3, !armed || i > VCPU_SLOTS);
    play_int3(r, r->text + 16 * 5);
    expect_break(r, GDB_STOP_HW_BREAK, r->text + 16 * 5);
    for (unsigned i = 1; i <= 6; i++)
        drop(r, GDB_HW_BREAK, r->text + 16 * i, 1);
    assert_int_equal(debug_ops.remove_point(r->d, GDB_HW_BREAK, r->text + 16, 1), HL_ERR_ARGUMENT);
    CONTINUE(r);
    entered_at(r, r->text + 16 * 5);
    for (unsigned i = 0; i < VCPU_SLOTS; i++)
        assert_int_equal(r->v->debug.slot[i].kind, VCPU_SLOT_OFF);
}

/* Each of the four, by its own bit of DR6; dr7 is not looked at. */
static void test_each_slot(void **state)
{
    struct rig *r = *state;

    begin_held(r);
    for (unsigned i = 0; i < VCPU_SLOTS; i++)
        insert(r, GDB_HW_BREAK, r->text + 16 * i, 1);
    for (unsigned i = 0; i < VCPU_SLOTS; i++) {
        CONTINUE(r);
        assert_true(scripted_enter(r->v));
        assert_int_equal(r->v->debug.slot[i].address, r->text + 16 * i);
        play_slots(r, r->text + 16 * i, DR6_B(i));
        expect_break(r, GDB_STOP_HW_BREAK, r->text + 16 * i);
    }
}

/* Where KVM ignores RF the point fires again; nobody wants it, so it is stepped over unarmed. */
static void test_slot_fires_again(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    hl_gva_t at = r->text + 16;
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    insert(r, GDB_HW_BREAK, at, 1);
    CONTINUE(r);
    entered_at(r, r->text);
    play_slots(r, at, DR6_B(0));
    expect_break(r, GDB_STOP_HW_BREAK, at);
    CONTINUE(r); /* as a jump to it */
    entered_at(r, at);
    play_slots(r, at, DR6_B(0));
    expect_break(r, GDB_STOP_HW_BREAK, at);
    atomic_store(&r->unwanted, true);
    CONTINUE(r);
    entered_at(r, at);
    play_slots(r, at, DR6_B(0));
    entered_at(r, at);
    assert_true(is_stepping(r));
    assert_int_equal(r->v->debug.slot[0].kind, VCPU_SLOT_OFF);
    play_step(r, at + 1);
    entered_at(r, at + 1);
    assert_false(is_stepping(r));
    assert_int_equal(r->v->debug.slot[0].kind, VCPU_SLOT_EXEC);
    expect_nothing(r);
}

/* Bits of slots that are not armed mean nothing: such a trap is the guest's own. */
static void test_stale_bits(void **state)
{
    struct rig *r = *state;

    begin_before_slot(r);
    play_slots(r, r->text + 16, DR6_B(0) | DR6_B(1) | DR6_B(3));
    expect_break(r, GDB_STOP_HW_BREAK, r->text + 16);
    CONTINUE(r);
    entered_at(r, r->text + 16);
    play_slots(r, r->text + 2, DR6_B(2) | DR6_B(3));
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 2);
}

/* A slot that stopped the guest once says nothing of the one that takes its place. */
static void test_slot_is_used_again(void **state)
{
    struct rig *r = *state;

    begin_before_slot(r);
    play_slots(r, r->text + 16, DR6_B(0));
    expect_break(r, GDB_STOP_HW_BREAK, r->text + 16);
    drop(r, GDB_HW_BREAK, r->text + 16, 1);
    insert(r, GDB_WATCH_ACCESS, r->data, 4);
    CONTINUE(r);
    entered_at(r, r->text + 16);
    assert_int_equal(r->v->debug.slot[0].kind, VCPU_SLOT_ACCESS);
    expect_nothing(r);
}

/* A hardware and a software breakpoint at one address are one software breakpoint to the reader. */
static void test_both_kinds_at_one_address(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = begin_with_break(r);

    play_int3(r, at);
    expect_break(r, GDB_STOP_SW_BREAK, at);
    insert(r, GDB_HW_BREAK, at, 1);
    insert(r, GDB_HW_BREAK, at, 1); /* twice is once */
    CONTINUE(r);
    entered_at(r, at);
    if (r->route->can.hw_break)
        play_slots(r, at, DR6_B(0));
    else
        play_int3(r, at);
    expect_break(r, GDB_STOP_SW_BREAK, at);
    expect_byte(r, at, CLC);
    /* Nobody wants the one: then the other is asked about. */
    atomic_store(&r->unwanted_kinds, 1u << GDB_STOP_SW_BREAK);
    CONTINUE(r);
    entered_at(r, at);
    if (r->route->can.hw_break)
        play_slots(r, at, DR6_B(0));
    else
        play_int3(r, at);
    expect_break(r, GDB_STOP_HW_BREAK, at);
    drop(r, GDB_SW_BREAK, at, 1);
    drop(r, GDB_HW_BREAK, at, 1);
    CONTINUE(r);
    entered_at(r, at);
    assert_int_equal(seen(r, at), CLC);
}

/* A thousand are planted and lifted around each entry. */
static void test_many(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, r->text);
    for (hl_gva_t i = 0; i < 1000; i++) {
        CODE_AT(r, 1 + (i * 7) % 1009, NOP);
        insert(r, GDB_SW_BREAK, r->text + 1 + (i * 7) % 1009, 1);
    }
    CONTINUE(r);
    call_begin(r);
    entered_at(r, r->text);
    for (hl_gva_t i = 0; i < 1000; i++)
        assert_int_equal(seen(r, r->text + 1 + (i * 7) % 1009), INT3);
    play_int3(r, r->text + 1 + 7 * 7);
    expect_break(r, GDB_STOP_SW_BREAK, r->text + 1 + 7 * 7);
    for (hl_gva_t i = 0; i < 1000; i++)
        expect_byte(r, r->text + 1 + (i * 7) % 1009, NOP);
    for (hl_gva_t i = 0; i < 1000; i += 2)
        drop(r, GDB_SW_BREAK, r->text + 1 + (i * 7) % 1009, 1);
    CONTINUE(r);
    assert_true(scripted_enter(r->v));
    for (hl_gva_t i = 0; i < 1000; i++)
        assert_int_equal(seen(r, r->text + 1 + (i * 7) % 1009), i % 2 ? INT3 : NOP);
}

static void test_nowhere(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    const hl_gva_t bad[] = {0, 0x1000, SCRIPTED_OWN, 1ull << 47, ~0ull};
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(debug_ops.insert_point(r->d, GDB_SW_BREAK, bad[i], 1), HL_ERR_ARGUMENT);
        assert_int_equal(debug_ops.remove_point(r->d, GDB_SW_BREAK, bad[i], 1), HL_ERR_ARGUMENT);
        /* A debug register takes any address of the guest's half: it never comes true. */
        assert_int_equal(debug_ops.insert_point(r->d, GDB_HW_BREAK, bad[i], 1),
                         bad[i] >> 47 ? HL_ERR_ARGUMENT : 0);
    }
    set_reg(r, GDB_AMD64_RIP, r->text);
    CONTINUE(r);
    call_begin(r);
    entered_at(r, r->text);
    call_end(r);
}

int main(void)
{
    watchdog(120);
    const struct CMUnitTest tests[] = {
        ON_ALL_ROADS(test_hw_break),       ON(test_each_slot, exit),
        ON(test_slot_fires_again, exit),   ON(test_stale_bits, exit),
        ON(test_slot_is_used_again, exit), ON_ALL_ROADS(test_both_kinds_at_one_address),
        ON_ALL_ROADS(test_many),           ON_ALL_ROADS(test_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
