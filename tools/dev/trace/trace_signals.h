/* SPDX-License-Identifier: Apache-2.0 */
/* trace_signals.h - the structures of signals and timers in system calls. */
#ifndef DEV_TRACE_SIGNALS_H
#define DEV_TRACE_SIGNALS_H

#include <hl/machine.h>

#define TRACE_SIGNALS_SIZE 1024

/*
 * What the structure at gva says, of the kind that the letter stands for (trace/syscalls.c; upper
 * or lower case), such as "[INT ALRM]"; false where it is of another kind or cannot be read.
 */
bool trace_signals(char letter, struct hl_machine *machine, hl_gva_t gva,
                   char text[TRACE_SIGNALS_SIZE]);

#endif
