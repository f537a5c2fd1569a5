/* SPDX-License-Identifier: Apache-2.0 */
/* The debug target's watchpoints: debug registers, page protection, and what the host changes. */
#include "debug_rig.h"

enum { NOP = 0x90 };
enum { STORE = 0, LOAD = 16, MODIFY = 32, COPY = 48, ELSEWHERE = 64 }; /* offsets in text */

/* Stopped at the store, in a call, with one instruction of each kind in text. */
static void stand(struct rig *r)
{
    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    for (size_t i = 0; i < PAGE / 2; i++)
        CODE_AT(r, i, NOP);
    CODE_AT(r, STORE, 0x48, 0x89, 0x07);  /* mov %rax,(%rdi) */
    CODE_AT(r, LOAD, 0x48, 0x8b, 0x07);   /* mov (%rdi),%rax */
    CODE_AT(r, MODIFY, 0x48, 0x01, 0x07); /* add %rax,(%rdi) */
    CODE_AT(r, COPY, 0x48, 0xa5);         /* movsq */
    CODE_AT(r, ELSEWHERE, NOP, NOP);
}

static bool is_watched(const struct rig *r, hl_gva_t at, unsigned prot)
{
    return !(scripted_prot(r->v, at) & prot);
}

/* The debug registers that this access trips. */
static uint64_t tripped(const struct rig *r, hl_gva_t at, size_t size, bool write)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < VCPU_SLOTS; i++) {
        enum vcpu_slot_kind kind = r->v->debug.slot[i].kind;
        hl_gva_t a = r->v->debug.slot[i].address;
        if ((kind == VCPU_SLOT_ACCESS || (kind == VCPU_SLOT_WRITE && write)) &&
            at < a + r->v->debug.slot[i].size && a < at + size)
            bits |= DR6_B(i);
    }
    return bits;
}

/* The instruction is done: it traps for what it tripped, or for the step, or not at all. */
static void done(struct rig *r, hl_gva_t next, uint64_t bits)
{
    if (is_stepping(r))
        play_step_and(r, next, bits);
    else if (bits)
        play_slots(r, next, bits);
    else
        r->v->regs.rip = next;
}

/* The instruction at `pc`, three bytes long, writes to memory; over its page faults. */
static void write_at(struct rig *r, size_t pc, hl_gva_t at, uint64_t value, size_t size)
{
    entered_at(r, r->text + pc);
    while (!play_write(r, r->text + pc, at, &value, size)) {
        entered_at(r, r->text + pc);
        assert_true(is_stepping(r));
    }
    done(r, r->text + pc + 3, tripped(r, at, size, true));
}

static void read_at(struct rig *r, size_t pc, hl_gva_t at, size_t size)
{
    entered_at(r, r->text + pc);
    while (!play_read(r, r->text + pc, at, size)) {
        entered_at(r, r->text + pc);
        assert_true(is_stepping(r));
    }
    done(r, r->text + pc + 3, tripped(r, at, size, false));
}

static void go_to(struct rig *r, size_t pc)
{
    set_reg(r, GDB_AMD64_RIP, r->text + pc);
    CONTINUE(r);
}

/* Nothing was told, and the guest runs on behind the instruction. */
static void expect_running(struct rig *r, size_t pc)
{
    entered_at(r, r->text + pc + 3);
    assert_false(is_stepping(r));
    expect_nothing(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
}

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
    go_to(r, STORE); /* it is told once for each write */
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
        assert_int_equal(is_watched(r, r->data, HL_PROT_WRITE), !r->road->can.hw_watch);
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
    assert_int_equal(armed, r->road->can.hw_watch ? VCPU_SLOTS : 0);
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

/* Of two reasons for one stop the watch is told. */
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

/* One instruction trips two: who does not want to know of the one is told of the other. */
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

/* ---- what the host does ---- */

static void poke(struct rig *r)
{
    const uint32_t value = 0xabcd;
    hl_machine_write(r->sb->machine, r->data + 0x100, &value, sizeof(value), 0);
}

static void test_host_writes(void **state)
{
    struct rig *r = *state;

    stand(r);
    CODE_AT(r, STORE, 0xee, NOP);
    r->host_does = poke;
    insert(r, GDB_WATCH_WRITE, r->data + 0x100, 4);
    go_to(r, STORE);
    entered_at(r, r->text + STORE);
    play_host_call(r, r->text + STORE);
    expect_watch(r, GDB_WATCH_WRITE, r->data + 0x100);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + STORE + 1);
    /* The same value again is no change; and a watch for reads sees no write. */
    drop(r, GDB_WATCH_WRITE, r->data + 0x100, 4);
    insert(r, GDB_WATCH_READ, r->data + 0x100, 4);
    set_reg(r, GDB_AMD64_RIP, r->text + STORE);
    const uint32_t other = 1;
    assert_int_equal(debug_ops.write_memory(r->d, r->data + 0x100, &other, 4), 4);
    STEP(r);
    entered_at(r, r->text + STORE);
    play_host_call(r, r->text + STORE);
    expect_step(r, r->text + STORE + 1);
}

