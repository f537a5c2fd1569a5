/* SPDX-License-Identifier: Apache-2.0 */
/*
 * siginfo.h - the siginfo that Linux would deliver for an exception, for debuggers and core files.
 */
#ifndef HL_SIGINFO_H
#define HL_SIGINFO_H

#include <signal.h>

#include <hl/machine.h>

/* The signal that Linux chooses for an exception. */
int siginfo_signal(const struct hl_fault *fault);
void siginfo_of_fault(siginfo_t *info, const struct hl_fault *fault);

#endif
