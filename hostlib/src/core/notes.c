/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core/notes.c - the notes of a core file, for registers and the process, in the layouts of Linux's
 * fs/binfmt_elf.c and arch/x86/kernel/fpu/regset.c.
 */
#include "core.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <unistd.h>

#undef PAGE_SIZE /* <sys/user.h> has its own */
#undef PAGE_MASK
#include <hl/gdb_amd64.h>

#include "general.h"
#include "grow.h"
#include "image.h"
#include "machine_cpu.h"
#include "sandbox.h"
#include "siginfo.h"

/* Notes written one after the other; `failed` is set when memory runs out. */
struct notes {
    uint8_t *data;
    size_t size, room;
    bool failed;
};

static void *extend(struct notes *n, size_t size)
{
    if (n->failed)
        return NULL;
    uint8_t *data = array_grow(n->data, &n->room, n->size + size, 1);
    if (!data) {
        n->failed = true;
        return NULL;
    }
    n->data = data;
    uint8_t *at = n->data + n->size;
    n->size += size;
    return memset(at, 0, size);
}

static size_t padded(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

static void put_note(struct notes *n, const char *name, unsigned type, const void *desc,
                     size_t size)
{
    const Elf64_Nhdr header = {
        .n_namesz = (Elf64_Word)strlen(name) + 1, .n_descsz = (Elf64_Word)size, .n_type = type};
    size_t named = padded(header.n_namesz);
    uint8_t *at = extend(n, sizeof(header) + named + padded(size));
    if (!at)
        return;
    memcpy(at, &header, sizeof(header));
    memcpy(at + sizeof(header), name, header.n_namesz);
    memcpy(at + sizeof(header) + named, desc, size);
}

/* ---- registers ------------------------------------------------------------------------------ */

static struct user_regs_struct user_regs(const struct hl_regs *r, const struct vcpu_system *s)
{
    struct user_regs_struct user = {
        .eflags = r->rflags,
        .orig_rax = ~0ull,
        .cs = s->cs,
        .ss = s->ss,
        .fs_base = r->fs_base,
        .gs_base = r->gs_base,
        .ds = s->ds,
        .es = s->es,
        .fs = s->fs,
        .gs = s->gs,
    };
    HL_GENERAL_COPY(&user, r);
    return user;
}

static int put_status(struct notes *n, struct hl_sandbox *sb, const siginfo_t *info,
                      struct hl_error *error)
{
    struct hl_machine *m = sb->machine;
    struct elf_prstatus status = {.pr_pid = getpid(), .pr_fpvalid = 1};
    struct vcpu_system system;
    struct hl_regs regs;
    int rc = hl_machine_get_regs(m, &regs, error);
    if (!rc)
        rc = machine_get_system(m, &system, error);
    if (rc)
        return rc;
    struct user_regs_struct user = user_regs(&regs, &system);
    _Static_assert(sizeof(user) == sizeof(status.pr_reg), "elf_gregset_t");
    memcpy(&status.pr_reg, &user, sizeof(user));
    status.pr_info.si_signo = info->si_signo;
    status.pr_info.si_code = info->si_code;
    status.pr_cursig = (short)info->si_signo;
    put_note(n, "CORE", NT_PRSTATUS, &status, sizeof(status));
    return 0;
}

/*
 * Where debuggers look for the components of an XSAVE area in a core file.  They know only its size
 * and XCR0 (GDB's i387_guess_xsave_layout()); the processor's own offsets may differ.
 */
static const struct {
    uint16_t component, offset, size;
} places[] = {{2, 576, 256}, {5, 1088, 64}, {6, 1152, 512}, {7, 1664, 1024}};
enum {
    LEGACY = 512,
    HEADER_END = 576,
    SOFTWARE = 464, /* in LEGACY, unused by the processor: Linux stores XCR0 there */
    AREA_MAX = 2688,
};
#define XCR0_LEGACY 3ull

static void put_xstate(struct notes *n, const uint8_t *area, size_t size, uint64_t xcr0)
{
    uint32_t offset[GDB_XSAVE_COMPONENTS];
    uint8_t out[AREA_MAX] = {0};
    uint64_t present, kept = XCR0_LEGACY;
    size_t used = HEADER_END;
    gdb_xsave_offsets(offset);
    memcpy(out, area, LEGACY);
    memcpy(&present, area + LEGACY, sizeof(present));
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        uint32_t from = offset[places[i].component];
        if (!(xcr0 >> places[i].component & 1) || !from || from + places[i].size > size)
            continue;
        memcpy(out + places[i].offset, area + from, places[i].size);
        used = places[i].offset + (size_t)places[i].size;
        kept |= 1ull << places[i].component;
    }
    present &= kept;
    memcpy(out + SOFTWARE, &kept, sizeof(kept));
    memcpy(out + LEGACY, &present, sizeof(present));
    put_note(n, "CORE", NT_FPREGSET, out, LEGACY);
    put_note(n, "LINUX", NT_X86_XSTATE, out, used);
}

