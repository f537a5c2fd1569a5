/* SPDX-License-Identifier: Apache-2.0 */
/* A debugger on a guest of this machine's KVM: breakpoints, steps, coming and going. */
#include "gdb_box.h"
#include "thread.h"

#include <sched.h>
#include <sys/syscall.h>

#include "linux_state.h"

enum { INT3 = 0xcc, NOP = 0x90, SLIDE = 1000 };

/* ---- breakpoints ---- */

/* As GDB does it: at each hit take it out, step, put it back. */
static void break_at_each_turn(struct gdb_box *g, enum gdb_point point, enum gdb_stop_reason reason)
{
    gdb_box_open(g);
    uint64_t tick = where(g, "tick");
    attach_idle(g);
    insert(g, point, tick, 1);
    CONTINUE(g);
    BEGIN(g, "Tick", value_i32(10));
    for (int i = 0; i < 10; i++) {
        uint8_t byte;
        expect_break(g, reason, tick);
        peek(g, tick, &byte, 1);
        assert_int_equal(byte, NOP);
        drop(g, point, tick, 1);
        assert_int_equal(step(g), tick + 1);
        insert(g, point, tick, 1);
        CONTINUE(g);
    }
    call_end(g, 10);
    expect_nothing(g);
}

static void test_sw_break(void **state)
{
    break_at_each_turn(*state, GDB_SW_BREAK, GDB_STOP_SW_BREAK);
}

static void test_hw_break(void **state)
{
    break_at_each_turn(*state, GDB_HW_BREAK, GDB_STOP_HW_BREAK);
}

/* If the guest is resumed with the point in place, it is hit again, by either route. */
static void test_it_fires_again(void **state)
{
    struct gdb_box *g = *state;

    gdb_box_open(g);
    uint64_t tick = where(g, "tick");
    attach_idle(g);
    for (enum gdb_point point = GDB_SW_BREAK; point <= GDB_HW_BREAK; point++) {
        enum gdb_stop_reason reason = point == GDB_SW_BREAK ? GDB_STOP_SW_BREAK : GDB_STOP_HW_BREAK;
        insert(g, point, tick, 1);
        CONTINUE(g);
        BEGIN(g, "Tick", value_i32(1));
        for (int i = 0; i < 3; i++) {
            expect_break(g, reason, tick);
            CONTINUE(g);
        }
        expect_break(g, reason, tick);
        drop(g, point, tick, 1);
        CONTINUE(g);
        call_end(g, 1);
        break_in(g);
    }
}

/* More of them than the processor has registers for. */
static void test_six_hw_breaks(void **state)
{
    struct gdb_box *g = *state;

    gdb_box_open(g);
    uint64_t slide = where(g, "slide");
    attach_idle(g);
    for (uint64_t i = 0; i < 6; i++)
        insert(g, GDB_HW_BREAK, slide + 10 * i, 1);
    CONTINUE(g);
    BEGIN0(g, "Slide");
    for (uint64_t i = 0; i < 6; i++) {
        expect_break(g, GDB_STOP_HW_BREAK, slide + 10 * i);
        drop(g, GDB_HW_BREAK, slide + 10 * i, 1);
        CONTINUE(g);
    }
    call_end(g, SLIDE);
}

/* False conditions: each is a hit, and no hit is reported. */
static void test_a_thousand(void **state)
{
    struct gdb_box *g = *state;
    uint8_t bytes[SLIDE], expected[SLIDE];

    gdb_box_open(g);
    uint64_t slide = where(g, "slide");
    attach_idle(g);
    for (uint64_t i = 0; i < SLIDE; i++)
        insert(g, GDB_SW_BREAK, slide + i, 1);
    memset(expected, NOP, sizeof(expected));
    peek(g, slide, bytes, sizeof(bytes));
    assert_memory_equal(bytes, expected, sizeof(bytes));
    atomic_store(&g->unwanted, true);
    CONTINUE(g);
    BEGIN0(g, "Slide");
    call_end(g, SLIDE);
    assert_int_equal(atomic_load(&g->reports), SLIDE);
    atomic_store(&g->unwanted, false);
    BEGIN0(g, "Slide");
    expect_break(g, GDB_STOP_SW_BREAK, slide);
    peek(g, slide, bytes, sizeof(bytes));
    assert_memory_equal(bytes, expected, sizeof(bytes));
    for (uint64_t i = 0; i < SLIDE - 1; i++)
        drop(g, GDB_SW_BREAK, slide + i, 1);
    CONTINUE(g);
    expect_break(g, GDB_STOP_SW_BREAK, slide + SLIDE - 1);
}

