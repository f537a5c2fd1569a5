/* SPDX-License-Identifier: Apache-2.0 */
/* trace_args.h - a system call's arguments and result, decoded as strace does. */
#ifndef DEV_TRACE_ARGS_H
#define DEV_TRACE_ARGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <hl/machine.h>

#define TRACE_SYSCALLS 512 /* numbers below it have a name, or may get one */

/* A letter for each argument of the system call (trace/syscalls.c). */
const char *trace_syscall_args(uint64_t number);

/* Where arguments go, with a comma between: as text, or into a JSON array. */
struct trace_args {
    FILE *text;
    json_t *json;
    size_t string_max; /* bytes of guest memory that are shown of each */
    size_t count;      /* arguments there are so far */
};

/*
 * What is known before it is served, and the rest when it is over: memory that the call changes is
 * read by the second, memory that it may change by the first.
 */
void trace_args_before(struct trace_args *args, struct hl_machine *machine,
                       const struct hl_exit *exit);
void trace_args_after(struct trace_args *args, struct hl_machine *machine,
                      const struct hl_exit *exit, int64_t result);

/* "ENOSYS", or NULL if the result is no error. */
const char *trace_args_error(int64_t result);

/* "-1 ENOSYS (Function not implemented)", "3", "0x401000" */
void trace_args_result(FILE *f, const struct hl_exit *exit, int64_t result);

#endif
