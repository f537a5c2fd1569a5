/* SPDX-License-Identifier: Apache-2.0 */
/* The debug target's steps, by recorded exits of both routes and without a KVM. */
#include "debug_rig.h"

#include <sys/syscall.h>

#include <hl/abi.h>

enum { INT1 = 0xf1, INT3 = 0xcc, NOP = 0x90, OUT_DX = 0xee, POPF = 0x9d, PUSHF = 0x9c };

/* Stopped at text + offset, in a call. */
static hl_gva_t stand_at(struct rig *r, size_t offset)
{
    begin_held(r);
    set_reg(r, GDB_AMD64_RIP, r->text + offset);
    set_reg(r, GDB_AMD64_RSP, r->stack);
    return r->text + offset;
}

static void test_step(void **state)
{
    struct rig *r = *state;

    begin_held(r);
    for (hl_gva_t pc = r->text; pc < r->text + 5; pc++) {
        STEP(r);
        entered_at(r, pc);
        assert_true(is_stepping(r));
        play_step(r, pc + 1);
        expect_step(r, pc + 1);
    }
    assert_int_equal(atomic_load(&r->reports), 0);
    CONTINUE(r);
    entered_at(r, r->text + 5);
    assert_false(is_stepping(r));
    call_end(r);
}

/* `out` leaves the guest by itself: with its host call it is one step, and nothing is armed. */
static void step_over_out(struct rig *r, size_t size)
{

    hl_gva_t pc = stand_at(r, 32);
    if (size == 2)
        CODE_AT(r, 32, 0xe6, HL_PORT_CALL, NOP);
    else
        CODE_AT(r, 32, OUT_DX, NOP);
    STEP(r);
    entered_at(r, pc);
    assert_false(is_stepping(r));
    play_host_call(r, pc);
    expect_step(r, pc + size);
    assert_int_equal(r->sb->input->reply.kind, HL_MSG_RESULT);
    assert_int_equal(r->sb->input->reply.slot[0].bits, 3);
    STEP(r);
    entered_at(r, pc + size);
    assert_true(is_stepping(r));
    play_step(r, pc + size + 1);
    expect_step(r, pc + size + 1);
}

static void test_step_over_out_dx(void **state)
{
    step_over_out(*state, 1);
}

static void test_step_over_out_imm8(void **state)
{
    step_over_out(*state, 2);
}

/* So does `syscall`; the step after it begins in the shim. */
static void test_step_over_syscall(void **state)
{
    struct rig *r = *state;

    hl_gva_t pc = stand_at(r, 32);
    CODE_AT(r, 32, 0x0f, 0x05, NOP, NOP);
    STEP(r);
    entered_at(r, pc);
    assert_false(is_stepping(r));
    play_syscall(r, pc, SYS_getpid);
    expect_step(r, pc + 2);
    assert_int_equal(reg(r, GDB_AMD64_RAX), 1);
    assert_int_equal(reg(r, GDB_AMD64_R8 + 3) & TF, 0); /* r11: the flags `syscall` saved */
    assert_int_equal(reg(r, GDB_AMD64_RSP), r->stack);
    STEP(r);
    entered_at(r, pc + 2);
    assert_true(is_stepping(r));
    play_step(r, pc + 3);
    expect_step(r, pc + 3);
    STEP(r);
    entered_at(r, pc + 3);
    play_step(r, pc + 4);
    expect_step(r, pc + 4);
}

/* ... and running on from there does not trap. */
static void test_continue_from_syscall(void **state)
{
    struct rig *r = *state;

    hl_gva_t pc = stand_at(r, 32);
    CODE_AT(r, 32, 0x0f, 0x05, NOP);
    STEP(r);
    entered_at(r, pc);
    play_syscall(r, pc, SYS_getpid);
    expect_step(r, pc + 2);
    CONTINUE(r);
    entered_at(r, pc + 2);
    assert_false(is_stepping(r));
    r->pc = pc + 2;
    call_end(r);
}