/* ---- steps ---- */

static size_t trace(struct gdb_box *g, uint64_t *pcs, size_t max, uint64_t to)
{
    size_t n = 0;
    for (uint64_t at = pc(g); at != to && n < max; at = step(g))
        if (!n || pcs[n - 1] != at) /* each turn of a rep stands where it stood */
            pcs[n++] = at;
    assert_true(n < max);
    return n;
}

/* One after the other, none left out, each with its effect; and no TF of ours in the guest. */
static void step_odd_instructions(struct gdb_box *g, uint64_t odd, uint64_t odd_end, uint64_t steps)
{
    enum { MAX = 100, STEPS = 45 };
    uint64_t pcs[MAX], expected[STEPS], back;
    begin_to(g, odd, "Odd");
    peek(g, reg(g, GDB_AMD64_RSP), &back, sizeof(back));
    size_t n = trace(g, pcs, MAX, back), in = 0;
    for (size_t i = 0; i < n; i++) /* a call to elsewhere is in the trace, too */
        if (pcs[i] >= odd && pcs[i] < odd_end)
            pcs[in++] = pcs[i];
    assert_int_equal(in, STEPS);
    assert_int_equal(n, in + 1);
    peek(g, steps, expected, sizeof(expected));
    assert_memory_equal(pcs, expected, sizeof(expected));
    CONTINUE(g);
    call_end(g, 0);
    break_in(g);
}

static void test_odd_instructions(void **state)
{
    struct gdb_box *g = *state;

    gdb_box_open(g);
    uint64_t odd = where(g, "odd"), odd_end = where(g, "odd_end"), steps = where(g, "steps");
    uint64_t slide = where(g, "slide"), global = where(g, "global");
    assert_int_equal(CALL0(&g->box, "Odd")->i32, 0);
    attach_idle(g);
    step_odd_instructions(g, odd, odd_end, steps);
    insert(g, GDB_HW_BREAK, slide, 1); /* debug registers in force meanwhile */
    insert(g, GDB_WATCH_WRITE, global, 8);
    step_odd_instructions(g, odd, odd_end, steps);
}

/* A whole call by single steps; then by range steps, which must stand at some of the same places.
 */
static void test_step_through_a_call(void **state)
{
    enum { MAX = 20000 };
    struct gdb_box *g = *state;
    static uint64_t pcs[MAX], ranges[MAX];

    gdb_box_open(g);
    uint64_t work =
        hl_image_function(g->box.image, (size_t)hl_image_find(g->box.image, "Work"))->entry;
    int32_t expected = CALL(&g->box, "Work", value_i32(9))->i32;
    size_t n[2];
    attach_idle(g);
    for (int round = 0; round < 2; round++) {
        uint64_t *list = round ? ranges : pcs, back, rsp;
        insert(g, GDB_SW_BREAK, work, 1);
        CONTINUE(g);
        BEGIN(g, "Work", value_i32(9));
        expect_break(g, GDB_STOP_SW_BREAK, work);
        drop(g, GDB_SW_BREAK, work, 1);
        rsp = reg(g, GDB_AMD64_RSP);
        peek(g, rsp, &back, sizeof(back));
        n[round] = 0;
        while (pc(g) != back || reg(g, GDB_AMD64_RSP) <= rsp) {
            assert_true(n[round] < MAX);
            list[n[round]++] = pc(g);
            uint64_t line = pc(g) & ~15ull;
            if (round)
                resume_range(g, line, line + 16);
            else
                STEP(g);
            assert_int_equal(take(g).reason, GDB_STOP_STEP);
        }
        CONTINUE(g);
        call_end(g, expected);
        break_in(g);
    }
    /* The range steps' trace is the steps' without those that stay within 16 bytes. */
    size_t at = 1;
    assert_int_equal(pcs[0], ranges[0]);
    for (size_t i = 1; i < n[0]; i++)
        if ((pcs[i] ^ pcs[i - 1]) & ~15ull)
            assert_int_equal(ranges[at++], pcs[i]);
    assert_int_equal(at, n[1]);
    print_message("# %zu steps, %zu ranges\n", n[0], n[1]);
}

