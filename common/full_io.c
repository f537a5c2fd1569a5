/* SPDX-License-Identifier: Apache-2.0 */
#include "full_io.h"

#include <unistd.h>

#define CURRENT UINT64_MAX /* at the descriptor's own offset */

static size_t read_on(int fd, char *to, size_t size, uint64_t offset)
{
    size_t done = 0;
    errno = 0;
    while (done < size) {
        ssize_t n =
            RETRY(offset == CURRENT ? read(fd, to + done, size - done)
                                    : pread(fd, to + done, size - done, (off_t)(offset + done)));
        if (n < 0)
            return done;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    errno = 0; /* an interrupted call has left EINTR */
    return done;
}

static bool write_on(int fd, const char *data, size_t size, uint64_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t n =
            RETRY(offset == CURRENT ? write(fd, data + done, size - done)
                                    : pwrite(fd, data + done, size - done, (off_t)(offset + done)));
        if (n == 0)
            errno = ENOSPC;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

size_t read_full(int fd, void *to, size_t size)
{
    return read_on(fd, to, size, CURRENT);
}

size_t pread_full(int fd, void *to, size_t size, uint64_t offset)
{
    return read_on(fd, to, size, offset);
}

bool write_full(int fd, const void *data, size_t size)
{
    return write_on(fd, data, size, CURRENT);
}

bool pwrite_full(int fd, const void *data, size_t size, uint64_t offset)
{
    return write_on(fd, data, size, offset);
}
