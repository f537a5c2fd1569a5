/* SPDX-License-Identifier: Apache-2.0 */
#include "file_replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const char *path, const char *what, struct hl_error *error)
{
    int e = errno;
    hl_error_set(error, HL_ERR_FILE, "%s: %s: %s", path, what, strerror(e));
    if (error)
        error->sys_errno = e;
    return HL_ERR_FILE;
}

static int write_all(int fd, const struct file_part *part)
{
    const uint8_t *data = part->data;
    for (size_t size = part->size; size;) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

static int fill(int fd, const struct file_part *parts, unsigned count, bool secret)
{
    for (unsigned i = 0; i < count; i++)
        if (write_all(fd, &parts[i]))
            return -1;
    return secret ? fsync(fd) : 0;
}

static int write_and_close(int fd, const char *path, const struct file_part *parts, unsigned count,
                           bool secret, struct hl_error *error)
{
    int rc = fill(fd, parts, count, secret) ? failed(path, "cannot write", error) : 0;
    if (close(fd) && !rc)
        rc = failed(path, "cannot write", error);
    return rc;
}

int open_to_write(const char *path, int flags)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags, 0600);
    if (fd >= 0)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
}

/* mkstemp() makes 0600: what is no secret gets what the umask allows, as by open(). */
static void open_up(int fd)
{
    mode_t mask = umask(0);
    umask(mask);
    (void)!fchmod(fd, 0666 & ~mask);
}

static int replace(const char *path, const struct file_part *parts, unsigned count, bool secret,
                   struct hl_error *error)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    int rc, fd = mkstemp(temporary);
    if (fd < 0) {
        rc = failed(path, "cannot write", error);
        free(temporary);
        return rc;
    }
    if (!secret)
        open_up(fd);
    rc = write_and_close(fd, path, parts, count, secret, error);
    if (!rc && rename(temporary, path))
        rc = failed(path, "cannot be replaced", error);
    if (rc)
        unlink(temporary);
    free(temporary);
    return rc;
}

int file_replace(const char *path, const struct file_part *parts, unsigned count, bool secret,
                 struct hl_error *error)
{
    struct stat st;
    if (lstat(path, &st) || S_ISREG(st.st_mode))
        return replace(path, parts, count, secret, error);
    /* Root's rename() would put a file where /dev/null has been. */
    if (secret)
        return hl_error_set(error, HL_ERR_FILE, "%s: cannot be replaced: not a regular file", path);
    /* A link is followed, not replaced: /dev/stdout is one, wherever that leads. */
    int fd = open_to_write(path, O_TRUNC);
    return fd < 0 ? failed(path, "cannot write", error)
                  : write_and_close(fd, path, parts, count, false, error);
}