static int put_vectors(struct notes *n, struct hl_machine *m, struct hl_error *error)
{
    size_t size = machine_xsave_size(m);
    uint8_t *area = calloc(1, size < HEADER_END ? HEADER_END : size);
    if (!area)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    int rc = machine_get_xsave(m, area, error);
    if (!rc)
        put_xstate(n, area, size, machine_xcr0(m));
    free(area);
    return rc;
}

/* ---- the process ---------------------------------------------------------------------------- */

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void put_process(struct notes *n, const struct hl_sandbox *sb)
{
    const char *path = hl_image_path(sb->image);
    struct elf_prpsinfo info = {.pr_sname = 'R', .pr_pid = getpid()};
    memcpy(info.pr_fname, file_name(path), strnlen(file_name(path), sizeof(info.pr_fname) - 1));
    memcpy(info.pr_psargs, path, strnlen(path, sizeof(info.pr_psargs) - 1));
    if (sb->calling && strcmp(sb->calling, "main") != 0) {
        size_t at = strlen(info.pr_psargs), room = sizeof(info.pr_psargs) - at - 1;
        if (room > 1) {
            info.pr_psargs[at] = ' ';
            memcpy(info.pr_psargs + at + 1, sb->calling, strnlen(sb->calling, room - 1));
        }
    }
    put_note(n, "CORE", NT_PRPSINFO, &info, sizeof(info));
}

static void put_auxv(struct notes *n, const struct hl_sandbox *sb)
{
    Elf64_auxv_t aux[LAYOUT_AUX_MAX];
    size_t count = layout_auxv(sb, aux);
    put_note(n, "CORE", NT_AUXV, aux, count * sizeof(aux[0]));
}

/*
 * Pages that came from the guest's file: count, page size, {start, end, page of the file}, names.
 */
static void put_files(struct notes *n, const struct hl_sandbox *sb)
{
    const struct hl_image *image = sb->image;
    const char *path = image_file(image);
    size_t named = strlen(path) + 1, words = 2 + 3 * image->segment_count;
    size_t size = words * sizeof(uint64_t) + image->segment_count * named;
    uint64_t *desc = calloc(1, size);
    if (!desc) {
        n->failed = true;
        return;
    }
    size_t count = 0;
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct image_segment *s = &image->segments[i];
        if (!s->pub.file_size)
            continue;
        uint64_t *file = desc + 2 + 3 * count++;
        file[0] = s->pub.start;
        file[1] = (s->address + s->pub.file_size + PAGE_SIZE - 1) & PAGE_MASK;
        file[2] = s->offset / PAGE_SIZE;
    }
    char *name = (char *)(desc + 2 + 3 * count);
    for (size_t i = 0; i < count; i++)
        memcpy(name + i * named, path, named);
    desc[0] = count;
    desc[1] = PAGE_SIZE;
    put_note(n, "CORE", NT_FILE, desc, (2 + 3 * count) * sizeof(uint64_t) + count * named);
    free(desc);
}

/* The signal that would have ended it, if it were a process. */
static void state_siginfo(const struct hl_sandbox *sb, siginfo_t *info)
{
    memset(info, 0, sizeof(*info));
    if (sb->state != HL_SANDBOX_POISONED)
        return;
    if (sb->has_fault) {
        siginfo_of_fault(info, &sb->fault);
        return;
    }
    info->si_signo = sb->killed_by;
    info->si_code = sb->killed_by ? SI_TKILL : 0;
}

int core_notes(struct hl_sandbox *sb, const siginfo_t *info, uint8_t **data, size_t *size,
               struct hl_error *error)
{
    struct notes n = {0};
    siginfo_t own;
    if (!info) {
        state_siginfo(sb, &own);
        info = &own;
    }
    int rc = put_status(&n, sb, info, error);
    put_process(&n, sb);
    put_note(&n, "CORE", NT_SIGINFO, info, sizeof(*info));
    put_auxv(&n, sb);
    put_files(&n, sb);
    if (!rc)
        rc = put_vectors(&n, sb->machine, error);
    if (!rc && n.failed)
        rc = hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    *data = n.data;
    *size = n.size;
    return rc;
}
