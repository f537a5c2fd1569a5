/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox/share.c - map files and buffers of the host into a guest's memory.
 *
 * The machine's memory has room for them at its end (config.shared).  A mapping is a private
 * mapping of the file over a part of that room, with page-table entries that allow only the
 * requested access. For the host it is always writable: a debugger's breakpoint in a read-only page
 * makes a copy of the page, as the guest's own writes do, and never reaches the file.
 */
#include "share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error_errno.h"
#include "machine.h"
#include "memfile.h"
#include "memory.h"
#include "retry.h"
#include "sandbox.h"
#include "source.h"

#define COPY_SIZE (256u << 10) /* bytes per step of copying a file */

struct share {
    struct share *next; /* by gva */
    hl_gva_t gva;
    hl_gpa_t gpa;
    size_t size; /* whole pages */
    bool cow;
};

/* What to map: fd, from offset on, and whether we own fd. */
struct backing {
    int fd;
    uint64_t offset;
    bool own;
};

/* A request: open() finds or creates the file for its kind of contents. */
struct wish {
    hl_gva_t gva; /* 0: the library chooses */
    size_t size;
    unsigned flags;
    int (*open)(struct backing *b, const struct wish *wish, struct hl_error *error);
    int file; /* open_file(): its size bytes from offset on */
    uint64_t offset;
    const void *data; /* open_buffer() */
};

static int share_failed(struct hl_error *error, int code, const char *what)
{
    int e = errno;
    return error_errno(error, e, hl_error_set(error, code, "%s: %s", what, strerror(e)));
}

/* ---- what is mapped ------------------------------------------------------------------------- */

/* A memfd that can no longer be changed. */
static int seal(struct backing *to, struct hl_error *error)
{
    const int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    return fcntl(to->fd, F_ADD_SEALS, all)
               ? share_failed(error, HL_ERR_SYSTEM, "cannot seal a copy")
               : 0;
}

static int new_copy(struct backing *to, size_t size, struct hl_error *error)
{
    *to = (struct backing){.fd = -1, .own = true};
    errno = memfile_open(&to->fd, "hl-share", size);
    return errno ? share_failed(error, HL_ERR_MEMORY, "no memory for a copy") : 0;
}

static int too_short(struct hl_error *error, uint64_t offset, size_t size)
{
    return hl_error_set(error, HL_ERR_FILE, "the file is too short for %zu bytes from %llu on",
                        size, (unsigned long long)offset);
}

static int put_copy(const struct backing *to, size_t at, const uint8_t *data, size_t size,
                    struct hl_error *error)
{
    return pwrite_full(to->fd, data, size, at)
               ? 0
               : share_failed(error, HL_ERR_MEMORY, "no memory for a copy");
}

static int put_file(const struct backing *to, int fd, uint64_t offset, size_t size,
                    struct hl_error *error)
{
    int rc = 0;
    uint8_t *piece = malloc(COPY_SIZE);
    if (!piece)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    for (size_t done = 0, n; !rc && done < size; done += n) {
        n = size - done < COPY_SIZE ? size - done : COPY_SIZE;
        if (pread_full(fd, piece, n, offset + done) == n)
            rc = put_copy(to, done, piece, n, error);
        else
            rc = errno ? share_failed(error, HL_ERR_FILE, "cannot read the file")
                       : too_short(error, offset, size);
    }
    free(piece);
    return rc;
}

static int copy_file(struct backing *to, const struct wish *wish, struct hl_error *error)
{
    int rc = new_copy(to, wish->size, error);
    if (!rc)
        rc = put_file(to, wish->file, wish->offset, wish->size, error);
    return rc ? rc : seal(to, error);
}

static int open_buffer(struct backing *to, const struct wish *wish, struct hl_error *error)
{
    int rc = new_copy(to, wish->size, error);
    if (!rc)
        rc = put_copy(to, 0, wish->data, wish->size, error);
    return rc ? rc : seal(to, error);
}