static void push64(struct rig *r, uint64_t value)
{
    r->v->regs.rsp -= 8;
    assert_int_equal(
        hl_machine_write(r->sb->machine, r->v->regs.rsp, &value, sizeof(value), HL_PROT_WRITE),
        sizeof(value));
}

static uint64_t pop64(struct rig *r)
{
    uint64_t value = 0;
    assert_int_equal(hl_machine_read(r->sb->machine, r->v->regs.rsp, &value, sizeof(value), 0), 8);
    r->v->regs.rsp += 8;
    return value;
}

/* Our TF leaks into what `pushf` stores, on every route: it is taken out again. */
static void test_pushf(void **state)
{
    struct rig *r = *state;
    uint64_t pushed;

    stand_at(r, 0);
    CODE_AT(r, 0, PUSHF, NOP);
    set_reg(r, GDB_AMD64_EFLAGS, 0x246);
    STEP(r);
    entered_at(r, r->text);
    push64(r, 0x246 | TF);
    play_step(r, r->text + 1);
    expect_step(r, r->text + 1);
    assert_int_equal(debug_ops.read_memory(r->d, r->stack - 8, &pushed, 8), 8);
    assert_int_equal(pushed, 0x246);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS), 0x246);
}

/* What `popf` loads replaces ours. */
static void test_popf(void **state)
{
    struct rig *r = *state;
    uint64_t flags = 0x203;

    stand_at(r, 0);
    CODE_AT(r, 0, POPF, NOP);
    assert_int_equal(debug_ops.write_memory(r->d, r->stack, &flags, 8), 8);
    STEP(r);
    entered_at(r, r->text);
    r->v->regs.rflags = pop64(r);
    play_trap(r, r->text + 1, 0);
    expect_step(r, r->text + 1);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS), 0x203);
}

/* A TF that is the guest's own stays its own: pushed, stepped over, and its trap is the guest's. */
static void test_own_tf(void **state)
{
    struct rig *r = *state;
    uint64_t flags = 0x202 | TF, pushed;

    stand_at(r, 0);
    CODE_AT(r, 0, POPF, PUSHF, NOP, NOP);
    assert_int_equal(debug_ops.write_memory(r->d, r->stack, &flags, 8), 8);
    STEP(r);
    entered_at(r, r->text);
    r->v->regs.rflags = pop64(r);
    if (r->v->debug.step)
        r->v->regs.rflags &= ~TF; /* KVM hides it while it steps */
    play_trap(r, r->text + 1, 0);
    assert_int_equal(take(r).reason, GDB_STOP_STEP);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS), 0x202 | TF);
    STEP(r);
    entered_at(r, r->text + 1);
    push64(r, r->v->regs.rflags | TF);
    play_trap(r, r->text + 2, 0);
    assert_int_equal(take(r).reason, GDB_STOP_STEP);
    assert_int_equal(debug_ops.read_memory(r->d, r->stack, &pushed, 8), 8);
    assert_int_equal(pushed, 0x202 | TF);
    CONTINUE(r);
    entered_at(r, r->text + 2);
    assert_false(r->v->debug.step);
    assert_true(r->v->regs.rflags & TF);
    scripted_vector(r->v, VECTOR_DEBUG, 0, r->text + 3);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 3);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS), 0x202 | TF);
}

/* int1 is a #DB as a step's end is, but the guest's own. */
static void test_int1(void **state)
{
    struct rig *r = *state;

    stand_at(r, 0);
    CODE_AT(r, 0, INT1, INT1, NOP);
    STEP(r);
    entered_at(r, r->text);
    scripted_vector(r->v, VECTOR_DEBUG, 0, r->text + 1);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 1);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS) & TF, 0);
    CONTINUE(r);
    entered_at(r, r->text + 1);
    scripted_vector(r->v, VECTOR_DEBUG, 0, r->text + 2);
    expect_signal(r, GDB_SIGNAL_TRAP);
    CONTINUE(r);
    entered_at(r, r->text + 2);
}

