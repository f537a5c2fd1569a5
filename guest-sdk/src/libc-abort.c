/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abort() in place of the libc's, which calls raise() and leaves a debugger in code without unwind
 * information.  stdio is not flushed, as in musl.  In a file of its own: an author's own abort()
 * then keeps this one out.
 */
#include "state.h"

_Noreturn void abort(void);

#define SIGNAL_ABORT 6
#define SIG_UNBLOCK 1
#define SET_SIZE 8 /* of the kernel's set of signals */

/*
 * kill(getpid(), SIGABRT), here and not in a function: this is where the guest is seen to stop.
 * The nop keeps that place, after the syscall, out of what is inlined next.
 */
#define RAISE()                                                                                    \
    __asm__ volatile("syscall\n\tnop"                                                              \
                     :                                                                             \
                     : "a"(HL_SYS_KILL), "D"(1), "S"(SIGNAL_ABORT)                                 \
                     : "rcx", "r11", "memory")

void abort(void)
{
    static const uint64_t default_action[4], only = 1ull << (SIGNAL_ABORT - 1);
    RAISE();
    /* A handler has returned, the signal is blocked, or a debugger has taken it back. */
    hl_syscall4(HL_SYS_RT_SIGACTION, SIGNAL_ABORT, (long)default_action, 0, SET_SIZE);
    hl_syscall4(HL_SYS_RT_SIGPROCMASK, SIG_UNBLOCK, (long)&only, 0, SET_SIZE);
    RAISE();
    for (;;)
        __builtin_trap();
}
