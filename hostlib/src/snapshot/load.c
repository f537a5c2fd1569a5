/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/load.c - load a snapshot from a file.  Nothing in the file is trusted. */
#include "snapshot_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error_errno.h"
#include "general.h"
#include "image.h"
#include "memory.h"
#include "retry.h"
#include "x86.h"

static int unreadable(const struct loading *in, int e)
{
    const char *why = e == ELOOP ? "a symbolic link" : strerror(e);
    return error_errno(in->error, e,
                       hl_error_set(in->error, HL_ERR_FILE, "%s: %s: %s", in->path,
                                    hl_err_text(HL_ERR_FILE), why));
}

static int open_file(struct loading *in)
{
    struct stat st;
    /* Without blocking: it may be a fifo. */
    in->fd = RETRY(open(in->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (in->fd < 0 || fstat(in->fd, &st))
        return unreadable(in, errno);
    if (!S_ISREG(st.st_mode))
        return unreadable(in, S_ISDIR(st.st_mode) ? EISDIR : EINVAL);
    in->size = (uint64_t)st.st_size;
    in->on_disk = (uint64_t)st.st_blocks * 512;
    return 0;
}

static int read_at(const struct loading *in, void *to, size_t size, uint64_t at)
{
    if (pread_full(in->fd, to, size, at) == size)
        return 0;
    return errno ? unreadable(in, errno) : loading_bad(in, "cut short");
}

/*
 * Pages of zeros are not stored, so the contents take as much space on the disk as in memory.  Only
 * on a compressing file system, or in a hostile file, are fewer blocks allocated than the size
 * says.
 */
static int check_holes(const struct loading *in)
{
    const off_t end = (off_t)in->layout.end;
    off_t at = (off_t)in->layout.contents;
    if (in->on_disk >= in->size)
        return 0;
    for (off_t data; at < end; at = data) {
        off_t hole = lseek(in->fd, at, SEEK_HOLE);
        if (hole < 0 || hole >= end)
            return 0;
        data = lseek(in->fd, hole, SEEK_DATA);
        data = data < 0 ? end : data;
        off_t page = (off_t)(((uint64_t)hole + PAGE_SIZE - 1) & PAGE_MASK);
        if (data - page >= (off_t)PAGE_SIZE)
            return loading_bad(in, "holes where pages should be");
    }
    return 0;
}

static int read_header(struct loading *in)
{
    struct snapshot_header *h = &in->header;
    if (in->size < PAGE_SIZE)
        return loading_bad(in, "too short to be a snapshot");
    int rc = read_at(in, h, sizeof(*h), 0);
    if (rc)
        return rc;
    if (memcmp(h->magic, SNAPSHOT_MAGIC, sizeof(h->magic)) != 0)
        return loading_bad(in, "not a snapshot");
    if (h->version != SNAPSHOT_VERSION || h->header_size != sizeof(*h))
        return loading_bad(in, "format %u, this library reads %u", h->version, SNAPSHOT_VERSION);
    if (!snapshot_layout_of(h, &in->layout) || h->file_size != in->layout.end ||
        in->size != in->layout.end)
        return loading_bad(in, "%llu bytes instead of %llu", (unsigned long long)in->size,
                           (unsigned long long)h->file_size);
    return check_holes(in);
}

static int read_index(struct loading *in)
{
    const size_t size = in->layout.contents;
    struct snapshot_header zero = in->header;
    in->index = malloc(size);
    if (!in->index)
        return hl_error_set(in->error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    int rc = read_at(in, in->index, size, 0);
    if (rc)
        return rc;
    /* The file may have changed since: only this copy is used. */
    if (memcmp(in->index, &in->header, sizeof(in->header)) != 0)
        return loading_bad(in, "it is being written to");
    zero.index_sum = 0;
    memcpy(in->index, &zero, sizeof(zero));
    if (sum_of(in->index, size) != in->header.index_sum)
        return loading_bad(in, "its checksum is wrong");
    return 0;
}

/* ---- from the index to a snapshot ---- */

static void *copy(const struct loading *in, uint64_t at, size_t size)
{
    void *data = malloc(size + !size);
    if (data)
        memcpy(data, in->index + at, size);
    else
        hl_error_set(in->error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    return data;
}

static struct vcpu_state *make_vcpu(const struct loading *in)
{
    const struct snapshot_header *h = &in->header;
    struct vcpu_state *v = malloc(sizeof(*v) + h->xsave_size);
    if (!v) {
        hl_error_set(in->error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
        return NULL;
    }
    *v = (struct vcpu_state){
        .regs.rflags = (h->regs.rflags & RFLAGS_GUEST) | RFLAGS_FIXED,
        .regs.fs_base = h->fs_base,
        .regs.gs_base = h->gs_base,
        .cr2 = h->cr2,
        .ds = h->ds,
        .es = h->es,
        .fs = h->fs,
        .gs = h->gs,
        .xsave_size = (uint32_t)h->xsave_size,
    };
    HL_GENERAL_COPY(&v->regs, &h->regs);
    memcpy(v->xsave, in->index + in->layout.xsave, h->xsave_size);
    return v;
}

static int fill(struct hl_snapshot *s, const struct loading *in, const struct hl_image *image)
{
    const struct snapshot_header *h = &in->header;
    const struct snapshot_layout *l = &in->layout;
    s->id = snapshot_next_id();
    s->image = image_use(image);
    s->backend = in->backend;
    s->personality = personality_default;
    s->heap = h->heap;
    s->stack = h->stack;
    s->input = h->input;
    s->output = h->output;
    s->input_used = h->input_used;
    s->vcpu = make_vcpu(in);
    s->os = s->vcpu ? copy(in, l->os, h->os_size) : NULL;
    s->mappings.count = h->mapping_count;
    s->mappings.list =
        s->os ? copy(in, l->mappings, h->mapping_count * sizeof(*s->mappings.list)) : NULL;
    s->store.run_count = h->run_count;
    s->store.runs =
        s->mappings.list ? copy(in, l->runs, h->run_count * sizeof(*s->store.runs)) : NULL;
    return s->store.runs ? 0 : HL_ERR_MEMORY;
}

static int map_contents(struct hl_snapshot *s, struct loading *in)
{
    const size_t size = in->header.page_count * PAGE_SIZE;
    if (!size)
        return 0;
    uint8_t *data = memory_map(NULL, size, in->fd, in->layout.contents);
    if (!data)
        return unreadable(in, errno);
    mprotect(data, size, PROT_READ);
    s->store.data = data;
    s->store.size = size;
    s->store.fd = in->fd;
    s->store.offset = in->layout.contents;
    in->fd = -1;
    return 0;
}

static bool has_zeros(const uint8_t *data, size_t size)
{
    static const uint8_t zeros[PAGE_SIZE];
    for (size_t at = 0; at < size; at += PAGE_SIZE)
        if (memcmp(data + at, zeros, PAGE_SIZE) == 0)
            return true;
    return false;
}

/* Read the next n pages of the file, at `from`, to their places. */
static int read_chunk(struct hl_snapshot *s, const struct loading *in, struct store_walk *walk,
                      size_t n, uint64_t from, const uint8_t *wanted)
{
    struct summing sum = sum_begin(n * PAGE_SIZE);
    uint64_t at = 0;
    for (size_t done = 0, piece; done < n; done += piece) {
        piece = snapshot_store_next(&s->store, walk, n - done, &at);
        uint8_t *data = (uint8_t *)(uintptr_t)s->store.data + at * PAGE_SIZE;
        int rc = read_at(in, data, piece * PAGE_SIZE, from + done * PAGE_SIZE);
        if (rc)
            return rc;
        if (has_zeros(data, piece * PAGE_SIZE))
            return loading_bad(in, "a page of zeros, which no snapshot holds");
        sum_add(&sum, data, piece * PAGE_SIZE);
    }
    const uint64_t is = sum_end(&sum);
    return memcmp(&is, wanted, sizeof(is)) == 0
               ? 0
               : loading_bad(in, "the checksum of its pages is wrong");
}

/*
 * Read the contents into memory of our own, as the file may change meanwhile, in chunks, so that an
 * error stops it early.
 */
static int read_contents(struct hl_snapshot *s, const struct loading *in, uint64_t room)
{
    const uint64_t pages = in->header.page_count;
    const uint8_t *sums = in->index + in->layout.sums;
    struct store_walk walk = {0};
    if (!pages)
        return 0;
    uint8_t *data = snapshot_store_new(&s->store, room * PAGE_SIZE, in->error);
    int rc = data ? 0 : HL_ERR_MEMORY;
    for (uint64_t done = 0, n; !rc && done < pages; done += n, sums += 8) {
        n = pages - done < SNAPSHOT_CHUNK ? pages - done : SNAPSHOT_CHUNK;
        rc = read_chunk(s, in, &walk, n, in->layout.contents + done * PAGE_SIZE, sums);
    }
    return rc;
}

/*
 * Contents that clones could not map from the file are read here, once, rather than by each clone.
 */
static int take_contents(struct hl_snapshot *s, struct loading *in, unsigned flags)
{
    uint64_t room;
    bool gaps = snapshot_store_place(&s->store, &room);
    return gaps || flags & HL_SNAPSHOT_VERIFY ? read_contents(s, in, room) : map_contents(s, in);
}

static int load(struct hl_snapshot *s, struct loading *in, const struct hl_image *image,
                unsigned flags)
{
    int rc = open_file(in);
    if (!rc)
        rc = read_header(in);
    if (!rc)
        rc = read_index(in);
    if (!rc)
        rc = loading_check(in, image);
    if (!rc)
        rc = fill(s, in, image);
    if (!rc)
        rc = take_contents(s, in, flags);
    return rc;
}

int hl_snapshot_load(struct hl_snapshot **snapshot, const struct hl_image *image, const char *path,
                     unsigned flags, struct hl_error *error)
{
    struct loading in = {.path = path, .backend = backend_default, .fd = -1, .error = error};
    if (!snapshot || !image || !path || (flags & ~HL_SNAPSHOT_VERIFY))
        return hl_error_set(error, HL_ERR_ARGUMENT, "no image, no file name or unknown flags");
    struct hl_snapshot *s = calloc(1, sizeof(*s));
    if (!s)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    s->store.fd = -1;
    int rc = load(s, &in, image, flags);
    if (in.fd >= 0)
        close(in.fd);
    free(in.index);
    if (rc) {
        hl_snapshot_destroy(s);
        return rc;
    }
    *snapshot = s;
    return 0;
}
