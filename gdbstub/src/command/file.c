/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command/file.c - vFile: the guest's program and what its target has for /proc/PID, for reading,
 * and not a byte of the machine's own files.
 */
#include "stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The protocol's own numbers ("File-I/O"), not the host's. */
enum {
    FILEIO_ENOENT = 2,
    FILEIO_EBADF = 9,
    FILEIO_EISDIR = 21,
    FILEIO_EINVAL = 22,
    FILEIO_EMFILE = 24,
    FILEIO_EROFS = 30
};

#define PATH_ROOM 4096

static enum gdb_result file_failed(struct gdb_session *s, int error)
{
    gdb_buf_clear(&s->reply);
    gdb_buf_format(&s->reply, "F-1,%x", (unsigned)error);
    return GDB_REPLY;
}

static enum gdb_result done(struct gdb_session *s, unsigned result)
{
    gdb_buf_format(&s->reply, "F%x", result);
    return GDB_REPLY;
}

static bool get_program(struct gdb_session *s, struct gdb_file *file)
{
    const struct gdb_target *t = s->target;

    return t->ops->file && !t->ops->file(t->self, file);
}

/* What an open number stands for. */
static bool get_file(struct gdb_session *s, size_t number, struct gdb_file *file)
{
    const struct gdb_open *open = &s->files[number];

    if (!open->data)
        return get_program(s, file);
    *file = (struct gdb_file){.data = open->data, .size = open->size};
    return true;
}

/* "/proc/PID/NAME", PID being the one reported to the client: a copy of it as it is now. */
static bool get_proc(struct gdb_session *s, const char *path, void **data, size_t *size)
{
    const struct gdb_target *t = s->target;
    char folder[32];
    int length = snprintf(folder, sizeof(folder), "/proc/%u/", (unsigned)gdb_process(s));

    return t->ops->proc && !strncmp(path, folder, (size_t)length) &&
           !t->ops->proc(t->self, path + length, data, size);
}

/* The last of a path's names; those of /proc/PID that are links. */
static bool is_named(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');

    return slash && !strcmp(slash + 1, name);
}

static bool is_folder(const char *path)
{
    return is_named(path, "cwd") || is_named(path, "root");
}

/* The program by its own name, or by its link in /proc. */
static bool is_program(struct gdb_session *s, const char *path)
{
    struct gdb_file file;
    void *target;
    size_t size;
    bool link = get_program(s, &file) && strcmp(path, file.path) && is_named(path, "exe");

    if (!link)
        return get_program(s, &file) && !strcmp(path, file.path);
    if (!get_proc(s, path, &target, &size))
        return false;
    free(target);
    return true;
}

static bool open_number(struct gdb_session *s, struct gdb_text *args, size_t *number)
{
    uint64_t n;

    if (!gdb_text_number(args, &n) || n >= GDB_FILES || !s->files[n].used)
        return false;
    *number = (size_t)n;
    return true;
}

/* All processes see the same file system. */
enum gdb_result gdb_cmd_file_setfs(struct gdb_session *s, struct gdb_text *args)
{
    uint64_t process;

    if (!s->target->ops->file)
        return GDB_REPLY;
    return gdb_text_number(args, &process) ? done(s, 0) : file_failed(s, FILEIO_EINVAL);
}

enum gdb_result gdb_cmd_file_open(struct gdb_session *s, struct gdb_text *args)
{
    struct gdb_text name = gdb_text_until(args, ',');
    uint64_t flags, mode;
    char path[PATH_ROOM];
    struct gdb_open open = {.used = true};

    if (!s->target->ops->file)
        return GDB_REPLY;
    if (!gdb_text_hex_string(&name, path, sizeof(path)) || !gdb_text_pair(args, &flags, &mode))
        return file_failed(s, FILEIO_EINVAL);
    if (!is_program(s, path) && !get_proc(s, path, &open.data, &open.size))
        return file_failed(s, FILEIO_ENOENT);
    if (open.data && is_folder(path)) {
        free(open.data);
        return file_failed(s, FILEIO_EISDIR);
    }
    if (flags) { /* anything but O_RDONLY */
        free(open.data);
        return file_failed(s, FILEIO_EROFS);
    }
    for (unsigned i = 0; i < GDB_FILES; i++) {
        if (!s->files[i].used) {
            s->files[i] = open;
            return done(s, i);
        }
    }
    free(open.data);
    return file_failed(s, FILEIO_EMFILE);
}