/* The guest can only ever see [offset, offset + size), whatever more is mapped. */
static bool can_be_mapped(const struct wish *wish, uint64_t file_size)
{
    int seals = fcntl(wish->file, F_GET_SEALS);
    bool stays = (wish->flags & HL_MAP_TRUSTED) || (seals >= 0 && (seals & F_SEAL_SHRINK));
    return stays && wish->offset % PAGE_SIZE == 0 &&
           (wish->size % PAGE_SIZE == 0 || wish->offset + wish->size == file_size);
}

static int open_file(struct backing *b, const struct wish *wish, struct hl_error *error)
{
    struct stat st;
    uint64_t end;
    if (fstat(wish->file, &st))
        return share_failed(error, HL_ERR_FILE, "the file to be mapped");
    if (!S_ISREG(st.st_mode))
        return hl_error_set(error, HL_ERR_FILE, "the file to be mapped is not a regular file");
    if (__builtin_add_overflow(wish->offset, wish->size, &end) || end > (uint64_t)st.st_size)
        return too_short(error, wish->offset, wish->size);
    if (!can_be_mapped(wish, (uint64_t)st.st_size))
        return copy_file(b, wish, error);
    *b = (struct backing){.fd = wish->file, .offset = wish->offset};
    return 0;
}

/* ---- choosing an address --------------------------------------------------------------------- */

/* The first byte past everything that would be too near to [start, start + size), or 0. */
static hl_gva_t obstacle(hl_gva_t start, size_t size, hl_gva_t other, size_t other_size)
{
    hl_gva_t end = start + size + HL_GUARD_SIZE, other_end = other + other_size;
    return start < other_end + HL_GUARD_SIZE && other < end ? other_end : 0;
}

/* Reserved or mapped: whole regions, other mappings, and what the program itself has mapped. */
static hl_gva_t in_the_way(const struct hl_sandbox *sb, hl_gva_t start, size_t size)
{
    hl_gva_t end = 0, page = start - HL_GUARD_SIZE;
    hl_gpa_t gpa;
    unsigned prot;
    for (unsigned i = 0; !end && i < REGION_COUNT; i++)
        end = obstacle(start, size, sb->region[i].start, sb->region[i].size);
    for (const struct share *s = sb->shares; !end && s; s = s->next)
        end = obstacle(start, size, s->gva, s->size);
    if (!end && machine_next(sb->machine, &page, &gpa, &prot) &&
        page < start + size + HL_GUARD_SIZE)
        end = page + PAGE_SIZE;
    return end;
}

#define HIGHEST 0x00007fffffff0000ull

static int choose_gva(const struct hl_sandbox *sb, hl_gva_t *gva, size_t size,
                      struct hl_error *error)
{
    const struct hl_region *last = &sb->region[REGION_HEAP];
    hl_gva_t at = last->start + last->size + HL_GUARD_SIZE, end;
    while (size < HIGHEST - at && (end = in_the_way(sb, at, size)))
        at = end + HL_GUARD_SIZE;
    if (size >= HIGHEST - at)
        return hl_error_set(error, HL_ERR_LIMIT, "no address is free for %zu bytes", size);
    *gva = at;
    return 0;
}

static int check_gva(const struct hl_sandbox *sb, hl_gva_t gva, size_t size, struct hl_error *error)
{
    if (gva % PAGE_SIZE)
        return hl_error_set(error, HL_ERR_ARGUMENT, "address 0x%llx is not page-aligned",
                            (unsigned long long)gva);
    if (gva < HL_GUARD_SIZE || gva > HIGHEST || size > HIGHEST - gva)
        return hl_error_set(error, HL_ERR_ARGUMENT,
                            "0x%llx, size 0x%zx: outside the guest's address space",
                            (unsigned long long)gva, size);
    if (in_the_way(sb, gva, size))
        return hl_error_set(error, HL_ERR_ARGUMENT,
                            "0x%llx, size 0x%zx: overlaps, or is within %u KiB of, what is mapped "
                            "or reserved",
                            (unsigned long long)gva, size, HL_GUARD_SIZE >> 10);
    return 0;
}

