/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "create_beside.h"
#include "error_errno.h"

static int write_failed(const char *path, struct hl_error *error)
{
    int e = errno;
    return error_errno(error, e,
                       hl_error_set(error, HL_ERR_FILE, "%s: cannot write: %s", path, strerror(e)));
}

static int open_beside(struct output *o, const struct stat *old, struct hl_error *error)
{
    int fd = file_create_beside(o->path, false, &o->temporary);
    if (fd < 0)
        return write_failed(o->path, error);
    if (old)
        fchmod(fd, old->st_mode & 0777);
    o->file = fdopen(fd, "w");
    return o->file ? 0 : write_failed(o->path, error);
}

int output_open(struct output *o, const char *path, struct hl_error *error)
{
    struct stat st;
    *o = (struct output){.path = path};
    if (!path) {
        o->file = stdout;
        return 0;
    }
    /* A link is followed, not replaced: /dev/stdout is one, wherever that leads. */
    bool there = lstat(path, &st) == 0;
    if (there && S_ISREG(st.st_mode) && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
        return write_failed(path, error);
    if (!there || S_ISREG(st.st_mode))
        return open_beside(o, there ? &st : NULL, error);
    o->file = fopen(path, "we");
    return o->file ? 0 : write_failed(path, error);
}

int output_close(struct output *o, bool keep, struct hl_error *error)
{
    int rc = 0;
    if (o->file && o->path && (ferror(o->file) | fclose(o->file)))
        rc = write_failed(o->path, error);
    o->file = NULL;
    if (o->temporary && keep && !rc && rename(o->temporary, o->path))
        rc = write_failed(o->path, error);
    if (o->temporary && (!keep || rc))
        unlink(o->temporary);
    free(o->temporary);
    o->temporary = NULL;
    return rc;
}
