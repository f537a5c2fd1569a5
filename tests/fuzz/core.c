/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core.c - a core file of anybody's: refused with one error, or its registers, memory and stack can
 * be looked at.  HL_FUZZ_SEED=FILE writes a good one to begin with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <unistd.h>

#undef PAGE_SIZE /* <sys/user.h> has its own */
#undef PAGE_MASK

#include "corefile.h"
#include "tiny.h"

#undef PAGE_SIZE

static int fd = -1;
static char path[64];

static size_t put_note(uint8_t *to, uint32_t type, const void *desc, uint32_t size)
{
    const Elf64_Nhdr h = {.n_namesz = 5, .n_descsz = size, .n_type = type};
    memcpy(to, &h, sizeof(h));
    memcpy(to + sizeof(h), "CORE\0\0\0", 8);
    memcpy(to + sizeof(h) + 8, desc, size);
    return sizeof(h) + 8 + ((size + 3u) & ~3u);
}

static void write_seed(const char *to)
{
    static uint8_t file[8192];
    struct elf_prstatus status = {.pr_cursig = 11, .pr_fpvalid = 1};
    struct elf_prpsinfo info = {.pr_psargs = "guest Call"};
    struct user_regs_struct u = {.rip = 0x400010, .rsp = 0x700000, .rbp = 0x700010};
    const Elf64_auxv_t aux[] = {{AT_ENTRY, {0x400000}}, {AT_NULL, {0}}};
    const uint64_t files[8] = {1, 4096, 0x400000, 0x401000, 0, 0x0068737573616e2f};
    memcpy(&status.pr_reg, &u, sizeof(u));
    size_t n = 4096;
    n += put_note(file + n, NT_PRSTATUS, &status, sizeof(status));
    n += put_note(file + n, NT_PRPSINFO, &info, sizeof(info));
    n += put_note(file + n, NT_AUXV, aux, sizeof(aux));
    n += put_note(file + n, NT_FILE, files, sizeof(files));
    const Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                          .e_type = ET_CORE,
                          .e_machine = EM_X86_64,
                          .e_version = EV_CURRENT,
                          .e_phoff = sizeof(h),
                          .e_ehsize = sizeof(h),
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_phnum = 3};
    const Elf64_Phdr p[] = {
        {.p_type = PT_NOTE, .p_offset = 4096, .p_filesz = n - 4096, .p_align = 4},
        {PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 4096, 4096, 4096},
        {PT_LOAD, PF_R | PF_W, 4096, 0x700000, 0, 4096, 4096, 4096},
    };
    memcpy(file, &h, sizeof(h));
    memcpy(file + sizeof(h), p, sizeof(p));
    FILE *f = fopen(to, "wb");
    if (!f || fwrite(file, 1, sizeof(file), f) != sizeof(file) || fclose(f))
        abort();
}

static void set_up(void)
{
    fd = memfd_create("core", MFD_CLOEXEC);
    if (fd < 0)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (getenv("HL_FUZZ_SEED"))
        write_seed(getenv("HL_FUZZ_SEED"));
}

/* Memory is there as the ranges say, and nowhere else. */
static void look(struct corefile *core)
{
    uint8_t bytes[256];
    if (core->ranges > CORE_HEADERS_MAX ||
        memchr(core->command, 0, sizeof(core->command)) == NULL || (core->guest && !*core->guest))
        abort();
    core_read(core, core->regs.rip - 2, bytes, 2);
    core_read(core, core->regs.rsp, bytes, sizeof(bytes));
    for (size_t i = 0; i < core->ranges && i < 64; i++) {
        const struct core_range *r = &core->range[i];
        if (r->start >= r->end || (i && r->start < r[-1].start) || r->offset >= core->size ||
            r->end - r->start > core->size - r->offset)
            abort();
        if (core_read(core, r->end - 1, bytes, sizeof(bytes)) > sizeof(bytes))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct corefile core;
    struct hl_error error = {0};
    if (fd < 0)
        set_up();
    if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    int rc = core_open(&core, path, &error);
    if (!rc)
        look(&core);
    else if (error.code != rc || !error.text[0])
        abort();
    core_close(&core);
    return 0;
}
