/* SPDX-License-Identifier: Apache-2.0 */
/* Core files: all of a guest's memory and registers, in every state, or no file at all. */
#include "box.h"
#include "files.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/procfs.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/user.h>

#undef PAGE_SIZE
#undef PAGE_MASK
#include <hl/core.h>

#include "pagetable.h"

struct core {
    uint8_t *data;
    size_t size;
    const Elf64_Ehdr *header;
    const Elf64_Phdr *phdr;
};

static char path[256];

static int make_path(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    snprintf(path, sizeof(path), "%s/hl-core.%d", tmp ? tmp : "/tmp", (int)getpid());
    return 0;
}

static struct core read_core(struct box *box)
{
    struct core c = {0};
    struct stat st;
    if (hl_sandbox_core(box->sb, path, &box->error))
        fail_msg("%s", box->error.text);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    struct bytes b = bytes_read(path);
    c.data = b.data;
    c.size = b.size;
    unlink(path);
    c.header = (const void *)c.data;
    assert_memory_equal(c.header->e_ident, ELFMAG, SELFMAG);
    assert_int_equal(c.header->e_type, ET_CORE);
    assert_int_equal(c.header->e_machine, EM_X86_64);
    c.phdr = (const void *)(c.data + c.header->e_phoff);
    return c;
}

/* Notes are aligned to 4 only, what is in them wants more: a copy of the start of one. */
static void find_note(const struct core *c, unsigned type, void *copy, size_t room, size_t *size)
{
    const Elf64_Phdr *note = &c->phdr[0];
    assert_int_equal(note->p_type, PT_NOTE);
    for (size_t at = note->p_offset; at < note->p_offset + note->p_filesz;) {
        const Elf64_Nhdr *n = (const void *)(c->data + at);
        at += sizeof(*n) + ((n->n_namesz + 3) & ~3u);
        *size = n->n_descsz;
        if (n->n_type == type) {
            memcpy(copy, c->data + at, room < *size ? room : *size);
            return;
        }
        at += (n->n_descsz + 3) & ~3u;
    }
    fail_msg("no note 0x%x", type);
}

static struct elf_prstatus status_of(const struct core *c)
{
    struct elf_prstatus status;
    size_t size;
    find_note(c, NT_PRSTATUS, &status, sizeof(status), &size);
    assert_int_equal(size, sizeof(status));
    return status;
}

/* Every mapped page is in it, once, as it is, and nothing else. */
static void check_memory(struct box *box, const struct core *c)
{
    static uint8_t page[PAGE_SIZE];
    struct hl_machine *m = hl_sandbox_machine(box->sb);
    size_t pages = 0, mapped = 0;
    for (unsigned i = 1; i < c->header->e_phnum; i++) {
        const Elf64_Phdr *load = &c->phdr[i];
        assert_int_equal(load->p_type, PT_LOAD);
        assert_int_equal(load->p_filesz, load->p_memsz);
        assert_true(load->p_offset + load->p_filesz <= c->size);
        assert_true(i == 1 || load->p_vaddr >= load[-1].p_vaddr + load[-1].p_memsz);
        for (uint64_t at = 0; at < load->p_memsz; at += PAGE_SIZE, pages++) {
            unsigned prot, flags;
            assert_int_equal(hl_machine_lookup(m, load->p_vaddr + at, NULL, &prot), 0);
            flags = (prot & HL_PROT_READ ? PF_R : 0u) | (prot & HL_PROT_WRITE ? PF_W : 0u) |
                    (prot & HL_PROT_EXEC ? PF_X : 0u);
            assert_int_equal(flags, load->p_flags);
            assert_int_equal(hl_machine_read(m, load->p_vaddr + at, page, PAGE_SIZE, 0), PAGE_SIZE);
            assert_memory_equal(page, c->data + load->p_offset + at, PAGE_SIZE);
        }
    }
    for (size_t i = 0; i < HL_REGIONS; i++) {
        const struct hl_region *r = hl_sandbox_region(box->sb, i);
        for (hl_gva_t at = r->start; at < r->start + r->size; at += PAGE_SIZE)
            mapped += hl_machine_lookup(m, at, NULL, NULL) == 0;
    }
    assert_int_equal(pages, mapped);
}

