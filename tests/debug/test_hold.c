/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wait for the first debugger: it comes early, late or never, and goes at each moment.  The
 * guest stands there for it, and never for one that has been.
 */
#include "debug_rig.h"

#include <hl/abi.h>

enum { INT3 = 0xcc, NOP = 0x90 };

/* ---- a debugger that comes ---- */

static void test_hold_at_entry(void **state)
{
    struct rig *r = *state;

    rig_create(r, &(struct hl_debug_config){.hold = HL_HOLD_ENTRY});
    call_start(r);
    WAIT_FOR(is_waiting(r));
    assert_int_equal(entries(r), 0);
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), hl_image_entry(r->image));
    STEP(r);
    entered_at(r, hl_image_entry(r->image));
    play_step(r, r->text);
    expect_step(r, r->text);
    debug_ops.detach(r->d);
    entered_at(r, r->text);
}

static void begin_hold_at(struct rig *r, hl_gva_t at)
{
    rig_create(r, &(struct hl_debug_config){.hold = HL_HOLD_ADDRESS, .hold_at = at});
    CODE_AT(r, at - r->text, NOP);
    rig_start(r);
    call_begin(r);
    assert_true(scripted_enter(r->v));
    assert_int_equal(seen(r, at), INT3);
    play_int3(r, at);
    WAIT_FOR(is_parked(r));
    assert_int_equal(seen(r, at), NOP);
    expect_nothing(r);
}

static hl_gva_t plain_text(const struct rig *r)
{
    return hl_image_entry(r->image) + 0x20;
}

static void test_hold_waits_for_a_debugger(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = plain_text(r);

    begin_hold_at(r, at);
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), at);
    CONTINUE(r);
    entered_at(r, at); /* once: it is no breakpoint */
    assert_int_equal(seen(r, at), NOP);
    call_end(r);
}

/* One that comes early hears of the guest when it is there; unless it breaks in. */
static void test_hold_with_a_debugger(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = plain_text(r);

    rig_create(r, &(struct hl_debug_config){.hold = HL_HOLD_ADDRESS, .hold_at = at});
    CODE_AT(r, at - r->text, NOP);
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_nothing(r);
    call_start(r);
    assert_true(scripted_enter(r->v));
    expect_nothing(r);
    play_int3(r, at);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), at);
    insert(r, GDB_SW_BREAK, at + 1, 1);
    CONTINUE(r);
    entered_at(r, at);
    assert_int_equal(seen(r, at), NOP);
    assert_int_equal(seen(r, at + 1), INT3);
}

static void test_hold_is_broken(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = plain_text(r);

    rig_create(r, &(struct hl_debug_config){.hold = HL_HOLD_ADDRESS, .hold_at = at});
    CODE_AT(r, at - r->text, NOP);
    assert_int_equal(debug_ops.attach(r->d), 0);
    call_start(r);
    assert_true(scripted_enter(r->v));
    debug_ops.interrupt(r->d);
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, GDB_STOP_SIGNAL);
    CONTINUE(r);
    assert_true(scripted_enter(r->v));
    play_int3(r, at);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), at);
}

/* A program that would rather not wait. */
static void test_hold_is_interrupted(void **state)
{
    struct rig *r = *state;

    begin_hold_at(r, plain_text(r));
    hl_sandbox_interrupt(r->sb);
    call_over(r, HL_ERR_INTERRUPTED);
}

static void test_hold_nowhere(void **state)
{
    struct rig *r = *state;
    const struct hl_debug_config config = {.hold = HL_HOLD_ADDRESS, .hold_at = 0x1234};

    assert_int_equal(sandbox_create(&r->sb, r->image, NULL,
                                    &(struct sandbox_parts){.backend = &scripted_backend},
                                    &r->error),
                     0);
    assert_int_equal(debug_create(r->sb, &config, &r->route->can, &r->error), HL_ERR_ARGUMENT);
    check_error(&r->error, HL_ERR_ARGUMENT);
    assert_null(debug_of(r->sb));
}

/* ---- a debugger that goes before the guest is there ---- */

static hl_gva_t create_ahead(struct rig *r)
{
    hl_gva_t at = hl_image_entry(r->image) + 0x20;
    rig_create(r, &(struct hl_debug_config){.hold = HL_HOLD_ADDRESS, .hold_at = at});
    CODE_AT(r, at - r->text, NOP);
    return at;
}

