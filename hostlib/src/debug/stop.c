/* SPDX-License-Identifier: Apache-2.0 */
/* debug/stop.c - the guest is stopped: report it to the debugger, and make its thread wait. */
#include "debug.h"

#include <unistd.h>

void debug_post(struct hl_debug *d, const struct gdb_stop *stop)
{
    const uint64_t one = 1;
    d->state = DEBUG_HELD;
    d->event = d->last = *stop;
    d->event_set = true;
    d->event_due = d->break_in = false;
    if (d->hold.state == HOLD_HERE)
        debug_hold_release(d);
    d->deliver = 0;
    d->motion = (struct debug_motion){.how = GDB_CONTINUE};
    (void)!write(d->event_fd, &one, sizeof(one));
    debug_registry(d);
    pthread_cond_broadcast(&d->changed);
}

bool debug_owes_stop(const struct hl_debug *d, struct gdb_stop *stop)
{
    if (!d->event_due || !(d->break_in || d->state == DEBUG_FREE) || debug_hold_is_awaited(d))
        return false;
    *stop = (struct gdb_stop){.reason = GDB_STOP_SIGNAL,
                              .signal = d->state == DEBUG_RUNNING ? GDB_SIGNAL_INT : GDB_SIGNAL_0};
    return true;
}

bool debug_is_interrupted(const struct hl_debug *d)
{
    return atomic_load(&d->sb->call_state) == CALL_INTERRUPTED;
}

/* lock held: wait until the debugger resumes the guest, or until it must not go on at all. */
void debug_park(struct hl_debug *d)
{
    d->parked = true;
    pthread_cond_broadcast(&d->changed);
    while ((d->state == DEBUG_HELD || d->hold.state == HOLD_HERE) && !d->killed && !d->restart &&
           !debug_is_interrupted(d))
        pthread_cond_wait(&d->changed, &d->lock);
    d->parked = false;
}

int debug_gone(const struct hl_debug *d, struct hl_error *error)
{
    const char *why = d->killed    ? ": the debugger killed the guest"
                      : d->restart ? ": the debugger starts the guest afresh"
                                   : "";
    return hl_error_set(error, HL_ERR_INTERRUPTED, "%s%s", hl_err_text(HL_ERR_INTERRUPTED), why);
}

/* If a debugger wants this stop, report it and wait. */
int debug_show(struct hl_debug *d, const struct gdb_stop *stop, struct hl_error *error)
{
    pthread_mutex_lock(&d->lock);
    if (d->state == DEBUG_RUNNING || d->event_due)
        debug_post(d, stop);
    debug_park(d);
    int rc = d->killed || d->restart || debug_is_interrupted(d) ? debug_gone(d, error) : 0;
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/* The value that Linux shows in orig_rax at such a stop: rax itself may have been changed. */
uint64_t debug_syscall_of(const struct hl_exit *exit)
{
    return exit->kind == HL_EXIT_SYSCALL ? exit->syscall.number : DEBUG_NO_SYSCALL;
}

/* Conditions and commands are evaluated here, while the guest is stopped at the hit. */
bool debug_wanted(struct hl_debug *d, const struct gdb_stop *stop)
{
    bool want = true;
    pthread_mutex_lock(&d->hook.lock);
    if (d->hook.to.report) {
        pthread_mutex_lock(&d->lock);
        d->hook.thread = pthread_self();
        d->hook.inside = true;
        pthread_mutex_unlock(&d->lock);
        want = d->hook.to.report(d->hook.to.opaque, stop);
        pthread_mutex_lock(&d->lock);
        d->hook.inside = false;
        pthread_mutex_unlock(&d->lock);
    }
    pthread_mutex_unlock(&d->hook.lock);
    return want;
}

void debug_wake(struct hl_debug *d)
{
    pthread_mutex_lock(&d->lock);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}
