/* SPDX-License-Identifier: Apache-2.0 */
/* debug/run.c - the guest's thread under a debugger: replaces hl_machine_run(). */
#include "debug.h"

#include <string.h>

#include "names.h"

enum { INT3 = 0xcc, INT_IMM8 = 0xcd };

/* ---- requests from the server's thread, before an entry ---- */

/* lock held.  `signal SIGABRT` at a breakpoint. */
static int struck(struct hl_debug *d, struct hl_error *error)
{
    int n = debug_host_signal(d->deliver), sent = d->deliver;
    d->deliver = 0;
    if (d->sb->personality->strike(d->sb, n))
        return 0;
    d->died_by = sent;
    d->sb->guest_code = d->sb->killed_by = n;
    return hl_error_set(error, HL_ERR_GUEST_ABORT, "%s: the debugger sent it signal %d (SIG%s)",
                        hl_err_text(HL_ERR_GUEST_ABORT), n, signal_name(n));
}

static int attend(struct hl_debug *d, struct hl_error *error)
{
    struct gdb_stop owed;
    int rc = 0;
    if (!atomic_load_explicit(&d->attention, memory_order_acquire))
        return 0;
    pthread_mutex_lock(&d->lock);
    atomic_store(&d->attention, false);
    debug_hold_follow(d);
    if (d->drop) {
        debug_remove_all(d);
        d->motion = (struct debug_motion){.how = GDB_CONTINUE};
        d->drop = false;
    }
    if (debug_owes_stop(d, &owed)) {
        debug_watch_restore(d); /* all watches are in place for the reader */
        debug_post(d, &owed);
    }
    debug_park(d);
    if (d->killed || d->restart || debug_is_interrupted(d))
        rc = debug_gone(d, error);
    else if (d->deliver)
        rc = struck(d, error);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/* ---- one entry ---- */

/* The debug registers to arm: without execution slots while stepping past a breakpoint. */
static struct vcpu_debug slots(const struct hl_debug *d, bool watches_only)
{
    struct vcpu_debug debug = d->points.slots;
    for (int i = 0; i < VCPU_SLOTS; i++)
        if (watches_only && debug.slot[i].kind == VCPU_SLOT_EXEC)
            memset(&debug.slot[i], 0, sizeof(debug.slot[i]));
    return debug;
}

/* Breakpoints are in memory only during this. */
static int run_freely(struct hl_debug *d, struct hl_exit *exit, struct hl_error *error)
{
    struct hl_machine *m = d->sb->machine;
    struct vcpu_debug debug = slots(d, false);
    debug.sw_break = d->can.break_exit && (d->points.break_count || d->hold.point.address);
    int rc = machine_arm(m, &debug, error);
    if (rc)
        return rc;
    debug_plant(d);
    rc = hl_machine_run(m, exit, error);
    debug_lift(d);
    return rc;
}

static bool must_step(const struct hl_debug *d)
{
    return d->motion.how != GDB_CONTINUE || d->motion.step_over || d->points.granted_count;
}

/* Step past a breakpoint that was not wanted, the main cost of a false condition. */
static bool skip_over(struct hl_debug *d)
{
    if (!d->motion.step_over || d->motion.how != GDB_CONTINUE || d->points.watch_count ||
        d->points.granted_count || !machine_emulate(d->sb->machine))
        return false;
    d->motion.step_over = false;
    return true;
}

/* ---- what an exit means ---- */

enum verdict {
    SERVE, /* the sandbox handles it */
    AGAIN, /* enter the guest again */
    STOP,  /* report it, if the debugger wants it */
};

static struct gdb_stop break_stop(const struct debug_break *b)
{
    return (struct gdb_stop){
        .reason = b->point == GDB_HW_BREAK ? GDB_STOP_HW_BREAK : GDB_STOP_SW_BREAK,
        .address = b->address,
    };
}

/* Is the requested motion complete? */
static enum verdict check_motion(struct hl_debug *d, struct gdb_stop *stop)
{
    const struct debug_motion *motion = &d->motion;
    if (motion->how == GDB_CONTINUE || !motion->moved)
        return AGAIN;
    uint64_t pc = machine_pc(d->sb->machine);
    *stop = (struct gdb_stop){.reason = GDB_STOP_STEP, .signal = GDB_SIGNAL_TRAP};
    if (motion->how == GDB_STEP || pc < motion->start || pc >= motion->end)
        return STOP;
    const struct debug_break *b = debug_break_at(d, pc, GDB_SW_BREAK);
    if (!b)
        return AGAIN;
    *stop = break_stop(b);
    return STOP;
}

/* An instruction has been executed. */
static enum verdict completed(struct hl_debug *d, struct gdb_stop *stop)
{
    bool hit = debug_watch_hit(d, stop);
    debug_watch_restore(d);
    d->motion.step_over = false;
    d->motion.moved = true;
    return hit ? STOP : check_motion(d, stop);
}

static enum verdict on_breakpoint(struct hl_debug *d, const struct hl_fault *f,
                                  struct gdb_stop *stop)
{
    hl_gva_t pc = f->rip - 1;
    const struct debug_break *b = debug_break_at(d, pc, GDB_SW_BREAK);
    bool hold = d->hold.point.address == pc;
    if (!b && !hold)
        return SERVE;
    machine_set_pc(d->sb->machine, pc);
    if (hold && debug_hold_hit(d, stop))
        return STOP;
    if (!b)
        return AGAIN;
    *stop = break_stop(b);
    return STOP;
}

/* On a page that is not executable a breakpoint is hit as well: GDB's calls return there. */
static enum verdict on_fetch_fault(struct hl_debug *d, const struct hl_fault *f,
                                   struct gdb_stop *stop)
{
    const struct debug_break *b =
        f->address == f->rip ? debug_break_at(d, f->rip, GDB_SW_BREAK) : NULL;
    if (!b)
        return SERVE;
    *stop = break_stop(b);
    return STOP;
}

static enum verdict on_debug_exception(struct hl_debug *d, struct gdb_stop *stop)
{
    const struct debug_break *b = NULL;
    const uint64_t dr6 = machine_trap(d->sb->machine).dr6;
    for (int i = 0; i < VCPU_SLOTS; i++) {
        enum vcpu_slot_kind kind = d->points.slots.slot[i].kind;
        if (!(dr6 >> i & 1) || kind == VCPU_SLOT_OFF)
            continue;
        if (kind != VCPU_SLOT_EXEC)
            return completed(d, stop);
        b = debug_break_at(d, d->points.slots.slot[i].address, GDB_SW_BREAK);
    }
    if (!b)
        return SERVE; /* the guest's own TF, or int1 */
    *stop = break_stop(b);
    return STOP;
}

/* step: the result of machine_step(), NULL if the guest ran freely. */
static enum verdict on_fault(struct hl_debug *d, const struct hl_fault *f,
                             const struct machine_step *step, struct gdb_stop *stop)
{
    switch (f->vector) {
    case VECTOR_BREAKPOINT:
        return step ? SERVE : on_breakpoint(d, f, stop);
    case VECTOR_DEBUG:
        if (step && step->done && step->kind != INSN_TRAP)
            return completed(d, stop);
        return on_debug_exception(d, stop);
    case VECTOR_PAGE_FAULT:
        return debug_watch_fault(d, f) ? AGAIN : on_fetch_fault(d, f, stop);
    default:
        return SERVE;
    }
}

static enum verdict judge(struct hl_debug *d, const struct hl_exit *exit,
                          const struct machine_step *step, struct gdb_stop *stop)
{
    switch (exit->kind) {
    case HL_EXIT_INTERRUPT:
        return SERVE;
    case HL_EXIT_FAULT: {
        enum verdict verdict = on_fault(d, &exit->fault, step, stop);
        if (verdict == SERVE)
            debug_watch_restore(d);
        return verdict;
    }
    default: /* an instruction that is complete once it has been served */
        debug_watch_restore(d);
        d->motion.step_over = false;
        d->motion.moved = true;
        d->motion.done = d->motion.how != GDB_CONTINUE;
        return SERVE;
    }
}

/* Events since the last entry: writes by the host, and the end of a served step. */
static enum verdict before_entry(struct hl_debug *d, struct gdb_stop *stop)
{
    bool done = d->motion.done;
    if (d->points.watch_count && !d->points.granted_count && debug_watch_hit(d, stop))
        return STOP;
    d->motion.done = false;
    return done ? check_motion(d, stop) : AGAIN;
}

static bool is_break(const struct gdb_stop *stop)
{
    return stop->reason == GDB_STOP_SW_BREAK || stop->reason == GDB_STOP_HW_BREAK;
}

/* Is any of the points that were hit together wanted?  *stop becomes that one. */
static bool any_wanted(struct hl_debug *d, struct gdb_stop *stop)
{
    if (debug_wanted(d, stop))
        return true;
    if (stop->reason == GDB_STOP_SW_BREAK && debug_break_at(d, stop->address, GDB_HW_BREAK)) {
        stop->reason = GDB_STOP_HW_BREAK;
        return debug_wanted(d, stop);
    }
    while (stop->reason == GDB_STOP_WATCH && debug_watch_also(d, stop))
        if (debug_wanted(d, stop))
            return true;
    return false;
}

/* A breakpoint that is not wanted; also if it covers an int3 of the guest's own. */
static void get_past(struct hl_debug *d)
{
    uint64_t pc = machine_pc(d->sb->machine);
    uint8_t code = 0;
    hl_machine_read(d->sb->machine, pc, &code, sizeof(code), 0);
    if (code == INT3)
        machine_set_pc(d->sb->machine, pc + 1);
    else
        d->motion.step_over = true;
}

/*
 * A stop was found: report it, unless its condition is false; then the motion may still be
 * complete.
 */
static int stop_at(struct hl_debug *d, struct gdb_stop *stop, struct hl_error *error)
{
    debug_regs_forget(d);
    if (stop->reason == GDB_STOP_WATCH && !any_wanted(d, stop) && check_motion(d, stop) != STOP)
        return 0;
    if (is_break(stop) && !any_wanted(d, stop)) {
        get_past(d);
        return 0;
    }
    return debug_show(d, stop, error);
}

static bool idle_debugger(const struct hl_debug *d)
{
    return !d->points.break_count && !d->points.watch_count && !d->hold.point.address &&
           !must_step(d) && !d->motion.done;
}

/*
 * KVM may have raised the #BP of a point, and then been interrupted by a signal before delivering
 * it; KVM_GET_VCPU_EVENTS does not report software exceptions.  If the point is gone when the #BP
 * arrives, memory has no int3 there: the instruction is still to be executed.
 */
static bool is_late_hit(const struct hl_debug *d, const struct hl_exit *exit, bool stepping)
{
    hl_gva_t pc = exit->fault.rip - 1;
    uint8_t code[2] = {0, 0};
    if (exit->kind != HL_EXIT_FAULT || exit->fault.vector != VECTOR_BREAKPOINT)
        return false;
    if (!stepping && (debug_break_at(d, pc, GDB_SW_BREAK) || d->hold.point.address == pc))
        return false;
    hl_machine_read(d->sb->machine, pc, &code[1], 1, 0);
    hl_machine_read(d->sb->machine, pc - 1, &code[0], 1, 0);
    return code[1] != INT3 && !(code[0] == INT_IMM8 && code[1] == VECTOR_BREAKPOINT);
}

/* step: as in on_fault(). */
static enum verdict look_at(struct hl_debug *d, const struct hl_exit *exit,
                            const struct machine_step *step, struct gdb_stop *stop)
{
    if (is_late_hit(d, exit, step != NULL)) {
        machine_set_pc(d->sb->machine, exit->fault.rip - 1);
        return AGAIN;
    }
    enum verdict verdict = !step && idle_debugger(d) ? SERVE : judge(d, exit, step, stop);
    machine_forget_trap(d->sb->machine); /* a slot may belong to another point at the next look */
    return verdict;
}

static int enter(struct hl_debug *d, struct hl_exit *exit, enum verdict *verdict,
                 struct gdb_stop *stop, struct hl_error *error)
{
    struct machine_step step;
    bool stepping = must_step(d);
    struct vcpu_debug watches = slots(d, true);
    int rc = stepping ? machine_step(d->sb->machine, d->can.step_exit, &watches, exit, &step, error)
                      : run_freely(d, exit, error);
    if (!rc)
        *verdict = look_at(d, exit, stepping ? &step : NULL, stop);
    return rc;
}

/* Handle requests, enter, and find the resulting stop, which may come before the entry. */
static int take_turn(struct hl_debug *d, struct hl_exit *exit, enum verdict *verdict,
                     struct hl_error *error)
{
    struct gdb_stop stop;
    int rc = attend(d, error);
    if (!rc)
        rc = debug_returned(d, error);
    if (rc)
        return rc;
    debug_regs_forget(d);
    debug_watch_follow(d);
    *verdict = before_entry(d, &stop);
    if (*verdict != STOP && !skip_over(d))
        rc = enter(d, exit, verdict, &stop, error);
    return !rc && *verdict == STOP ? stop_at(d, &stop, error) : rc;
}

int debug_run(struct hl_debug *d, struct hl_exit *exit, struct hl_error *error)
{
    enum verdict verdict = AGAIN;
    while (verdict != SERVE) {
        int rc = take_turn(d, exit, &verdict, error);
        if (rc)
            return rc;
    }
    return debug_caught(d, exit, error);
}