/* An instruction that faults has not been executed: a signal, with the guest's own flags. */
static void test_step_faults(void **state)
{
    struct rig *r = *state;

    stand_at(r, 0);
    CODE_AT(r, 0, 0x8b, 0x07);
    for (int i = 0; i < 2; i++) {
        STEP(r);
        entered_at(r, r->text);
        play_fault(r, r->text, VECTOR_PAGE_FAULT, 4, 0x10);
        expect_signal(r, GDB_SIGNAL_SEGV);
        assert_int_equal(reg(r, GDB_AMD64_RIP), r->text);
        assert_int_equal(reg(r, GDB_AMD64_EFLAGS) & TF, 0);
    }
    set_reg(r, GDB_AMD64_RDI, r->data); /* repaired by the debugger: now it works */
    STEP(r);
    entered_at(r, r->text);
    play_step(r, r->text + 2);
    expect_step(r, r->text + 2);
}

/* A signal of the program's own in the middle of a step does not concern the debugger. */
static void test_step_is_kicked(void **state)
{
    struct rig *r = *state;

    stand_at(r, 0);
    STEP(r);
    for (int i = 0; i < 3; i++) {
        entered_at(r, r->text);
        assert_true(is_stepping(r));
        scripted_leave(r->v, &(struct hl_exit){.kind = HL_EXIT_INTERRUPT});
    }
    entered_at(r, r->text);
    expect_nothing(r);
    play_step(r, r->text + 1);
    expect_step(r, r->text + 1);
}

/* Range: on while it is inside, at least one instruction. */
static void test_range(void **state)
{
    struct rig *r = *state;

    hl_gva_t pc = stand_at(r, 8);
    resume_range(r, pc, pc + 3);
    for (int i = 0; i < 2; i++) {
        entered_at(r, pc + (hl_gva_t)i);
        play_step(r, pc + (hl_gva_t)i + 1);
    }
    entered_at(r, pc + 2);
    play_step(r, pc); /* a loop */
    entered_at(r, pc);
    expect_nothing(r);
    play_step(r, pc + 3);
    expect_step(r, pc + 3);
    resume_range(r, pc, pc + 3); /* from outside: one instruction all the same */
    entered_at(r, pc + 3);
    play_step(r, pc + 4);
    expect_step(r, pc + 4);
    resume_range(r, pc + 4, pc + 8);
    entered_at(r, pc + 4);
    play_step(r, pc - 1); /* below it */
    expect_step(r, pc - 1);
}

static void test_range_ends_at_break(void **state)
{
    struct rig *r = *state;

    hl_gva_t pc = stand_at(r, 8);
    insert(r, GDB_SW_BREAK, pc + 2, 1);
    resume_range(r, pc, pc + 8);
    entered_at(r, pc);
    play_step(r, pc + 1);
    entered_at(r, pc + 1);
    play_step(r, pc + 2);
    expect_break(r, GDB_STOP_SW_BREAK, pc + 2);
    drop(r, GDB_SW_BREAK, pc + 2, 1);
    insert(r, GDB_HW_BREAK, pc + 4, 1);
    resume_range(r, pc, pc + 8);
    entered_at(r, pc + 2);
    play_step(r, pc + 3);
    entered_at(r, pc + 3);
    play_step(r, pc + 4);
    expect_break(r, GDB_STOP_HW_BREAK, pc + 4);
}

/* A hit that nobody wants does not end it; nor is what lies under the point left out. */
static void test_range_passes_unwanted_break(void **state)
{
    struct rig *r = *state;

    hl_gva_t pc = stand_at(r, 8);
    insert(r, GDB_SW_BREAK, pc + 1, 1);
    atomic_store(&r->unwanted, true);
    resume_range(r, pc, pc + 4);
    for (hl_gva_t i = 0; i < 3; i++) {
        entered_at(r, pc + i);
        assert_true(is_stepping(r));
        assert_int_not_equal(seen(r, pc + 1), INT3);
        play_step(r, pc + i + 1);
    }
    entered_at(r, pc + 3);
    assert_int_equal(atomic_load(&r->reports), 1);
    play_step(r, pc + 4);
    expect_step(r, pc + 4);
    CONTINUE(r);
    entered_at(r, pc + 4);
    assert_false(is_stepping(r));
}

