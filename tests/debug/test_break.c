/* SPDX-License-Identifier: Apache-2.0 */
/* The debug target's breakpoints, by recorded exits of both routes and without a KVM. */
#include "break_rig.h"

static void test_hit(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = begin_with_break(r);

    assert_int_equal(seen(r, at - 1), CLC);
    assert_int_equal(seen(r, at), INT3);
    assert_int_equal(seen(r, at + 1), CLC);
    play_int3(r, at);
    expect_break(r, GDB_STOP_SW_BREAK, at);
    assert_int_equal(seen(r, at), CLC);
    expect_byte(r, at, CLC);
    assert_int_equal(atomic_load(&r->reports), 1);
    assert_int_equal(r->report[0].reason, GDB_STOP_SW_BREAK);
    /* GDB takes it out to get past it. */
    drop(r, GDB_SW_BREAK, at, 1);
    STEP(r);
    entered_at(r, at);
    assert_int_equal(seen(r, at), CLC);
    play_step(r, at + 1);
    expect_step(r, at + 1);
    CONTINUE(r);
    entered_at(r, at + 1);
    assert_false(is_stepping(r));
    call_end(r);
}

/* Nothing of a point is in memory but while the guest runs: whatever ends its run. */
static void test_memory_is_clean_outside(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = begin_with_break(r);

    atomic_store(&r->host_waits, true);
    assert_int_equal(seen(r, at), INT3);
    play_host_call(r, r->text);
    WAIT_FOR(atomic_load(&r->in_host));
    assert_int_equal(seen(r, at), CLC);
    atomic_store(&r->host_waits, false);
    entered_at(r, r->text + 1);
    assert_int_equal(seen(r, at), INT3);
    call_end(r);
    assert_int_equal(seen(r, at), CLC);
}

/* A debugger that resumes on a breakpoint without taking it out hits it: so does a jump to one. */
static void test_resume_on_it(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = begin_with_break(r);

    play_int3(r, at);
    expect_break(r, GDB_STOP_SW_BREAK, at);
    CONTINUE(r);
    entered_at(r, at);
    play_int3(r, at);
    expect_break(r, GDB_STOP_SW_BREAK, at);
}

/* A single step that begins at one executes what is under it. */
static void test_step_on_it(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = begin_with_break(r);

    play_int3(r, at);
    expect_break(r, GDB_STOP_SW_BREAK, at);
    STEP(r);
    entered_at(r, at);
    assert_int_equal(seen(r, at), CLC);
    play_step(r, at + 1);
    expect_step(r, at + 1);
}

/* A false condition: one instruction without the point, then on with it. */
static void test_unwanted(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = begin_with_break(r);

    atomic_store(&r->unwanted, true);
    for (int i = 1; i <= 3; i++) {
        play_int3(r, at);
        entered_at(r, at);
        assert_true(is_stepping(r));
        assert_int_equal(seen(r, at), CLC);
        assert_int_equal(atomic_load(&r->reports), i);
        play_step(r, at + 1);
        entered_at(r, at + 1);
        assert_false(is_stepping(r));
        assert_int_equal(seen(r, at), INT3);
    }
    expect_nothing(r);
    atomic_store(&r->unwanted, false);
    play_int3(r, at);
    expect_break(r, GDB_STOP_SW_BREAK, at);
}

/* A plain instruction there is carried out by the host, and the guest entered once a hit. */
static void test_unwanted_on_plain(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    hl_gva_t at = CODE_AT(r, 0, 0x48, 0x01, 0xd8); /* add %rbx, %rax */
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, at);
    set_reg(r, GDB_AMD64_RBX, 5);
    insert(r, GDB_SW_BREAK, at, 1);
    atomic_store(&r->unwanted, true);
    CONTINUE(r);
    call_begin(r);
    entered_at(r, at);
    r->v->regs.rax = UINT64_MAX - 4;
    play_int3(r, at);
    entered_at(r, at + 3);
    assert_false(is_stepping(r));
    assert_int_equal(seen(r, at), INT3);
    assert_int_equal(atomic_load(&r->reports), 1);
    assert_int_equal(r->v->regs.rax, 0);
    assert_int_equal(r->v->regs.rflags & 0x8d5, 0x55); /* CF PF AF ZF */
}

