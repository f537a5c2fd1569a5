/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_names.h - Linux's system calls on x86-64 by name. */
#ifndef COMMON_SYSCALL_NAMES_H
#define COMMON_SYSCALL_NAMES_H

#include <stdint.h>

/* "writev", or NULL for a number that Linux does not use.  A literal. */
const char *syscall_name(uint64_t number);

/* The number of a name; -1: there is no such call. */
int syscall_number(const char *name);

#endif
