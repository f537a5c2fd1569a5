/* SPDX-License-Identifier: Apache-2.0 */
/* debug/call.c - a debugger over calls: their begin and end, what they end by, host functions. */
#include "debug.h"

enum { INT3 = 0xcc };

static int failure_signal(const struct hl_debug *d, int rc, const struct hl_exit *exit)
{
    if (exit->kind == HL_EXIT_FAULT)
        return debug_fault_signal(&exit->fault);
    if (rc == HL_ERR_GUEST_ABORT)
        return debug_gdb_signal(d->sb->killed_by);
    return exit->kind == HL_EXIT_SHUTDOWN ? GDB_SIGNAL_SEGV : GDB_SIGNAL_SYS;
}

/* Can the guest go on as if nothing had been? */
static bool can_take_back(int rc, const struct hl_exit *exit)
{
    return (rc == HL_ERR_FAULT && exit->kind == HL_EXIT_FAULT) || rc == HL_ERR_GUEST_ABORT;
}

/* An int3 that is not in our table lies in memory: the guest's, or written there by the debugger.
 */
static bool is_int3(const struct hl_debug *d, const struct hl_exit *exit, hl_gva_t *at)
{
    uint8_t code = 0;
    *at = exit->fault.rip - 1;
    return exit->kind == HL_EXIT_FAULT && exit->fault.vector == VECTOR_BREAKPOINT &&
           hl_machine_read(d->sb->machine, *at, &code, 1, 0) == 1 && code == INT3;
}

/*
 * Is anybody to see it?  A first debugger is waited for here, too: the guest will not come to where
 * it was to wait.  Then even an exit is a stop, the last one at which there is a guest.
 */
static bool failure_is_shown(struct hl_debug *d, int rc, struct gdb_stop *stop)
{
    if (rc == HL_ERR_EXITED)
        stop->signal = GDB_SIGNAL_TRAP;
    pthread_mutex_lock(&d->lock);
    bool waits = debug_hold_reach(d, stop);
    bool attached = d->state != DEBUG_FREE || d->event_due;
    bool pass = d->pass[stop->signal / 8] >> stop->signal % 8 & 1;
    pthread_mutex_unlock(&d->lock);
    return waits || (rc != HL_ERR_EXITED && attached && !pass);
}

int debug_failure(struct hl_debug *d, int rc, const struct hl_exit *exit, struct hl_error *error)
{
    struct gdb_stop stop = {.reason = GDB_STOP_SIGNAL, .signal = failure_signal(d, rc, exit)};
    stop.trap = is_int3(d, exit, &stop.address);
    if (rc == HL_ERR_INTERRUPTED)
        return rc;
    if (rc != HL_ERR_EXITED)
        d->died_by = stop.signal;
    if (!failure_is_shown(d, rc, &stop))
        return rc;
    debug_regs_forget(d);
    d->orig_rax = debug_syscall_of(exit);
    int lost = debug_show(d, &stop, error);
    d->orig_rax = DEBUG_NO_SYSCALL;
    if (lost)
        return lost;
    pthread_mutex_lock(&d->lock);
    bool deliver = d->deliver != 0 || d->state == DEBUG_FREE || !can_take_back(rc, exit);
    pthread_mutex_unlock(&d->lock);
    if (deliver)
        return rc;
    d->died_by = 0;
    d->sb->has_fault = false;
    return RUN_ON;
}

/* ---- calls ---- */

static void show_console(struct hl_debug *d, const void *data, size_t size)
{
    pthread_mutex_lock(&d->hook_lock);
    if (d->hooks.console)
        d->hooks.console(d->hooks.opaque, data, size);
    pthread_mutex_unlock(&d->hook_lock);
}

