/* SPDX-License-Identifier: Apache-2.0 */
/* A debugger that comes, breaks in, goes, kills, starts afresh: in each state of a sandbox. */
#include "debug_rig.h"

#include <hl/abi.h>

enum { INT3 = 0xcc, NOP = 0x90 };

/* In a call, in the guest at text, nobody attached. */
static void begin_free(struct rig *r)
{
    rig_open(r);
    struct hl_regs regs;
    assert_int_equal(hl_machine_get_regs(r->sb->machine, &regs, NULL), 0);
    regs.rip = r->text;
    assert_int_equal(hl_machine_set_regs(r->sb->machine, &regs, NULL), 0);
    call_begin(r);
    entered_at(r, r->text);
}

static void begin_in_host(struct rig *r)
{
    CODE_AT(r, 0, 0xee, NOP);
    atomic_store(&r->host_waits, true);
    play_host_call(r, r->text);
    WAIT_FOR(atomic_load(&r->in_host));
}

static void leave_host(struct rig *r)
{
    atomic_store(&r->host_waits, false);
    WAIT_FOR(!atomic_load(&r->in_host));
}

/* ---- attach ---- */

static void test_attach_running(void **state)
{
    struct rig *r = *state;

    begin_free(r);
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_0);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text);
    assert_int_equal(debug_ops.attach(r->d), HL_ERR_STATE);
    CONTINUE(r);
    entered_at(r, r->text);
    assert_int_equal(debug_ops.attach(r->d), HL_ERR_STATE);
    call_end(r);
}

static void test_attach_idle(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    call_begin(r); /* a call waits while it is held */
    WAIT_FOR(is_waiting(r));
    assert_false(scripted_inside(r->v));
    assert_int_not_equal(reg(r, GDB_AMD64_RSP), 0);
    CONTINUE(r);
    assert_true(scripted_enter(r->v));
    call_end(r);
    expect_nothing(r);
    call_begin(r); /* the session outlives the call */
    assert_true(scripted_enter(r->v));
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    CONTINUE(r);
    call_end(r);
}

static void test_attach_in_host(void **state)
{
    struct rig *r = *state;

    begin_free(r);
    begin_in_host(r);
    attach_idle(r); /* the vCPU is at rest: at once */
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 1);
    insert(r, GDB_SW_BREAK, r->text + 1, 1);
    leave_host(r);
    WAIT_FOR(is_parked(r));
    assert_false(scripted_inside(r->v));
    CONTINUE(r);
    entered_at(r, r->text + 1);
    play_int3(r, r->text + 1);
    expect_break(r, GDB_STOP_SW_BREAK, r->text + 1);
}

/* Asked for while the guest runs, come true when it is in a host function. */
static void test_attach_before_host(void **state)
{
    struct rig *r = *state;

    begin_free(r);
    scripted_leave(r->v, &(struct vcpu_exit){.kind = VCPU_INTERRUPT}); /* of the program's own */
    entered_at(r, r->text);
    begin_in_host(r);
    leave_host(r);
    entered_at(r, r->text + 1);
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_0);
    debug_ops.detach(r->d);
    entered_at(r, r->text + 1);
}

static void poison(struct rig *r)
{
    begin_free(r);
    play_fault(r, r->text + 7, VECTOR_PAGE_FAULT, 4, 0x10);
    call_over(r, HL_ERR_FAULT);
    assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_POISONED);
}

/* After a fault it can be looked at: everything but resumed. */
static void test_attach_poisoned(void **state)
{
    struct rig *r = *state;

    poison(r);
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_SEGV);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 7);
    expect_byte(r, r->text, seen(r, r->text));
    CONTINUE(r);
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, GDB_STOP_KILLED);
    assert_int_equal(stop.signal, GDB_SIGNAL_SEGV);
    expect_nothing(r);
    const struct gdb_resume resume = {.how = GDB_CONTINUE};
    assert_int_equal(debug_ops.resume(r->d, &resume), HL_ERR_STATE);
    call_begin(r);
    call_over(r, HL_ERR_STATE);
}

static void die(struct rig *r, int status)
{
    CODE_AT(r, 0, 0x0f, 0x05);
    r->v->regs.rdi = (uint64_t)status;
    play_syscall(r, r->text, 231); /* exit_group */
    call_over(r, HL_ERR_EXITED);
}

static void test_attach_dead(void **state)
{
    struct rig *r = *state;

    begin_free(r);
    die(r, 7);
    assert_int_equal(debug_ops.attach(r->d), 0);
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, GDB_STOP_EXITED);
    assert_int_equal(stop.status, 7);
    const struct gdb_resume resume = {.how = GDB_CONTINUE};
    assert_int_equal(debug_ops.resume(r->d, &resume), HL_ERR_STATE);
}

