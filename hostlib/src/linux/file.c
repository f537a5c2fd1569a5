/* SPDX-License-Identifier: Apache-2.0 */
/* linux/file.c - the table of descriptors: standard input, output, error and a few devices. */
#include "linux.h"

#include <errno.h>
#include <fcntl.h>

#include "linux_file.h"

#define CAN_CHANGE (O_APPEND | O_NONBLOCK) /* by F_SETFL */

const struct linux_process linux_initial = {
    .file = {{.kind = FILE_STDIN, .flags = O_RDONLY, .id = 0},
             {.kind = FILE_STDOUT, .flags = O_WRONLY, .id = 1},
             {.kind = FILE_STDERR, .flags = O_WRONLY, .id = 2}},
    .next_file = 3,
};

bool linux_files_good(const struct linux_process *p)
{
    for (size_t i = 0; i < LINUX_FILES; i++)
        if (p->file[i].kind >= FILE_KINDS || (p->file[i].flags & O_ACCMODE) == O_ACCMODE)
            return false;
    return true;
}

const struct linux_file *linux_file(struct hl_sandbox *sb, uint64_t fd)
{
    const struct linux_file *f = &linux_of(sb)->process->file[(uint32_t)fd % LINUX_FILES];
    return (uint32_t)fd < LINUX_FILES && f->kind ? f : NULL;
}

/* The lowest free descriptor from `from` up. */
static int64_t put(struct hl_sandbox *sb, struct linux_file file, uint64_t from)
{
    struct linux_process *p = linux_change(sb);
    for (uint64_t i = from; i < LINUX_FILES; i++) {
        if (p->file[i].kind)
            continue;
        p->file[i] = file;
        return (int64_t)i;
    }
    return -EMFILE;
}

int64_t linux_file_new(struct hl_sandbox *sb, enum file_kind kind, int flags)
{
    struct linux_file file = {.kind = (uint8_t)kind,
                              .cloexec = (flags & O_CLOEXEC) != 0,
                              .flags = (uint16_t)(flags & (O_ACCMODE | CAN_CHANGE)),
                              .id = linux_of(sb)->process->next_file};
    int64_t fd = put(sb, file, 0);
    linux_change(sb)->next_file += fd >= 0;
    return fd;
}

int64_t linux_close(struct hl_sandbox *sb, const args6 a)
{
    if (!linux_file(sb, a[0]))
        return -EBADF;
    linux_change(sb)->file[(uint32_t)a[0]].kind = FILE_CLOSED;
    return 0;
}

static int64_t dup_from(struct hl_sandbox *sb, uint64_t fd, uint64_t from, bool cloexec)
{
    const struct linux_file *f = linux_file(sb, fd);
    if (!f)
        return -EBADF;
    if (from >= LINUX_FILES)
        return -EINVAL;
    struct linux_file copy = *f;
    copy.cloexec = cloexec;
    return put(sb, copy, from);
}

int64_t linux_dup(struct hl_sandbox *sb, const args6 a)
{
    return dup_from(sb, a[0], 0, false);
}

static int64_t dup_to(struct hl_sandbox *sb, uint64_t fd, uint64_t to, bool cloexec)
{
    const struct linux_file *f = linux_file(sb, fd);
    if (!f || (uint32_t)to >= LINUX_FILES)
        return -EBADF;
    struct linux_file copy = *f;
    copy.cloexec = cloexec;
    linux_change(sb)->file[(uint32_t)to] = copy;
    return (int64_t)(uint32_t)to;
}

int64_t linux_dup2(struct hl_sandbox *sb, const args6 a)
{
    if ((uint32_t)a[0] == (uint32_t)a[1])
        return linux_file(sb, a[0]) ? (int64_t)(uint32_t)a[0] : -EBADF;
    return dup_to(sb, a[0], a[1], false);
}

int64_t linux_dup3(struct hl_sandbox *sb, const args6 a)
{
    if ((a[2] & ~(uint64_t)O_CLOEXEC) || (uint32_t)a[0] == (uint32_t)a[1])
        return -EINVAL;
    return dup_to(sb, a[0], a[1], a[2] != 0);
}

/* All descriptors that share the open file see its flags change. */
static void set_flags(struct hl_sandbox *sb, uint32_t id, int flags)
{
    struct linux_process *p = linux_change(sb);
    for (unsigned i = 0; i < LINUX_FILES; i++)
        if (p->file[i].kind && p->file[i].id == id)
            p->file[i].flags = (uint16_t)((p->file[i].flags & O_ACCMODE) | (flags & CAN_CHANGE));
}

int64_t linux_fcntl(struct hl_sandbox *sb, const args6 a)
{
    const struct linux_file *f = linux_file(sb, a[0]);
    if (!f)
        return -EBADF;
    switch ((int)a[1]) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
        return dup_from(sb, a[0], a[2], (int)a[1] == F_DUPFD_CLOEXEC);
    case F_GETFD:
        return f->cloexec ? FD_CLOEXEC : 0;
    case F_SETFD:
        linux_change(sb)->file[(uint32_t)a[0]].cloexec = a[2] & FD_CLOEXEC;
        return 0;
    case F_GETFL:
        return f->flags;
    case F_SETFL:
        set_flags(sb, f->id, (int)a[2]);
        return 0;
    default:
        return -EINVAL;
    }
}
