/* SPDX-License-Identifier: Apache-2.0 */
/* syscall_names.h - Linux's system calls on x86-64 by name. */
#ifndef HL_SYSCALL_NAMES_H
#define HL_SYSCALL_NAMES_H

#include <stdint.h>

/* "writev", or NULL for a call that a libc does not make.  A literal. */
const char *syscall_name(uint64_t number);

#endif