int debug_enter(struct hl_debug *d, struct hl_error *error)
{
    pthread_mutex_lock(&d->lock);
    d->waiting = true;
    debug_park(d);
    /* Before its start there is nothing that the program would have to do again. */
    while (d->restart && !d->killed && !debug_is_interrupted(d) && d->sb->state == HL_SANDBOX_NEW) {
        debug_rewind(d);
        d->wish = HL_DEBUG_NOTHING;
        debug_park(d);
    }
    d->waiting = false;
    int rc = debug_is_interrupted(d) || d->killed || d->restart ? debug_gone(d, error) : 0;
    d->killed = false;
    d->in_call = rc == 0;
    d->died_by = 0;
    d->returning = DEBUG_NO_SYSCALL;
    debug_registry(d);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/* Something the debugger should know of a sandbox that is idle again; false: nothing. */
static bool last_words(const struct hl_debug *d, struct gdb_stop *stop)
{
    const struct hl_sandbox *sb = d->sb;
    bool running = d->state == DEBUG_RUNNING;
    if (sb->state == HL_SANDBOX_DEAD && (running || d->event_due))
        *stop = (struct gdb_stop){.reason = GDB_STOP_EXITED, .status = sb->exit_status};
    else if (sb->state == HL_SANDBOX_POISONED && running && d->died_by)
        *stop = (struct gdb_stop){.reason = GDB_STOP_KILLED, .signal = d->died_by};
    else if (sb->state == HL_SANDBOX_POISONED && running && !d->killed)
        *stop = (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_TERM};
    else if (d->event_due && (d->break_in || !running) && !debug_hold_is_awaited(d))
        *stop = (struct gdb_stop){.reason = GDB_STOP_SIGNAL,
                                  .signal = running ? GDB_SIGNAL_INT : GDB_SIGNAL_0};
    else
        return false;
    return true;
}

void debug_leave(struct hl_debug *d)
{
    struct gdb_stop stop;
    if (debug_is_copy(d))
        return;
    pthread_mutex_lock(&d->lock);
    d->in_call = false;
    d->calling = NULL;
    if (d->state != DEBUG_HELD) { /* else the guest is the debugger's to look at */
        debug_regs_forget(d);
        debug_watch_restore(d);
    }
    if (d->drop) {
        debug_remove_all(d);
        d->drop = false;
    }
    if (d->restart)
        debug_rewind(d);
    else if (last_words(d, &stop)) {
        debug_post(d, &stop);
        if (stop.reason == GDB_STOP_EXITED || stop.reason == GDB_STOP_KILLED) {
            d->state = DEBUG_FREE;
            d->ended = true;
        }
    } else if (!d->snapshot && d->sb->state == HL_SANDBOX_READY) {
        debug_remember(d);
    }
    d->killed = false; /* the sandbox is poisoned by it, and could be restored */
    debug_registry(d);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

int debug_start_again(struct hl_debug *d, struct hl_error *error)
{
    pthread_mutex_lock(&d->lock);
    bool again = d->restart && d->before_start && !d->killed;
    pthread_mutex_unlock(&d->lock);
    if (!again)
        return HL_ERR_STATE;
    debug_leave(d);
    pthread_mutex_lock(&d->lock);
    if (d->wish == HL_DEBUG_RESTARTED) /* it is ours to grant */
        d->wish = HL_DEBUG_NOTHING;
    pthread_mutex_unlock(&d->lock);
    return debug_enter(d, error);
}

/* Which function is called is known now. */
static void call_begins(struct hl_debug *d)
{
    pthread_mutex_lock(&d->lock);
    d->calling = d->sb->calling;
    debug_registry(d);
    pthread_mutex_unlock(&d->lock);
}

static void host_begins(struct hl_debug *d, const char *name)
{
    pthread_mutex_lock(&d->lock);
    d->in_host = true;
    d->host_name = name;
    if (d->event_due && (d->break_in || d->state == DEBUG_FREE) && !debug_hold_is_awaited(d)) {
        int signal = d->break_in && d->state == DEBUG_RUNNING ? GDB_SIGNAL_INT : GDB_SIGNAL_0;
        debug_post(d, &(struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = signal});
    }
    pthread_mutex_unlock(&d->lock);
}

/* What was asked for meanwhile waits at the next entry. */
static void host_ends(struct hl_debug *d)
{
    pthread_mutex_lock(&d->lock);
    d->in_host = false;
    debug_park(d);
    atomic_store(&d->attention, true);
    pthread_mutex_unlock(&d->lock);
}

void debug_event(void *debug, struct hl_sandbox *sb, const struct hl_event *event)
{
    struct hl_debug *d = debug;
    (void)sb;
    if (debug_is_copy(d))
        return;
    switch (event->kind) {
    case HL_EVENT_BEGIN:
        call_begins(d);
        break;
    case HL_EVENT_HOST:
        if (event->host.registered)
            host_begins(d, event->host.function->name);
        break;
    case HL_EVENT_HOST_END:
        if (d->in_host)
            host_ends(d);
        break;
    case HL_EVENT_RESTORE: /* what the debugger had borrowed is not there any more */
        d->room_count = 0;
        break;
    case HL_EVENT_CONSOLE:
        show_console(d, event->console.data, event->console.size);
        break;
    default:
        break;
    }
}
