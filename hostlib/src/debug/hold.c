/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/hold.c - the wait for the first debugger.
 *
 *     OFF  <--release--  AHEAD  --reach, nobody is there-->  HERE  --post, release-->  OFF
 *                        AHEAD  --reach, a debugger is there-->  OFF
 *
 * Both threads change the state, always under the lock, and a debugger that detaches ends the wait
 * at once, wherever the guest is.  The int3 belongs to the guest's thread: it may stay after the
 * wait until that thread's next entry, and a hit of it is then ignored.
 */
#include "debug.h"

static const struct gdb_stop trap = {.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_TRAP};

int debug_hold_set(struct hl_debug *d, struct hl_error *error)
{
    const struct hl_debug_config *c = &d->config;
    struct debug_hold *h = &d->hold;
    if (c->hold == HL_HOLD_NONE)
        return 0;
    h->stop = trap;
    h->state = HOLD_HERE;
    if (c->hold == HL_HOLD_ENTRY)
        return 0;
    if (hl_machine_lookup(d->sb->machine, c->hold_at, NULL, NULL))
        return hl_error_set(error, HL_ERR_ARGUMENT, "no guest memory at 0x%llx to wait at",
                            (unsigned long long)c->hold_at);
    h->state = HOLD_AHEAD;
    h->point = (struct debug_break){
        .address = c->hold_at, .point = GDB_SW_BREAK, .slot = -1, .generation = ~0ull};
    return 0;
}

bool debug_hold_is_awaited(const struct hl_debug *d)
{
    return d->hold.state == HOLD_AHEAD && d->state == DEBUG_FREE && !d->break_in &&
           (d->in_call || d->sb->state < HL_SANDBOX_POISONED);
}

bool debug_hold_reach(struct hl_debug *d, const struct gdb_stop *stop)
{
    struct debug_hold *h = &d->hold;
    if (h->state != HOLD_AHEAD)
        return false;
    bool alone = d->state == DEBUG_FREE && !d->event_due;
    h->state = alone ? HOLD_HERE : HOLD_OFF;
    h->stop = *stop;
    debug_registry(d);
    return true;
}

void debug_hold_release(struct hl_debug *d)
{
    d->hold.state = HOLD_OFF;
}

void debug_hold_follow(struct hl_debug *d)
{
    if (d->hold.state != HOLD_AHEAD)
        d->hold.point.address = 0;
}

bool debug_hold_hit(struct hl_debug *d, struct gdb_stop *stop)
{
    pthread_mutex_lock(&d->lock);
    bool come = debug_hold_reach(d, &trap);
    debug_hold_follow(d);
    pthread_mutex_unlock(&d->lock);
    *stop = trap;
    return come;
}