static void check_registers(struct box *box, const struct core *c)
{
    struct elf_prstatus status = status_of(c);
    struct user_regs_struct user;
    struct hl_regs regs;
    memcpy(&user, &status.pr_reg, sizeof(user));
    assert_int_equal(hl_machine_get_regs(hl_sandbox_machine(box->sb), &regs, NULL), 0);
    assert_int_equal(user.rip, regs.rip);
    assert_int_equal(user.rsp, regs.rsp);
    assert_int_equal(user.rbp, regs.rbp);
    assert_int_equal(user.rbx, regs.rbx);
    assert_int_equal(user.r15, regs.r15);
    assert_int_equal(user.rdi, regs.rdi);
    assert_int_equal(user.eflags, regs.rflags);
    assert_int_equal(user.fs_base, regs.fs_base);
    assert_int_equal(user.cs, 0x33);
    assert_int_equal(user.ss, 0x2b);
    assert_int_equal(status.pr_pid, getpid());
}

static void check_auxv(struct box *box, const struct core *c)
{
    Elf64_auxv_t aux[64] = {0};
    size_t size;
    bool entry = false;
    find_note(c, NT_AUXV, aux, sizeof(aux) - sizeof(aux[0]), &size);
    for (size_t i = 0; aux[i].a_type != AT_NULL; i++)
        if (aux[i].a_type == AT_ENTRY)
            entry = aux[i].a_un.a_val == hl_image_entry(box->image);
    assert_true(entry);
}

static void check_core(struct box *box, int signal)
{
    struct core c = read_core(box);
    struct user_fpregs_struct fpregs;
    siginfo_t info;
    size_t size;
    find_note(&c, NT_SIGINFO, &info, sizeof(info), &size);
    assert_int_equal(size, sizeof(info));
    assert_int_equal(info.si_signo, signal);
    assert_int_equal(status_of(&c).pr_cursig, signal);
    check_memory(box, &c);
    check_registers(box, &c);
    check_auxv(box, &c);
    find_note(&c, NT_FPREGSET, &fpregs, sizeof(fpregs), &size);
    assert_int_equal(size, sizeof(fpregs));
    assert_int_equal(fpregs.mxcsr, 0x1f80);
    find_note(&c, NT_X86_XSTATE, &fpregs, sizeof(fpregs), &size);
    assert_true(size == 576 || size == 832 || size == 2688);
    free(c.data);
}

