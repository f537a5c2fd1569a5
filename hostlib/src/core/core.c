/* SPDX-License-Identifier: Apache-2.0 */
/* core/core.c - write a guest as an ELF core file: headers, notes, and every mapped page. */
#include "core.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "create_beside.h"
#include "error_errno.h"
#include "file_replace.h"
#include "grow.h"
#include "machine.h"
#include "retry.h"
#include "sandbox.h"

#define CHUNK (16 * PAGE_SIZE)

struct core {
    struct hl_sandbox *sb;
    const char *path;
    struct hl_error *error;
    Elf64_Phdr *load; /* one per run of pages with the same protection */
    size_t loads, room;
    uint8_t *chunk; /* CHUNK bytes to be written */
    uint8_t *notes;
    size_t notes_size;
    int fd;
    bool holes; /* a regular file: pages of zeros need not be written */
    bool many;  /* more program headers than e_phnum can count */
};

/* ---- what there is to write ----------------------------------------------------------------- */

static unsigned flags_of(unsigned prot)
{
    return (prot & HL_PROT_READ ? PF_R : 0u) | (prot & HL_PROT_WRITE ? PF_W : 0u) |
           (prot & HL_PROT_EXEC ? PF_X : 0u);
}

static int add_page(struct core *c, hl_gva_t gva, unsigned flags)
{
    Elf64_Phdr *last = c->loads ? &c->load[c->loads - 1] : NULL;
    if (last && last->p_vaddr + last->p_memsz == gva && last->p_flags == flags) {
        last->p_memsz += PAGE_SIZE;
        return 0;
    }
    Elf64_Phdr *load = array_grow(c->load, &c->room, c->loads + 1, sizeof(*load));
    if (!load)
        return hl_error_set(c->error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    c->load = load;
    c->load[c->loads++] = (Elf64_Phdr){.p_type = PT_LOAD,
                                       .p_flags = flags,
                                       .p_vaddr = gva,
                                       .p_memsz = PAGE_SIZE,
                                       .p_align = PAGE_SIZE};
    return 0;
}

static int collect(struct core *c)
{
    hl_gva_t gva = 0;
    hl_gpa_t gpa;
    unsigned prot;
    int rc = 0;
    for (; !rc && machine_next(c->sb->machine, &gva, &gpa, &prot); gva += PAGE_SIZE)
        rc = add_page(c, gva, flags_of(prot));
    return rc;
}

/* ---- writing -------------------------------------------------------------------------------- */

static int core_failed(struct core *c, const char *what)
{
    int e = errno;
    return error_errno(c->error, e,
                       hl_error_set(c->error, HL_ERR_SYSTEM, "cannot %s the core file %s: %s", what,
                                    c->path, strerror(e)));
}

static int put_data(struct core *c, const void *data, size_t size)
{
    return write_full(c->fd, data, size) ? 0 : core_failed(c, "write");
}

static bool all_zero(const uint8_t *data, size_t size)
{
    return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

static int put_zeros(struct core *c, const uint8_t *zeros, size_t size)
{
    if (!c->holes)
        return put_data(c, zeros, size);
    return lseek(c->fd, (off_t)size, SEEK_CUR) < 0 ? core_failed(c, "write") : 0;
}

static int put_memory(struct core *c, const Elf64_Phdr *load)
{
    static const uint8_t zeros[CHUNK];
    uint8_t *data = c->chunk;
    int rc = 0;
    for (uint64_t done = 0; !rc && done < load->p_memsz;) {
        size_t size = load->p_memsz - done < CHUNK ? load->p_memsz - done : CHUNK;
        size_t got = hl_machine_read(c->sb->machine, load->p_vaddr + done, data, size, 0);
        memset(data + got, 0, size - got);
        rc = all_zero(data, size) ? put_zeros(c, zeros, size) : put_data(c, data, size);
        done += size;
    }
    return rc;
}

static int put_headers(struct core *c, uint64_t *end)
{
    size_t count = c->loads + 1;
    c->many = count >= PN_XNUM;
    uint64_t at = sizeof(Elf64_Ehdr) + count * sizeof(Elf64_Phdr);
    /* If e_phnum is too small, the count is in the only section header. */
    const Elf64_Shdr extra = {.sh_info = (Elf64_Word)count, .sh_size = 1};
    Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_CORE,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_shoff = c->many ? at : 0,
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = c->many ? PN_XNUM : (Elf64_Half)count,
        .e_shentsize = c->many ? sizeof(Elf64_Shdr) : 0,
        .e_shnum = c->many ? 1 : 0,
    };
    at += c->many ? sizeof(extra) : 0;
    const Elf64_Phdr notes = {
        .p_type = PT_NOTE, .p_offset = at, .p_filesz = c->notes_size, .p_align = 4};
    at = (at + c->notes_size + PAGE_SIZE - 1) & PAGE_MASK;
    *end = at;
    for (size_t i = 0; i < c->loads; i++) {
        c->load[i].p_offset = at;
        c->load[i].p_filesz = c->load[i].p_memsz;
        at += c->load[i].p_memsz;
    }
    int rc = put_data(c, &header, sizeof(header));
    if (!rc)
        rc = put_data(c, &notes, sizeof(notes));
    if (!rc)
        rc = put_data(c, c->load, c->loads * sizeof(*c->load));
    if (!rc && c->many)
        rc = put_data(c, &extra, sizeof(extra));
    return rc ? rc : put_data(c, c->notes, c->notes_size);
}

static int put_all(struct core *c)
{
    static const uint8_t zeros[PAGE_SIZE];
    uint64_t end;
    int rc = put_headers(c, &end);
    uint64_t written = sizeof(Elf64_Ehdr) + (c->loads + 1) * sizeof(Elf64_Phdr) +
                       (c->many ? sizeof(Elf64_Shdr) : 0) + c->notes_size;
    if (!rc)
        rc = put_data(c, zeros, end - written);
    for (size_t i = 0; !rc && i < c->loads; i++) {
        rc = put_memory(c, &c->load[i]);
        end += c->load[i].p_memsz;
    }
    /* If the file ends with a hole, only setting its size creates it. */
    if (!rc && c->holes && RETRY(ftruncate(c->fd, (off_t)end)))
        rc = core_failed(c, "write");
    return rc;
}

static int refuse(struct core *c, int e, const char *why)
{
    return error_errno(
        c->error, e,
        hl_error_set(c->error, HL_ERR_SYSTEM, "cannot create the core file %s: %s", c->path, why));
}

/* A device is written to (/dev/null); a file gets its name only when it is complete. */
static int open_over(struct core *c, char **temporary)
{
    struct stat st;
    bool there = lstat(c->path, &st) == 0;
    if (!there || S_ISREG(st.st_mode))
        c->fd = file_create_beside(c->path, true, temporary);
    else if (S_ISLNK(st.st_mode))
        return refuse(c, ELOOP, "a symbolic link is not followed");
    else if (S_ISCHR(st.st_mode))
        c->fd = open_to_write(c->path, O_NOFOLLOW, 0);
    else
        return refuse(c, S_ISDIR(st.st_mode) ? EISDIR : ENXIO, "not a regular file");
    return c->fd < 0 ? core_failed(c, "create") : 0;
}

/* into: the directory to create a new file in, or AT_FDCWD: replace the old one. */
static int open_core(struct core *c, int into, char **temporary)
{
    if (into == AT_FDCWD)
        return open_over(c, temporary);
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    c->fd = openat(into, c->path, flags, 0600);
    return c->fd < 0 ? core_failed(c, "create") : 0;
}

static int write_file(struct core *c, int into)
{
    struct stat st;
    char *temporary = NULL;
    int rc = open_core(c, into, &temporary);
    if (rc)
        return rc;
    c->holes = fstat(c->fd, &st) == 0 && S_ISREG(st.st_mode);
    rc = put_all(c);
    if (retry_close(c->fd) && !rc)
        rc = core_failed(c, "write");
    if (!rc && temporary && rename(temporary, c->path))
        rc = core_failed(c, "create");
    if (rc && temporary)
        unlink(temporary);
    else if (rc && into != AT_FDCWD)
        unlinkat(into, c->path, 0);
    free(temporary);
    return rc;
}

static int write_in_limit(struct core *c, int into)
{
    struct file_limit limit;
    file_limit_begin(&limit);
    int rc = write_file(c, into);
    file_limit_end(&limit);
    return rc;
}

static int write_core(struct hl_sandbox *sb, const siginfo_t *info, int into, const char *path,
                      struct hl_error *error)
{
    struct core c = {.sb = sb, .path = path, .error = error};
    int rc = core_notes(sb, info, &c.notes, &c.notes_size, error);
    c.chunk = rc ? NULL : malloc(CHUNK);
    if (!rc && !c.chunk)
        rc = hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    if (!rc)
        rc = collect(&c);
    if (!rc)
        rc = write_in_limit(&c, into);
    free(c.chunk);
    free(c.notes);
    free(c.load);
    return rc;
}

int core_write_new(struct hl_sandbox *sb, const siginfo_t *info, int directory, const char *name,
                   struct hl_error *error)
{
    return write_core(sb, info, directory, name, error);
}

int hl_sandbox_core(struct hl_sandbox *sb, const char *path, struct hl_error *error)
{
    if (!sb || !path || !*path)
        return hl_error_set(error, HL_ERR_ARGUMENT, "a core file needs a sandbox and a path");
    int rc = sandbox_take(sb, error);
    if (rc)
        return rc;
    rc = write_core(sb, NULL, AT_FDCWD, path, error);
    sandbox_give(sb);
    return rc;
}
