/* SPDX-License-Identifier: Apache-2.0 */
/* inspect/corefile_bytes.c - bytes of a core file, wherever its headers say they are. */
#include "corefile.h"

#include "full_io.h"

/* Up to size bytes of the file at offset; how many there are. */
size_t core_file(const struct corefile *c, uint64_t offset, void *buf, size_t size)
{
    if (offset >= c->size)
        return 0;
    return pread_full(c->fd, buf, size < c->size - offset ? size : (size_t)(c->size - offset),
                      offset);
}