/* Room is allocated first fit; there are few mappings. */
static int choose_gpa(const struct hl_sandbox *sb, hl_gpa_t *gpa, size_t size,
                      struct hl_error *error)
{
    const struct machine_extent extent = machine_extent(sb->machine);
    hl_gpa_t at = extent.shared;
    for (const struct share *s = sb->shares; s;) {
        bool overlaps = at < s->gpa + s->size && s->gpa < at + size;
        at = overlaps ? s->gpa + s->size : at;
        s = overlaps ? sb->shares : s->next;
    }
    *gpa = at;
    if (size <= extent.shared_end - at)
        return 0;
    hl_error_set(error, HL_ERR_LIMIT, "no room for %zu bytes of a file or buffer", size);
    hl_error_hint(error, "give the sandbox room for them: config.shared, %zu bytes now",
                  sb->config.shared);
    return HL_ERR_LIMIT;
}

/* ---- mapping -------------------------------------------------------------------------------- */

static bool put_there(struct hl_machine *m, const struct share *s, const struct backing *from)
{
    return memory_map(machine_memory(m, s->gpa, s->size), s->size, from ? from->fd : -1,
                      from ? from->offset : 0);
}

/* From now on nothing of it is visible, neither to the guest nor to the next user of the room. */
static void take_away(struct hl_machine *m, const struct share *s)
{
    hl_machine_unmap(m, s->gva, s->size, NULL);
    put_there(m, s, NULL);
}

static void add_share(struct hl_sandbox *sb, struct share *s)
{
    struct share **at = &sb->shares;
    while (*at && (*at)->gva < s->gva)
        at = &(*at)->next;
    s->next = *at;
    *at = s;
}

static int map_share(struct hl_sandbox *sb, const struct share *wanted, const struct backing *from,
                     struct hl_error *error)
{
    struct hl_machine *m = sb->machine;
    struct share *s = malloc(sizeof(*s));
    if (!s)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    *s = *wanted;
    int rc = put_there(m, s, from) ? 0 : share_failed(error, HL_ERR_SYSTEM, "cannot map the file");
    if (!rc)
        rc = hl_machine_map(m, s->gva, s->gpa, s->size,
                            HL_PROT_READ | (s->cow ? HL_PROT_WRITE : 0u), error);
    if (rc) {
        take_away(m, s);
        free(s);
        return rc;
    }
    add_share(sb, s);
    return 0;
}

static int find_place(struct hl_sandbox *sb, struct share *s, const struct wish *wish,
                      struct hl_error *error)
{
    if (wish->flags & ~(HL_MAP_COPY_ON_WRITE | HL_MAP_TRUSTED))
        return hl_error_set(error, HL_ERR_ARGUMENT, "unknown flags 0x%x", wish->flags);
    if (!wish->size || wish->size > HL_MACHINE_MEMORY_MAX)
        return hl_error_set(error, HL_ERR_ARGUMENT, "cannot map %zu bytes", wish->size);
    *s = (struct share){.gva = wish->gva,
                        .size = (wish->size + PAGE_SIZE - 1) & PAGE_MASK,
                        .cow = wish->flags & HL_MAP_COPY_ON_WRITE};
    int rc =
        s->gva ? check_gva(sb, s->gva, s->size, error) : choose_gva(sb, &s->gva, s->size, error);
    return rc ? rc : choose_gpa(sb, &s->gpa, s->size, error);
}

static int map_wish(struct hl_sandbox *sb, const struct wish *wish, hl_gva_t *gva,
                    struct hl_error *error)
{
    struct backing from = {.fd = -1};
    struct share s;
    int rc = sandbox_enter(sb, (struct use_frame){0}, error);
    if (rc)
        return rc;
    rc = find_place(sb, &s, wish, error);
    if (!rc)
        rc = wish->open(&from, wish, error);
    if (!rc)
        rc = map_share(sb, &s, &from, error);
    if (from.own && from.fd >= 0)
        close(from.fd);
    if (!rc) {
        *gva = s.gva;
        source_changed(sb, SOURCE_MAPPED, s.gva, s.size);
    }
    return sandbox_leave(sb, rc, error);
}