/* A host call and a system call are instructions of the range like others. */
static void test_range_with_exits(void **state)
{
    struct rig *r = *state;

    hl_gva_t pc = stand_at(r, 32);
    CODE_AT(r, 32, NOP, OUT_DX, 0x0f, 0x05, NOP);
    resume_range(r, pc, pc + 5);
    entered_at(r, pc);
    play_step(r, pc + 1);
    entered_at(r, pc + 1);
    play_host_call(r, pc + 1);
    entered_at(r, pc + 2);
    play_syscall(r, pc + 2, SYS_getpid);
    entered_at(r, pc + 4);
    expect_nothing(r);
    play_step(r, pc + 5);
    expect_step(r, pc + 5);
}

/* A call may end in the middle of a step: it goes on with the next one. */
static void test_step_over_the_end_of_a_call(void **state)
{
    struct rig *r = *state;

    stand_at(r, 0);
    CODE_AT(r, 0, OUT_DX, NOP, NOP);
    STEP(r);
    call_end(r);
    expect_nothing(r);
    call_begin(r);
    expect_step(r, r->text + 1);
    STEP(r);
    entered_at(r, r->text + 1);
    play_step(r, r->text + 2);
    expect_step(r, r->text + 2);
}

/* A step of the idle guest waits for a call, and is its first instruction. */
static void test_step_while_idle(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, r->text);
    STEP(r);
    expect_nothing(r);
    call_begin(r);
    entered_at(r, r->text);
    play_step(r, r->text + 1);
    expect_step(r, r->text + 1);
}

/* The instruction stepped jumps: TF goes with it, wherever it lands. */
static void test_step_a_jump(void **state)
{
    struct rig *r = *state;

    stand_at(r, 0);
    CODE_AT(r, 0, 0xeb, 0x10);
    insert(r, GDB_SW_BREAK, r->text + 0x12, 1);
    STEP(r);
    entered_at(r, r->text);
    play_step(r, r->text + 0x12);
    expect_step(r, r->text + 0x12); /* a step that ends at a breakpoint is a step */
}

/* rdtsc and others of ring 3 that a KVM may emulate end the step's run in odd ways: by no BS. */
static void test_trap_without_bs(void **state)
{
    struct rig *r = *state;

    stand_at(r, 0);
    STEP(r);
    entered_at(r, r->text);
    scripted_trap(r->v, VECTOR_DEBUG, 0, r->text + 2);
    expect_step(r, r->text + 2);
}

int main(void)
{
    watchdog(120);
    const struct CMUnitTest tests[] = {
        ON_ALL_ROADS(test_step),
        ON_ALL_ROADS(test_step_over_out_dx),
        ON_ALL_ROADS(test_step_over_out_imm8),
        ON_ALL_ROADS(test_step_over_syscall),
        ON_ALL_ROADS(test_continue_from_syscall),
        ON_ALL_ROADS(test_pushf),
        ON_ALL_ROADS(test_popf),
        ON_ALL_ROADS(test_own_tf),
        ON_ALL_ROADS(test_int1),
        ON_ALL_ROADS(test_step_faults),
        ON_ALL_ROADS(test_step_is_kicked),
        ON_ALL_ROADS(test_range),
        ON_ALL_ROADS(test_range_ends_at_break),
        ON_ALL_ROADS(test_range_passes_unwanted_break),
        ON_ALL_ROADS(test_range_with_exits),
        ON_ALL_ROADS(test_step_over_the_end_of_a_call),
        ON_ALL_ROADS(test_step_while_idle),
        ON_ALL_ROADS(test_step_a_jump),
        ON(test_trap_without_bs, exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