static void start_ahead(struct rig *r)
{
    call_start(r);
    assert_true(scripted_enter(r->v));
}

static void end_start(struct rig *r)
{
    r->sb->output->message = (struct hl_message){.kind = HL_MSG_READY};
    play_out(r, r->pc, HL_PORT_WAIT);
    call_over(r, 0);
}

/* Nobody is waited for any more: no int3, and no stop there. */
static void expect_over(struct rig *r, hl_gva_t at)
{
    assert_int_equal(r->d->hold.state, HOLD_OFF);
    assert_true(scripted_enter(r->v));
    assert_int_equal(seen(r, at), NOP);
    expect_nothing(r);
}

/* Standard input at its end: a detach by one that never was there. */
static void test_gone_before_the_start(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = create_ahead(r);

    debug_ops.detach(r->d);
    start_ahead(r);
    expect_over(r, at);
}

static void test_gone_in_the_guest(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = create_ahead(r);

    start_ahead(r);
    assert_int_equal(seen(r, at), INT3);
    unsigned before = entries(r);
    debug_ops.detach(r->d);
    entered_again(r, before);
    expect_over(r, at);
}

/* Its int3 has been executed when the wait ends. */
static void test_gone_at_the_point(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = create_ahead(r);

    start_ahead(r);
    scripted_deafen(r->v);
    debug_ops.detach(r->d);
    unsigned before = entries(r);
    play_int3(r, at);
    entered_again(r, before);
    assert_int_equal(r->v->regs.rip, at);
    expect_over(r, at);
}

/* The call is over before the guest has looked up. */
static void test_gone_at_the_end_of_a_call(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = create_ahead(r);

    start_ahead(r);
    scripted_deafen(r->v);
    debug_ops.detach(r->d);
    end_start(r);
    call_begin(r);
    expect_over(r, at);
    call_end(r);
}

static void test_gone_between_calls(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = create_ahead(r);

    rig_start(r);
    debug_ops.detach(r->d);
    call_begin(r);
    expect_over(r, at);
}

static void test_gone_in_a_host_function(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = create_ahead(r);

    rig_start(r);
    call_begin(r);
    assert_true(scripted_enter(r->v));
    CODE_AT(r, 0, 0xee, NOP);
    atomic_store(&r->host_waits, true);
    play_host_call(r, r->text);
    WAIT_FOR(atomic_load(&r->in_host));
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_nothing(r);
    debug_ops.detach(r->d);
    atomic_store(&r->host_waits, false);
    expect_over(r, at);
}

static void test_gone_while_it_waits(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = plain_text(r);

    begin_hold_at(r, at);
    debug_ops.detach(r->d);
    entered_at(r, at);
    expect_over(r, at);
}

static void test_gone_at_entry(void **state)
{
    struct rig *r = *state;

    rig_create(r, &(struct hl_debug_config){.hold = HL_HOLD_ENTRY});
    call_start(r);
    WAIT_FOR(is_waiting(r));
    debug_ops.detach(r->d);
    assert_true(scripted_enter(r->v));
}

/* One that came early and went, and one that comes after it. */
static void test_gone_and_come_again(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = create_ahead(r);

    assert_int_equal(debug_ops.attach(r->d), 0);
    start_ahead(r);
    expect_nothing(r);
    scripted_deafen(r->v);
    debug_ops.detach(r->d);
    assert_int_equal(debug_ops.attach(r->d), 0);
    play_int3(r, at);
    expect_signal(r, GDB_SIGNAL_0);
    assert_int_equal(reg(r, GDB_AMD64_RIP), at);
    CONTINUE(r);
    expect_over(r, at);
}

static void test_kill_at_the_point(void **state)
{
    struct rig *r = *state;
    hl_gva_t at = create_ahead(r);

    start_ahead(r);
    scripted_deafen(r->v);
    debug_ops.kill(r->d);
    play_int3(r, at);
    call_over(r, HL_ERR_INTERRUPTED);
    expect_nothing(r);
}

/* ---- a guest that does not come there ---- */

static void expect_end(struct rig *r, enum gdb_stop_reason reason, int signal, int rc)
{
    resume_how(r, GDB_CONTINUE, signal);
    call_over(r, rc);
    assert_int_equal(take(r).reason, reason);
    expect_nothing(r);
}

