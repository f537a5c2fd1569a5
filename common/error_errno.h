/* SPDX-License-Identifier: Apache-2.0 */
/* error_errno.h - errors that have an errno, as struct hl_error keeps it. */
#ifndef COMMON_ERROR_ERRNO_H
#define COMMON_ERROR_ERRNO_H

#include <string.h>

#include <hl/error.h>

/* Keep e with the error that hl_error_set() has just made; returns code.  error may be NULL. */
static inline int error_errno(struct hl_error *error, int e, int code)
{
    if (error)
        error->sys_errno = e;
    return code;
}

/* HL_ERR_FILE: "path: what errno e means" */
static inline int error_file(struct hl_error *error, const char *path, int e)
{
    return error_errno(error, e, hl_error_set(error, HL_ERR_FILE, "%s: %s", path, strerror(e)));
}

#endif