/* An exit is told at once to one who has resumed the guest. */
static void test_exit_while_attached(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    die(r, 3);
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, GDB_STOP_EXITED);
    assert_int_equal(stop.status, 3);
    expect_nothing(r);
}

/* ---- break in ---- */

static void test_break_in(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    for (int i = 0; i < 3; i++) {
        debug_ops.interrupt(r->d);
        expect_signal(r, GDB_SIGNAL_INT);
        debug_ops.interrupt(r->d); /* held: nothing to break */
        expect_nothing(r);
        CONTINUE(r);
        entered_at(r, r->text);
    }
    call_end(r); /* a break-in ends no call */
}

static void test_break_in_twice(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.interrupt(r->d);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    CONTINUE(r);
    entered_at(r, r->text);
    expect_nothing(r);
    call_end(r);
}

/* It comes too late: the stop that was first is told, and the break-in forgotten. */
static void test_break_in_loses_the_race(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    CODE_AT(r, 8, NOP);
    insert(r, GDB_SW_BREAK, r->text + 8, 1);
    CONTINUE(r);
    entered_at(r, r->text);
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
    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    CODE_AT(r, 8, NOP);
    insert(r, GDB_SW_BREAK, r->text + 8, 1);
    CONTINUE(r);
    entered_at(r, r->text);
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

static void test_break_in_while_idle(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    CONTINUE(r);
    expect_nothing(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    CONTINUE(r);
    call_begin(r);
    assert_true(scripted_enter(r->v));
    call_end(r);
}

static void test_break_in_in_host(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    begin_in_host(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 1);
    CONTINUE(r); /* the host function still runs */
    expect_nothing(r);
    leave_host(r);
    entered_at(r, r->text + 1);
    expect_nothing(r);
}

static void test_break_in_during_a_step(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    resume_range(r, r->text, r->text + 100);
    entered_at(r, r->text);
    play_step(r, r->text + 1);
    entered_at(r, r->text + 1);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 1);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS) & TF, 0);
    CONTINUE(r);
    entered_at(r, r->text + 1);
    assert_false(is_stepping(r)); /* the range is forgotten */
}

/* A break-in that finds the vCPU on its way through the shim. */
static void test_break_in_inside_the_shim(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    /* As if broken behind a stub's `out`: the frame is complete. */
    r->v->regs.rax = 5;
    pthread_mutex_lock(&r->v->lock);
    struct shim_frame *f = machine_frame(r->sb->machine);
    *f = (struct shim_frame){r->text + 3, SHIM_USER_CS, 0x202, r->stack, SHIM_USER_DS};
    r->v->regs.rip = SHIM_GVA + SHIM_CODE + 13 * SHIM_STUB_SIZE + SHIM_OUT_SIZE + 4;
    r->v->regs.rsp = SHIM_GVA + SHIM_STACK_TOP - sizeof(*f);
    pthread_mutex_unlock(&r->v->lock);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 3);
    assert_int_equal(reg(r, GDB_AMD64_RSP), r->stack);
    assert_int_equal(reg(r, GDB_AMD64_CS), SHIM_USER_CS);
    assert_int_equal(reg(r, GDB_AMD64_SS), SHIM_USER_DS);
    STEP(r);
    entered_at(r, r->text + 3);
    assert_false(r->v->debug.step); /* that would stop at ring 0 */
    play_step(r, r->text + 4);
    expect_step(r, r->text + 4);
}

/* The end of a call comes first: told while it is idle. */
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

/* ---- detach ---- */

static void insert_all(struct rig *r)
{
    CODE_AT(r, 8, NOP, NOP);
    insert(r, GDB_SW_BREAK, r->text + 8, 1);
    insert(r, GDB_HW_BREAK, r->text + 9, 1);
    insert(r, GDB_WATCH_ACCESS, r->data, 400);
}

static void expect_no_trace(struct rig *r)
{
    assert_int_equal(seen(r, r->text + 8), NOP);
    assert_int_equal(seen(r, r->text + 9), NOP);
    assert_int_equal(scripted_prot(r->v, r->data) & RW, RW);
    for (unsigned i = 0; i < VCPU_SLOTS; i++)
        assert_int_equal(r->v->debug.slot[i].kind, VCPU_SLOT_OFF);
}

