/* SPDX-License-Identifier: Apache-2.0 */
/* A debugger on a guest of this machine's KVM: breakpoints, steps, coming and going. */
#include "gdb_box.h"

#include <sched.h>
#include <sys/syscall.h>

#include "linux.h"

enum { INT3 = 0xcc, NOP = 0x90, SLIDE = 1000 };

/* ---- breakpoints ---- */

/* As GDB does it: at each hit take it out, step, put it back. */
static void break_at_each_turn(struct gdb_box *g, enum gdb_point point, enum gdb_stop_reason reason)
{
    gdb_box_open(g);
    uint64_t tick = where(g, "tick");
    attach_idle(g);
    insert(g, point, tick, 1);
    go(g, GDB_CONTINUE);
    BEGIN(g, "Tick", value_i32(10));
    for (int i = 0; i < 10; i++) {
        uint8_t byte;
        expect_break(g, reason, tick);
        peek(g, tick, &byte, 1);
        assert_int_equal(byte, NOP);
        drop(g, point, tick, 1);
        assert_int_equal(step(g), tick + 1);
        insert(g, point, tick, 1);
        go(g, GDB_CONTINUE);
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

/* Resumed without being taken out it is hit again, by whatever road. */
static void test_it_fires_again(void **state)
{
    struct gdb_box *g = *state;

    gdb_box_open(g);
    uint64_t tick = where(g, "tick");
    attach_idle(g);
    for (enum gdb_point point = GDB_SW_BREAK; point <= GDB_HW_BREAK; point++) {
        enum gdb_stop_reason reason = point == GDB_SW_BREAK ? GDB_STOP_SW_BREAK : GDB_STOP_HW_BREAK;
        insert(g, point, tick, 1);
        go(g, GDB_CONTINUE);
        BEGIN(g, "Tick", value_i32(1));
        for (int i = 0; i < 3; i++) {
            expect_break(g, reason, tick);
            go(g, GDB_CONTINUE);
        }
        expect_break(g, reason, tick);
        drop(g, point, tick, 1);
        go(g, GDB_CONTINUE);
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
    go(g, GDB_CONTINUE);
    BEGIN0(g, "Slide");
    for (uint64_t i = 0; i < 6; i++) {
        expect_break(g, GDB_STOP_HW_BREAK, slide + 10 * i);
        drop(g, GDB_HW_BREAK, slide + 10 * i, 1);
        go(g, GDB_CONTINUE);
    }
    call_end(g, SLIDE);
}

/* False conditions: a hit each, none of them told. */
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
    go(g, GDB_CONTINUE);
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
    go(g, GDB_CONTINUE);
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
    go(g, GDB_CONTINUE);
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
        go(g, GDB_CONTINUE);
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
                go_range(g, line, line + 16);
            else
                go(g, GDB_STEP);
            assert_int_equal(take(g).reason, GDB_STOP_STEP);
        }
        go(g, GDB_CONTINUE);
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
    go(g, GDB_CONTINUE);
    BEGIN0(g, "OwnTf");
    expect_signal(g, GDB_SIGNAL_TRAP);
    assert_int_equal(pc(g), trap);
    assert_true(reg(g, GDB_AMD64_EFLAGS) & TF);
    go(g, GDB_CONTINUE); /* after each instruction until it clears it */
    expect_signal(g, GDB_SIGNAL_TRAP);
    assert_int_equal(pc(g), trap + 1);
    set_reg(g, GDB_AMD64_EFLAGS, reg(g, GDB_AMD64_EFLAGS) & ~TF);
    go(g, GDB_CONTINUE);
    call_end(g, 1);
    break_in(g);
    /* Stepped as far as the popf that sets it: then it traps by itself. */
    uint8_t code[] = {0x9d};
    uint64_t popf = trap - 1 - sizeof(code);
    insert(g, GDB_SW_BREAK, popf, 1);
    go(g, GDB_CONTINUE);
    BEGIN0(g, "OwnTf");
    expect_break(g, GDB_STOP_SW_BREAK, popf);
    drop(g, GDB_SW_BREAK, popf, 1);
    assert_int_equal(step(g), popf + 1);
    assert_true(reg(g, GDB_AMD64_EFLAGS) & TF);
    go(g, GDB_CONTINUE);
    expect_signal(g, GDB_SIGNAL_TRAP);
    assert_int_equal(pc(g), trap);
    set_reg(g, GDB_AMD64_EFLAGS, reg(g, GDB_AMD64_EFLAGS) & ~TF);
    go(g, GDB_CONTINUE);
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
        go(g, round == 2 ? GDB_STEP : GDB_CONTINUE);
        expect_trap(g, at);
        assert_int_equal(reg(g, GDB_AMD64_EFLAGS) & TF, 0);
        go(g, GDB_CONTINUE);
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
        if (others) /* a point of ours elsewhere: the other road on a standard KVM */
            insert(g, GDB_SW_BREAK, other, 1);
        poke(g, tick, &int3, 1);
        go(g, GDB_CONTINUE);
        BEGIN(g, "Tick", value_i32(3));
        for (int i = 0; i < 3; i++) {
            expect_trap(g, tick);
            set_reg(g, GDB_AMD64_RIP, tick);
            poke(g, tick, &under, 1);
            assert_int_equal(step(g), tick + 1);
            poke(g, tick, &int3, 1);
            go(g, GDB_CONTINUE);
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
    go(g, GDB_CONTINUE);
    BEGIN0(g, "Pid");
    expect_syscall(g, GDB_STOP_SYSCALL_ENTRY, SYS_getpid);
    uint64_t at = pc(g);
    go(g, GDB_CONTINUE);
    expect_syscall(g, GDB_STOP_SYSCALL_RETURN, SYS_getpid);
    assert_int_equal(reg(g, GDB_AMD64_RAX), 1);
    assert_int_equal(pc(g), at);
    set_reg(g, GDB_AMD64_RAX, 77);
    go(g, GDB_CONTINUE);
    call_end(g, 77);
    break_in(g);
    /* Another system call in its place; a step from the entry is done when it has been served. */
    assert_int_equal(debug_ops.catch_syscalls(g->d, &all), 0);
    go(g, GDB_CONTINUE);
    BEGIN0(g, "Pid");
    expect_syscall(g, GDB_STOP_SYSCALL_ENTRY, SYS_getpid);
    set_reg(g, GDB_AMD64_ORIG_RAX, SYS_getuid);
    assert_int_equal(step(g), at);
    assert_int_equal(reg(g, GDB_AMD64_RAX), 0);
    assert_int_equal(debug_ops.catch_syscalls(g->d, NULL), 0);
    go(g, GDB_CONTINUE);
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

/* ---- memory of the debugger's own ---- */

static size_t mapped_pages(struct gdb_box *g)
{
    hl_gva_t gva = 0;
    hl_gpa_t gpa;
    unsigned prot;
    size_t n = 0;
    for (; pagetable_next(&g->box.sb->machine->pt, &gva, &gpa, &prot); gva += 4096)
        n++;
    return n;
}

static void expect_region(struct gdb_box *g, uint64_t at, uint64_t start, uint64_t size,
                          unsigned access)
{
    struct gdb_region region;
    assert_int_equal(debug_ops.memory_region(g->d, at, &region), 0);
    assert_true(region.start <= at && at - region.start < region.size);
    assert_int_equal(region.access, access);
    if (size) {
        assert_int_equal(region.start, start);
        assert_int_equal(region.size, size);
    }
}

static void test_borrowed_memory(void **state)
{
    /* mov $42, %eax; ret */
    static const uint8_t code[] = {0xb8, 42, 0, 0, 0, 0xc3};
    struct gdb_box *g = *state;
    uint64_t text, data, other;

    gdb_box_open(g);
    uint64_t tick = where(g, "tick");
    size_t before = mapped_pages(g);
    attach_idle(g);
    assert_int_equal(debug_ops.allocate(g->d, 4096, 7, &text), 0);
    assert_int_equal(debug_ops.allocate(g->d, 5000, GDB_READABLE | GDB_WRITABLE, &data), 0);
    assert_int_equal(mapped_pages(g), before + 3);
    expect_region(g, text, text, 4096, GDB_READABLE | GDB_EXECUTABLE);
    expect_region(g, data + 5000, data, 8192, GDB_READABLE | GDB_WRITABLE);
    expect_region(g, tick, 0, 0, GDB_READABLE | GDB_EXECUTABLE);
    expect_region(g, 0, 0, g->box.sb->region[REGION_IMAGE].start, 0);
    expect_region(g, UINT64_MAX - 1, 0, 0, 0);
    assert_int_equal(debug_ops.allocate(g->d, 1ull << 40, 3, &other), HL_ERR_LIMIT);
    assert_int_equal(debug_ops.deallocate(g->d, data + 4096), HL_ERR_ARGUMENT);
    poke(g, text, code, sizeof(code));
    insert(g, GDB_SW_BREAK, tick, 1);
    go(g, GDB_CONTINUE);
    BEGIN(g, "Tick", value_i32(1));
    expect_break(g, GDB_STOP_SW_BREAK, tick);
    drop(g, GDB_SW_BREAK, tick, 1);
    set_reg(g, GDB_AMD64_RIP, text);
    assert_int_equal(step(g), text + 5);
    assert_int_equal(reg(g, GDB_AMD64_RAX) & 0xff, 42);
    set_reg(g, GDB_AMD64_RIP, tick);
    assert_int_equal(debug_ops.deallocate(g->d, data), 0);
    assert_int_equal(debug_ops.deallocate(g->d, data), HL_ERR_ARGUMENT);
    assert_int_equal(mapped_pages(g), before + 1);
    debug_ops.detach(g->d);
    call_over(g, 0);
    assert_int_equal(mapped_pages(g), before); /* what was left went with the debugger */
}

/* ---- coming and going ---- */

static void all_text(struct gdb_box *g, uint8_t *text, uint64_t *start, size_t size)
{
    for (size_t i = 0; i < hl_image_segment_count(g->box.image); i++) {
        const struct hl_segment *s = hl_image_segment(g->box.image, i);
        if (!(s->prot & HL_PROT_EXEC))
            continue;
        assert_true(s->size <= size);
        *start = s->start;
        memset(text, 0, size);
        hl_machine_read(g->box.sb->machine, s->start, text, s->size, 0);
        return;
    }
}

/* It runs in a loop, full of points, and is let go: nothing of them is left. */
static void test_detach_running(void **state)
{
    static uint8_t before[1u << 20], after[1u << 20];
    struct gdb_box *g = *state;
    uint64_t start = 0;

    gdb_box_open(g);
    uint64_t slide = where(g, "slide"), global = where(g, "global"), words = where(g, "words");
    all_text(g, before, &start, sizeof(before));
    attach_idle(g);
    for (uint64_t i = 0; i < 100; i++)
        insert(g, i % 2 ? GDB_SW_BREAK : GDB_HW_BREAK, slide + i, 1);
    insert(g, GDB_WATCH_WRITE, global, 5000);
    insert(g, GDB_WATCH_ACCESS, global + 8192, 8);
    go(g, GDB_CONTINUE);
    BEGIN0(g, "Spin");
    usleep(20000);
    debug_ops.detach(g->d);
    expect_nothing(g);
    assert_int_equal(debug_ops.attach(g->d), 0); /* when it stands again it has been let go */
    expect_signal(g, GDB_SIGNAL_0);
    all_text(g, after, &start, sizeof(after));
    assert_memory_equal(before, after, sizeof(before));
    uint64_t turns, more;
    peek(g, words, &turns, sizeof(turns));
    do { /* it runs on, sooner or later: the watchdog is there for one that does not */
        debug_ops.detach(g->d);
        usleep(20000);
        assert_int_equal(debug_ops.attach(g->d), 0);
        expect_signal(g, GDB_SIGNAL_0);
        peek(g, words, &more, sizeof(more));
    } while (more == turns);
    debug_ops.kill(g->d);
    call_over(g, HL_ERR_INTERRUPTED);
}

static void test_break_in(void **state)
{
    struct gdb_box *g = *state;
    uint64_t last = 0, turns;

    gdb_box_open(g);
    uint64_t words = where(g, "words");
    attach_idle(g);
    go(g, GDB_CONTINUE);
    BEGIN0(g, "Spin");
    for (int i = 0; i < 20; i++) {
        usleep(1000);
        break_in(g);
        peek(g, words, &turns, sizeof(turns));
        assert_true(turns >= last);
        last = turns;
        for (int n = 0; n < 5; n++)
            step(g);
        go(g, GDB_CONTINUE);
    }
    assert_true(last > 0);
    debug_ops.kill(g->d);
    call_over(g, HL_ERR_INTERRUPTED);
}

/* It stands before the system call, and makes the rest of it; a second stop changes nothing. */
static void test_break_in_a_sleep(void **state)
{
    struct gdb_box *g = *state;
    struct timespec first = {0, 0};
    uint8_t code[2];

    gdb_box_open(g);
    attach_idle(g);
    go(g, GDB_CONTINUE);
    BEGIN(g, "Nap", value_u32(400));
    for (int i = 0; i < 3; i++) {
        while (!atomic_load(&linux_of(g->box.sb)->nap.asleep))
            sched_yield();
        break_in(g);
        if (i == 0)
            first = linux_of(g->box.sb)->nap.until;
        peek(g, pc(g), code, sizeof(code));
        assert_true(code[0] == 0x0f && code[1] == 0x05 && linux_of(g->box.sb)->nap.kept);
        assert_memory_equal(&first, &linux_of(g->box.sb)->nap.until, sizeof(first));
        go(g, GDB_CONTINUE);
    }
    call_end(g, 0);
    BEGIN(g, "Nap", value_u32(100000));
    while (!atomic_load(&linux_of(g->box.sb)->nap.asleep))
        sched_yield();
    debug_ops.kill(g->d);
    call_over(g, HL_ERR_INTERRUPTED);
}

/* A signal with a handler stops the guest before the handler has it, or another one, or none. */
static void test_caught_signals(void **state)
{
    static const struct {
        int signal, result;
    } cases[] = {{30, SIGUSR1}, {31, SIGUSR2}, {GDB_SIGNAL_0, 0}};
    struct gdb_box *g = *state;

    gdb_box_open(g);
    attach_idle(g);
    go(g, GDB_CONTINUE);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct gdb_resume resume = {.how = GDB_CONTINUE, .signal = cases[i].signal};
        BEGIN0(g, "Catch");
        expect_signal(g, 30);
        assert_int_equal(debug_ops.resume(g->d, &resume), 0);
        call_end(g, cases[i].result);
    }
}

static void wait_in_host(struct gdb_box *g)
{
    for (unsigned i = 0; !atomic_load(&g->in_host); i++) {
        assert_true(i < 2 * PATIENCE_MS * slow());
        usleep(500);
    }
}

static void test_in_host(void **state)
{
    struct gdb_box *g = *state;
    const uint32_t value = 0x1111;

    gdb_box_open(g);
    uint64_t global = where(g, "global");
    atomic_store(&g->host_waits, true);
    BEGIN(g, "Poke", value_u64(global), value_i32(77));
    wait_in_host(g);
    attach_idle(g);
    uint64_t at = pc(g);
    uint8_t code[2];
    peek(g, at - 2, code, sizeof(code));
    assert_true(code[1] == 0xee || code[0] == 0xe6); /* behind the `out` */
    poke(g, global + 64, &value, sizeof(value));
    insert(g, GDB_WATCH_WRITE, global, 4);
    go(g, GDB_STEP);
    atomic_store(&g->host_waits, false);
    struct gdb_stop stop = take(g);
    assert_int_equal(stop.reason, GDB_STOP_WATCH);
    assert_int_equal(stop.address, global);
    assert_int_equal(pc(g), at);
    go(g, GDB_CONTINUE);
    call_end(g, 77);
}

static void test_fault(void **state)
{
    struct gdb_box *g = *state;
    struct hl_fault fault;

    gdb_box_open(g);
    attach_idle(g);
    go(g, GDB_CONTINUE);
    BEGIN0(g, "Crash");
    expect_signal(g, GDB_SIGNAL_SEGV);
    uint64_t at = pc(g);
    go(g, GDB_STEP); /* tried again */
    expect_signal(g, GDB_SIGNAL_SEGV);
    assert_int_equal(pc(g), at);
    const struct gdb_resume deliver = {.how = GDB_CONTINUE, .signal = GDB_SIGNAL_SEGV};
    assert_int_equal(debug_ops.resume(g->d, &deliver), 0);
    call_over(g, HL_ERR_FAULT);
    assert_int_equal(take(g).reason, GDB_STOP_KILLED);
    fault = *hl_sandbox_fault(g->box.sb);
    assert_int_equal(fault.vector, 14);
    assert_int_equal(fault.address, 0x10);
    assert_int_equal(debug_ops.attach(g->d), 0); /* the dead can be looked at */
    expect_signal(g, GDB_SIGNAL_SEGV);
    assert_int_equal(pc(g), at);
    assert_int_equal(debug_ops.restart(g->d), 0); /* and raised */
    expect_signal(g, GDB_SIGNAL_TRAP);
    go(g, GDB_CONTINUE);
    BEGIN(g, "Tick", value_i32(3));
    call_end(g, 3);
}

/* The program wants to know no more than the code. */
static void test_kill_at_a_fault_without_an_error(void **state)
{
    struct gdb_box *g = *state;

    gdb_box_open(g);
    attach_idle(g);
    go(g, GDB_CONTINUE);
    g->silent = true;
    BEGIN0(g, "Crash");
    expect_signal(g, GDB_SIGNAL_SEGV);
    debug_ops.kill(g->d);
    call_over(g, HL_ERR_INTERRUPTED);
}

static void *run_start(void *opaque)
{
    struct gdb_box *g = opaque;
    g->rc = hl_sandbox_start(g->box.sb, &g->call_error);
    return NULL;
}

static void test_hold(void **state)
{
    struct gdb_box *g = *state;

    gdb_box_create(g, &(struct hl_debug_config){.hold = HL_HOLD_ENTRY});
    hl_gva_t entry = hl_image_entry(g->box.image);
    pthread_t starter;
    assert_int_equal(pthread_create(&starter, NULL, run_start, g), 0);
    assert_int_equal(debug_ops.attach(g->d), 0);
    expect_signal(g, GDB_SIGNAL_TRAP);
    assert_int_equal(pc(g), entry);
    uint64_t last = entry;
    for (int i = 0; i < 50; i++) {
        uint64_t now = step(g);
        assert_int_not_equal(now, 0);
        last = now;
    }
    assert_int_not_equal(last, entry);
    go(g, GDB_CONTINUE);
    pthread_join(starter, NULL);
    assert_int_equal(g->rc, 0);
    BEGIN(g, "Tick", value_i32(3));
    call_end(g, 3);
}

/* Two threads at it, with no plan: a debugger that does what it likes, and a guest that runs. */
static void test_any_order(void **state)
{
    struct gdb_box *g = *state;
    uint64_t random = 12345;

    gdb_box_open(g);
    uint64_t tick = where(g, "tick"), global = where(g, "global");
    int32_t calls = 0;
    for (int i = 0; i < (emulated() ? 100 : 1000); i++) {
        struct gdb_stop stop;
        if (!g->calling)
            BEGIN(g, "Tick", value_i32(20));
        else if (atomic_load(&g->over)) {
            call_end(g, 20);
            calls++;
        }
        if (debug_ops.attach(g->d) == 0)
            stop = take(g);
        switch (next_random(&random) % 6) {
        case 0:
            debug_ops.detach(g->d);
            break;
        case 1:
            debug_ops.insert_point(g->d, GDB_SW_BREAK, tick, 1);
            break;
        case 2:
            debug_ops.remove_point(g->d, GDB_SW_BREAK, tick, 1);
            break;
        case 3:
            debug_ops.insert_point(g->d, GDB_WATCH_WRITE, global, 64);
            break;
        case 4:
            go(g, GDB_STEP);
            debug_ops.interrupt(g->d);
            stop = take(g);
            break;
        default:
            go(g, GDB_CONTINUE);
            usleep((useconds_t)(next_random(&random) % 200));
            debug_ops.interrupt(g->d);
            stop = take(g);
        }
        (void)stop;
    }
    debug_ops.detach(g->d);
    if (g->calling)
        call_end(g, 20);
    print_message("# %d calls\n", calls);
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
        GDB_TEST(test_borrowed_memory),
        GDB_TEST(test_detach_running),
        GDB_TEST(test_break_in),
        GDB_TEST(test_break_in_a_sleep),
        GDB_TEST(test_caught_signals),
        GDB_TEST(test_in_host),
        GDB_TEST(test_fault),
        GDB_TEST(test_kill_at_a_fault_without_an_error),
        GDB_TEST(test_hold),
        GDB_TEST(test_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
