// SPDX-License-Identifier: Apache-2.0
/*
 * abort() in place of the libc's, which calls raise() and leaves a debugger in code without unwind
 * information.  A signal cannot be caught in a guest, so there is nothing else to be done; stdio is
 * not flushed, as in musl.  In a file of its own: an author's own abort() then keeps this one out.
 */
#include "state.h"

_Noreturn void abort(void);

#define SIGNAL_ABORT 6

/* kill(getpid(), SIGABRT), here and not in a function: this is where the guest is seen to stop. */
void abort(void)
{
    for (;;) {
        __asm__ volatile("syscall"
                         :
                         : "a"(HL_SYS_KILL), "D"(1), "S"(SIGNAL_ABORT)
                         : "rcx", "r11", "memory");
        /* The host does not come back, but a debugger can make it. */
        __builtin_trap();
    }
}
