/* SPDX-License-Identifier: Apache-2.0 */
/* debug/call.c - the debugger's part in calls: their begin and end, and host functions. */
#include "debug.h"

#include <limits.h>

static void show_console(struct hl_debug *d, const void *data, size_t size)
{
    pthread_mutex_lock(&d->hook.lock);
    if (d->hook.to.console)
        d->hook.to.console(d->hook.to.opaque, data, size);
    pthread_mutex_unlock(&d->hook.lock);
}

int debug_enter(struct hl_debug *d, struct hl_error *error)
{
    pthread_mutex_lock(&d->lock);
    d->waiting = true;
    debug_park(d);
    /* Before the start the program has nothing to repeat. */
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

#define ANY INT_MIN

/* Conditions of an idle sandbox and its debugger. */
enum {
    RUNNING = 1,  /* the debugger has resumed the guest */
    DUE = 2,      /* the debugger waits for an event, ... */
    BREAK_IN = 4, /* ... which it has asked for */
    DIED = 8,     /* by a known signal */
    KILLED = 16,  /* killed by the debugger */
    AWAITED = 32, /* the guest must reach its hold point first */
};

static unsigned idle_facts(const struct hl_debug *d)
{
    return (d->state == DEBUG_RUNNING ? RUNNING : 0u) | (d->event_due ? DUE : 0u) |
           (d->break_in ? BREAK_IN : 0u) | (d->died_by ? DIED : 0u) | (d->killed ? KILLED : 0u) |
           (debug_hold_is_awaited(d) ? AWAITED : 0u);
}

/* The first row that matches applies. */
static const struct last_word {
    int sandbox; /* enum hl_sandbox_state */
    unsigned need, lack;
    enum gdb_stop_reason reason;
    int signal; /* of GDB_STOP_SIGNAL */
} last_words[] = {
    {HL_SANDBOX_DEAD, RUNNING, 0, GDB_STOP_EXITED, 0},
    {HL_SANDBOX_DEAD, DUE, 0, GDB_STOP_EXITED, 0},
    {HL_SANDBOX_POISONED, RUNNING | DIED, 0, GDB_STOP_KILLED, 0},
    {HL_SANDBOX_POISONED, RUNNING, KILLED, GDB_STOP_SIGNAL, GDB_SIGNAL_TERM},
    {ANY, DUE | BREAK_IN | RUNNING, AWAITED, GDB_STOP_SIGNAL, GDB_SIGNAL_INT},
    {ANY, DUE, RUNNING | AWAITED, GDB_STOP_SIGNAL, GDB_SIGNAL_0},
};

/* What the debugger should be shown of a sandbox that is idle again; false: nothing. */
static bool find_last_word(const struct hl_debug *d, struct gdb_stop *stop)
{
    const unsigned facts = idle_facts(d);
    for (size_t i = 0; i < sizeof(last_words) / sizeof(last_words[0]); i++) {
        const struct last_word *w = &last_words[i];
        if ((w->sandbox != ANY && w->sandbox != (int)d->sb->state) ||
            (facts & w->need) != w->need || (facts & w->lack))
            continue;
        *stop = (struct gdb_stop){.reason = w->reason, .signal = w->signal};
        if (w->reason == GDB_STOP_EXITED)
            stop->status = d->sb->exit_status;
        else if (w->reason == GDB_STOP_KILLED)
            stop->signal = d->died_by;
        return true;
    }
    return false;
}

void debug_leave(struct hl_debug *d)
{
    struct gdb_stop stop;
    if (debug_is_copy(d))
        return;
    pthread_mutex_lock(&d->lock);
    d->in_call = false;
    d->calling = NULL;
    if (d->state != DEBUG_HELD) { /* else the debugger is inspecting the guest */
        debug_regs_forget(d);
        debug_watch_restore(d);
    }
    if (d->drop) {
        debug_remove_all(d);
        d->drop = false;
    }
    if (d->restart)
        debug_rewind(d);
    else if (find_last_word(d, &stop)) {
        debug_post(d, &stop);
        if (stop.reason == GDB_STOP_EXITED || stop.reason == GDB_STOP_KILLED) {
            d->state = DEBUG_FREE;
            d->ended = true;
        }
    } else if (!d->snapshot && d->sb->state == HL_SANDBOX_READY) {
        debug_remember(d);
    }
    d->killed = false; /* this poisoned the sandbox, which can be restored */
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
    if (d->wish == HL_DEBUG_RESTARTED) /* the restart is done here */
        d->wish = HL_DEBUG_NOTHING;
    pthread_mutex_unlock(&d->lock);
    return debug_enter(d, error);
}

/* The function that is called is known now. */
static void call_begins(struct hl_debug *d)
{
    pthread_mutex_lock(&d->lock);
    d->calling = d->sb->calling;
    debug_registry(d);
    pthread_mutex_unlock(&d->lock);
}

static void host_begins(struct hl_debug *d, const char *name)
{
    struct gdb_stop owed;
    pthread_mutex_lock(&d->lock);
    d->in_host = true;
    d->host_name = name;
    if (debug_owes_stop(d, &owed))
        debug_post(d, &owed);
    pthread_mutex_unlock(&d->lock);
}

/* A request made meanwhile waits until the next entry. */
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
    case HL_EVENT_RESTORE: /* pages that the debugger had allocated are gone */
        d->room_count = 0;
        break;
    case HL_EVENT_CONSOLE:
        show_console(d, event->console.data, event->console.size);
        break;
    default:
        break;
    }
}
