/* SPDX-License-Identifier: Apache-2.0 */
/* Guests with one thing wrong, and guests with anything wrong: an error each, never a crash. */
#include "elf_file.h"

/* Opens a fresh copy of a guest that `change` has had its way with. */
static int with(const char *path, void (*change)(struct bytes *f))
{
    struct bytes file = bytes_read(path);
    struct hl_error error;
    change(&file);
    int rc = file_open(&file, &error);
    free(file.data);
    return rc;
}

struct damage {
    const char *name;
    void (*change)(struct bytes *f);
    int code;
};

static void expect_codes(const char *path, const struct damage *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = with(path, cases[i].change);
        if (rc != cases[i].code)
            fail_msg("%s: %s instead of %s", cases[i].name, hl_err_name(rc),
                     hl_err_name(cases[i].code));
    }
}

#define PLAIN GUEST_FILE("plain")
#define PIE GUEST_FILE("plain_pie")
#define DAMAGE(name, body)                                                                         \
    static void name(struct bytes *f)                                                              \
    {                                                                                              \
        body;                                                                                      \
    }
#define CASE(change, code)                                                                         \
    {                                                                                              \
#change, change, HL_ERR_##code                                                             \
    }
#define EHDR file_header(f)
#define LOAD(n) file_segment(f, PT_LOAD, n)

DAMAGE(nothing, (void)f)
static void test_undamaged(void **state)
{
    (void)state;
    assert_int_equal(with(PLAIN, nothing), 0);
    assert_int_equal(with(PIE, nothing), 0);
}

DAMAGE(arm, EHDR->e_machine = EM_AARCH64)
DAMAGE(i386, EHDR->e_machine = EM_386)
DAMAGE(class32, EHDR->e_ident[EI_CLASS] = ELFCLASS32)
DAMAGE(class_none, EHDR->e_ident[EI_CLASS] = 0)
DAMAGE(big_endian, EHDR->e_ident[EI_DATA] = ELFDATA2MSB)
DAMAGE(bad_magic, EHDR->e_ident[0] = 'E')
DAMAGE(relocatable, EHDR->e_type = ET_REL)
DAMAGE(core_file, EHDR->e_type = ET_CORE)
DAMAGE(no_type, EHDR->e_type = 0xffff)
DAMAGE(interpreter, file_segment(f, PT_GNU_STACK, 0)->p_type = PT_INTERP)
DAMAGE(no_note, file_segment(f, PT_NOTE, 0)->p_type = PT_NULL)

static void test_other_kinds_of_file(void **state)
{
    static const struct damage cases[] = {
        CASE(arm, NOT_GUEST),         CASE(i386, NOT_GUEST),       CASE(class32, NOT_GUEST),
        CASE(class_none, NOT_GUEST),  CASE(big_endian, NOT_GUEST), CASE(bad_magic, NOT_GUEST),
        CASE(relocatable, NOT_GUEST), CASE(core_file, NOT_GUEST),  CASE(no_type, NOT_GUEST),
        CASE(interpreter, NOT_GUEST), CASE(no_note, NOT_GUEST),
    };
    (void)state;
    expect_codes(PLAIN, cases, COUNT(cases));
    expect_codes(PIE, cases, COUNT(cases));
}

DAMAGE(no_headers, EHDR->e_phnum = 0)
DAMAGE(many_headers, EHDR->e_phnum = 0xfff0)
DAMAGE(headers_far, EHDR->e_phoff = 1ull << 40)
DAMAGE(headers_at_end, EHDR->e_phoff = f->size - 8)
DAMAGE(headers_overflow, EHDR->e_phoff = UINT64_MAX - 64)
DAMAGE(nothing_to_load, for (unsigned i = 3; i--;) LOAD(i)->p_type = PT_NULL)
DAMAGE(nothing_in_memory, for (unsigned i = 3; i--;) LOAD(i)->p_memsz = 0)

