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

#define STREAM_MAX (256u << 20) /* of what is no regular file: /dev/zero has no end */

char *file_join(const char *directory, const char *name)
{
    char *path;
    if (!directory || name[0] == '/')
        return strdup(name);
    return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static int failed(const char *path, int e, struct hl_error *error)
{
    hl_error_set(error, HL_ERR_FILE, "%s: %s", path, strerror(e));
    if (error)
        error->sys_errno = e;
    return HL_ERR_FILE;
}

/* Grow as it comes: a pipe has no size. */
static int read_stream(FILE *f, const char *path, size_t max, char **data, size_t *len,
                       struct hl_error *error)
{
    size_t size = 1 << 16, n = 0;
    char *buf = malloc(size + 1);
    while (buf) {
        n += fread(buf + n, 1, size - n, f);
        if (n < size)
            break;
        if (n >= max) {
            free(buf);
            return hl_error_set(error, HL_ERR_LIMIT, "%s: larger than %zu MiB", path, max >> 20);
        }
        char *more = realloc(buf, 2 * size + 1);
        if (!more)
            free(buf);
        buf = more;
        size *= 2;
    }
    if (!buf)
        return hl_error_set(error, HL_ERR_MEMORY, "%s: out of memory", path);
    if (ferror(f)) {
        int e = errno;
        free(buf);
        return failed(path, e, error);
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
        return failed(path, errno, error);
    bool known = fstat(fileno(f), &st) == 0;
    if (known && !S_ISREG(st.st_mode) && max > STREAM_MAX)
        max = STREAM_MAX;
    int rc = known && S_ISDIR(st.st_mode) ? failed(path, EISDIR, error)
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