/* The guest's own TF is delivered to it, however it was come to. */
static void test_own_tf(void **state)
{
    struct gdb_box *g = *state;

    gdb_box_open(g);
    uint64_t trap = where(g, "own_tf_trap");
    attach_idle(g);
    CONTINUE(g);
    BEGIN0(g, "OwnTf");
    expect_signal(g, GDB_SIGNAL_TRAP);
    assert_int_equal(pc(g), trap);
    assert_true(reg(g, GDB_AMD64_EFLAGS) & TF);
    CONTINUE(g); /* after each instruction until it clears it */
    expect_signal(g, GDB_SIGNAL_TRAP);
    assert_int_equal(pc(g), trap + 1);
    set_reg(g, GDB_AMD64_EFLAGS, reg(g, GDB_AMD64_EFLAGS) & ~TF);
    CONTINUE(g);
    call_end(g, 1);
    break_in(g);
    /* Stepped as far as the popf that sets it: then it traps by itself. */
    uint8_t code[] = {0x9d};
    uint64_t popf = trap - 1 - sizeof(code);
    insert(g, GDB_SW_BREAK, popf, 1);
    CONTINUE(g);
    BEGIN0(g, "OwnTf");
    expect_break(g, GDB_STOP_SW_BREAK, popf);
    drop(g, GDB_SW_BREAK, popf, 1);
    assert_int_equal(step(g), popf + 1);
    assert_true(reg(g, GDB_AMD64_EFLAGS) & TF);
    CONTINUE(g);
    expect_signal(g, GDB_SIGNAL_TRAP);
    assert_int_equal(pc(g), trap);
    set_reg(g, GDB_AMD64_EFLAGS, reg(g, GDB_AMD64_EFLAGS) & ~TF);
    CONTINUE(g);
    call_end(g, 1);
}

static void expect_trap(struct gdb_box *g, uint64_t at)
{
    struct gdb_stop stop = take(g);
    assert_int_equal(stop.reason, GDB_STOP_SIGNAL);
    assert_int_equal(stop.signal, GDB_SIGNAL_TRAP);
    assert_true(stop.trap);
    assert_int_equal(stop.address, at);
    assert_int_equal(pc(g), at + 1);
}

static void test_own_int3(void **state)
{
    struct gdb_box *g = *state;

    gdb_box_open(g);
    uint64_t at = where(g, "own_int3");
    attach_idle(g);
    for (int round = 0; round < 3; round++) {
        if (round)
            begin_to(g, at, "OwnInt3");
        else
            BEGIN0(g, "OwnInt3");
        resume_how(g, round == 2 ? GDB_STEP : GDB_CONTINUE, 0);
        expect_trap(g, at);
        assert_int_equal(reg(g, GDB_AMD64_EFLAGS) & TF, 0);
        CONTINUE(g);
        call_end(g, 1);
        break_in(g);
    }
}

