/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect/corefile_notes.c - what the notes of a core file say of the process.
 *
 * Read piece by piece from the file, each as large as what is wanted of it: what a header claims
 * costs nothing.  All headers draw on one budget of bytes, so notes that lie over each other cannot
 * be read again and again.
 */
#include "corefile.h"

#include <elf.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>

#include "general.h"

#define AUX_MAX 64    /* entries; Linux has some twenty */
#define READ_MIN 512u /* what a read costs of the budget at the least */

/* One piece of notes, and a window on it. */
struct notes {
    struct corefile *core;
    uint64_t at, end; /* in the file */
    uint64_t start;   /* of the window */
    size_t size;
    bool over; /* the budget is used up */
    uint8_t window[1 << 14];
};

static bool fill(struct notes *n, uint64_t at)
{
    uint64_t left = n->end - at;
    size_t size = left < sizeof(n->window) ? (size_t)left : sizeof(n->window);
    uint64_t cost = size < READ_MIN ? READ_MIN : size;
    if (cost > n->core->notes_left) {
        n->over = true;
        return false;
    }
    n->core->notes_left -= cost;
    n->start = at;
    n->size = core_file(n->core, at, n->window, size);
    return true;
}

/* size bytes, of a window at most, at `at`; false where they are not all there. */
static bool get(struct notes *n, uint64_t at, void *to, size_t size)
{
    if (at > n->end || size > n->end - at)
        return false;
    bool here = at >= n->start && at - n->start <= n->size && size <= n->size - (at - n->start);
    if (!here && (!fill(n, at) || size > n->size))
        return false;
    memcpy(to, n->window + (at - n->start), size);
    return true;
}

static int take_status(struct notes *n, uint64_t at, uint64_t size)
{
    struct corefile *c = n->core;
    struct elf_prstatus status;
    struct user_regs_struct u;
    /* The first thread is the one that died. */
    if (size < sizeof(status) || c->has_regs || !get(n, at, &status, sizeof(status)))
        return 0;
    _Static_assert(sizeof(u) == sizeof(status.pr_reg), "elf_gregset_t");
    memcpy(&u, &status.pr_reg, sizeof(u));
    c->regs = (struct hl_regs){.rflags = u.eflags, .fs_base = u.fs_base, .gs_base = u.gs_base};
    HL_GENERAL_COPY(&c->regs, &u);
    c->has_regs = true;
    if (!c->signal)
        c->signal = status.pr_cursig;
    return 0;
}

/* Signals of hardware faults have an address, unless they are the kernel's own (sigaction(2)). */
static int take_signal(struct notes *n, uint64_t at, uint64_t size)
{
    struct corefile *c = n->core;
    siginfo_t info;
    if (size < sizeof(info) || !get(n, at, &info, sizeof(info)))
        return 0;
    c->signal = info.si_signo;
    c->code = info.si_code;
    c->has_address =
        info.si_code > 0 && info.si_code != SI_KERNEL &&
        (info.si_signo == SIGSEGV || info.si_signo == SIGBUS || info.si_signo == SIGFPE ||
         info.si_signo == SIGILL || info.si_signo == SIGTRAP);
    memcpy(&c->address, &info.si_addr, sizeof(c->address));
    return 0;
}

static int take_process(struct notes *n, uint64_t at, uint64_t size)
{
    struct corefile *c = n->core;
    struct elf_prpsinfo info;
    if (size < sizeof(info) || !get(n, at, &info, sizeof(info)))
        return 0;
    memcpy(c->command, info.pr_psargs, sizeof(info.pr_psargs));
    c->command[sizeof(c->command) - 1] = 0;
    return 0;
}

static int take_auxv(struct notes *n, uint64_t at, uint64_t size)
{
    Elf64_auxv_t aux;
    size_t count = size / sizeof(aux) < AUX_MAX ? (size_t)(size / sizeof(aux)) : AUX_MAX;
    for (size_t i = 0; i < count && get(n, at + i * sizeof(aux), &aux, sizeof(aux)); i++)
        if (aux.a_type == AT_ENTRY)
            n->core->entry = aux.a_un.a_val;
    return 0;
}

/* {count, page size, {start, end, page of the file}...}, then as many names.  The first is ours. */
static int take_files(struct notes *n, uint64_t at, uint64_t size)
{
    struct corefile *c = n->core;
    char name[PATH_MAX];
    uint64_t count;
    if (size < 2 * sizeof(count) || c->guest || !get(n, at, &count, sizeof(count)))
        return 0;
    if (!count || count > (size - 2 * sizeof(count)) / (3 * sizeof(count)))
        return 0;
    const uint64_t from = (2 + 3 * count) * sizeof(count);
    size_t room = size - from < sizeof(name) ? (size_t)(size - from) : sizeof(name);
    if (!room || !get(n, at + from, name, room) || !*name || !memchr(name, 0, room))
        return 0;
    c->guest = strdup(name);
    return c->guest ? 0 : HL_ERR_MEMORY;
}

static int take_note(struct notes *n, uint32_t type, uint64_t at, uint64_t size)
{
    static const struct {
        uint32_t type;
        int (*take)(struct notes *n, uint64_t at, uint64_t size);
    } list[] = {
        {NT_PRSTATUS, take_status}, {NT_SIGINFO, take_signal}, {NT_PRPSINFO, take_process},
        {NT_AUXV, take_auxv},       {NT_FILE, take_files},
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        if (list[i].type == type)
            return list[i].take(n, at, size);
    return 0;
}

/* Those of NT_FILE reach 4 MiB in Linux; all fields are padded to p_align, 4 or 8. */
int core_take_notes(struct corefile *c, const Elf64_Phdr *p)
{
    struct notes n = {.core = c, .at = p->p_offset};
    const uint64_t align = p->p_align == 8 ? 8 : 4;
    char name[sizeof("CORE")];
    Elf64_Nhdr h;
    int rc = 0;
    if (p->p_offset >= c->size)
        return 0;
    uint64_t there = c->size - p->p_offset;
    n.end = p->p_offset + (p->p_filesz < there ? p->p_filesz : there);
    while (!rc && get(&n, n.at, &h, sizeof(h))) {
        uint64_t named = n.at + sizeof(h);
        uint64_t desc = named + (((uint64_t)h.n_namesz + align - 1) & ~(align - 1));
        if (desc > n.end || h.n_descsz > n.end - desc)
            break;
        if (h.n_namesz == sizeof(name) && get(&n, named, name, sizeof(name)) &&
            memcmp(name, "CORE", sizeof(name)) == 0)
            rc = take_note(&n, h.n_type, desc, h.n_descsz);
        n.at = desc + (((uint64_t)h.n_descsz + align - 1) & ~(align - 1));
    }
    return rc ? rc : n.over ? HL_ERR_LIMIT : 0;
}