/* It ends a step, too: the watch is told. */
static void test_host_writes_in_a_step(void **state)
{
    struct rig *r = *state;

    stand(r);
    CODE_AT(r, STORE, 0xee, NOP);
    r->host_does = poke;
    insert(r, GDB_WATCH_ACCESS, r->data + 0xf0, 400);
    set_reg(r, GDB_AMD64_RIP, r->text + STORE);
    STEP(r);
    entered_at(r, r->text + STORE);
    play_host_call(r, r->text + STORE);
    expect_watch(r, GDB_WATCH_ACCESS, r->data + 0x100);
    STEP(r);
    entered_at(r, r->text + STORE + 1);
    play_step(r, r->text + STORE + 2);
    expect_step(r, r->text + STORE + 2);
}

/* What the debugger writes is no hit. */
static void test_debugger_writes(void **state)
{
    struct rig *r = *state;
    const uint32_t value = 0x77;

    stand(r);
    insert(r, GDB_WATCH_ACCESS, r->data, 4);
    insert(r, GDB_WATCH_WRITE, r->data + 64, 100);
    assert_int_equal(debug_ops.write_memory(r->d, r->data, &value, 4), 4);
    assert_int_equal(debug_ops.write_memory(r->d, r->data + 100, &value, 4), 4);
    go_to(r, ELSEWHERE);
    entered_at(r, r->text + ELSEWHERE);
    expect_nothing(r);
}

/* A debugger that came in the middle of a host function: what that writes from then on is seen. */
static void test_host_writes_while_held(void **state)
{
    struct rig *r = *state;
    const uint32_t value = 0x77;

    begin_attached(r);
    CODE_AT(r, 0, 0xee, NOP);
    atomic_store(&r->host_waits, true);
    play_host_call(r, r->text);
    WAIT_FOR(atomic_load(&r->in_host));
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    insert(r, GDB_WATCH_WRITE, r->data, 4);
    hl_machine_write(r->sb->machine, r->data, &value, 4, 0);
    CONTINUE(r);
    atomic_store(&r->host_waits, false);
    expect_watch(r, GDB_WATCH_WRITE, r->data);
}

/* Nobody wants to know of it: then a step still has its instruction before it. */
static void test_host_writes_before_a_step(void **state)
{
    struct rig *r = *state;
    const uint32_t value = 0x77;

    begin_attached(r);
    CODE_AT(r, 0, 0xee, NOP);
    atomic_store(&r->host_waits, true);
    play_host_call(r, r->text);
    WAIT_FOR(atomic_load(&r->in_host));
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    insert(r, GDB_WATCH_WRITE, r->data, 4);
    hl_machine_write(r->sb->machine, r->data, &value, 4, 0);
    atomic_store(&r->unwanted, true);
    STEP(r);
    atomic_store(&r->host_waits, false);
    entered_at(r, r->text + 1);
    assert_int_equal(atomic_load(&r->reports), 1);
    play_step(r, r->text + 2);
    expect_step(r, r->text + 2);
}

/* The arguments of a call are written by the host. */
static void test_call_writes(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, r->text);
    hl_gva_t input = hl_sandbox_region(r->sb, REGION_INPUT)->start;
    insert(r, GDB_WATCH_WRITE, input, sizeof(struct hl_message));
    CONTINUE(r);
    call_begin(r);
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, GDB_STOP_WATCH);
    assert_in_range(stop.address, input, input + sizeof(struct hl_message) - 1);
    CONTINUE(r);
    entered_at(r, r->text);
    expect_nothing(r);
}

