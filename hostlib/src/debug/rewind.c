/* SPDX-License-Identifier: Apache-2.0 */
/* debug/rewind.c - return to the saved state. */
#include "debug.h"

void debug_remember(struct hl_debug *d)
{
    const struct hl_sandbox *sb = d->sb;
    snapshot_take_any(&d->snapshot, d->sb, NULL);
    d->before_start = sb->rewound || (sb->state == HL_SANDBOX_NEW && !sb->cloned);
}

int debug_restore(struct hl_debug *d)
{
    struct hl_sandbox *sb = d->sb;
    enum hl_sandbox_state before = sb->state;
    /* Restore everything: for a READY guest, only what a call changes would be taken to differ. */
    sb->state = HL_SANDBOX_POISONED;
    int rc = snapshot_restore(sb, d->snapshot, NULL);
    debug_regs_forget(d);
    if (before == HL_SANDBOX_NEW)
        sb->state = HL_SANDBOX_NEW;
    else if (!rc)
        sb->rewound = d->before_start;
    return rc;
}

void debug_rewind(struct hl_debug *d)
{
    struct gdb_stop stop = {.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_TRAP};
    d->restart = d->killed = d->ended = false;
    d->died_by = 0;
    debug_remove_all(d); /* a debugger that restarts the guest inserts them again */
    debug_hold_release(d);
    int rc = debug_restore(d);
    d->wish = rc ? HL_DEBUG_KILLED : HL_DEBUG_RESTARTED;
    if (rc)
        stop = (struct gdb_stop){.reason = GDB_STOP_KILLED, .signal = GDB_SIGNAL_KILL};
    debug_post(d, &stop);
    if (rc)
        d->state = DEBUG_FREE;
}
