/* SPDX-License-Identifier: Apache-2.0 */
/* inspect/corefile_bytes.c - bytes of a core file, wherever its headers say they are. */
#include "corefile.h"

#include <errno.h>
#include <unistd.h>

/* Up to size bytes of the file at offset; how many there are. */
size_t core_file(const struct corefile *c, uint64_t offset, void *buf, size_t size)
{
    size_t done = 0;
    if (offset >= c->size)
        return 0;
    size = size < c->size - offset ? size : (size_t)(c->size - offset);
    while (done < size) {
        ssize_t got = pread(c->fd, (char *)buf + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}