static void test_program_headers(void **state)
{
    static const struct damage cases[] = {
        CASE(no_headers, BAD_IMAGE),        CASE(many_headers, BAD_IMAGE),
        CASE(headers_far, BAD_IMAGE),       CASE(headers_at_end, BAD_IMAGE),
        CASE(headers_overflow, BAD_IMAGE),  CASE(nothing_to_load, BAD_IMAGE),
        CASE(nothing_in_memory, BAD_IMAGE),
    };
    (void)state;
    expect_codes(PLAIN, cases, COUNT(cases));
}

static void swap_segments(struct bytes *f)
{
    Elf64_Phdr *a = LOAD(0), *b = LOAD(1), t = *a;
    *a = *b;
    *b = t;
}

DAMAGE(wx, LOAD(2)->p_flags |= PF_X)
DAMAGE(overlap, LOAD(1)->p_memsz += 2 * PAGE)
DAMAGE(same_page, LOAD(0)->p_memsz = PAGE + 1)
DAMAGE(filesz_over_memsz, LOAD(2)->p_memsz = LOAD(2)->p_filesz - 1)
DAMAGE(offset_behind_file, LOAD(1)->p_offset += f->size / PAGE * PAGE + PAGE)
DAMAGE(offset_huge, LOAD(1)->p_offset = UINT64_MAX - PAGE + 1)
DAMAGE(filesz_huge, LOAD(1)->p_filesz = LOAD(1)->p_memsz = UINT64_MAX - LOAD(1)->p_offset + 1)
DAMAGE(filesz_max, LOAD(1)->p_filesz = LOAD(1)->p_memsz = UINT64_MAX)
DAMAGE(memsz_max, LOAD(2)->p_memsz = UINT64_MAX)
DAMAGE(memsz_wraps, LOAD(2)->p_memsz = UINT64_MAX - LOAD(2)->p_vaddr - 1)
DAMAGE(upper_half, LOAD(2)->p_vaddr |= 0xffff800000000000)
DAMAGE(not_canonical, LOAD(2)->p_vaddr |= 0x800000000000)
DAMAGE(over_the_buffers, LOAD(2)->p_vaddr |= 0x700000000000)
DAMAGE(zero_page, LOAD(0)->p_vaddr = 0)
DAMAGE(offset_and_address_differ, LOAD(2)->p_vaddr += 8)
DAMAGE(odd_alignment, LOAD(1)->p_align = 3)
DAMAGE(tls_unaligned, file_segment(f, PT_TLS, 0)->p_align = 0)
DAMAGE(tls_odd_alignment, file_segment(f, PT_TLS, 0)->p_align = 24)

static void test_segments(void **state)
{
    static const struct damage cases[] = {
        CASE(swap_segments, BAD_IMAGE),     CASE(wx, BAD_IMAGE),
        CASE(overlap, BAD_IMAGE),           CASE(same_page, BAD_IMAGE),
        CASE(filesz_over_memsz, BAD_IMAGE), CASE(offset_behind_file, BAD_IMAGE),
        CASE(offset_huge, BAD_IMAGE),       CASE(filesz_huge, BAD_IMAGE),
        CASE(filesz_max, BAD_IMAGE),        CASE(memsz_max, BAD_IMAGE),
        CASE(memsz_wraps, BAD_IMAGE),       CASE(upper_half, BAD_IMAGE),
        CASE(not_canonical, BAD_IMAGE),     CASE(over_the_buffers, BAD_IMAGE),
        CASE(zero_page, BAD_IMAGE),         CASE(offset_and_address_differ, BAD_IMAGE),
        CASE(odd_alignment, BAD_IMAGE),     CASE(tls_unaligned, BAD_IMAGE),
        CASE(tls_odd_alignment, BAD_IMAGE),
    };
    (void)state;
    expect_codes(PLAIN, cases, COUNT(cases));
}

DAMAGE(too_much_memory, LOAD(2)->p_memsz = HL_IMAGE_MEMORY_MAX)
DAMAGE(too_far_apart, LOAD(2)->p_vaddr += HL_IMAGE_MEMORY_MAX)
static void test_memory_limit(void **state)
{
    static const struct damage cases[] = {CASE(too_much_memory, LIMIT), CASE(too_far_apart, LIMIT)};
    (void)state;
    expect_codes(PLAIN, cases, COUNT(cases));
    expect_codes(PIE, cases, COUNT(cases));
}

