/* SPDX-License-Identifier: Apache-2.0 */
/* linux/io.c - reading and writing: the console, the devices, random numbers. */
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <linux/random.h>

#include "observe.h"
#include "source.h"

#define CHUNK 4096
#define IOV_LIMIT 1024
#define AT_ONCE (1u << 20) /* bytes per call; the guest can be interrupted between calls */
#define ENTROPY 256        /* bits, as Linux reports once its generator is ready */

/* The output of one system call, passed on in pieces as large as possible: a line in one piece. */
struct console {
    struct hl_sandbox *sb;
    int fd;
    size_t used;
    uint8_t chunk[CHUNK];
};

/* Not by an initialiser, which would clear the chunk for each system call. */
static void console_open(struct console *c, struct hl_sandbox *sb, int fd)
{
    c->sb = sb;
    c->fd = fd;
    c->used = 0;
}

static void console_flush(struct console *c)
{
    struct hl_sandbox *sb = c->sb;
    if (c->used && sb->config.console)
        sb->config.console(sb->config.opaque, c->fd, c->chunk, c->used);
    if (c->used && observes(sb, HL_EVENT_CONSOLE)) {
        const struct hl_event e = {.kind = HL_EVENT_CONSOLE, .console = {c->fd, c->chunk, c->used}};
        observe(sb, &e);
    }
    c->used = 0;
}

/* Pass [gva, gva + size) to the console; returns how much of it could be read. */
static size_t console_put(struct console *c, hl_gva_t gva, size_t size)
{
    size_t done = 0;
    while (done < size) {
        if (c->used == sizeof(c->chunk)) {
            console_flush(c);
            if (sandbox_is_interrupted(c->sb))
                break;
        }
        size_t room = sizeof(c->chunk) - c->used;
        size_t want = size - done < room ? size - done : room;
        size_t got =
            hl_machine_read(c->sb->machine, gva + done, c->chunk + c->used, want, HL_PROT_READ);
        c->used += got;
        done += got;
        if (got < want)
            break;
    }
    return done;
}

static size_t at_most(uint64_t size, size_t limit)
{
    return size < limit ? size : limit;
}

/* ---- pieces: each returns how much of [gva, gva + size) it did; less means it ended ---- */

static size_t put_random(struct hl_sandbox *sb, hl_gva_t gva, size_t size, int *rc)
{
    uint8_t chunk[CHUNK];
    size_t done = 0;
    while (done < size && !*rc) {
        size_t n = size - done < sizeof(chunk) ? size - done : sizeof(chunk);
        *rc = source_random(sb, chunk, n);
        size_t put = *rc ? 0 : machine_write(sb->machine, gva + done, chunk, n, HL_PROT_WRITE);
        done += put;
        if (put < n)
            break;
    }
    return done;
}

static size_t put_zeros(struct hl_sandbox *sb, hl_gva_t gva, size_t size)
{
    static const uint8_t zeros[CHUNK];
    size_t done = 0;
    while (done < size) {
        size_t n = size - done < sizeof(zeros) ? size - done : sizeof(zeros);
        size_t put = machine_write(sb->machine, gva + done, zeros, n, HL_PROT_WRITE);
        done += put;
        if (put < n)
            break;
    }
    return done;
}

/* A device reads what is written to it only if it keeps it, as on Linux. */
static size_t read_piece(struct hl_sandbox *sb, const struct linux_file *f, hl_gva_t gva,
                         size_t size, int *rc)
{
    switch (f->kind) {
    case FILE_ZERO:
    case FILE_FULL:
        return put_zeros(sb, gva, size);
    case FILE_RANDOM:
    case FILE_URANDOM:
        return put_random(sb, gva, size, rc);
    default:
        return 0;
    }
}

static bool is_output(const struct linux_file *f)
{
    return f->kind == FILE_STDOUT || f->kind == FILE_STDERR;
}

/* The console's output cannot be read, even if it was opened for reading. */
static bool is_empty(const struct linux_file *f)
{
    return file_is_console(f) || f->kind == FILE_NULL;
}

/* ---- one buffer, or many ---- */

struct pieces {
    hl_gva_t iov; /* 0: the one buffer */
    uint64_t count, one[2];
};

static bool get_piece(struct hl_sandbox *sb, const struct pieces *p, uint64_t i, uint64_t iov[2])
{
    if (p->iov)
        return linux_get(sb, p->iov + i * 2 * sizeof(*iov), iov, 2 * sizeof(*iov));
    memcpy(iov, p->one, sizeof(p->one));
    return true;
}

/* Checked before anything is done, as on Linux: if one piece is bad, none is read or written. */
static int64_t check_pieces(struct hl_sandbox *sb, const struct pieces *p)
{
    if (!p->iov)
        return (int64_t)p->one[1] < 0 ? -EFAULT : 0;
    if (p->count > IOV_LIMIT)
        return -EINVAL;
    for (uint64_t i = 0; i < p->count; i++) {
        uint64_t iov[2];
        if (!get_piece(sb, p, i, iov))
            return -EFAULT;
        if ((int64_t)iov[1] < 0)
            return -EINVAL;
    }
    return 0;
}