/* The instruction under a point whose hit nobody wanted leaves the guest by itself. */
static void test_unwanted_on_out(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    hl_gva_t at = CODE_AT(r, 0, 0xee, NOP);
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, at);
    insert(r, GDB_SW_BREAK, at, 1);
    CONTINUE(r);
    call_begin(r);
    atomic_store(&r->unwanted, true);
    entered_at(r, at);
    play_int3(r, at);
    entered_at(r, at);
    assert_int_equal(seen(r, at), 0xee);
    play_host_call(r, at);
    entered_at(r, at + 1);
    assert_false(is_stepping(r));
    assert_int_equal(seen(r, at), INT3);
    expect_nothing(r);
    r->pc = at + 1;
    call_end(r);
}

/* A kick in the middle of stepping over it changes nothing. */
static void test_unwanted_and_kicked(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = begin_with_break(r);

    atomic_store(&r->unwanted, true);
    play_int3(r, at);
    entered_at(r, at);
    scripted_leave(r->v, &(struct hl_exit){.kind = HL_EXIT_INTERRUPT});
    entered_at(r, at);
    assert_true(is_stepping(r));
    assert_int_equal(seen(r, at), CLC);
    play_step(r, at + 1);
    entered_at(r, at + 1);
    assert_false(is_stepping(r));
    expect_nothing(r);
}

/* A hit that KVM had raised when a signal broke it off comes when the point is gone. */
static void test_late_hit(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = begin_with_break(r);

    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    drop(r, GDB_SW_BREAK, at, 1);
    CONTINUE(r);
    entered_at(r, r->text);
    assert_int_equal(seen(r, at), CLC);
    play_late_int3(r, at);
    entered_at(r, at);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    STEP(r);
    entered_at(r, at);
    play_late_int3(r, at);
    entered_at(r, at);
    play_step(r, at + 1);
    expect_step(r, at + 1);
    debug_ops.detach(r->d);
    entered_at(r, at + 1);
    play_late_int3(r, at + 1);
    entered_at(r, at + 1);
    expect_nothing(r);
}

/* What a condition reads is the guest at the hit. */
static bool reading_report(void *opaque, const struct gdb_stop *stop)
{
    struct rig *r = opaque;
    uint64_t rip = 0;
    uint8_t byte = 0;
    (void)stop;
    debug_ops.read_register(r->d, GDB_AMD64_RIP, &rip, sizeof(rip));
    debug_ops.read_memory(r->d, rip, &byte, sizeof(byte));
    r->report[0].address = rip;
    r->report[0].status = byte;
    return false;
}

static void test_condition_reads_the_guest(void **state)
{
    struct rig *r = *state;
    const struct gdb_hooks hooks = {reading_report, NULL, r};
    hl_gva_t at = begin_with_break(r);
    uint64_t value;

    assert_int_equal(debug_ops.bind(r->d, &hooks), 0);
    /* This thread cannot access the guest while it runs. */
    assert_int_equal(debug_ops.read_register(r->d, GDB_AMD64_RIP, &value, 8), HL_ERR_BUSY);
    assert_int_equal(debug_ops.write_register(r->d, GDB_AMD64_RIP, &value, 8), HL_ERR_BUSY);
    assert_int_equal(debug_ops.read_memory(r->d, at, &value, 1), 0);
    assert_int_equal(debug_ops.write_memory(r->d, at, &value, 1), 0);
    assert_int_equal(debug_ops.insert_point(r->d, GDB_SW_BREAK, at + 1, 1), HL_ERR_BUSY);
    assert_int_equal(debug_ops.remove_point(r->d, GDB_SW_BREAK, at, 1), HL_ERR_BUSY);
    play_int3(r, at);
    entered_at(r, at);
    assert_int_equal(r->report[0].address, at);
    assert_int_equal(r->report[0].status, CLC);
    play_step(r, at + 1);
    entered_at(r, at + 1);
    bind_hooks_of(r);
}

/* An int3 of the guest's own is a signal, pc after it; it is not swallowed, nor looped on. */
static void test_own_int3(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    hl_gva_t at = CODE_AT(r, 0, NOP, INT3, NOP);
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, r->text);
    insert(r, GDB_SW_BREAK, at + 2, 1);
    CONTINUE(r);
    call_begin(r);
    entered_at(r, r->text);
    play_int3(r, at + 1);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), at + 2);
    expect_byte(r, at + 1, INT3);
    assert_int_equal(atomic_load(&r->reports), 0);
    CONTINUE(r); /* the signal is cancelled: it goes on past the int3 */
    entered_at(r, at + 2);
    play_int3(r, at + 2);
    expect_break(r, GDB_STOP_SW_BREAK, at + 2);
}