DAMAGE(entry_null, EHDR->e_entry = 0)
DAMAGE(entry_in_data, EHDR->e_entry = LOAD(2)->p_vaddr)
DAMAGE(entry_in_rodata, EHDR->e_entry = LOAD(0)->p_vaddr)
DAMAGE(entry_in_shim, EHDR->e_entry = 0xffff800000000000)
DAMAGE(entry_behind_code, EHDR->e_entry = LOAD(1)->p_vaddr + PAGE)
static void test_entry_point(void **state)
{
    static const struct damage cases[] = {
        CASE(entry_null, BAD_IMAGE),        CASE(entry_in_data, BAD_IMAGE),
        CASE(entry_in_rodata, BAD_IMAGE),   CASE(entry_in_shim, BAD_IMAGE),
        CASE(entry_behind_code, BAD_IMAGE),
    };
    (void)state;
    expect_codes(PLAIN, cases, COUNT(cases));
}

DAMAGE(version_next, file_note(f)->version++)
DAMAGE(version_zero, file_note(f)->version = 0)
DAMAGE(note_short, file_note_header(f)->n_descsz = sizeof(struct hl_note) - 8)
DAMAGE(note_long, file_note_header(f)->n_descsz = sizeof(struct hl_note) + 4)
DAMAGE(note_huge, file_note_header(f)->n_descsz = 0xfffffff0)
DAMAGE(note_tiny, file_note_header(f)->n_descsz = 3)
DAMAGE(note_name, ((char *)(file_note_header(f) + 1))[0] = 'X')
DAMAGE(note_type, file_note_header(f)->n_type++)
DAMAGE(note_name_size, file_note_header(f)->n_namesz = 0xffffffff)
DAMAGE(note_offset, file_segment(f, PT_NOTE, 0)->p_offset = UINT64_MAX - 16)
DAMAGE(note_size, file_segment(f, PT_NOTE, 0)->p_filesz = UINT64_MAX)
DAMAGE(note_address, file_segment(f, PT_NOTE, 0)->p_vaddr = 0x7777000)
DAMAGE(table_far, file_note(f)->functions = file_note(f)->functions_end = INT64_MAX)
DAMAGE(table_backwards, file_note(f)->functions_end = file_note(f)->functions - 128)
DAMAGE(table_odd, file_note(f)->functions_end += 4)
DAMAGE(table_long, file_note(f)->functions_end += 128 * 1000)
DAMAGE(table_of_code, file_note(f)->imports += PAGE; file_note(f)->imports_end += PAGE)
DAMAGE(table_in_shim, file_note(f)->functions = (int64_t)0xffff800000000000;
       file_note(f)->functions_end = (int64_t)0xffff800000000100 - 8)
DAMAGE(table_limit, file_note(f)->functions_end = file_note(f)->functions - 8 +
                                                  128 * (HL_IMAGE_FUNCTIONS_MAX + 1))

static void test_note(void **state)
{
    static const struct damage cases[] = {
        CASE(version_next, ABI_VERSION),  CASE(version_zero, ABI_VERSION),
        CASE(note_short, BAD_IMAGE),      CASE(note_long, BAD_IMAGE),
        CASE(note_huge, NOT_GUEST),       CASE(note_tiny, ABI_VERSION),
        CASE(note_name, NOT_GUEST),       CASE(note_type, NOT_GUEST),
        CASE(note_name_size, NOT_GUEST),  CASE(note_offset, NOT_GUEST),
        CASE(note_size, NOT_GUEST),       CASE(note_address, BAD_IMAGE),
        CASE(table_backwards, BAD_IMAGE), CASE(table_odd, BAD_IMAGE),
        CASE(table_long, BAD_IMAGE),      CASE(table_of_code, BAD_IMAGE),
        CASE(table_limit, LIMIT),         CASE(table_in_shim, BAD_IMAGE),
    };
    (void)state;
    expect_codes(PLAIN, cases, COUNT(cases));
    /* The places are equal although they are relative to different fields: eight bytes apart. */
    assert_int_equal(with(PLAIN, table_far), HL_ERR_BAD_IMAGE);
}

