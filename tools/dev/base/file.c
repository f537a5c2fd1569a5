/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error_errno.h"
#include "grow.h"

#define STREAM_MAX (256u << 20) /* of what is no regular file: /dev/zero has no end */

char *file_join(const char *directory, const char *name)
{
    char *path;
    if (!directory || name[0] == '/')
        return strdup(name);
    return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

/* Grow as it comes: a pipe has no size. */
static int read_stream(FILE *f, const char *path, size_t max, char **data, size_t *len,
                       struct hl_error *error)
{
    size_t room = 0, n = 0;
    char *buf = array_grow(NULL, &room, 1 << 16, 1);
    while (buf) {
        n += fread(buf + n, 1, room - 1 - n, f); /* a NUL follows */
        if (n >= max) {
            free(buf);
            return hl_error_set(error, HL_ERR_LIMIT, "%s: larger than %zu MiB", path, max >> 20);
        }
        if (n < room - 1)
            break;
        char *more = array_grow(buf, &room, room + 1, 1);
        if (!more)
            free(buf);
        buf = more;
    }
    if (!buf)
        return hl_error_set(error, HL_ERR_MEMORY, "%s: out of memory", path);
    if (ferror(f)) {
        int e = errno;
        free(buf);
        return error_file(error, path, e);
    }
    buf[n] = 0;
    *data = buf;
    *len = n;
    return 0;
}

int file_read(const char *path, size_t max, char **data, size_t *len, struct hl_error *error)
{
    struct stat st;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return error_file(error, path, errno);
    bool known = fstat(fileno(f), &st) == 0;
    if (known && !S_ISREG(st.st_mode) && max > STREAM_MAX)
        max = STREAM_MAX;
    int rc = known && S_ISDIR(st.st_mode) ? error_file(error, path, EISDIR)
                                          : read_stream(f, path, max, data, len, error);
    fclose(f);
    return rc;
}

char *file_own_directory(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (n <= 0)
        return NULL;
    path[n] = 0;
    char *slash = strrchr(path, '/');
    if (!slash)
        return NULL;
    *(slash == path ? slash + 1 : slash) = 0;
    return strdup(path);
}
