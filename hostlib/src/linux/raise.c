/* SPDX-License-Identifier: Apache-2.0 */
/* linux/raise.c - a signal becomes pending, unless the guest ignores it. */
#include "linux.h"

#include <signal.h>

/* Signals that are ignored by default. */
#define QUIET                                                                                      \
    (1ull << (SIGCHLD - 1) | 1ull << (SIGCONT - 1) | 1ull << (SIGURG - 1) | 1ull << (SIGWINCH - 1))

bool linux_ignores(const struct hl_sandbox *sb, int number)
{
    uint64_t handler = linux_of(sb)->process->action[number - 1].handler;
    return handler == ACTION_IGNORE || (handler == ACTION_DEFAULT && (signal_bit(number) & QUIET));
}

void linux_raise(struct hl_sandbox *sb, int number, enum linux_cause cause)
{
    if (linux_ignores(sb, number) && !(linux_of(sb)->process->blocked & signal_bit(number)))
        return;
    struct linux_process *p = linux_change(sb);
    if (!(p->pending & signal_bit(number)))
        p->cause[number - 1] = (uint8_t)cause;
    p->pending |= signal_bit(number);
}
