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

#include "create_beside.h"
#include "error_errno.h"
#include "retry.h"

static int file_failed(const char *path, const char *what, struct hl_error *error)
{
    int e = errno;
    return error_errno(error, e,
                       hl_error_set(error, HL_ERR_FILE, "%s: %s: %s", path, what, strerror(e)));
}

static int fill(int fd, const struct file_part *parts, unsigned count, bool secret)
{
    for (unsigned i = 0; i < count; i++)
        if (!write_full(fd, parts[i].data, parts[i].size))
            return -1;
    return secret ? RETRY(fsync(fd)) : 0;
}

static int write_and_close(int fd, const char *path, const struct file_part *parts, unsigned count,
                           bool secret, struct hl_error *error)
{
    struct file_limit limit;
    file_limit_begin(&limit);
    int rc = fill(fd, parts, count, secret) ? file_failed(path, "cannot write", error) : 0;
    file_limit_end(&limit);
    if (retry_close(fd) && !rc)
        rc = file_failed(path, "cannot write", error);
    return rc;
}

int open_to_write(const char *path, int flags, mode_t mode)
{
    int fd = RETRY(open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags, mode));
    if (fd >= 0)
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
}

/* old: the file to replace, whose permissions the new one gets; NULL: none, or a secret file. */
static int replace(const char *path, const struct stat *old, const struct file_part *parts,
                   unsigned count, bool secret, struct hl_error *error)
{
    char *temporary = NULL;
    int rc, fd = file_create_beside(path, secret, &temporary);
    if (fd < 0)
        return file_failed(path, "cannot write", error);
    if (old)
        (void)!fchmod(fd, old->st_mode & 0777);
    rc = write_and_close(fd, path, parts, count, secret, error);
    if (!rc && rename(temporary, path))
        rc = file_failed(path, "cannot be replaced", error);
    if (rc)
        unlink(temporary);
    free(temporary);
    return rc;
}

int file_replace(const char *path, const struct file_part *parts, unsigned count, bool secret,
                 struct hl_error *error)
{
    struct stat st;
    bool there = lstat(path, &st) == 0, regular = there && S_ISREG(st.st_mode);
    if (regular && !secret && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
        return file_failed(path, "cannot write", error);
    if (!there || regular)
        return replace(path, there && !secret ? &st : NULL, parts, count, secret, error);
    /* As root, rename() would replace /dev/null by a regular file. */
    if (secret)
        return hl_error_set(error, HL_ERR_FILE, "%s: cannot be replaced: not a regular file", path);
    /* A link is followed, not replaced: /dev/stdout is a link. */
    int fd = open_to_write(path, O_CREAT | O_TRUNC, 0666);
    return fd < 0 ? file_failed(path, "cannot write", error)
                  : write_and_close(fd, path, parts, count, false, error);
}
