/* SPDX-License-Identifier: Apache-2.0 */
/* trace_filter.h - which events a trace shows: -e LIST. */
#ifndef DEV_TRACE_FILTER_H
#define DEV_TRACE_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include <hl/error.h>
#include <hl/image.h>

#include "trace_args.h"

enum trace_class {
    TRACE_HOST,
    TRACE_SYSCALL,
    TRACE_FAULT,
    TRACE_LOG,
    TRACE_RESULT, /* the start and the end of each run of the guest */
    TRACE_ABORT,
    TRACE_INTERRUPT,
    TRACE_IO,
    TRACE_MMIO,
    TRACE_FILTERED,
    TRACE_OUTPUT = TRACE_FILTERED, /* what follows no filter hides */
    TRACE_END,
};
const char *trace_class_name(enum trace_class class);

struct trace_filter {
    const struct hl_image *image;
    bool shown[TRACE_FILTERED];   /* of host and syscall: those without a name */
    bool syscall[TRACE_SYSCALLS]; /* by number */
    bool *host;                   /* by import */
};

/*
 * Lists are read in order, as if they were one: the first word says whether what is not named is
 * shown.  Errors: ARGUMENT (with a hint that lists the choices), MEMORY.  Free in any case.
 */
int trace_filter_make(struct trace_filter *filter, const struct hl_image *image,
                      const char *const *list, size_t count, struct hl_error *error);
void trace_filter_free(struct trace_filter *filter);

bool trace_shows_syscall(const struct trace_filter *filter, uint64_t number);
bool trace_shows_host(const struct trace_filter *filter, const struct hl_function *import);

#endif