#define FUNCTION(n) file_desc(f, false, n)
#define IMPORT(n) file_desc(f, true, n)
DAMAGE(name_empty, FUNCTION(0)->name[0] = 0)
DAMAGE(name_space, FUNCTION(0)->name[1] = ' ')
DAMAGE(name_newline, FUNCTION(0)->name[1] = '\n')
DAMAGE(name_high, FUNCTION(0)->name[1] = (char)0x80)
DAMAGE(name_delete, FUNCTION(0)->name[1] = 0x7f)
DAMAGE(name_bracket, FUNCTION(0)->name[1] = '(')
DAMAGE(name_comma, FUNCTION(0)->name[1] = ',')
DAMAGE(name_quote, FUNCTION(0)->name[1] = '"')
DAMAGE(name_endless, memset(FUNCTION(0)->name, 'x', HL_NAME_SIZE))
DAMAGE(name_twice, strcpy(FUNCTION(1)->name, FUNCTION(0)->name))
DAMAGE(result_unknown, FUNCTION(0)->result = HL_TYPE_COUNT)
DAMAGE(count_large, FUNCTION(0)->count = HL_MAX_ARGS + 1)
DAMAGE(count_max, FUNCTION(0)->count = 255)
DAMAGE(argument_void, FUNCTION(0)->args[1] = HL_VOID)
DAMAGE(argument_unknown, FUNCTION(0)->args[1] = 200)
DAMAGE(entry_zero, FUNCTION(0)->entry = 0)
DAMAGE(entry_data, FUNCTION(0)->entry = LOAD(2)->p_vaddr)
DAMAGE(thunk_shim, FUNCTION(0)->thunk = 0xffff800000000000)
DAMAGE(import_name, IMPORT(1)->name[0] = 0)
DAMAGE(import_result, IMPORT(0)->result = 99)
DAMAGE(import_count, IMPORT(0)->count = 17)

static void test_descriptors(void **state)
{
    static const struct damage cases[] = {
        CASE(name_empty, BAD_IMAGE),       CASE(name_space, BAD_IMAGE),
        CASE(name_newline, BAD_IMAGE),     CASE(name_high, BAD_IMAGE),
        CASE(name_delete, BAD_IMAGE),      CASE(name_bracket, BAD_IMAGE),
        CASE(name_comma, BAD_IMAGE),       CASE(name_quote, BAD_IMAGE),
        CASE(name_endless, BAD_IMAGE),     CASE(name_twice, BAD_IMAGE),
        CASE(result_unknown, BAD_IMAGE),   CASE(count_large, BAD_IMAGE),
        CASE(count_max, BAD_IMAGE),        CASE(argument_void, BAD_IMAGE),
        CASE(argument_unknown, BAD_IMAGE), CASE(entry_zero, BAD_IMAGE),
        CASE(entry_data, BAD_IMAGE),       CASE(thunk_shim, BAD_IMAGE),
        CASE(import_name, BAD_IMAGE),      CASE(import_result, BAD_IMAGE),
        CASE(import_count, BAD_IMAGE),
    };
    (void)state;
    expect_codes(PLAIN, cases, COUNT(cases));
}

/* What the host does not use is accepted: a longest name, arguments past the count. */
DAMAGE(name_longest, memset(FUNCTION(0)->name, 'x', HL_NAME_SIZE - 1))
DAMAGE(argument_unused, FUNCTION(0)->args[15] = 200)
static void test_descriptors_at_the_limit(void **state)
{
    (void)state;
    assert_int_equal(with(PLAIN, name_longest), 0);
    assert_int_equal(with(PLAIN, argument_unused), 0);
}

