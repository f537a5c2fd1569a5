/* SPDX-License-Identifier: Apache-2.0 */
/* siginfo.h - what Linux would tell a process of an exception, for debuggers and core files. */
#ifndef HL_SIGINFO_H
#define HL_SIGINFO_H

#include <signal.h>

#include <hl/machine.h>

/* Linux's choice of a signal for an exception. */
int siginfo_signal(const struct hl_fault *fault);
void siginfo_of_fault(siginfo_t *info, const struct hl_fault *fault);

#endif