static void crash(struct rig *r)
{
    play_fault(r, r->text + 7, VECTOR_PAGE_FAULT, 4, 0x10);
}

static void leave_by_exit(struct rig *r)
{
    CODE_AT(r, 0, 0x0f, 0x05);
    r->v->regs.rdi = 7;
    play_syscall(r, r->text, 231); /* exit_group */
}

static void test_crash_is_waited_at(void **state)
{
    struct rig *r = *state;

    create_ahead(r);
    start_ahead(r);
    crash(r);
    WAIT_FOR(is_parked(r));
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_SEGV);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 7);
    expect_end(r, GDB_STOP_KILLED, GDB_SIGNAL_SEGV, HL_ERR_FAULT);
}

static void test_crash_is_shown_to_an_early_one(void **state)
{
    struct rig *r = *state;

    create_ahead(r);
    assert_int_equal(debug_ops.attach(r->d), 0);
    start_ahead(r);
    crash(r);
    expect_signal(r, GDB_SIGNAL_SEGV);
    expect_end(r, GDB_STOP_KILLED, GDB_SIGNAL_SEGV, HL_ERR_FAULT);
}

static void test_crash_without_a_debugger(void **state)
{
    struct rig *r = *state;

    create_ahead(r);
    start_ahead(r);
    crash(r);
    WAIT_FOR(is_parked(r));
    debug_ops.detach(r->d);
    call_over(r, HL_ERR_FAULT);
    expect_nothing(r);
}

static void test_crash_is_interrupted(void **state)
{
    struct rig *r = *state;

    create_ahead(r);
    start_ahead(r);
    crash(r);
    WAIT_FOR(is_parked(r));
    hl_sandbox_interrupt(r->sb);
    call_over(r, HL_ERR_INTERRUPTED);
}

/* The last stop at which there is a guest. */
static void test_exit_is_waited_at(void **state)
{
    struct rig *r = *state;

    create_ahead(r);
    start_ahead(r);
    leave_by_exit(r);
    WAIT_FOR(is_parked(r));
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_ORIG_RAX), 231);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 2);
    expect_end(r, GDB_STOP_EXITED, 0, HL_ERR_EXITED);
}

static void test_exit_is_shown_to_an_early_one(void **state)
{
    struct rig *r = *state;

    create_ahead(r);
    assert_int_equal(debug_ops.attach(r->d), 0);
    start_ahead(r);
    leave_by_exit(r);
    expect_signal(r, GDB_SIGNAL_TRAP);
    expect_end(r, GDB_STOP_EXITED, 0, HL_ERR_EXITED);
}

int main(void)
{
    watchdog(120);
    const struct CMUnitTest tests[] = {
        ON_ALL_ROADS(test_hold_at_entry),
        ON_ALL_ROADS(test_hold_waits_for_a_debugger),
        ON_ALL_ROADS(test_hold_with_a_debugger),
        ON_ALL_ROADS(test_hold_is_broken),
        ON_ALL_ROADS(test_hold_is_interrupted),
        ON_ALL_ROADS(test_hold_nowhere),
        ON_ALL_ROADS(test_gone_before_the_start),
        ON_ALL_ROADS(test_gone_in_the_guest),
        ON_ALL_ROADS(test_gone_at_the_point),
        ON_ALL_ROADS(test_gone_at_the_end_of_a_call),
        ON_ALL_ROADS(test_gone_between_calls),
        ON_ALL_ROADS(test_gone_in_a_host_function),
        ON_ALL_ROADS(test_gone_while_it_waits),
        ON_ALL_ROADS(test_gone_at_entry),
        ON_ALL_ROADS(test_gone_and_come_again),
        ON_ALL_ROADS(test_kill_at_the_point),
        ON_ALL_ROADS(test_crash_is_waited_at),
        ON_ALL_ROADS(test_crash_is_shown_to_an_early_one),
        ON_ALL_ROADS(test_crash_without_a_debugger),
        ON_ALL_ROADS(test_crash_is_interrupted),
        ON_ALL_ROADS(test_exit_is_waited_at),
        ON_ALL_ROADS(test_exit_is_shown_to_an_early_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
