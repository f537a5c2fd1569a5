/* SPDX-License-Identifier: Apache-2.0 */
/* Watchpoints and what else may happen to a page: the host's writes, faults, no mapping. */
#include "watch_rig.h"

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

/* It ends a step, too: the watch is reported. */
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

/* A fetch from a page watched for reads is not a hit. */
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
    scripted_leave(r->v, &(struct hl_exit){.kind = HL_EXIT_INTERRUPT});
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
        assert_int_equal(debug_ops.insert_point(r->d, kind, SCRIPTED_OWN, 8), HL_ERR_ARGUMENT);
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
