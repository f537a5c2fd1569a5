/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox/interrupt.c - end a call from another thread. */
#include "fork.h"
#include "sandbox.h"

void sandbox_kick(struct hl_sandbox *sb)
{
    hl_machine_kick(sb->machine);
    sb->personality->wake(sb);
}

bool sandbox_interrupt(struct hl_sandbox *sb)
{
    /*
     * One atomic step: it interrupts the call that is running now, or nothing.  An extra kick is
     * harmless.
     */
    int running = CALL_RUNNING;
    if (fork_copied(sb->use.forks) ||
        !atomic_compare_exchange_strong(&sb->call_state, &running, CALL_INTERRUPTED))
        return false;
    sandbox_kick(sb);
    if (sb->warden)
        sb->warden->ops->wake(sb->warden);
    return true;
}

void hl_sandbox_interrupt(struct hl_sandbox *sb)
{
    sandbox_interrupt(sb);
}