/* ---- page faults that are not ours, or not yet ---- */

/* A page that the guest may not write to faults for it, watched or not. */
static void test_fault_of_its_own(void **state)
{
    struct rig *r = *state;
    uint64_t value = 1;

    stand(r);
    insert(r, GDB_WATCH_READ, r->text - PAGE, 8);
    go_to(r, STORE);
    entered_at(r, r->text + STORE);
    assert_false(play_write(r, r->text + STORE, r->text - PAGE, &value, 8));
    expect_signal(r, GDB_SIGNAL_SEGV);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + STORE);
    go_to(r, STORE);
    entered_at(r, r->text + STORE);
    play_fault(r, r->text + STORE, VECTOR_PAGE_FAULT, 6, 0x123);
    expect_signal(r, GDB_SIGNAL_SEGV);
}

/* An instruction that needs a watched page and faults on another one has not been executed. */
static void test_fault_on_the_second_page(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_READ, r->data, 100);
    go_to(r, COPY);
    entered_at(r, r->text + COPY);
    assert_false(play_read(r, r->text + COPY, r->data, 8));
    entered_at(r, r->text + COPY);
    play_fault(r, r->text + COPY, VECTOR_PAGE_FAULT, 6, 0x123);
    expect_signal(r, GDB_SIGNAL_SEGV);
    assert_true(is_watched(r, r->data, HL_PROT_READ));
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS) & TF, 0);
}

/* A fetch from a page watched for reads is none. */
static void test_fetch(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_READ, r->text, 64);
    go_to(r, ELSEWHERE);
    entered_at(r, r->text + ELSEWHERE);
    play_fault(r, r->text + ELSEWHERE, VECTOR_PAGE_FAULT, 0x14, r->text + ELSEWHERE);
    entered_at(r, r->text + ELSEWHERE);
    assert_true(scripted_prot(r->v, r->text) & HL_PROT_EXEC);
    play_step(r, r->text + ELSEWHERE + 1);
    entered_at(r, r->text + ELSEWHERE + 1);
    assert_true(is_watched(r, r->text, HL_PROT_READ));
    expect_nothing(r);
}

/* A break-in between the fault and the instruction: the instruction has not been executed. */
static void test_break_in_before_the_access(void **state)
{
    struct rig *r = *state;
    uint64_t value = 1;

    stand(r);
    insert(r, GDB_WATCH_WRITE, r->data, 100);
    go_to(r, STORE);
    entered_at(r, r->text + STORE);
    assert_false(play_write(r, r->text + STORE, r->data, &value, 8));
    entered_at(r, r->text + STORE);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + STORE);
    assert_true(is_watched(r, r->data, HL_PROT_WRITE));
    go_to(r, ELSEWHERE); /* and never will be */
    entered_at(r, r->text + ELSEWHERE);
    assert_false(is_stepping(r));
    expect_nothing(r);
}

/* A kick there only delays it. */
static void test_kick_before_the_access(void **state)
{
    struct rig *r = *state;
    uint64_t value = 1;

    stand(r);
    insert(r, GDB_WATCH_WRITE, r->data, 100);
    go_to(r, STORE);
    entered_at(r, r->text + STORE);
    assert_false(play_write(r, r->text + STORE, r->data, &value, 8));
    entered_at(r, r->text + STORE);
    scripted_leave(r->v, &(struct vcpu_exit){.kind = VCPU_INTERRUPT});
    write_at(r, STORE, r->data, 1, 8);
    expect_watch(r, GDB_WATCH_WRITE, r->data);
}

/* Breakpoints stay in force on the way over a watched access. */
static void test_access_with_breakpoints(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_SW_BREAK, r->text + STORE + 3, 1);
    insert(r, GDB_WATCH_WRITE, r->data, 100);
    go_to(r, STORE);
    write_at(r, STORE, r->data + 200, 1, 8);
    entered_at(r, r->text + STORE + 3);
    play_int3(r, r->text + STORE + 3);
    expect_break(r, GDB_STOP_SW_BREAK, r->text + STORE + 3);
}

