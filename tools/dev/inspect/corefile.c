/* SPDX-License-Identifier: Apache-2.0 */
#include "corefile.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error_errno.h"
#include "grow.h"
#include "sorted.h"

static int no_core(const char *path, const char *why, struct hl_error *error)
{
    hl_error_set(error, HL_ERR_FILE, "%s: %s", path, why);
    hl_error_hint(error, "`hl-dev run --core FILE` writes core files of guests that crash");
    return HL_ERR_FILE;
}

/* ---- memory --------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
    const struct core_range *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* What of a PT_LOAD is in the file. */
static int add_range(struct corefile *c, const Elf64_Phdr *p)
{
    uint64_t size = p->p_filesz < p->p_memsz ? p->p_filesz : p->p_memsz;
    uint64_t there = p->p_offset < c->size ? c->size - p->p_offset : 0;
    if (there < size) {
        if (__builtin_add_overflow(c->missing, size - there, &c->missing))
            c->missing = UINT64_MAX;
        size = there;
    }
    if (!size || p->p_vaddr + size < p->p_vaddr)
        return 0;
    struct core_range *more = array_grow(c->range, &c->room, c->ranges + 1, sizeof(*more));
    if (!more)
        return HL_ERR_MEMORY;
    c->range = more;
    c->range[c->ranges++] = (struct core_range){
        .start = p->p_vaddr,
        .end = p->p_vaddr + size,
        .offset = p->p_offset,
        .prot = (p->p_flags & PF_R ? HL_PROT_READ : 0u) | (p->p_flags & PF_W ? HL_PROT_WRITE : 0u) |
                (p->p_flags & PF_X ? HL_PROT_EXEC : 0u),
    };
    return 0;
}

/* The last range that starts at or below gva; NULL where it ends below gva too. */
static const struct core_range *find(const struct corefile *c, hl_gva_t gva)
{
    size_t n = SORTED_UP_TO(c->range, c->ranges, start, gva);
    return n && gva < c->range[n - 1].end ? &c->range[n - 1] : NULL;
}

size_t core_read(void *core, hl_gva_t gva, void *buf, size_t size)
{
    const struct corefile *c = core;
    size_t done = 0;
    while (done < size) {
        const struct core_range *r = find(c, gva + done);
        if (!r)
            break;
        uint64_t at = gva + done - r->start, left = r->end - r->start - at;
        size_t n = size - done < left ? size - done : (size_t)left;
        size_t got = core_file(c, r->offset + at, (char *)buf + done, n);
        done += got;
        if (got < n)
            break;
    }
    return done;
}

/* ---- the file ------------------------------------------------------------------------------- */

/* A count that does not fit e_phnum is in the first section header. */
static bool count_headers(const struct corefile *c, const Elf64_Ehdr *header, uint64_t *count)
{
    Elf64_Shdr extra;
    *count = header->e_phnum;
    if (header->e_phnum != PN_XNUM)
        return true;
    if (!header->e_shoff || core_file(c, header->e_shoff, &extra, sizeof(extra)) != sizeof(extra))
        return false;
    *count = extra.sh_info;
    return true;
}

static int take_header(struct corefile *c, const Elf64_Phdr *p)
{
    /* It was read whole. NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
    return p->p_type == PT_LOAD   ? add_range(c, p)
           : p->p_type == PT_NOTE ? core_take_notes(c, p)
                                  : 0;
}

/* FILE where the file ends before them. */
static int take_headers(struct corefile *c, uint64_t at, uint64_t count)
{
    Elf64_Phdr chunk[64];
    int rc = 0;
    for (uint64_t n; !rc && count; count -= n, at += n * sizeof(chunk[0])) {
        n = count < 64 ? count : 64;
        if (core_file(c, at, chunk, n * sizeof(chunk[0])) != n * sizeof(chunk[0]))
            return HL_ERR_FILE;
        for (uint64_t i = 0; !rc && i < n; i++)
            rc = take_header(c, &chunk[i]);
    }
    return rc;
}

static int read_headers(struct corefile *c, const char *path, const Elf64_Ehdr *header,
                        struct hl_error *error)
{
    uint64_t count;
    if (!count_headers(c, header, &count) || !count)
        return no_core(path, "a damaged core file: no program headers", error);
    if (count > CORE_HEADERS_MAX)
        return hl_error_set(error, HL_ERR_LIMIT, "%s: %llu program headers, the limit is %u", path,
                            (unsigned long long)count, CORE_HEADERS_MAX);
    if (header->e_phentsize != sizeof(Elf64_Phdr))
        return no_core(path, "a damaged core file: program headers of another size", error);
    int rc = take_headers(c, header->e_phoff, count);
    if (rc == HL_ERR_LIMIT)
        return hl_error_set(error, rc, "%s: the limit for notes is %u MiB", path,
                            CORE_NOTES_MAX >> 20);
    if (rc == HL_ERR_FILE)
        return no_core(path, "a damaged core file: its program headers are cut off", error);
    if (rc)
        return hl_error_set(error, rc, "%s: %s", path, hl_err_text(rc));
    if (!c->has_regs)
        return no_core(path, "a core file without registers", error);
    if (c->ranges) /* else there is no list */
        qsort(c->range, c->ranges, sizeof(*c->range), by_start);
    return 0;
}

static int read_elf(struct corefile *c, const char *path, struct hl_error *error)
{
    Elf64_Ehdr h;
    size_t got = core_file(c, 0, &h, sizeof(h));
    if (got < SELFMAG || memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
        return no_core(path, "not an ELF file", error);
    if (got < sizeof(h))
        return no_core(path, "a damaged core file: its header is cut off", error);
    if (h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_ident[EI_DATA] != ELFDATA2LSB)
        return no_core(path, "a core file of another machine", error);
    if (h.e_type != ET_CORE)
        return no_core(path, "not a core file, but another kind of ELF file", error);
    if (h.e_machine != EM_X86_64)
        return no_core(path, "a core file of another machine", error);
    return read_headers(c, path, &h, error);
}

int core_open(struct corefile *c, const char *path, struct hl_error *error)
{
    struct stat st;
    *c = (struct corefile){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (c->fd < 0 || fstat(c->fd, &st))
        return error_file(error, path, errno);
    if (!S_ISREG(st.st_mode))
        return no_core(path, "not a regular file", error);
    if (!st.st_size)
        return no_core(path, "an empty file", error);
    c->size = (uint64_t)st.st_size;
    c->notes_left = CORE_NOTES_MAX;
    return read_elf(c, path, error);
}

void core_close(struct corefile *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->range);
    free(c->guest);
}
