/* SPDX-License-Identifier: Apache-2.0 */
#include "corefile.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#define RANGES_MAX (1u << 20) /* a guest has a few dozen, Linux at most 65530 */
#define NOTES_MAX (64u << 20)

static int no_core(const char *path, const char *why, struct hl_error *error)
{
    hl_error_set(error, HL_ERR_FILE, "%s: %s", path, why);
    hl_error_hint(error, "`hl-dev run --core FILE` writes core files of guests that crash");
    return HL_ERR_FILE;
}

static int failed(const char *path, int e, struct hl_error *error)
{
    hl_error_set(error, HL_ERR_FILE, "%s: %s", path, strerror(e));
    if (error)
        error->sys_errno = e;
    return HL_ERR_FILE;
}

/* ---- memory --------------------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
    const struct core_range *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

/* What of a PT_LOAD is in the file. */
static void add_range(struct corefile *c, const GElf_Phdr *p)
{
    uint64_t size = p->p_filesz < p->p_memsz ? p->p_filesz : p->p_memsz;
    uint64_t there = p->p_offset < c->size ? c->size - p->p_offset : 0;
    if (there < size) {
        c->missing += size - there;
        size = there;
    }
    if (!size || p->p_vaddr + size < p->p_vaddr)
        return;
    c->range[c->ranges++] = (struct core_range){
        .start = p->p_vaddr,
        .end = p->p_vaddr + size,
        .offset = p->p_offset,
        .prot = (p->p_flags & PF_R ? HL_PROT_READ : 0u) | (p->p_flags & PF_W ? HL_PROT_WRITE : 0u) |
                (p->p_flags & PF_X ? HL_PROT_EXEC : 0u),
    };
}

/* The last range that starts at or below gva; NULL where it ends below gva too. */
static const struct core_range *find(const struct corefile *c, hl_gva_t gva)
{
    size_t low = 0, high = c->ranges;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->range[middle].start <= gva)
            low = middle + 1;
        else
            high = middle;
    }
    return low && gva < c->range[low - 1].end ? &c->range[low - 1] : NULL;
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
        ssize_t got = pread(c->fd, (char *)buf + done, n, (off_t)(r->offset + at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (size_t)got;
    }
    return done;
}

/* ---- notes ---------------------------------------------------------------------------------- */

static void take_status(struct corefile *c, const uint8_t *desc, size_t size)
{
    struct elf_prstatus status;
    struct user_regs_struct u;
    if (size < sizeof(status) || c->has_regs) /* the first thread is the one that died */
        return;
    memcpy(&status, desc, sizeof(status));
    _Static_assert(sizeof(u) == sizeof(status.pr_reg), "elf_gregset_t");
    memcpy(&u, &status.pr_reg, sizeof(u));
    c->regs = (struct hl_regs){
        .rax = u.rax,
        .rbx = u.rbx,
        .rcx = u.rcx,
        .rdx = u.rdx,
        .rsi = u.rsi,
        .rdi = u.rdi,
        .rbp = u.rbp,
        .rsp = u.rsp,
        .r8 = u.r8,
        .r9 = u.r9,
        .r10 = u.r10,
        .r11 = u.r11,
        .r12 = u.r12,
        .r13 = u.r13,
        .r14 = u.r14,
        .r15 = u.r15,
        .rip = u.rip,
        .rflags = u.eflags,
        .fs_base = u.fs_base,
        .gs_base = u.gs_base,
    };
    c->has_regs = true;
    if (!c->signal)
        c->signal = status.pr_cursig;
}

/* Signals of hardware faults tell an address, unless they are the kernel's own (sigaction(2)). */
static void take_signal(struct corefile *c, const uint8_t *desc, size_t size)
{
    siginfo_t info;
    if (size < sizeof(info))
        return;
    memcpy(&info, desc, sizeof(info));
    c->signal = info.si_signo;
    c->code = info.si_code;
    c->has_address =
        info.si_code > 0 && info.si_code != SI_KERNEL &&
        (info.si_signo == SIGSEGV || info.si_signo == SIGBUS || info.si_signo == SIGFPE ||
         info.si_signo == SIGILL || info.si_signo == SIGTRAP);
    memcpy(&c->address, &info.si_addr, sizeof(c->address));
}

static void take_process(struct corefile *c, const uint8_t *desc, size_t size)
{
    struct elf_prpsinfo info;
    if (size < sizeof(info))
        return;
    memcpy(&info, desc, sizeof(info));
    memcpy(c->command, info.pr_psargs, sizeof(info.pr_psargs));
    c->command[sizeof(c->command) - 1] = 0;
}

static void take_auxv(struct corefile *c, const uint8_t *desc, size_t size)
{
    Elf64_auxv_t aux;
    for (size_t at = 0; size - at >= sizeof(aux); at += sizeof(aux)) {
        memcpy(&aux, desc + at, sizeof(aux));
        if (aux.a_type == AT_ENTRY)
            c->entry = aux.a_un.a_val;
    }
}