/* ... and so it is where a step comes to it. */
static void test_step_onto_own_int3(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    hl_gva_t at = CODE_AT(r, 0, INT3, NOP);
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, at);
    STEP(r);
    call_begin(r);
    entered_at(r, at);
    assert_true(is_stepping(r));
    scripted_vector(r->v, VECTOR_BREAKPOINT, 0, at + 1); /* sw_break is not armed meanwhile */
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), at + 1);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS) & TF, 0);
    STEP(r);
    entered_at(r, at + 1);
    play_step(r, at + 2);
    expect_step(r, at + 2);
}

/* A breakpoint on the guest's own int3: first the one, then the other. */
static void test_break_on_own_int3(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    hl_gva_t at = CODE_AT(r, 0, NOP, INT3, NOP) + 1;
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, r->text);
    insert(r, GDB_SW_BREAK, at, 1);
    CONTINUE(r);
    call_begin(r);
    entered_at(r, r->text);
    play_int3(r, at);
    expect_break(r, GDB_STOP_SW_BREAK, at);
    expect_byte(r, at, INT3);
    drop(r, GDB_SW_BREAK, at, 1);
    STEP(r);
    entered_at(r, at);
    scripted_vector(r->v, VECTOR_BREAKPOINT, 0, at + 1);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), at + 1);
}

/* Points on both sides of a page's end, and a read and a write across it. */
static void test_across_a_page(void **state)
{
    struct rig *r = *state;
    uint8_t bytes[16], now[16];

    rig_open(r);
    hl_gva_t start = r->text - 8;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(0x10 + i);
    attach_idle(r);
    assert_int_equal(debug_ops.write_memory(r->d, start, bytes, sizeof(bytes)), sizeof(bytes));
    insert(r, GDB_SW_BREAK, r->text - 1, 1);
    insert(r, GDB_SW_BREAK, r->text, 1);
    insert(r, GDB_HW_BREAK, r->text + 7, 1);
    CONTINUE(r);
    call_begin(r);
    assert_true(scripted_enter(r->v));
    assert_int_equal(seen(r, r->text - 1), INT3);
    assert_int_equal(seen(r, r->text), INT3);
    assert_int_equal(seen(r, r->text + 7), r->route->can.hw_break ? 0x1f : INT3);
    play_int3(r, r->text);
    expect_break(r, GDB_STOP_SW_BREAK, r->text);
    assert_int_equal(debug_ops.read_memory(r->d, start, now, sizeof(now)), sizeof(now));
    assert_memory_equal(now, bytes, sizeof(now));
    /* A write under a point is what the guest finds there, once the point has gone. */
    memset(bytes, 0x55, sizeof(bytes));
    assert_int_equal(debug_ops.write_memory(r->d, start, bytes, sizeof(bytes)), sizeof(bytes));
    CONTINUE(r);
    assert_true(scripted_enter(r->v));
    assert_int_equal(seen(r, r->text), INT3);
    unsigned before = entries(r);
    debug_ops.detach(r->d);
    entered_again(r, before);
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(seen(r, start + i), 0x55);
}

int main(void)
{
    watchdog(120);
    const struct CMUnitTest tests[] = {
        ON_ALL_ROADS(test_hit),
        ON_ALL_ROADS(test_memory_is_clean_outside),
        ON_ALL_ROADS(test_resume_on_it),
        ON_ALL_ROADS(test_step_on_it),
        ON_ALL_ROADS(test_unwanted),
        ON_ALL_ROADS(test_unwanted_on_plain),
        ON_ALL_ROADS(test_unwanted_on_out),
        ON_ALL_ROADS(test_unwanted_and_kicked),
        ON_ALL_ROADS(test_condition_reads_the_guest),
        ON_ALL_ROADS(test_late_hit),
        ON_ALL_ROADS(test_own_int3),
        ON_ALL_ROADS(test_step_onto_own_int3),
        ON_ALL_ROADS(test_break_on_own_int3),
        ON_ALL_ROADS(test_across_a_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