static void close_file(struct gdb_open *file)
{
    free(file->data);
    *file = (struct gdb_open){.used = false};
}

void gdb_files_close(struct gdb_session *s)
{
    for (unsigned i = 0; i < GDB_FILES; i++)
        close_file(&s->files[i]);
}

enum gdb_result gdb_cmd_file_close(struct gdb_session *s, struct gdb_text *args)
{
    size_t number;

    if (!open_number(s, args, &number))
        return file_failed(s, FILEIO_EBADF);
    close_file(&s->files[number]);
    return done(s, 0);
}

enum gdb_result gdb_cmd_file_pread(struct gdb_session *s, struct gdb_text *args)
{
    uint64_t size, offset;
    struct gdb_buf data = {.max = GDB_PACKET_SIZE};
    struct gdb_file file;
    size_t number, n;

    if (!open_number(s, args, &number) || !get_file(s, number, &file))
        return file_failed(s, FILEIO_EBADF);
    if (!gdb_text_is(args, ',') || !gdb_text_pair(args, &size, &offset))
        return file_failed(s, FILEIO_EINVAL);
    if (offset > file.size)
        offset = file.size;
    if (size > file.size - offset)
        size = file.size - offset;
    if (size > GDB_PACKET_SIZE)
        size = GDB_PACKET_SIZE;
    /* The count of bytes stands before them, and escapes decide how many fit. */
    n = gdb_buf_binary(&data, (const uint8_t *)file.data + offset, (size_t)size,
                       GDB_PACKET_SIZE - 32);
    if (data.failed)
        s->reply.failed = true;
    gdb_buf_format(&s->reply, "F%zx;", n);
    gdb_buf_add(&s->reply, data.data, data.size);
    gdb_buf_free(&data);
    return GDB_REPLY;
}

/* The protocol's struct stat: 64 bytes, big-endian. */
static void put_be(uint8_t *at, uint64_t value, size_t n)
{
    while (n--) {
        at[n] = (uint8_t)value;
        value >>= 8;
    }
}

enum gdb_result gdb_cmd_file_fstat(struct gdb_session *s, struct gdb_text *args)
{
    uint8_t stat[64] = {0};
    struct gdb_file file;
    size_t number;

    if (!open_number(s, args, &number) || !get_file(s, number, &file))
        return file_failed(s, FILEIO_EBADF);
    put_be(stat + 8, 0100444, 4); /* st_mode: a regular file, read-only */
    put_be(stat + 12, 1, 4);      /* st_nlink */
    put_be(stat + 28, file.size, 8);
    put_be(stat + 36, 4096, 8);
    put_be(stat + 44, (file.size + 511) / 512, 8);
    gdb_buf_format(&s->reply, "F%zx;", sizeof(stat));
    gdb_buf_binary(&s->reply, stat, sizeof(stat), 2 * sizeof(stat));
    return GDB_REPLY;
}

/* The only links are those of /proc. */
enum gdb_result gdb_cmd_file_readlink(struct gdb_session *s, struct gdb_text *args)
{
    char path[PATH_ROOM];
    void *data;
    size_t size;

    if (!s->target->ops->file)
        return GDB_REPLY;
    if (!gdb_text_hex_string(args, path, sizeof(path)))
        return file_failed(s, FILEIO_EINVAL);
    if ((!is_named(path, "exe") && !is_folder(path)) || !get_proc(s, path, &data, &size))
        return file_failed(s, FILEIO_EINVAL);
    gdb_buf_format(&s->reply, "F%zx;", size);
    gdb_buf_binary(&s->reply, data, size, GDB_PACKET_SIZE - 32);
    free(data);
    return GDB_REPLY;
}

/* pwrite, unlink: there is nothing to write to. */
enum gdb_result gdb_cmd_file_other(struct gdb_session *s, struct gdb_text *args)
{
    if (s->target->ops->file && (gdb_text_word(args, "pwrite:") || gdb_text_word(args, "unlink:")))
        return file_failed(s, FILEIO_EROFS);
    return GDB_REPLY;
}
