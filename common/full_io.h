/* SPDX-License-Identifier: Apache-2.0 */
/* full_io.h - reading and writing all of it: over signals, and over calls that do only a part. */
#ifndef COMMON_FULL_IO_H
#define COMMON_FULL_IO_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RETRY(call)                                                                                \
    (__extension__({                                                                               \
        __typeof__(call) result_;                                                                  \
        do                                                                                         \
            result_ = (call);                                                                      \
        while (result_ < 0 && errno == EINTR);                                                     \
        result_;                                                                                   \
    }))

/*
 * How much was read: less than size where the file ends before, and where reading failed, which
 * leaves errno not 0.
 */
size_t read_full(int fd, void *to, size_t size);
size_t pread_full(int fd, void *to, size_t size, uint64_t offset);

/* All of it, or false with errno.  A write of nothing is ENOSPC. */
bool write_full(int fd, const void *data, size_t size);
bool pwrite_full(int fd, const void *data, size_t size, uint64_t offset);

#endif
