/* SPDX-License-Identifier: Apache-2.0 */
/* watch_rig.h - watched memory of a guest that the test plays. */
#ifndef TESTS_WATCH_RIG_H
#define TESTS_WATCH_RIG_H

#include "debug_rig.h"

enum { NOP = 0x90 };
enum { STORE = 0, LOAD = 16, MODIFY = 32, COPY = 48, ELSEWHERE = 64 }; /* offsets in text */

/* Stopped at the store, in a call, with one instruction of each kind in text. */
static inline void stand(struct rig *r)
{
    begin_held(r);
    for (size_t i = 0; i < PAGE / 2; i++)
        CODE_AT(r, i, NOP);
    CODE_AT(r, STORE, 0x48, 0x89, 0x07);  /* mov %rax,(%rdi) */
    CODE_AT(r, LOAD, 0x48, 0x8b, 0x07);   /* mov (%rdi),%rax */
    CODE_AT(r, MODIFY, 0x48, 0x01, 0x07); /* add %rax,(%rdi) */
    CODE_AT(r, COPY, 0x48, 0xa5);         /* movsq */
    CODE_AT(r, ELSEWHERE, NOP, NOP);
}

static inline bool is_watched(const struct rig *r, hl_gva_t at, unsigned prot)
{
    return !(scripted_prot(r->v, at) & prot);
}

/* The debug registers that this access trips. */
static inline uint64_t tripped(const struct rig *r, hl_gva_t at, size_t size, bool write)
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
static inline void done(struct rig *r, hl_gva_t next, uint64_t bits)
{
    if (is_stepping(r))
        play_step_and(r, next, bits);
    else if (bits)
        play_slots(r, next, bits);
    else
        r->v->regs.rip = next;
}

/* The instruction at `pc`, three bytes long, writes to memory; over its page faults. */
static inline void write_at(struct rig *r, size_t pc, hl_gva_t at, uint64_t value, size_t size)
{
    entered_at(r, r->text + pc);
    while (!play_write(r, r->text + pc, at, &value, size)) {
        entered_at(r, r->text + pc);
        assert_true(is_stepping(r));
    }
    done(r, r->text + pc + 3, tripped(r, at, size, true));
}

static inline void read_at(struct rig *r, size_t pc, hl_gva_t at, size_t size)
{
    entered_at(r, r->text + pc);
    while (!play_read(r, r->text + pc, at, size)) {
        entered_at(r, r->text + pc);
        assert_true(is_stepping(r));
    }
    done(r, r->text + pc + 3, tripped(r, at, size, false));
}

static inline void go_to(struct rig *r, size_t pc)
{
    set_reg(r, GDB_AMD64_RIP, r->text + pc);
    CONTINUE(r);
}

/* Nothing was reported, and the guest runs on past the instruction. */
static inline void expect_running(struct rig *r, size_t pc)
{
    entered_at(r, r->text + pc + 3);
    assert_false(is_stepping(r));
    expect_nothing(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
}

#endif