/* {count, page size, {start, end, page of the file}...}, then as many names.  The first is ours. */
static int take_files(struct corefile *c, const uint8_t *desc, size_t size)
{
    uint64_t count;
    if (size < 2 * sizeof(count) || c->guest)
        return 0;
    memcpy(&count, desc, sizeof(count));
    if (!count || count > (size - 2 * sizeof(count)) / (3 * sizeof(count)))
        return 0;
    const char *name = (const char *)desc + (2 + 3 * count) * sizeof(count);
    size_t room = size - (2 + 3 * count) * sizeof(count);
    if (!memchr(name, 0, room) || !*name)
        return 0;
    c->guest = strdup(name);
    return c->guest ? 0 : HL_ERR_MEMORY;
}

static int take_note(struct corefile *c, uint32_t type, const uint8_t *desc, size_t size)
{
    switch (type) {
    case NT_PRSTATUS:
        take_status(c, desc, size);
        return 0;
    case NT_SIGINFO:
        take_signal(c, desc, size);
        return 0;
    case NT_PRPSINFO:
        take_process(c, desc, size);
        return 0;
    case NT_AUXV:
        take_auxv(c, desc, size);
        return 0;
    case NT_FILE:
        return take_files(c, desc, size);
    default:
        return 0;
    }
}

static int take_notes(struct corefile *c, Elf *elf, const GElf_Phdr *p)
{
    if (p->p_offset >= c->size || !p->p_filesz)
        return 0;
    uint64_t there = c->size - p->p_offset, size = p->p_filesz < there ? p->p_filesz : there;
    if (size > NOTES_MAX)
        return 0;
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)p->p_offset, (size_t)size,
                                          p->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    GElf_Nhdr note;
    size_t name, desc;
    int rc = 0;
    for (size_t at = 0; data && !rc && (at = gelf_getnote(data, at, &note, &name, &desc));)
        if (note.n_namesz == sizeof("CORE") &&
            memcmp((const char *)data->d_buf + name, "CORE", sizeof("CORE")) == 0)
            rc = take_note(c, note.n_type, (const uint8_t *)data->d_buf + desc, note.n_descsz);
    return rc;
}

/* ---- the file ------------------------------------------------------------------------------- */

static int read_headers(struct corefile *c, const char *path, Elf *elf, struct hl_error *error)
{
    size_t count;
    GElf_Phdr p;
    if (elf_getphdrnum(elf, &count) || !count)
        return no_core(path, "a damaged core file: no program headers", error);
    if (count > RANGES_MAX)
        return hl_error_set(error, HL_ERR_LIMIT, "%s: %zu program headers, the limit is %u", path,
                            count, RANGES_MAX);
    c->range = calloc(count, sizeof(*c->range));
    int rc = c->range ? 0 : HL_ERR_MEMORY;
    for (size_t i = 0; !rc && i < count; i++) {
        if (!gelf_getphdr(elf, (int)i, &p))
            return no_core(path, "a damaged core file: its program headers are cut off", error);
        if (p.p_type == PT_LOAD)
            add_range(c, &p);
        else if (p.p_type == PT_NOTE)
            rc = take_notes(c, elf, &p);
    }
    if (rc)
        return hl_error_set(error, rc, "%s: %s", path, hl_err_text(rc));
    if (!c->has_regs)
        return no_core(path, "a core file without registers", error);
    qsort(c->range, c->ranges, sizeof(*c->range), by_start);
    return 0;
}

static int read_elf(struct corefile *c, const char *path, struct hl_error *error)
{
    GElf_Ehdr header;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(c->fd, ELF_C_READ, NULL);
    int rc;
    if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header))
        rc = no_core(path, "not an ELF file", error);
    else if (header.e_type != ET_CORE)
        rc = no_core(path, "not a core file, but another kind of ELF file", error);
    else if (header.e_machine != EM_X86_64 || gelf_getclass(elf) != ELFCLASS64 ||
             header.e_ident[EI_DATA] != ELFDATA2LSB)
        rc = no_core(path, "a core file of another machine", error);
    else
        rc = read_headers(c, path, elf, error);
    elf_end(elf);
    return rc;
}

int core_open(struct corefile *c, const char *path, struct hl_error *error)
{
    struct stat st;
    *c = (struct corefile){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    if (c->fd < 0 || fstat(c->fd, &st))
        return failed(path, errno, error);
    if (!S_ISREG(st.st_mode))
        return no_core(path, "not a regular file", error);
    if (!st.st_size)
        return no_core(path, "an empty file", error);
    c->size = (uint64_t)st.st_size;
    return read_elf(c, path, error);
}

void core_close(struct corefile *c)
{
    if (c->fd >= 0)
        close(c->fd);
    free(c->range);
    free(c->guest);
}