static void test_detach_held(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    insert_all(r);
    debug_ops.detach(r->d);
    entered_at(r, r->text);
    expect_no_trace(r);
    call_end(r);
    attach_idle(r); /* and it may come again */
}

static void test_detach_running(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    insert_all(r);
    CONTINUE(r);
    entered_at(r, r->text);
    unsigned before = entries(r);
    debug_ops.detach(r->d);
    entered_again(r, before);
    expect_no_trace(r);
    expect_nothing(r);
    call_end(r);
}

static void test_detach_idle(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    insert_all(r);
    CONTINUE(r);
    debug_ops.detach(r->d);
    call_begin(r);
    assert_true(scripted_enter(r->v));
    expect_no_trace(r);
    call_end(r);
}

static void test_detach_while_a_call_waits(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    insert_all(r);
    call_begin(r);
    WAIT_FOR(is_waiting(r));
    debug_ops.detach(r->d);
    assert_true(scripted_enter(r->v));
    expect_no_trace(r);
    call_end(r);
}

static void test_detach_in_host(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    insert_all(r);
    CONTINUE(r);
    entered_at(r, r->text);
    begin_in_host(r);
    debug_ops.detach(r->d);
    leave_host(r);
    entered_at(r, r->text + 1);
    expect_no_trace(r);
    call_end(r);
}

/* In the middle of a step: the guest's flags are its own. */
static void test_detach_stepping(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    STEP(r);
    entered_at(r, r->text);
    unsigned before = entries(r);
    debug_ops.detach(r->d);
    entered_again(r, before);
    assert_false(is_stepping(r));
    assert_int_equal(r->v->regs.rflags & TF, 0);
    call_end(r);
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

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
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

/* The event that was due, and one that was not taken yet, are cancelled. */
static void test_detach_cancels(void **state)
{
    struct rig *r = *state;

    begin_free(r);
    assert_int_equal(debug_ops.attach(r->d), 0);
    debug_ops.detach(r->d);
    assert_true(scripted_enter(r->v));
    expect_nothing(r);
    assert_int_equal(debug_ops.attach(r->d), 0);
    WAIT_FOR(has_event(r));
    debug_ops.detach(r->d);
    expect_nothing(r);
    assert_true(scripted_enter(r->v));
    call_end(r);
}

/* Away and back again before the guest has looked up. */
static void test_detach_and_attach(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    insert_all(r);
    CONTINUE(r);
    entered_at(r, r->text);
    debug_ops.detach(r->d);
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_0);
    CONTINUE(r);
    entered_at(r, r->text);
    expect_no_trace(r);
}

/* ---- kill ---- */

static void test_kill_running(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.kill(r->d);
    call_over(r, HL_ERR_INTERRUPTED);
    assert_non_null(strstr(r->call_error.text, "killed"));
    assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_POISONED);
    assert_int_equal(hl_sandbox_debug_wish(r->sb), HL_DEBUG_KILLED);
    expect_nothing(r);
    call_begin(r);
    call_over(r, HL_ERR_STATE);
}

static void test_kill_held(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    insert_all(r);
    unsigned before = entries(r);
    debug_ops.kill(r->d);
    call_over(r, HL_ERR_INTERRUPTED);
    assert_int_equal(entries(r), before); /* it cannot go on */
}

static void test_kill_idle(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    unsigned before = entries(r);
    debug_ops.kill(r->d);
    assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_POISONED);
    call_begin(r);
    call_over(r, HL_ERR_STATE);
    assert_int_equal(entries(r), before);
}

static void test_kill_while_a_call_waits(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    call_begin(r);
    WAIT_FOR(is_waiting(r));
    debug_ops.kill(r->d);
    call_over(r, HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_POISONED);
}

static void test_kill_in_host(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    begin_in_host(r);
    unsigned before = entries(r);
    debug_ops.kill(r->d);
    leave_host(r);
    call_over(r, HL_ERR_INTERRUPTED);
    assert_int_equal(entries(r), before);
}

static void test_kill_new(void **state)
{
    struct rig *r = *state;

    rig_create(r, &(struct hl_debug_config){.hold = HL_HOLD_ENTRY});
    call_start(r);
    WAIT_FOR(is_waiting(r));
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_TRAP);
    debug_ops.kill(r->d);
    call_over(r, HL_ERR_INTERRUPTED);
    assert_int_equal(entries(r), 0);
}

/* ---- restart ---- */

/* Where the guest begins; the program hears of it, unless its own start is what is run again. */
static void expect_entry(struct rig *r)
{
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), hl_image_entry(r->image));
}

