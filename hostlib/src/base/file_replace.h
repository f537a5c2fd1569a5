/* SPDX-License-Identifier: Apache-2.0 */
/* file_replace.h - a file that is there as a whole or not at all. */
#ifndef HL_FILE_REPLACE_H
#define HL_FILE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <hl/error.h>

struct file_part {
    const void *data;
    size_t size;
};

/*
 * Write the parts to a new file beside path and rename it there.  secret: it is the owner's alone,
 * on the disk before it has its name, and takes the place of a regular file only.  Otherwise a file
 * that is replaced passes its permissions on and must be one we may write to, and what is no
 * regular file (/dev/stderr, a fifo, a link) is written to.  Errors: FILE, MEMORY.
 */
int file_replace(const char *path, const struct file_part *parts, unsigned count, bool secret,
                 struct hl_error *error);

/* open(); a fifo that nobody reads is an error (ENXIO), not a wait. */
int open_to_write(const char *path, int flags, mode_t mode);

#endif