DAMAGE(type_64, file_rela(f)->r_info = ELF64_R_INFO(0, R_X86_64_64))
DAMAGE(type_unknown, file_rela(f)->r_info = 0xffffffff)
DAMAGE(type_irelative, file_rela(f)->r_info = ELF64_R_INFO(0, R_X86_64_IRELATIVE))
DAMAGE(place_outside, file_rela(f)->r_offset = 0x10000000)
DAMAGE(place_wraps, file_rela(f)->r_offset = UINT64_MAX - 3)
DAMAGE(place_at_end, file_rela(f)->r_offset = LOAD(2)->p_vaddr + LOAD(2)->p_filesz - 4)
DAMAGE(place_in_bss, file_rela(f)->r_offset = LOAD(2)->p_vaddr + LOAD(2)->p_filesz + 8)
DAMAGE(rela_outside, file_dynamic(f, DT_RELA)->d_un.d_ptr = 0x10000000)
DAMAGE(rela_long, file_dynamic(f, DT_RELASZ)->d_un.d_val = 24ull << 32)
DAMAGE(rela_size_odd, file_dynamic(f, DT_RELASZ)->d_un.d_val += 1)
DAMAGE(rela_max, file_dynamic(f, DT_RELASZ)->d_un.d_val = UINT64_MAX)
DAMAGE(rela_entry, file_dynamic(f, DT_RELAENT)->d_un.d_val = 16)
DAMAGE(rel, file_dynamic(f, DT_RELAENT)->d_tag = DT_REL)
DAMAGE(jmprel, file_dynamic(f, DT_RELAENT)->d_tag = DT_JMPREL)
DAMAGE(textrel, file_dynamic(f, DT_RELAENT)->d_tag = DT_TEXTREL)
DAMAGE(dynamic_outside, file_segment(f, PT_DYNAMIC, 0)->p_vaddr = 0x10000000)
DAMAGE(dynamic_long, file_segment(f, PT_DYNAMIC, 0)->p_filesz = UINT64_MAX)
DAMAGE(needed, file_dynamic(f, DT_RELAENT)->d_tag = DT_NEEDED)

static void test_relocations(void **state)
{
    static const struct damage cases[] = {
        CASE(type_64, BAD_IMAGE),
        CASE(type_unknown, BAD_IMAGE),
        CASE(type_irelative, BAD_IMAGE),
        CASE(place_outside, BAD_IMAGE),
        CASE(place_wraps, BAD_IMAGE),
        CASE(place_at_end, BAD_IMAGE),
        CASE(place_in_bss, BAD_IMAGE),
        CASE(rela_outside, BAD_IMAGE),
        CASE(rela_long, BAD_IMAGE),
        CASE(rela_size_odd, BAD_IMAGE),
        CASE(rela_max, BAD_IMAGE),
        CASE(rela_entry, BAD_IMAGE),
        CASE(rel, BAD_IMAGE),
        CASE(jmprel, BAD_IMAGE),
        CASE(textrel, BAD_IMAGE),
        CASE(dynamic_outside, BAD_IMAGE),
        CASE(dynamic_long, BAD_IMAGE),
        CASE(needed, NOT_GUEST),
    };
    (void)state;
    expect_codes(PIE, cases, COUNT(cases));
}

/* The same relocations in RELR's form: the addends in place, and an entry of 8 bytes for each. */
static void to_relr(struct bytes *f)
{
    Elf64_Rela *rela = file_rela(f);
    Elf64_Dyn *size = file_dynamic(f, DT_RELASZ);
    uint64_t *relr = (uint64_t *)(void *)rela;
    size_t count = size->d_un.d_val / sizeof(*rela);
    for (size_t i = 0; i < count; i++) {
        Elf64_Rela one = rela[i];
        memcpy(file_at(f, one.r_offset), &one.r_addend, sizeof(one.r_addend));
        relr[i] = one.r_offset;
    }
    size->d_un.d_val = count * sizeof(*relr);
    size->d_tag = DT_RELRSZ;
    file_dynamic(f, DT_RELAENT)->d_un.d_val = sizeof(*relr);
    file_dynamic(f, DT_RELAENT)->d_tag = DT_RELRENT;
    file_dynamic(f, DT_RELA)->d_tag = DT_RELR;
}

static uint64_t *relr_entry(struct bytes *f, size_t index)
{
    to_relr(f);
    return (uint64_t *)(void *)file_at(f, file_dynamic(f, DT_RELR)->d_un.d_ptr) + index;
}