static void expect_fresh(struct rig *r)
{
    expect_entry(r);
    assert_int_equal(hl_sandbox_debug_wish(r->sb), HL_DEBUG_RESTARTED);
    assert_int_equal(hl_sandbox_debug_wish(r->sb), HL_DEBUG_NOTHING);
    assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_READY);
}

static void play_start(struct rig *r)
{
    entered_at(r, hl_image_entry(r->image));
    r->sb->output->message = (struct hl_message){.kind = HL_MSG_READY};
    play_out(r, r->pc, HL_PORT_WAIT);
}

/* The program makes its calls again: the first of them sets the guest up. */
static void call_afresh(struct rig *r)
{
    CONTINUE(r);
    call_begin(r);
    play_start(r);
    call_end(r);
    assert_int_equal(hl_sandbox_debug_wish(r->sb), HL_DEBUG_NOTHING);
    call_begin(r);
    call_end(r);
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

static void test_restart_idle(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, r->text);
    assert_int_equal(debug_ops.restart(r->d), 0);
    expect_fresh(r);
    assert_int_equal(debug_ops.restart(r->d), 0);
    expect_fresh(r);
    call_afresh(r);
}

/* A call that waits belongs to what is begun again, too. */
static void test_restart_while_a_call_waits(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    call_begin(r);
    WAIT_FOR(is_waiting(r));
    assert_int_equal(debug_ops.restart(r->d), 0);
    call_over(r, HL_ERR_INTERRUPTED);
    expect_fresh(r);
    call_afresh(r);
}

static void test_restart_after_the_end(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    die(r, 0);
    assert_int_equal(take(r).reason, GDB_STOP_EXITED);
    assert_int_equal(debug_ops.restart(r->d), 0);
    expect_fresh(r);
    call_afresh(r);
    debug_ops.kill(r->d);
    assert_int_equal(debug_ops.restart(r->d), 0);
    expect_fresh(r);
    call_afresh(r);
}

/* Before the start there is nothing for the program to do again. */
static void test_restart_new(void **state)
{
    struct rig *r = *state;

    rig_create(r, &(struct hl_debug_config){.hold = HL_HOLD_ENTRY});
    call_start(r);
    WAIT_FOR(is_waiting(r));
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_entry(r);
    for (int i = 0; i < 3; i++) {
        set_reg(r, GDB_AMD64_RIP, r->text);
        assert_int_equal(debug_ops.restart(r->d), 0);
        expect_entry(r);
    }
    CONTINUE(r);
    play_start(r);
    call_over(r, 0);
    assert_int_equal(hl_sandbox_debug_wish(r->sb), HL_DEBUG_NOTHING);
    call_begin(r);
    call_end(r);
}

/* ... and a start that runs is run again within the same call of the program's. */
static void test_restart_in_the_start(void **state)
{
    struct rig *r = *state;

    rig_create(r, NULL);
    attach_idle(r);
    CONTINUE(r);
    call_start(r);
    for (int i = 0; i < 3; i++) {
        entered_at(r, hl_image_entry(r->image));
        assert_int_equal(debug_ops.restart(r->d), 0);
        expect_entry(r);
        insert(r, GDB_SW_BREAK, r->text + 1, 1);
        CONTINUE(r);
    }
    entered_at(r, hl_image_entry(r->image));
    assert_int_equal(seen(r, r->text + 1), INT3);
    play_int3(r, r->text + 1);
    expect_break(r, GDB_STOP_SW_BREAK, r->text + 1);
    assert_int_equal(debug_ops.restart(r->d), 0);
    expect_entry(r);
    CONTINUE(r);
    play_start(r);
    call_over(r, 0);
    assert_int_equal(hl_sandbox_debug_wish(r->sb), HL_DEBUG_NOTHING);
    call_begin(r);
    call_end(r);
}

/* GDB's `run` kills first. */
static void test_restart_after_a_kill_in_the_start(void **state)
{
    struct rig *r = *state;

    rig_create(r, NULL);
    attach_idle(r);
    CONTINUE(r);
    call_start(r);
    assert_true(scripted_enter(r->v));
    debug_ops.kill(r->d);
    call_over(r, HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_debug_wish(r->sb), HL_DEBUG_KILLED);
    assert_int_equal(debug_ops.restart(r->d), 0);
    expect_fresh(r);
    call_afresh(r);
}