/* One that the debugger wrote itself, as GDB does with `software-breakpoint-packet off`. */
static void test_int3_of_the_debuggers(void **state)
{
    static const uint8_t int3 = INT3;
    struct gdb_box *g = *state;
    uint8_t under;

    gdb_box_open(g);
    uint64_t tick = where(g, "tick"), other = where(g, "own_int3");
    attach_idle(g);
    peek(g, tick, &under, 1);
    for (int others = 0; others < 2; others++) {
        if (others) /* a point of ours elsewhere: the other route on a standard KVM */
            insert(g, GDB_SW_BREAK, other, 1);
        poke(g, tick, &int3, 1);
        CONTINUE(g);
        BEGIN(g, "Tick", value_i32(3));
        for (int i = 0; i < 3; i++) {
            expect_trap(g, tick);
            set_reg(g, GDB_AMD64_RIP, tick);
            poke(g, tick, &under, 1);
            assert_int_equal(step(g), tick + 1);
            poke(g, tick, &int3, 1);
            CONTINUE(g);
        }
        call_end(g, 3);
        break_in(g);
    }
}

/* ---- catchpoints ---- */

static void expect_syscall(struct gdb_box *g, enum gdb_stop_reason reason, uint64_t number)
{
    struct gdb_stop stop = take(g);
    assert_int_equal(stop.reason, reason);
    assert_int_equal(stop.syscall, number);
    assert_int_equal(reg(g, GDB_AMD64_ORIG_RAX), number);
}

/* getpid() by itself: rdi and the number can be changed at the entry, rax at the return. */
static void test_catch_syscalls(void **state)
{
    static const uint64_t pid[] = {SYS_getppid, SYS_getpid};
    const struct gdb_catch catch = {.numbers = pid, .count = 2}, all = {.all = true};
    struct gdb_box *g = *state;

    gdb_box_open(g);
    attach_idle(g);
    assert_int_equal(debug_ops.catch_syscalls(g->d, &catch), 0);
    CONTINUE(g);
    BEGIN0(g, "Pid");
    expect_syscall(g, GDB_STOP_SYSCALL_ENTRY, SYS_getpid);
    uint64_t at = pc(g);
    CONTINUE(g);
    expect_syscall(g, GDB_STOP_SYSCALL_RETURN, SYS_getpid);
    assert_int_equal(reg(g, GDB_AMD64_RAX), 1);
    assert_int_equal(pc(g), at);
    set_reg(g, GDB_AMD64_RAX, 77);
    CONTINUE(g);
    call_end(g, 77);
    break_in(g);
    /* Another system call in its place; a step from the entry is done when it has been served. */
    assert_int_equal(debug_ops.catch_syscalls(g->d, &all), 0);
    CONTINUE(g);
    BEGIN0(g, "Pid");
    expect_syscall(g, GDB_STOP_SYSCALL_ENTRY, SYS_getpid);
    set_reg(g, GDB_AMD64_ORIG_RAX, SYS_getuid);
    assert_int_equal(step(g), at);
    assert_int_equal(reg(g, GDB_AMD64_RAX), 0);
    assert_int_equal(debug_ops.catch_syscalls(g->d, NULL), 0);
    CONTINUE(g);
    call_end(g, 0);
    break_in(g);
    /* Stepping goes past all of them. */
    assert_int_equal(debug_ops.catch_syscalls(g->d, &all), 0);
    begin_to(g, at - 2, "Pid");
    assert_int_equal(step(g), at);
    assert_int_equal(reg(g, GDB_AMD64_RAX), 1);
    debug_ops.detach(g->d);
    call_end(g, 1);
    assert_int_equal(CALL0(&g->box, "Pid")->i32, 1);
}

int main(int argc, char **argv)
{
    watchdog(100);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        GDB_TEST(test_sw_break),
        GDB_TEST(test_hw_break),
        GDB_TEST(test_it_fires_again),
        GDB_TEST(test_six_hw_breaks),
        GDB_TEST(test_a_thousand),
        GDB_TEST(test_odd_instructions),
        GDB_TEST(test_step_through_a_call),
        GDB_TEST(test_own_tf),
        GDB_TEST(test_own_int3),
        GDB_TEST(test_int3_of_the_debuggers),
        GDB_TEST(test_catch_syscalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
