/* SPDX-License-Identifier: Apache-2.0 */
/* debug/failure.c - the guest's run is about to fail: who sees the error, and what follows. */
#include "debug.h"

#include <limits.h>

#define ANY INT_MIN

enum { INT3 = 0xcc };

enum {
    OF_FAULT = -1, /* the signal of sb->fault's vector */
    OF_KILL = -2,  /* that of sb->killed_by */

    IS_LAST = 1,  /* reported to an awaited debugger: the guest will go no further */
    IS_DEATH = 2, /* reported to an attached one, unless it passes the signal */
    UNDOABLE = 4, /* which can let the guest continue as if nothing had happened */
};

/* The first row that matches applies. */
static const struct ending {
    int rc, exit; /* enum hl_exit_kind */
    int signal;   /* GDB's */
    unsigned what;
} endings[] = {
    {HL_ERR_INTERRUPTED, ANY, GDB_SIGNAL_0, 0},
    {HL_ERR_EXITED, ANY, GDB_SIGNAL_TRAP, IS_LAST},
    {HL_ERR_FAULT, HL_EXIT_FAULT, OF_FAULT, IS_LAST | IS_DEATH | UNDOABLE},
    {HL_ERR_GUEST_ABORT, HL_EXIT_FAULT, OF_FAULT, IS_LAST | IS_DEATH | UNDOABLE},
    {HL_ERR_GUEST_ABORT, ANY, OF_KILL, IS_LAST | IS_DEATH | UNDOABLE},
    {ANY, HL_EXIT_FAULT, OF_FAULT, IS_LAST | IS_DEATH},
    {ANY, HL_EXIT_SHUTDOWN, GDB_SIGNAL_SEGV, IS_LAST | IS_DEATH},
    {ANY, ANY, GDB_SIGNAL_SYS, IS_LAST | IS_DEATH},
};

static const struct ending *find_ending(int rc, const struct hl_exit *exit)
{
    const struct ending *e = endings;
    while ((e->rc != ANY && e->rc != rc) || (e->exit != ANY && e->exit != (int)exit->kind))
        e++;
    return e;
}

static int ending_signal(const struct hl_debug *d, const struct ending *e,
                         const struct hl_exit *exit)
{
    switch (e->signal) {
    case OF_FAULT:
        return debug_fault_signal(&exit->fault);
    case OF_KILL:
        return debug_gdb_signal(d->sb->killed_by);
    default:
        return e->signal;
    }
}

/* An int3 in memory that is not in our table: the guest's own, or written by the debugger. */
static bool is_int3(const struct hl_debug *d, const struct hl_exit *exit, hl_gva_t *at)
{
    uint8_t code = 0;
    *at = exit->fault.rip - 1;
    return exit->kind == HL_EXIT_FAULT && exit->fault.vector == VECTOR_BREAKPOINT &&
           hl_machine_read(d->sb->machine, *at, &code, 1, 0) == 1 && code == INT3;
}

/*
 * Must it be reported?  A guest may also be held here for its first debugger, as it will not reach
 * its hold point.  Then even an exit is a stop, the last one at which the guest exists.
 */
static bool ending_is_shown(struct hl_debug *d, const struct ending *e, struct gdb_stop *stop)
{
    pthread_mutex_lock(&d->lock);
    bool waits = (e->what & IS_LAST) && debug_hold_reach(d, stop);
    bool attached = d->state != DEBUG_FREE || d->event_due;
    bool pass = d->pass[stop->signal / 8] >> stop->signal % 8 & 1;
    pthread_mutex_unlock(&d->lock);
    return waits || ((e->what & IS_DEATH) && attached && !pass);
}

/* The debugger has seen it and resumed: does it want the signal to take effect? */
static bool ending_is_undone(struct hl_debug *d, const struct ending *e)
{
    pthread_mutex_lock(&d->lock);
    bool deliver = d->deliver != 0 || d->state == DEBUG_FREE;
    pthread_mutex_unlock(&d->lock);
    return (e->what & UNDOABLE) && !deliver;
}

int debug_failure(struct hl_debug *d, int rc, const struct hl_exit *exit, struct hl_error *error)
{
    const struct ending *e = find_ending(rc, exit);
    struct gdb_stop stop = {.reason = GDB_STOP_SIGNAL, .signal = ending_signal(d, e, exit)};
    stop.trap = is_int3(d, exit, &stop.address);
    if (e->what & IS_DEATH)
        d->died_by = stop.signal;
    if (!ending_is_shown(d, e, &stop))
        return rc;
    debug_regs_forget(d);
    d->orig_rax = debug_syscall_of(exit);
    int lost = debug_show(d, &stop, error);
    d->orig_rax = DEBUG_NO_SYSCALL;
    if (lost)
        return lost;
    if (!ending_is_undone(d, e))
        return rc;
    d->died_by = 0;
    d->sb->has_fault = false;
    return RUN_ON;
}