DAMAGE(relr_place_outside, *relr_entry(f, 0) = 0x10000000)
DAMAGE(relr_place_wraps, *relr_entry(f, 0) = UINT64_MAX - 3)
DAMAGE(relr_bits_first, *relr_entry(f, 0) = 3)
DAMAGE(relr_bits_outside, uint64_t *entry = relr_entry(f, 0);
       entry[0] = LOAD(2)->p_vaddr + LOAD(2)->p_filesz - 8; entry[1] = UINT64_MAX)
DAMAGE(relr_outside, to_relr(f); file_dynamic(f, DT_RELR)->d_un.d_ptr = 0x10000000)
DAMAGE(relr_long, to_relr(f); file_dynamic(f, DT_RELRSZ)->d_un.d_val = 8ull << 40)
DAMAGE(relr_size_odd, to_relr(f); file_dynamic(f, DT_RELRSZ)->d_un.d_val += 4)
DAMAGE(relr_entry_size, to_relr(f); file_dynamic(f, DT_RELRENT)->d_un.d_val = 16)

static void test_relr(void **state)
{
    static const struct damage cases[] = {
        CASE(relr_place_outside, BAD_IMAGE), CASE(relr_place_wraps, BAD_IMAGE),
        CASE(relr_bits_first, BAD_IMAGE),    CASE(relr_bits_outside, BAD_IMAGE),
        CASE(relr_outside, BAD_IMAGE),       CASE(relr_long, BAD_IMAGE),
        CASE(relr_size_odd, BAD_IMAGE),      CASE(relr_entry_size, BAD_IMAGE),
    };
    (void)state;
    expect_codes(PIE, cases, COUNT(cases));
    assert_int_equal(with(PIE, to_relr), 0);
}

/* A byte that matters: of the header, the program headers, the note, a table, the relocations. */
static uint8_t *any_byte(struct bytes *f, bool pie, uint64_t *seed)
{
    uint64_t r = next_random(seed);
    switch (r % (pie ? 6 : 4)) {
    case 0:
        return f->data + (r >> 8) % sizeof(Elf64_Ehdr);
    case 1:
        return f->data + sizeof(Elf64_Ehdr) + (r >> 8) % (9 * sizeof(Elf64_Phdr));
    case 2:
        return (uint8_t *)file_note_header(f) + (r >> 8) % 60;
    case 3:
        return (uint8_t *)file_desc(f, false, 0) + (r >> 8) % (4 * sizeof(struct hl_desc));
    case 4:
        return (uint8_t *)file_rela(f) + (r >> 8) % 120;
    default:
        return f->data + file_segment(f, PT_DYNAMIC, 0)->p_offset + (r >> 8) % 256;
    }
}

/* The places are those of the undamaged file: each mutation starts from it again. */
static void mutate(const char *path, bool pie, unsigned rounds)
{
    static const uint8_t special[] = {0, 1, 0x7f, 0x80, 0xff};
    struct bytes original = bytes_read(path), file = {malloc(original.size), original.size};
    uint64_t seed = 0x1234567;
    unsigned good = 0;

    assert_non_null(file.data);
    for (unsigned i = 0; i < rounds; i++) {
        struct hl_error error;
        uint64_t count = 1 + next_random(&seed) % 4;
        memcpy(file.data, original.data, file.size);
        while (count--) {
            size_t at = (size_t)(any_byte(&original, pie, &seed) - original.data);
            uint64_t r = next_random(&seed);
            file.data[at] = r & 1 ? special[(r >> 8) % COUNT(special)] : (uint8_t)(r >> 16);
        }
        good += file_open(&file, &error) == 0;
    }
    assert_true(good > rounds / 100 && good < rounds);
    free(file.data);
    free(original.data);
}

static void test_random_damage(void **state)
{
    (void)state;
    mutate(PLAIN, false, 20000);
    mutate(PIE, true, 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undamaged),
        cmocka_unit_test(test_other_kinds_of_file),
        cmocka_unit_test(test_program_headers),
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_memory_limit),
        cmocka_unit_test(test_entry_point),
        cmocka_unit_test(test_note),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_descriptors_at_the_limit),
        cmocka_unit_test(test_relocations),
        cmocka_unit_test(test_relr),
        cmocka_unit_test(test_random_damage),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
