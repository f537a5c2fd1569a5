/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger at awkward moments: its break-in meets a hit, the shim, the end of a call; it goes
 * from within a hook.  And what it sees of the program: output, calls, system calls.
 */
#include "life_rig.h"

/* Asked for while the guest runs, come true when it is in a host function. */
static void test_attach_before_host(void **state)
{
    struct rig *r = *state;

    begin_free(r);
    scripted_leave(r->v, &(struct hl_exit){.kind = HL_EXIT_INTERRUPT}); /* of the program's own */
    entered_at(r, r->text);
    begin_in_host(r);
    leave_host(r);
    entered_at(r, r->text + 1);
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_0);
    debug_ops.detach(r->d);
    entered_at(r, r->text + 1);
}

/* In the guest, on its way to a breakpoint at text + 8. */
static void begin_before_break(struct rig *r)
{
    begin_held(r);
    CODE_AT(r, 8, NOP);
    insert(r, GDB_SW_BREAK, r->text + 8, 1);
    CONTINUE(r);
    entered_at(r, r->text);
}

/* It comes too late: the first stop is reported, and the break-in is dropped. */
static void test_break_in_loses_the_race(void **state)
{
    struct rig *r = *state;

    begin_before_break(r);
    play_int3(r, r->text + 8);
    WAIT_FOR(atomic_load(&r->reports) == 1);
    debug_ops.interrupt(r->d);
    struct gdb_stop stop = take(r);
    /* Whichever was first, the other one is never heard of. */
    assert_true(stop.reason == GDB_STOP_SW_BREAK ||
                (stop.reason == GDB_STOP_SIGNAL && stop.signal == GDB_SIGNAL_INT));
    expect_nothing(r);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 8);
    drop(r, GDB_SW_BREAK, r->text + 8, 1);
    CONTINUE(r);
    entered_at(r, r->text + 8);
    expect_nothing(r);
}

/* The same made certain: the break-in comes while the hit's condition is evaluated. */
static bool report_and_interrupt(void *opaque, const struct gdb_stop *stop)
{
    struct rig *r = opaque;
    (void)stop;
    debug_ops.interrupt(r->d);
    atomic_fetch_add(&r->reports, 1);
    return !atomic_load(&r->unwanted);
}

static void begin_race(struct rig *r)
{
    const struct gdb_hooks hooks = {report_and_interrupt, NULL, r};
    begin_before_break(r);
    assert_int_equal(debug_ops.bind(r->d, &hooks), 0);
    play_int3(r, r->text + 8);
}

static void test_break_in_during_a_wanted_hit(void **state)
{
    struct rig *r = *state;

    begin_race(r);
    expect_break(r, GDB_STOP_SW_BREAK, r->text + 8);
    bind_hooks_of(r);
    drop(r, GDB_SW_BREAK, r->text + 8, 1);
    CONTINUE(r);
    entered_at(r, r->text + 8);
    expect_nothing(r);
}

static void test_break_in_during_an_unwanted_hit(void **state)
{
    struct rig *r = *state;

    atomic_store(&r->unwanted, true);
    begin_race(r);
    expect_signal(r, GDB_SIGNAL_INT);
    bind_hooks_of(r);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 8);
}

/* A break-in that finds the vCPU where no armed step works: on KVM, on its way out of the shim. */
static void test_break_in_where_no_step_can_be_armed(void **state)
{
    struct rig *r = *state;
    begin_attached(r);
    pthread_mutex_lock(&r->v->lock);
    r->v->regs.rip = r->text + 3;
    r->v->stepless = true;
    pthread_mutex_unlock(&r->v->lock);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 3);
    assert_int_equal(reg(r, GDB_AMD64_CS), USER_CS);
    assert_int_equal(reg(r, GDB_AMD64_SS), USER_DS);
    STEP(r);
    entered_at(r, r->text + 3);
    assert_false(r->v->debug.step); /* TF does it */
    play_step(r, r->text + 4);
    expect_step(r, r->text + 4);
}

/* The end of a call comes first: reported while the guest is idle. */
static void interrupt_now(struct rig *r)
{
    debug_ops.interrupt(r->d);
}

static void test_break_in_at_the_end_of_a_call(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    CODE_AT(r, 0, 0xee, NOP);
    r->host_does = interrupt_now; /* in a host function: at once, and it is over */
    play_host_call(r, r->text);
    expect_signal(r, GDB_SIGNAL_INT);
    r->host_does = NULL;
    CONTINUE(r);
    call_end(r);
    expect_nothing(r);
}

/* From within a hook: the guest does not stand at the hit any more. */
static bool report_and_detach(void *opaque, const struct gdb_stop *stop)
{
    struct rig *r = opaque;
    (void)stop;
    debug_ops.detach(r->d);
    return true;
}

static void test_detach_at_a_hit(void **state)
{
    struct rig *r = *state;
    const struct gdb_hooks hooks = {report_and_detach, NULL, r};

    begin_held(r);
    insert_all(r);
    assert_int_equal(debug_ops.bind(r->d, &hooks), 0);
    CONTINUE(r);
    entered_at(r, r->text);
    play_int3(r, r->text + 8);
    entered_at(r, r->text + 8);
    expect_no_trace(r);
    expect_nothing(r);
    bind_hooks_of(r);
}