static int64_t read_all(struct hl_sandbox *sb, uint64_t fd, const struct pieces *p)
{
    const struct linux_file *f = linux_file(sb, fd);
    size_t total = 0;
    int rc = 0;
    if (!f || (f->flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    int64_t bad = check_pieces(sb, p);
    if (bad)
        return bad;
    for (uint64_t i = 0; i < p->count && total < AT_ONCE && !is_empty(f); i++) {
        uint64_t iov[2];
        size_t want = 0, done = 0;
        bool there = get_piece(sb, p, i, iov);
        if (there) {
            want = at_most(iov[1], AT_ONCE - total);
            done = read_piece(sb, f, iov[0], want, &rc);
        }
        total += done;
        if (!there || done < want)
            return total ? (int64_t)total : rc ? rc : -EFAULT;
    }
    return (int64_t)total;
}

static int64_t write_all(struct hl_sandbox *sb, uint64_t fd, const struct pieces *p)
{
    const struct linux_file *f = linux_file(sb, fd);
    struct console c;
    size_t total = 0;
    bool fault = false;
    if (!f || (f->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    int64_t bad = check_pieces(sb, p);
    if (bad)
        return bad;
    console_open(&c, sb, f->kind == FILE_STDERR ? 2 : 1);
    for (uint64_t i = 0; i < p->count && total < AT_ONCE && !fault; i++) {
        uint64_t iov[2] = {0, 0};
        fault = !get_piece(sb, p, i, iov);
        size_t want = fault ? 0 : at_most(iov[1], AT_ONCE - total);
        if (want && f->kind == FILE_FULL)
            return -ENOSPC;
        size_t done = is_output(f) ? console_put(&c, iov[0], want) : want;
        total += done;
        fault |= done < want;
    }
    console_flush(&c);
    return total || !fault ? (int64_t)total : -EFAULT;
}

static struct pieces one_piece(const args6 a)
{
    return (struct pieces){.count = 1, .one = {a[1], a[2]}};
}

static struct pieces many_pieces(const args6 a)
{
    return (struct pieces){.iov = a[1] ? a[1] : 1, .count = a[2]};
}

int64_t linux_read(struct hl_sandbox *sb, const args6 a)
{
    const struct pieces p = one_piece(a);
    return read_all(sb, a[0], &p);
}

int64_t linux_readv(struct hl_sandbox *sb, const args6 a)
{
    const struct pieces p = many_pieces(a);
    return read_all(sb, a[0], &p);
}

int64_t linux_write(struct hl_sandbox *sb, const args6 a)
{
    const struct pieces p = one_piece(a);
    return write_all(sb, a[0], &p);
}

int64_t linux_writev(struct hl_sandbox *sb, const args6 a)
{
    const struct pieces p = many_pieces(a);
    return write_all(sb, a[0], &p);
}

/* Devices have no position, and the console is a pipe. */
static int64_t check_position(struct hl_sandbox *sb, const args6 a)
{
    const struct linux_file *f = linux_file(sb, a[0]);
    if (!f)
        return -EBADF;
    if ((int64_t)a[3] < 0)
        return -EINVAL;
    return file_is_console(f) ? -ESPIPE : 0;
}

int64_t linux_pread64(struct hl_sandbox *sb, const args6 a)
{
    int64_t rc = check_position(sb, a);
    return rc ? rc : linux_read(sb, a);
}

int64_t linux_pwrite64(struct hl_sandbox *sb, const args6 a)
{
    int64_t rc = check_position(sb, a);
    return rc ? rc : linux_write(sb, a);
}

int64_t linux_lseek(struct hl_sandbox *sb, const args6 a)
{
    const struct linux_file *f = linux_file(sb, a[0]);
    if (!f)
        return -EBADF;
    if ((uint32_t)a[2] > SEEK_HOLE)
        return -EINVAL;
    return file_is_console(f) ? -ESPIPE : 0;
}

int64_t linux_ioctl(struct hl_sandbox *sb, const args6 a)
{
    const struct linux_file *f = linux_file(sb, a[0]);
    const int32_t entropy = ENTROPY;
    if (!f)
        return -EBADF;
    bool random = f->kind == FILE_RANDOM || f->kind == FILE_URANDOM;
    if (random && (uint32_t)a[1] == RNDGETENTCNT)
        return linux_set(sb, a[2], &entropy, sizeof(entropy)) ? 0 : -EFAULT;
    return -ENOTTY;
}

int64_t linux_getrandom(struct hl_sandbox *sb, const args6 a)
{
    const uint64_t known = GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE;
    int rc = 0;
    if ((a[2] & ~known) || (a[2] & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    size_t size = at_most(a[1], AT_ONCE);
    size_t done = put_random(sb, a[0], size, &rc);
    return done || !size ? (int64_t)done : rc ? rc : -EFAULT;
}
