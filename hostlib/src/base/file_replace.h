/* SPDX-License-Identifier: Apache-2.0 */
/* file_replace.h - replace a file as a whole or not at all. */
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
 * Write the parts to a new file in the same directory and rename it to path.  A secret file is
 * readable by its owner only, is on the disk before it gets its name, and replaces only a regular
 * file.  Otherwise the new file gets the permissions of the old one, which must be writable, and
 * anything else than a regular file (/dev/stderr, a fifo, a link) is written to in place.  Errors:
 * FILE, MEMORY.
 */
int file_replace(const char *path, const struct file_part *parts, unsigned count, bool secret,
                 struct hl_error *error);

/* open(); a fifo without a reader is an error (ENXIO), not a wait. */
int open_to_write(const char *path, int flags, mode_t mode);

#endif