static void test_restart_in_a_call(void **state)
{
    struct rig *r = *state;
    const uint32_t value = 0x1234;

    rig_open(r);
    attach_idle(r);
    expect_byte(r, r->data + 0x200, 0);
    CONTINUE(r);
    call_begin(r);
    assert_true(scripted_enter(r->v));
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    assert_int_equal(debug_ops.write_memory(r->d, r->data + 0x200, &value, 4), 4);
    set_reg(r, GDB_AMD64_RIP, r->text);
    insert(r, GDB_WATCH_WRITE, r->data, 100);
    assert_int_equal(debug_ops.restart(r->d), 0);
    call_over(r, HL_ERR_INTERRUPTED);
    expect_fresh(r);
    expect_byte(r, r->data + 0x200, 0);
    call_afresh(r);
}

/* `monitor snapshot`: that is where it comes back to, and no start is run again. */
static void test_restart_to_a_snapshot(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, r->text + 3);
    hl_snapshot_destroy(r->d->snapshot);
    debug_remember(r->d);
    CONTINUE(r);
    call_begin(r);
    assert_true(scripted_enter(r->v));
    assert_int_equal(debug_ops.restart(r->d), 0);
    call_over(r, HL_ERR_INTERRUPTED);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 3);
    CONTINUE(r);
    call_begin(r);
    call_end(r);
}

static void test_console(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    CODE_AT(r, 0, 0x0f, 0x05, NOP);
    hl_machine_write(r->sb->machine, r->data, "hello\n", 6, 0);
    r->v->regs.rdi = 1;
    r->v->regs.rsi = r->data;
    r->v->regs.rdx = 6;
    play_syscall(r, r->text, 1); /* write */
    entered_at(r, r->text + 2);
    assert_string_equal(r->console, "hello\n");
    assert_int_equal(debug_ops.bind(r->d, NULL), 0); /* no hook is called after it */
    const struct hl_event e = {.kind = HL_EVENT_CONSOLE, .console = {1, "x", 1}};
    debug_event(r->d, r->sb, &e);
    assert_string_equal(r->console, "hello\n");
}

static void expect_extra(struct rig *r, const char *text)
{
    char extra[128];
    assert_int_equal(debug_ops.thread_extra(r->d, extra, sizeof(extra)), 0);
    assert_string_equal(extra, text);
}

static void test_thread_extra(void **state)
{
    struct rig *r = *state;

    begin_free(r);
    expect_extra(r, "Add");
    begin_in_host(r);
    expect_extra(r, "Add, in host function HostAdd");
    leave_host(r);
    entered_at(r, r->text + 1);
    call_end(r);
    expect_extra(r, "idle, between calls");
    call_begin(r);
    assert_true(scripted_enter(r->v));
    die(r, 0);
    expect_extra(r, "exited");
}

/* Stops at host calls and system calls, before they are served. */
static void test_catch(void **state)
{
    struct rig *r = *state;

    begin_held(r);
    CODE_AT(r, 0, 0xee, 0x0f, 0x05, NOP);
    r->d->catch = (struct debug_catch){.hosts = true, .syscalls = true};
    CONTINUE(r);
    entered_at(r, r->text);
    uint64_t calls = r->sb->counts.host_calls;
    play_host_call(r, r->text);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(r->sb->counts.host_calls, calls);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 1);
    CONTINUE(r);
    entered_at(r, r->text + 1);
    assert_int_equal(r->sb->counts.host_calls, calls + 1);
    play_syscall(r, r->text + 1, 39);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RAX), 39);
    assert_int_equal(reg(r, GDB_AMD64_ORIG_RAX), 39);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 3);
    STEP(r);
    entered_at(r, r->text + 3);
    assert_int_equal(r->v->regs.rax, 1);
    play_step(r, r->text + 4);
    expect_step(r, r->text + 4);
    assert_int_equal(reg(r, GDB_AMD64_ORIG_RAX), UINT64_MAX);
}

int main(void)
{
    watchdog(120);
    const struct CMUnitTest tests[] = {
        ON_ALL_ROADS(test_attach_before_host),
        ON_ALL_ROADS(test_break_in_loses_the_race),
        ON_ALL_ROADS(test_break_in_during_a_wanted_hit),
        ON_ALL_ROADS(test_break_in_during_an_unwanted_hit),
        ON_ALL_ROADS(test_break_in_where_no_step_can_be_armed),
        ON_ALL_ROADS(test_break_in_at_the_end_of_a_call),
        ON_ALL_ROADS(test_detach_at_a_hit),
        ON_ALL_ROADS(test_restart_in_a_call),
        ON_ALL_ROADS(test_restart_to_a_snapshot),
        ON_ALL_ROADS(test_console),
        ON_ALL_ROADS(test_thread_extra),
        ON_ALL_ROADS(test_catch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
