/* SPDX-License-Identifier: Apache-2.0 */
/* trace_flags.h - the names of constants and flags in system calls. */
#ifndef DEV_TRACE_FLAGS_H
#define DEV_TRACE_FLAGS_H

#include <stdbool.h>
#include <stdint.h>

#define TRACE_FLAGS_SIZE 256

/*
 * A value of the kind that the letter stands for (trace/syscalls.c), such as
 * "PROT_READ|PROT_WRITE|0x40"; false where there is no name for it.
 */
bool trace_flags(char letter, uint64_t value, char text[TRACE_FLAGS_SIZE]);

#endif