static void test_restart_after_a_crash_in_the_start(void **state)
{
    struct rig *r = *state;

    rig_create(r, NULL);
    attach_idle(r);
    CONTINUE(r);
    call_start(r);
    for (int i = 0; i < 2; i++) {
        assert_true(scripted_enter(r->v));
        play_fault(r, r->text + 7, VECTOR_PAGE_FAULT, 4, 0x10);
        expect_signal(r, GDB_SIGNAL_SEGV);
        resume_how(r, GDB_CONTINUE, GDB_SIGNAL_SEGV);
        call_over(r, HL_ERR_FAULT);
        assert_int_equal(take(r).reason, GDB_STOP_KILLED);
        assert_int_equal(debug_ops.restart(r->d), 0);
        expect_fresh(r);
        CONTINUE(r);
        call_begin(r);
    }
    play_start(r);
    call_end(r);
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

/* ---- the program ---- */

/* hl_sandbox_interrupt() ends a call, held or not; what is left can be looked at. */
static void test_interrupted_while_held(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    hl_sandbox_interrupt(r->sb);
    call_over(r, HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_POISONED);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text);
    expect_nothing(r);
    CONTINUE(r);
    assert_int_equal(take(r).reason, GDB_STOP_KILLED);
}

static void test_interrupted_while_running(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    hl_sandbox_interrupt(r->sb);
    call_over(r, HL_ERR_INTERRUPTED);
    expect_signal(r, GDB_SIGNAL_TERM);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text);
}

static void test_interrupted_while_it_waits(void **state)
{
    struct rig *r = *state;

    rig_open(r);
    attach_idle(r);
    call_begin(r);
    WAIT_FOR(is_waiting(r));
    hl_sandbox_interrupt(r->sb);
    call_over(r, HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_READY);
    CONTINUE(r);
    call_begin(r);
    assert_true(scripted_enter(r->v));
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

    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
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
        ON_ALL_ROADS(test_attach_running),
        ON_ALL_ROADS(test_attach_idle),
        ON_ALL_ROADS(test_attach_in_host),
        ON_ALL_ROADS(test_attach_before_host),
        ON_ALL_ROADS(test_attach_poisoned),
        ON_ALL_ROADS(test_attach_dead),
        ON_ALL_ROADS(test_exit_while_attached),
        ON_ALL_ROADS(test_break_in),
        ON_ALL_ROADS(test_break_in_twice),
        ON_ALL_ROADS(test_break_in_loses_the_race),
        ON_ALL_ROADS(test_break_in_during_a_wanted_hit),
        ON_ALL_ROADS(test_break_in_during_an_unwanted_hit),
        ON_ALL_ROADS(test_break_in_while_idle),
        ON_ALL_ROADS(test_break_in_in_host),
        ON_ALL_ROADS(test_break_in_during_a_step),
        ON_ALL_ROADS(test_break_in_inside_the_shim),
        ON_ALL_ROADS(test_break_in_at_the_end_of_a_call),
        ON_ALL_ROADS(test_detach_held),
        ON_ALL_ROADS(test_detach_running),
        ON_ALL_ROADS(test_detach_idle),
        ON_ALL_ROADS(test_detach_while_a_call_waits),
        ON_ALL_ROADS(test_detach_in_host),
        ON_ALL_ROADS(test_detach_stepping),
        ON_ALL_ROADS(test_detach_at_a_hit),
        ON_ALL_ROADS(test_detach_cancels),
        ON_ALL_ROADS(test_detach_and_attach),
        ON_ALL_ROADS(test_kill_running),
        ON_ALL_ROADS(test_kill_held),
        ON_ALL_ROADS(test_kill_idle),
        ON_ALL_ROADS(test_kill_while_a_call_waits),
        ON_ALL_ROADS(test_kill_in_host),
        ON_ALL_ROADS(test_kill_new),
        ON_ALL_ROADS(test_restart_in_a_call),
        ON_ALL_ROADS(test_restart_idle),
        ON_ALL_ROADS(test_restart_while_a_call_waits),
        ON_ALL_ROADS(test_restart_after_the_end),
        ON_ALL_ROADS(test_restart_new),
        ON_ALL_ROADS(test_restart_in_the_start),
        ON_ALL_ROADS(test_restart_after_a_kill_in_the_start),
        ON_ALL_ROADS(test_restart_after_a_crash_in_the_start),
        ON_ALL_ROADS(test_restart_to_a_snapshot),
        ON_ALL_ROADS(test_interrupted_while_held),
        ON_ALL_ROADS(test_interrupted_while_running),
        ON_ALL_ROADS(test_interrupted_while_it_waits),
        ON_ALL_ROADS(test_console),
        ON_ALL_ROADS(test_thread_extra),
        ON_ALL_ROADS(test_catch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