int hl_sandbox_map_file(struct hl_sandbox *sb, hl_gva_t *gva, int fd, uint64_t offset, size_t size,
                        unsigned flags, struct hl_error *error)
{
    if (!sb || !gva || fd < 0)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no sandbox, no file or no place");
    const struct wish wish = {
        .gva = *gva, .size = size, .flags = flags, .open = open_file, .file = fd, .offset = offset};
    return map_wish(sb, &wish, gva, error);
}

int hl_sandbox_map_buffer(struct hl_sandbox *sb, hl_gva_t *gva, const void *data, size_t size,
                          unsigned flags, struct hl_error *error)
{
    if (!sb || !gva || !data)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no sandbox, no buffer or no place");
    const struct wish wish = {
        .gva = *gva, .size = size, .flags = flags, .open = open_buffer, .data = data};
    return map_wish(sb, &wish, gva, error);
}

int hl_sandbox_unmap(struct hl_sandbox *sb, hl_gva_t gva, struct hl_error *error)
{
    int rc = sandbox_enter(sb, (struct use_frame){0}, error);
    if (rc)
        return rc;
    struct share **at = &sb->shares, *s;
    while (*at && (*at)->gva != gva)
        at = &(*at)->next;
    s = *at;
    if (s) {
        *at = s->next;
        take_away(sb->machine, s);
        source_changed(sb, SOURCE_UNMAPPED, s->gva, s->size);
        free(s);
    } else {
        rc = hl_error_set(error, HL_ERR_ARGUMENT, "nothing was mapped at 0x%llx",
                          (unsigned long long)gva);
    }
    return sandbox_leave(sb, rc, error);
}

/* ---- life ----------------------------------------------------------------------------------- */

/*
 * Linux's Documentation/admin-guide/mm/pagemap.rst: present or swapped out, and not a page of the
 * file: so it is a copy that was written to.
 */
#define PAGEMAP_THERE (3ull << 62)
#define PAGEMAP_OF_FILE (1ull << 61)
#define CHUNK 512u

static bool forget_copies(uint8_t *at, size_t pages, int pagemap)
{
    uint64_t entry[CHUNK];
    bool done_all = true;
    for (size_t done = 0, n; done < pages; done += n) {
        n = pages - done < CHUNK ? pages - done : CHUNK;
        size_t wanted = n * sizeof(entry[0]);
        uint64_t from = ((uintptr_t)at / PAGE_SIZE + done) * sizeof(entry[0]);
        bool known = pagemap >= 0 && pread_full(pagemap, entry, wanted, from) == wanted;
        for (size_t i = 0, run; i < n; i += run + 1) {
            for (run = 0; i + run < n; run++)
                if (known &&
                    (!(entry[i + run] & PAGEMAP_THERE) || (entry[i + run] & PAGEMAP_OF_FILE)))
                    break;
            if (run)
                done_all &= memory_forget(at + (done + i) * PAGE_SIZE, run * PAGE_SIZE);
        }
    }
    return done_all;
}

int share_restore(struct hl_sandbox *sb, struct hl_error *error)
{
    int pagemap = -1;
    bool done = true;
    for (const struct share *s = sb->shares; s; s = s->next) {
        if (!s->cow)
            continue;
        if (pagemap < 0)
            pagemap = RETRY(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
        done &= forget_copies(machine_memory(sb->machine, s->gpa, s->size), s->size / PAGE_SIZE,
                              pagemap);
    }
    if (pagemap >= 0)
        close(pagemap);
    return done ? 0
                : hl_error_set(error, HL_ERR_MEMORY,
                               "what the guest wrote to a mapped file cannot be undone");
}

void share_free(struct hl_sandbox *sb)
{
    while (sb->shares) {
        struct share *s = sb->shares;
        sb->shares = s->next;
        free(s);
    }
}