static void test_nowhere(void **state)
{
    struct rig *r = *state;
    const size_t much = (16u << 20) + 1;

    stand(r);
    for (enum gdb_point kind = GDB_WATCH_WRITE; kind <= GDB_WATCH_ACCESS; kind++) {
        assert_int_equal(debug_ops.insert_point(r->d, kind, r->data, 0), HL_ERR_ARGUMENT);
        assert_int_equal(debug_ops.insert_point(r->d, kind, r->data, much), HL_ERR_LIMIT);
        assert_int_equal(debug_ops.insert_point(r->d, kind, ~0ull, 8), HL_ERR_ARGUMENT);
        assert_int_equal(debug_ops.insert_point(r->d, kind, (1ull << 47) - 4, 8), HL_ERR_ARGUMENT);
        assert_int_equal(debug_ops.insert_point(r->d, kind, SHIM_GVA, 8), HL_ERR_ARGUMENT);
        assert_int_equal(debug_ops.remove_point(r->d, kind, r->data, 8), HL_ERR_ARGUMENT);
        insert(r, kind, 0x1000, 64); /* nothing is mapped there, yet */
    }
    go_to(r, STORE);
    write_at(r, STORE, r->data, 1, 8);
    expect_running(r, STORE);
}

/* Memory that is not there when the watch is inserted, but comes. */
static void test_mapped_later(void **state)
{
    struct rig *r = *state;

    stand(r);
    CODE_AT(r, ELSEWHERE, 0x0f, 0x05);
    hl_gva_t heap = hl_sandbox_region(r->sb, REGION_HEAP)->start;
    insert(r, GDB_WATCH_WRITE, heap + 100, 40);
    insert(r, GDB_WATCH_READ, heap + PAGE, 8);
    go_to(r, ELSEWHERE);
    entered_at(r, r->text + ELSEWHERE);
    r->v->regs.rdi = heap + 2 * PAGE;
    play_syscall(r, r->text + ELSEWHERE, 12); /* brk */
    entered_at(r, r->text + ELSEWHERE + 2);
    assert_int_equal(r->v->regs.rax, heap + 2 * PAGE);
    expect_nothing(r); /* to come to be is no access */
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    go_to(r, STORE);
    write_at(r, STORE, heap + 100, 1, 8);
    expect_watch(r, GDB_WATCH_WRITE, heap + 100);
    go_to(r, LOAD);
    read_at(r, LOAD, heap + PAGE, 8);
    expect_watch(r, GDB_WATCH_READ, heap + PAGE);
}

/* A debugger that goes leaves the pages as they were. */
static void test_detach(void **state)
{
    struct rig *r = *state;

    stand(r);
    insert(r, GDB_WATCH_ACCESS, r->data, 100);
    insert(r, GDB_WATCH_WRITE, r->stack, 8);
    go_to(r, ELSEWHERE);
    entered_at(r, r->text + ELSEWHERE);
    assert_true(is_watched(r, r->data, HL_PROT_READ));
    unsigned before = entries(r);
    debug_ops.detach(r->d);
    entered_again(r, before);
    assert_false(is_watched(r, r->data, HL_PROT_WRITE));
    assert_false(is_watched(r, r->stack, HL_PROT_WRITE));
    for (unsigned i = 0; i < VCPU_SLOTS; i++)
        assert_int_equal(r->v->debug.slot[i].kind, VCPU_SLOT_OFF);
    r->pc = r->text + ELSEWHERE;
    call_end(r);
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
        ON_ALL_ROADS(test_host_writes),
        ON_ALL_ROADS(test_host_writes_in_a_step),
        ON_ALL_ROADS(test_debugger_writes),
        ON_ALL_ROADS(test_host_writes_while_held),
        ON_ALL_ROADS(test_host_writes_before_a_step),
        ON_ALL_ROADS(test_call_writes),
        ON_ALL_ROADS(test_fault_of_its_own),
        ON_ALL_ROADS(test_fault_on_the_second_page),
        ON_ALL_ROADS(test_fetch),
        ON_ALL_ROADS(test_break_in_before_the_access),
        ON_ALL_ROADS(test_kick_before_the_access),
        ON_ALL_ROADS(test_access_with_breakpoints),
        ON_ALL_ROADS(test_nowhere),
        ON_ALL_ROADS(test_mapped_later),
        ON_ALL_ROADS(test_detach),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
