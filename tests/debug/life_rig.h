/* SPDX-License-Identifier: Apache-2.0 */
/* life_rig.h - what a debugger does and meets in a sandbox's life, on a vCPU that the test plays.
 */
#ifndef TESTS_LIFE_RIG_H
#define TESTS_LIFE_RIG_H

#include "debug_rig.h"

#include <hl/abi.h>

enum { INT3 = 0xcc, NOP = 0x90 };

/* In a call, in the guest at text, nobody attached. */
static inline void begin_free(struct rig *r)
{
    rig_open(r);
    struct hl_regs regs;
    assert_int_equal(hl_machine_get_regs(r->sb->machine, &regs, NULL), 0);
    regs.rip = r->text;
    assert_int_equal(hl_machine_set_regs(r->sb->machine, &regs, NULL), 0);
    call_begin(r);
    entered_at(r, r->text);
}

static inline void begin_in_host(struct rig *r)
{
    CODE_AT(r, 0, 0xee, NOP);
    atomic_store(&r->host_waits, true);
    play_host_call(r, r->text);
    WAIT_FOR(atomic_load(&r->in_host));
}

static inline void leave_host(struct rig *r)
{
    atomic_store(&r->host_waits, false);
    WAIT_FOR(!atomic_load(&r->in_host));
}

static inline void die(struct rig *r, int status)
{
    CODE_AT(r, 0, 0x0f, 0x05);
    r->v->regs.rdi = (uint64_t)status;
    play_syscall(r, r->text, 231); /* exit_group */
    call_over(r, HL_ERR_EXITED);
}

static inline void insert_all(struct rig *r)
{
    CODE_AT(r, 8, NOP, NOP);
    insert(r, GDB_SW_BREAK, r->text + 8, 1);
    insert(r, GDB_HW_BREAK, r->text + 9, 1);
    insert(r, GDB_WATCH_ACCESS, r->data, 400);
}

static inline void expect_no_trace(struct rig *r)
{
    assert_int_equal(seen(r, r->text + 8), NOP);
    assert_int_equal(seen(r, r->text + 9), NOP);
    assert_int_equal(scripted_prot(r->v, r->data) & RW, RW);
    for (unsigned i = 0; i < VCPU_SLOTS; i++)
        assert_int_equal(r->v->debug.slot[i].kind, VCPU_SLOT_OFF);
}

/* Where the guest begins; the program hears of it, unless its own start is what is run again. */
static inline void expect_entry(struct rig *r)
{
    expect_signal(r, GDB_SIGNAL_TRAP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), hl_image_entry(r->image));
}

static inline void expect_fresh(struct rig *r)
{
    expect_entry(r);
    assert_int_equal(hl_sandbox_debug_wish(r->sb), HL_DEBUG_RESTARTED);
    assert_int_equal(hl_sandbox_debug_wish(r->sb), HL_DEBUG_NOTHING);
    assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_READY);
}

static inline void play_start(struct rig *r)
{
    entered_at(r, hl_image_entry(r->image));
    r->sb->output->message = (struct hl_message){.kind = HL_MSG_READY};
    play_out(r, r->pc, HL_PORT_WAIT);
}

/* The program makes its calls again: the first of them sets the guest up. */
static inline void call_afresh(struct rig *r)
{
    CONTINUE(r);
    call_begin(r);
    play_start(r);
    call_end(r);
    assert_int_equal(hl_sandbox_debug_wish(r->sb), HL_DEBUG_NOTHING);
    call_begin(r);
    call_end(r);
}

#endif
