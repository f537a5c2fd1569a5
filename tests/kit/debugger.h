/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debugger.h - the test as a debugger: the operations of a target, each with what must come of it.
 *
 * The functions take a target.  A test's own struct has it in a member `d`, and the macros below
 * take that struct: insert(r, ...) is debugger_insert(r->d, ...).
 */
#ifndef TESTS_DEBUGGER_H
#define TESTS_DEBUGGER_H

#include "kit.h"

#include <poll.h>

#include "debug.h"
#include "retry.h"

#define TF 0x100ull
#define PATIENCE_MS 20000

/* The one event there is, waiting for it. */
static inline struct gdb_stop debugger_take(struct hl_debug *d)
{
    struct gdb_stop stop;
    struct pollfd event = {.fd = debug_ops.event_fd(d), .events = POLLIN};
    assert_int_equal(RETRY(poll(&event, 1, PATIENCE_MS * (int)slow())), 1);
    assert_int_equal(debug_ops.take_stop(d, &stop), 1);
    return stop;
}

static inline void debugger_nothing(struct hl_debug *d)
{
    struct gdb_stop stop;
    struct pollfd event = {.fd = debug_ops.event_fd(d), .events = POLLIN};
    assert_int_equal(RETRY(poll(&event, 1, 0)), 0);
    assert_int_equal(debug_ops.take_stop(d, &stop), 0);
}

static inline size_t register_size(unsigned number)
{
    return number >= GDB_AMD64_EFLAGS && number <= GDB_AMD64_GS ? 4 : 8;
}

static inline uint64_t debugger_reg(struct hl_debug *d, unsigned number)
{
    uint64_t value = 0;
    size_t size = register_size(number);
    assert_int_equal(debug_ops.read_register(d, number, &value, size), 0);
    return value;
}

static inline void debugger_set_reg(struct hl_debug *d, unsigned number, uint64_t value)
{
    size_t size = register_size(number);
    assert_int_equal(debug_ops.write_register(d, number, &value, size), 0);
}

static inline void debugger_signal(struct hl_debug *d, int signal)
{
    struct gdb_stop stop = debugger_take(d);
    assert_int_equal(stop.reason, GDB_STOP_SIGNAL);
    assert_int_equal(stop.signal, signal);
    debugger_nothing(d);
}

static inline void debugger_break(struct hl_debug *d, enum gdb_stop_reason reason, hl_gva_t address)
{
    struct gdb_stop stop = debugger_take(d);
    assert_int_equal(stop.reason, reason);
    assert_int_equal(stop.address, address);
    assert_int_equal(debugger_reg(d, GDB_AMD64_RIP), address);
    debugger_nothing(d);
}

static inline void debugger_watch(struct hl_debug *d, enum gdb_point point, hl_gva_t address)
{
    struct gdb_stop stop = debugger_take(d);
    assert_int_equal(stop.reason, GDB_STOP_WATCH);
    assert_int_equal(stop.point, point);
    assert_int_equal(stop.address, address);
    debugger_nothing(d);
}

static inline void debugger_attach(struct hl_debug *d)
{
    assert_int_equal(debug_ops.attach(d), 0);
    debugger_signal(d, GDB_SIGNAL_0);
}

static inline void debugger_break_in(struct hl_debug *d)
{
    debug_ops.interrupt(d);
    debugger_signal(d, GDB_SIGNAL_INT);
}

static inline void debugger_resume(struct hl_debug *d, enum gdb_resume_how how, int signal)
{
    const struct gdb_resume resume = {.how = how, .signal = signal};
    assert_int_equal(debug_ops.resume(d, &resume), 0);
}

static inline void debugger_resume_range(struct hl_debug *d, hl_gva_t start, hl_gva_t end)
{
    const struct gdb_resume resume = {.how = GDB_RANGE_STEP, .start = start, .end = end};
    assert_int_equal(debug_ops.resume(d, &resume), 0);
}

/* What the debugger reads there is the guest's own. */
static inline void debugger_byte(struct hl_debug *d, hl_gva_t at, uint8_t byte)
{
    uint8_t is = (uint8_t)~byte;
    assert_int_equal(debug_ops.read_memory(d, at, &is, 1), 1);
    assert_int_equal(is, byte);
}

static inline void debugger_insert(struct hl_debug *d, enum gdb_point point, hl_gva_t address,
                                   size_t size)
{
    assert_int_equal(debug_ops.insert_point(d, point, address, size), 0);
}

static inline void debugger_drop(struct hl_debug *d, enum gdb_point point, hl_gva_t address,
                                 size_t size)
{
    assert_int_equal(debug_ops.remove_point(d, point, address, size), 0);
}

#define take(who) debugger_take((who)->d)
#define expect_nothing(who) debugger_nothing((who)->d)
#define expect_signal(who, signal) debugger_signal((who)->d, signal)
#define expect_break(who, reason, address) debugger_break((who)->d, reason, address)
#define expect_watch(who, point, address) debugger_watch((who)->d, point, address)
#define expect_byte(who, at, byte) debugger_byte((who)->d, at, byte)
#define reg(who, number) debugger_reg((who)->d, number)
#define set_reg(who, number, value) debugger_set_reg((who)->d, number, value)
#define attach_idle(who) debugger_attach((who)->d)
#define break_in(who) debugger_break_in((who)->d)
#define insert(who, point, address, size) debugger_insert((who)->d, point, address, size)
#define drop(who, point, address, size) debugger_drop((who)->d, point, address, size)
#define resume_how(who, how, signal) debugger_resume((who)->d, how, signal)
#define resume_range(who, start, end) debugger_resume_range((who)->d, start, end)
#define CONTINUE(who) resume_how(who, GDB_CONTINUE, 0)
#define STEP(who) resume_how(who, GDB_STEP, 0)

#endif
