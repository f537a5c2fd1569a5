/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bad files, case by case: a clear error, never a crash of the host.  image/test_damage.c has many
 * more of each kind, and random ones.
 */
#include "elf_file.h"

#define PLAIN GUEST_FILE("plain")
#define PIE GUEST_FILE("plain_pie")

typedef void change_fn(struct bytes *f, uint64_t value);

/* One field after the other gets values that somebody might fall over. */
static const uint64_t values[] = {
    0,          1,          7,          4095,      4096,       4097,       INT32_MAX,
    1ull << 31, UINT32_MAX, 1ull << 32, INT64_MAX, 1ull << 63, UINT64_MAX, UINT64_MAX - 4095,
    1ull << 47, 1ull << 46};

static int opened(const char *path, change_fn *change, uint64_t value)
{
    struct bytes f = bytes_read(path);
    struct hl_error error;
    change(&f, value);
    int rc = file_open(&f, &error);
    free(f.data);
    return rc;
}

static void expect(const char *path, change_fn *change, uint64_t value, int code)
{
    int rc = opened(path, change, value);
    if (rc != code)
        fail_msg("0x%llx: %s instead of %s", (unsigned long long)value, hl_err_name(rc),
                 hl_err_name(code));
}

/* Whatever comes of it, file_open() has looked at the error; returns how many were refused. */
static unsigned sweep(const char *path, change_fn *change)
{
    unsigned refused = 0;
    for (size_t i = 0; i < COUNT(values); i++)
        refused += opened(path, change, values[i]) != 0;
    return refused;
}

#define SET(name, what)                                                                            \
    static void name(struct bytes *f, uint64_t value)                                              \
    {                                                                                              \
        (what) = (__typeof__(what))value;                                                          \
    }
#define EHDR file_header(f)
#define LOAD file_segment(f, PT_LOAD, 1)

SET(e_type, EHDR->e_type)
SET(e_machine, EHDR->e_machine)
SET(e_phoff, EHDR->e_phoff)
SET(e_phnum, EHDR->e_phnum)
SET(e_phentsize, EHDR->e_phentsize)
SET(e_entry, EHDR->e_entry)
SET(e_class, EHDR->e_ident[EI_CLASS])
SET(e_data, EHDR->e_ident[EI_DATA])
static void test_elf_header(void **state)
{
    change_fn *const fields[] = {e_type,      e_machine, e_phoff, e_phnum,
                                 e_phentsize, e_entry,   e_class, e_data};
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++)
        assert_true(sweep(PLAIN, fields[i]) >= COUNT(values) - 3);
}

SET(p_offset, LOAD->p_offset)
SET(p_vaddr, LOAD->p_vaddr)
SET(p_filesz, LOAD->p_filesz)
SET(p_memsz, LOAD->p_memsz)
SET(p_align, LOAD->p_align)
SET(p_flags, LOAD->p_flags)
static void test_program_headers(void **state)
{
    change_fn *const fields[] = {p_offset, p_vaddr, p_filesz, p_memsz};
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++)
        assert_true(sweep(PLAIN, fields[i]) >= COUNT(values) / 2);
    assert_true(sweep(PLAIN, p_align) > 0);
    sweep(PLAIN, p_flags);
}

SET(rela_table, file_dynamic(f, DT_RELA)->d_un.d_ptr)
SET(rela_size, file_dynamic(f, DT_RELASZ)->d_un.d_val)
SET(rela_entry, file_dynamic(f, DT_RELAENT)->d_un.d_val)
SET(rela_offset, file_rela(f)->r_offset)
SET(rela_info, file_rela(f)->r_info)
SET(rela_addend, file_rela(f)->r_addend)
static void test_relocations(void **state)
{
    change_fn *const fields[] = {rela_table, rela_size, rela_entry, rela_offset, rela_info};
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++)
        assert_true(sweep(PIE, fields[i]) >= COUNT(values) / 2);
    sweep(PIE, rela_addend); /* any number is one */
}

SET(n_namesz, file_note_header(f)->n_namesz)
SET(n_descsz, file_note_header(f)->n_descsz)
SET(n_type, file_note_header(f)->n_type)
SET(note_functions, file_note(f)->functions)
SET(note_functions_end, file_note(f)->functions_end)
SET(note_imports, file_note(f)->imports)
SET(note_imports_end, file_note(f)->imports_end)
static void test_notes(void **state)
{
    change_fn *const fields[] = {n_namesz,       n_descsz,           n_type,
                                 note_functions, note_functions_end, note_imports_end};
    (void)state;
    for (size_t i = 0; i < COUNT(fields); i++)
        assert_true(sweep(PLAIN, fields[i]) >= COUNT(values) / 2);
    sweep(PLAIN, note_imports);
}

static void overlap(struct bytes *f, uint64_t pages)
{
    LOAD->p_memsz += pages * PAGE;
}
static void test_overlapping_segments(void **state)
{
    (void)state;
    for (uint64_t pages = 1; pages < 1000; pages *= 3)
        expect(PLAIN, overlap, pages + 1, HL_ERR_BAD_IMAGE);
}

static void write_and_execute(struct bytes *f, uint64_t n)
{
    file_segment(f, PT_LOAD, (unsigned)n)->p_flags |= PF_X | PF_W;
}
static void test_write_and_execute(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 3; n++)
        expect(PLAIN, write_and_execute, n, HL_ERR_BAD_IMAGE);
}

static void test_wrong_machine(void **state)
{
    static const uint64_t machines[] = {EM_386, EM_AARCH64, EM_RISCV, EM_ARM, EM_NONE, 0xffff};
    (void)state;
    for (size_t i = 0; i < COUNT(machines); i++)
        expect(PLAIN, e_machine, machines[i], HL_ERR_NOT_GUEST);
}

static void interpreter(struct bytes *f, uint64_t value)
{
    file_segment(f, PT_GNU_STACK, 0)->p_type = (uint32_t)value;
}
static void test_dynamic_executable(void **state)
{
    struct hl_image *image = NULL;
    struct hl_error error;
    (void)state;
    expect(PLAIN, interpreter, PT_INTERP, HL_ERR_NOT_GUEST);
    expect(PIE, interpreter, PT_INTERP, HL_ERR_NOT_GUEST);
    assert_int_equal(hl_image_open(&image, "/bin/sh", &error), HL_ERR_NOT_GUEST);
    check_error(&error, HL_ERR_NOT_GUEST);
}

SET(abi_version, file_note(f)->version)
static void test_abi_version(void **state)
{
    static const uint64_t versions[] = {0, HL_ABI_VERSION + 1, 0x7fffffff, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < COUNT(versions); i++)
        expect(PLAIN, abi_version, versions[i], HL_ERR_ABI_VERSION);
    expect(PLAIN, abi_version, HL_ABI_VERSION, 0);
}

#define CASE(name, test)                                                                           \
    {                                                                                              \
        name, test, NULL, NULL, NULL                                                               \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("bad file: every field of the ELF header out of range", test_elf_header),
        CASE("bad file: every field of a program header out of range", test_program_headers),
        CASE("bad file: every field of a relocation out of range", test_relocations),
        CASE("bad file: every field of the note out of range", test_notes),
        CASE("bad file: overlapping segments", test_overlapping_segments),
        CASE("bad file: W+X segment", test_write_and_execute),
        CASE("bad file: wrong machine", test_wrong_machine),
        CASE("bad file: dynamic executable", test_dynamic_executable),
        CASE("bad file: ABI version of another build", test_abi_version),
    };

    watchdog(30);
    return cmocka_run_group_tests_name("conformance-files", tests, NULL, NULL);
}
