/* SPDX-License-Identifier: Apache-2.0 */
#include "create_beside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "full_io.h"

#define TRIES 100    /* of names that somebody else has */
#define STEM_MAX 200 /* bytes of the file's own name */

/* Of path, so much that a name made of it is not too long (NAME_MAX is 255). */
static int stem(const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t before = slash ? (size_t)(slash + 1 - path) : 0, n = strlen(path + before);
    return (int)(before + (n < STEM_MAX ? n : STEM_MAX));
}

/*
 * Not mkstemp(): it makes 0600, and umask() cannot be asked what it would allow without changing it
 * for all threads.
 */
int file_create_beside(const char *path, bool secret, char **name)
{
    static atomic_uint number;
    *name = NULL;
    for (unsigned i = 0; i < TRIES; i++) {
        uint64_t mark = clock_now() / 1000 << 8 | (atomic_fetch_add(&number, 1) & 0xff);
        if (asprintf(name, "%.*s.%x.%" PRIx64, stem(path), path, (unsigned)getpid(), mark) < 0) {
            *name = NULL;
            errno = ENOMEM;
            return -1;
        }
        int fd = RETRY(open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0666));
        if (fd >= 0)
            return fd;
        int e = errno;
        free(*name);
        *name = NULL;
        errno = e;
        if (e != EEXIST)
            return -1;
    }
    return -1;
}
