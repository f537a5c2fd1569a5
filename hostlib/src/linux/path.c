/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux/path.c - files by name.  Only these devices exist: a program that looks for another file
 * gets ENOENT, and continues as it would elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "linux_file.h"
#include "number.h"

#define PATH_LENGTH 4096 /* PATH_MAX */
#define BLOCK 4096

static const struct {
    const char *path;
    enum file_kind kind; /* FILE_CLOSED: another name of `fd` */
    unsigned fd;
} names[] = {
    {"/dev/null", FILE_NULL, 0},       {"/dev/zero", FILE_ZERO, 0},
    {"/dev/full", FILE_FULL, 0},       {"/dev/random", FILE_RANDOM, 0},
    {"/dev/urandom", FILE_URANDOM, 0}, {"/dev/stdin", FILE_CLOSED, 0},
    {"/dev/stdout", FILE_CLOSED, 1},   {"/dev/stderr", FILE_CLOSED, 2},
};

static const struct {
    unsigned mode, major, minor;
} nodes[FILE_KINDS] = {
    [FILE_STDIN] = {S_IFIFO | 0600, 0, 0},  [FILE_STDOUT] = {S_IFIFO | 0600, 0, 0},
    [FILE_STDERR] = {S_IFIFO | 0600, 0, 0}, [FILE_NULL] = {S_IFCHR | 0666, 1, 3},
    [FILE_ZERO] = {S_IFCHR | 0666, 1, 5},   [FILE_FULL] = {S_IFCHR | 0666, 1, 7},
    [FILE_RANDOM] = {S_IFCHR | 0666, 1, 8}, [FILE_URANDOM] = {S_IFCHR | 0666, 1, 9},
};

/* ---- look up a path ---- */

static enum file_kind kind_of_fd(struct hl_sandbox *sb, uint64_t fd)
{
    const struct linux_file *f = linux_file(sb, fd);
    return f ? (enum file_kind)f->kind : FILE_CLOSED;
}

/* "/dev/fd/1" and "/proc/self/fd/1" are the open file itself. */
static enum file_kind kind_by_number(struct hl_sandbox *sb, const char *path)
{
    static const char *const places[] = {"/dev/fd/", "/proc/self/fd/"};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        size_t n = strlen(places[i]);
        uint64_t fd;
        if (strncmp(path, places[i], n) == 0 && number_is(path + n, 10, LINUX_FILES - 1, &fd))
            return kind_of_fd(sb, fd);
    }
    return FILE_CLOSED;
}

static enum file_kind kind_of_path(struct hl_sandbox *sb, const char *path)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(path, names[i].path) == 0)
            return names[i].kind ? names[i].kind : kind_of_fd(sb, names[i].fd);
    return kind_by_number(sb, path);
}

/* One page at a time: the string may end just before an unmapped page. */
static int64_t get_path(struct hl_sandbox *sb, hl_gva_t at, char path[PATH_LENGTH])
{
    for (size_t done = 0; done < PATH_LENGTH;) {
        size_t want = PAGE_SIZE - (at + done) % PAGE_SIZE;
        if (want > PATH_LENGTH - done)
            want = PATH_LENGTH - done;
        if (!linux_get(sb, at + done, path + done, want))
            return -EFAULT;
        if (memchr(path + done, 0, want))
            return 0;
        done += want;
    }
    return -ENAMETOOLONG;
}

/* What the path names, or a negative errno. */
static int64_t find(struct hl_sandbox *sb, hl_gva_t at, enum file_kind *kind)
{
    char path[PATH_LENGTH];
    int64_t rc = get_path(sb, at, path);
    if (rc)
        return rc;
    *kind = kind_of_path(sb, path);
    return *kind ? 0 : -ENOENT;
}

/* ---- opening ---- */

static int64_t open_path(struct hl_sandbox *sb, hl_gva_t path, uint64_t flags)
{
    enum file_kind kind;
    int64_t rc = find(sb, path, &kind);
    if (rc)
        return rc;
    if ((flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if (flags & O_DIRECTORY)
        return -ENOTDIR;
    if ((flags & O_ACCMODE) == O_ACCMODE)
        return -EINVAL;
    return linux_file_new(sb, kind, (int)flags);
}

int64_t linux_open(struct hl_sandbox *sb, const args6 a)
{
    return open_path(sb, a[0], a[1]);
}

int64_t linux_openat(struct hl_sandbox *sb, const args6 a)
{
    return open_path(sb, a[1], a[2]);
}

/* ---- stat and access ---- */

static int64_t put_stat(struct hl_sandbox *sb, hl_gva_t at, enum file_kind kind)
{
    const struct stat st = {.st_ino = kind,
                            .st_nlink = 1,
                            .st_mode = nodes[kind].mode,
                            .st_rdev = makedev(nodes[kind].major, nodes[kind].minor),
                            .st_blksize = BLOCK};
    return linux_set(sb, at, &st, sizeof(st)) ? 0 : -EFAULT;
}

static int64_t stat_path(struct hl_sandbox *sb, hl_gva_t path, hl_gva_t at)
{
    enum file_kind kind;
    int64_t rc = find(sb, path, &kind);
    return rc ? rc : put_stat(sb, at, kind);
}

int64_t linux_fstat(struct hl_sandbox *sb, const args6 a)
{
    enum file_kind kind = kind_of_fd(sb, a[0]);
    return kind ? put_stat(sb, a[1], kind) : -EBADF;
}

int64_t linux_stat(struct hl_sandbox *sb, const args6 a)
{
    return stat_path(sb, a[0], a[1]);
}

int64_t linux_newfstatat(struct hl_sandbox *sb, const args6 a)
{
    const args6 by_fd = {a[0], a[2]};
    char first = 0;
    if ((a[3] & AT_EMPTY_PATH) && (!a[1] || (linux_get(sb, a[1], &first, 1) && !first)))
        return linux_fstat(sb, by_fd);
    return stat_path(sb, a[1], a[2]);
}

static int64_t may(struct hl_sandbox *sb, hl_gva_t path, uint64_t mode)
{
    enum file_kind kind;
    if (mode & ~(uint64_t)(R_OK | W_OK | X_OK))
        return -EINVAL;
    int64_t rc = find(sb, path, &kind);
    return rc ? rc : mode & X_OK ? -EACCES : 0;
}

int64_t linux_access(struct hl_sandbox *sb, const args6 a)
{
    return may(sb, a[0], a[1]);
}

int64_t linux_faccessat(struct hl_sandbox *sb, const args6 a)
{
    return may(sb, a[1], a[2]);
}

/* None of the devices is a link. */
static int64_t read_link(struct hl_sandbox *sb, hl_gva_t path)
{
    enum file_kind kind;
    int64_t rc = find(sb, path, &kind);
    return rc ? rc : -EINVAL;
}

int64_t linux_readlink(struct hl_sandbox *sb, const args6 a)
{
    return read_link(sb, a[0]);
}

int64_t linux_readlinkat(struct hl_sandbox *sb, const args6 a)
{
    return read_link(sb, a[1]);
}
