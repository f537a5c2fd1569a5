/* SPDX-License-Identifier: Apache-2.0 */
/* file_replace.h - a file that is there as a whole or not at all. */
#ifndef HL_FILE_REPLACE_H
#define HL_FILE_REPLACE_H

#include <stdbool.h>
#include <stddef.h>

#include <hl/error.h>

struct file_part {
    const void *data;
    size_t size;
};

/*
 * Write the parts to a new file beside path and rename it there.  secret: it is the owner's alone,
 * on the disk before it has its name, and takes the place of a regular file only.  Otherwise what
 * is none (/dev/stderr, a fifo) is written to.  Errors: FILE, MEMORY.
 */
int file_replace(const char *path, const struct file_part *parts, unsigned count, bool secret,
                 struct hl_error *error);

/* open(); a fifo that nobody reads is an error (ENXIO), not a wait. */
int open_to_write(const char *path, int flags);

#endif