static void before_start(void **state)
{
    struct box *box = *state;
    box_create(box, "trouble", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    check_core(box, 0);
    box_start(box);
    check_core(box, 0);
    CALL0(box, "Count");
}

static void after_a_fault(void **state)
{
    struct box *box = *state;
    box_open(box, "trouble");
    CALL(box, "Address", value_i32(3)); /* some heap, too */
    assert_int_equal(TRY(box, "Write", value_u64(0x10)), HL_ERR_FAULT);
    check_core(box, SIGSEGV);
}

static void after_an_abort(void **state)
{
    struct box *box = *state;
    box_open(box, "trouble");
    assert_int_equal(TRY0(box, "LibcAbort"), HL_ERR_GUEST_ABORT);
    check_core(box, SIGABRT);
}

static void after_a_signal(void **state)
{
    struct box *box = *state;
    box_open(box, "trouble");
    assert_int_equal(TRY(box, "Raise", value_i32(SIGUSR2)), HL_ERR_GUEST_ABORT);
    check_core(box, SIGUSR2);
}

static void after_exit(void **state)
{
    struct box *box = *state;
    box_open(box, "trouble");
    assert_int_equal(TRY(box, "Exit", value_i32(3)), HL_ERR_EXITED);
    check_core(box, 0);
}

static void pie(void **state)
{
    struct box *box = *state;
    box_open(box, "plain_pie");
    assert_true(hl_image_bias(box->image) != 0);
    check_core(box, 0);
}

/* From a host function the sandbox is in use. */
static int host_hook(void *opaque, const struct hl_value *args, size_t count,
                     struct hl_value *result, struct hl_error *error)
{
    struct box *box = opaque;
    (void)args, (void)count, (void)error;
    result->i32 = hl_sandbox_core(box->sb, path, &box->error);
    return 0;
}

static void in_a_call(void **state)
{
    struct box *box = *state;
    box_create(box, "trouble", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "HostHook", "i32(i32)", host_hook, box);
    box_start(box);
    assert_int_equal(CALL(box, "CallHook", value_i32(0))->i32, HL_ERR_BUSY);
    assert_int_equal(access(path, F_OK), -1);
}

static void bad_places(void **state)
{
    struct box *box = *state;
    box_open(box, "trouble");
    assert_int_equal(hl_sandbox_core(box->sb, "", &box->error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_core(NULL, path, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_core(box->sb, "/nonexistent/core", &box->error), HL_ERR_SYSTEM);
    assert_int_equal(box->error.sys_errno, ENOENT);
    assert_int_equal(hl_sandbox_core(box->sb, "/dev/full", &box->error), HL_ERR_SYSTEM);
    assert_int_equal(box->error.sys_errno, ENOSPC);
    assert_int_equal(hl_sandbox_core(box->sb, "/dev/null", &box->error), 0);
    assert_int_equal(access("/dev/null", W_OK), 0);
    assert_int_equal(hl_sandbox_core(box->sb, "/tmp", &box->error), HL_ERR_SYSTEM);
    assert_int_equal(box->error.sys_errno, EISDIR);
    CALL0(box, "Count");
}

/* A fifo that somebody reads, or nobody: either way it gets nothing, and nobody waits. */
static void no_fifo(void **state)
{
    struct box *box = *state;
    char byte;
    box_open(box, "trouble");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(hl_sandbox_core(box->sb, path, &box->error), HL_ERR_SYSTEM);
    assert_int_equal(box->error.sys_errno, ENXIO);
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(hl_sandbox_core(box->sb, path, &box->error), HL_ERR_SYSTEM);
    assert_int_equal(box->error.sys_errno, ENXIO);
    assert_int_equal(read(fd, &byte, 1), 0);
    close(fd);
    unlink(path);
}

/* Where a link leads, or would, stays as it was. */
static void no_link(void **state)
{
    struct box *box = *state;
    char aim[300];
    struct stat st;
    box_open(box, "trouble");
    snprintf(aim, sizeof(aim), "%s.aim", path);
    for (int there = 0; there < 2; there++) {
        if (there)
            bytes_write(aim, "", 0);
        unlink(path);
        assert_int_equal(symlink(aim, path), 0);
        assert_int_equal(hl_sandbox_core(box->sb, path, &box->error), HL_ERR_SYSTEM);
        assert_int_equal(box->error.sys_errno, ELOOP);
        assert_non_null(strstr(box->error.text, "symbolic link"));
        assert_int_equal(lstat(path, &st), 0);
        assert_true(S_ISLNK(st.st_mode));
        assert_int_equal(stat(aim, &st), there ? 0 : -1);
        if (there)
            assert_int_equal(st.st_size, 0);
    }
    unlink(path);
    unlink(aim);
}

/* The disk, or what stands for it, is full at any moment: the old file, whole, and nothing else. */
static void full_disk(void **state)
{
    static const char old[] = "the core file of yesterday";
    struct box *box = *state;
    struct rlimit was, limit;
    char directory[300], file[320];
    box_open(box, "trouble");
    snprintf(directory, sizeof(directory), "%s.d", path);
    snprintf(file, sizeof(file), "%s/core", directory);
    assert_int_equal(mkdir(directory, 0700), 0);
    bytes_write(file, old, strlen(old));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    for (rlim_t room = 0; room < 200000; room = 3 * room + 100) {
        limit = (struct rlimit){room, was.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        int rc = hl_sandbox_core(box->sb, file, &box->error);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(rc, HL_ERR_SYSTEM);
        assert_int_equal(box->error.sys_errno, EFBIG);
        struct bytes b = bytes_read(file);
        assert_string_equal(b.data, old);
        free(b.data);
    }
    assert_int_equal(hl_sandbox_core(box->sb, file, &box->error), 0);
    unlink(file);
    assert_int_equal(rmdir(directory), 0); /* nothing else was left in it */
}

/* A name as long as a file system takes. */
static void long_name(void **state)
{
    struct box *box = *state;
    char name[600];
    box_open(box, "trouble");
    snprintf(name, sizeof(name), "%s.%0*d", path, 0, 0);
    size_t n = strlen(name), last = (size_t)(strrchr(name, '/') + 1 - name);
    memset(name + n, 'n', 255 - (n - last));
    name[last + 255] = 0;
    if (hl_sandbox_core(box->sb, name, &box->error))
        fail_msg("%s", box->error.text);
    assert_int_equal(unlink(name), 0);
}

/* What was there is replaced, for nobody else's eyes. */
static void over_an_older_file(void **state)
{
    struct box *box = *state;
    box_open(box, "trouble");
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 1 << 23; i++)
        putc('x', f);
    fclose(f);
    chmod(path, 0644);
    check_core(box, 0);
}

/* More runs of pages than e_phnum can count: the number stands in a section header. */
static void many_mappings(void **state)
{
    enum { PAGES = 66000 };
    struct box *box = *state;
    struct hl_sandbox_config config = {.heap = 512u << 20};
    hl_gva_t heap = 0, stack = 0;
    hl_gpa_t gpa;
    Elf64_Ehdr header;
    Elf64_Shdr extra;
    Elf64_Phdr last;
    box_create(box, "trouble", config);
    for (size_t i = 0; i < HL_REGIONS; i++) {
        const struct hl_region *r = hl_sandbox_region(box->sb, i);
        heap = strcmp(r->name, "heap") ? heap : r->start;
        stack = strcmp(r->name, "stack") ? stack : r->start;
    }
    struct hl_machine *m = hl_sandbox_machine(box->sb);
    assert_int_equal(hl_machine_lookup(m, stack, &gpa, NULL), 0);
    for (unsigned i = 0; i < PAGES; i++)
        if (hl_machine_map(m, heap + i * PAGE_SIZE, gpa, PAGE_SIZE,
                           i % 2 ? HL_PROT_READ : HL_PROT_READ | HL_PROT_WRITE, &box->error))
            fail_msg("%s", box->error.text);
    if (hl_sandbox_core(box->sb, path, &box->error))
        fail_msg("%s", box->error.text);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    unlink(path);
    assert_int_equal(fread(&header, sizeof(header), 1, f), 1);
    assert_int_equal(header.e_phnum, PN_XNUM);
    assert_int_equal(header.e_shnum, 1);
    assert_int_equal(fseek(f, (long)header.e_shoff, SEEK_SET), 0);
    assert_int_equal(fread(&extra, sizeof(extra), 1, f), 1);
    assert_true(extra.sh_info > PAGES);
    assert_int_equal(header.e_shoff, header.e_phoff + extra.sh_info * sizeof(last));
    assert_int_equal(fseek(f, (long)(header.e_shoff - sizeof(last)), SEEK_SET), 0);
    assert_int_equal(fread(&last, sizeof(last), 1, f), 1);
    assert_int_equal(last.p_vaddr, heap + (PAGES - 1) * PAGE_SIZE);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    assert_int_equal(ftell(f), last.p_offset + last.p_filesz);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(before_start),       BOX_TEST(after_a_fault), BOX_TEST(after_an_abort),
        BOX_TEST(after_a_signal),     BOX_TEST(after_exit),    BOX_TEST(pie),
        BOX_TEST(in_a_call),          BOX_TEST(bad_places),    BOX_TEST(many_mappings),
        BOX_TEST(over_an_older_file), BOX_TEST(no_fifo),       BOX_TEST(no_link),
        BOX_TEST(full_disk),          BOX_TEST(long_name),
    };
    return cmocka_run_group_tests(tests, make_path, NULL);
}
