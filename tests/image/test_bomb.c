/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files made to use up the host that opens them: each has an answer in little time and memory.
 *
 * Every file is opened in a process of its own, whose processor time and memory are bounded.
 */
#include "elf_file.h"
#include "child.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <hl/sandbox.h>

#define MIB (1u << 20)
#define TIME_MAX 0.5           /* seconds of processor time, for files of at most 8 MiB */
#define MEMORY_MAX (48u << 10) /* KiB beside the test's own: 3 times the largest, and room */

/* Room for the headers; then a page of code, one with the note and the dynamic section; the rest.
 */
struct bomb {
    struct bytes f;
    size_t base; /* offset of the code */
    unsigned room;
};
#define CODE_AT 0x1000ull
#define NOTE_PAGE 0x2000ull
#define DYNAMIC_AT 0x2100ull
#define REST_AT 0x10000ull
#define REST(b) ((b)->base + 2 * (size_t)PAGE)

static Elf64_Phdr *add(struct bomb *b, uint32_t type, uint32_t flags, size_t offset,
                       uint64_t address, uint64_t size)
{
    Elf64_Phdr *ph = (Elf64_Phdr *)(void *)(b->f.data + sizeof(Elf64_Ehdr));
    assert_true(file_header(&b->f)->e_phnum < b->room);
    ph += file_header(&b->f)->e_phnum++;
    *ph = (Elf64_Phdr){type, flags, offset, address, address, size, size, PAGE};
    return ph;
}

/* Enough of a guest to be opened, with room for so many headers and bytes more. */
static struct bomb new_bomb(uint16_t type, unsigned headers, size_t rest)
{
    struct bomb b = {.room = headers + 3};
    b.base = (sizeof(Elf64_Ehdr) + b.room * sizeof(Elf64_Phdr) + PAGE - 1) & ~(size_t)(PAGE - 1);
    b.f.size = REST(&b) + rest;
    b.f.data = calloc(1, b.f.size);
    assert_non_null(b.f.data);
    *file_header(&b.f) = (Elf64_Ehdr){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = type,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = CODE_AT,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
    };
    add(&b, PT_LOAD, PF_R | PF_X, b.base, CODE_AT, PAGE);
    add(&b, PT_LOAD, PF_R, b.base + PAGE, NOTE_PAGE, PAGE);
    return b;
}

static void put_note(uint8_t *at)
{
    const Elf64_Nhdr header = {sizeof(HL_NOTE_NAME), sizeof(struct hl_note), HL_NOTE_TYPE};
    const struct hl_note note = {HL_ABI_VERSION, 0, 8, 0, 8, 0};
    memcpy(at, &header, sizeof(header));
    memcpy(at + sizeof(header), HL_NOTE_NAME, sizeof(HL_NOTE_NAME));
    memcpy(at + sizeof(header) + 4, &note, sizeof(note));
}

/* Its own note is the first one. */
static struct bomb new_guest(uint16_t type, unsigned headers, size_t rest)
{
    struct bomb b = new_bomb(type, headers, rest);
    put_note(b.f.data + b.base + PAGE);
    add(&b, PT_NOTE, PF_R, b.base + PAGE, NOTE_PAGE, 56);
    return b;
}

static void put_dynamic(struct bomb *b, const Elf64_Dyn *dynamic, size_t size)
{
    memcpy(b->f.data + b->base + PAGE + 0x100, dynamic, size);
    add(b, PT_DYNAMIC, PF_R, b->base + PAGE + 0x100, DYNAMIC_AT, size);
}

static double seconds(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* In the child: 0 where the answer is the expected one. */
static int open_one(const struct bytes *f, int code, const char *text)
{
    struct hl_image *image = NULL;
    struct hl_error error = {0};
    int rc = hl_image_from_memory(&image, "file", f->data, f->size, &error);
    hl_image_close(image);
    if (rc == code && (!text || strstr(error.text, text)))
        return 0;
    fprintf(stderr, "%s: %s\n", hl_err_name(rc), error.text);
    return 1;
}

/* text: what the error has to name. */
static void expect(const char *name, struct bomb b, int code, const char *text)
{
    struct rusage self, used;
    getrusage(RUSAGE_SELF, &self);
    pid_t pid = child_fork();
    if (pid == 0)
        _exit(open_one(&b.f, code, text));
    int status = child_wait_used(pid, &used);
    free(b.f.data);
    if (status)
        fail_msg("%s: not as expected", name);
    double took = seconds(&used.ru_utime) + seconds(&used.ru_stime);
    long more = used.ru_maxrss - self.ru_maxrss;
    if (took > TIME_MAX * slow() * (UNDER_ASAN || UNDER_TSAN ? 10 : 1))
        fail_msg("%s: %.2f s", name, took);
    if (!UNDER_ASAN && !UNDER_TSAN && more > (long)MEMORY_MAX)
        fail_msg("%s: %ld KiB", name, more);
}
#define BAD HL_ERR_BAD_IMAGE
#define LIMIT HL_ERR_LIMIT

static void test_plain_guest(void **state)
{
    (void)state;
    expect("non-PIE", new_guest(ET_EXEC, 0, 0), 0, NULL);
    expect("PIE", new_guest(ET_DYN, 0, 0), 0, NULL);
}

static void test_headers(void **state)
{
    (void)state;
    struct bomb b = new_guest(ET_EXEC, 65000, 0);
    while (file_header(&b.f)->e_phnum < 65000)
        add(&b, PT_NULL, 0, 0, 0, 0);
    expect("65000 headers", b, LIMIT, "1170");
    b = new_guest(ET_EXEC, PN_XNUM, 0);
    while (file_header(&b.f)->e_phnum < PN_XNUM)
        add(&b, PT_NULL, 0, 0, 0, 0);
    expect("extended numbering", b, LIMIT, "1170");
    b = new_guest(ET_EXEC, HL_IMAGE_HEADERS_MAX, 0);
    while (file_header(&b.f)->e_phnum < HL_IMAGE_HEADERS_MAX)
        add(&b, PT_GNU_STACK, 0, 0, 0, 0);
    expect("as many as there may be", b, 0, NULL);
}

/* No sections are read to open a file, so what it says of them costs nothing. */
static void test_sections(void **state)
{
    static const uint64_t places[] = {0, 64, 1u << 20, UINT64_MAX - 63};
    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        struct bomb b = new_guest(ET_EXEC, 0, 4 * MIB);
        file_header(&b.f)->e_shoff = places[i];
        file_header(&b.f)->e_shentsize = sizeof(Elf64_Shdr);
        file_header(&b.f)->e_shnum = i % 2 ? 0xfeff : 0;
        file_header(&b.f)->e_shstrndx = SHN_XINDEX;
        expect("sections", b, 0, NULL);
    }
}

static void test_notes_at_odd_offsets(void **state)
{
    const unsigned n = HL_IMAGE_HEADERS_MAX - 2;
    (void)state;
    struct bomb b = new_bomb(ET_EXEC, n, 8 * MIB);
    memset(b.f.data + REST(&b), 0xff, 8 * MIB);
    for (unsigned i = 0; i < n; i++)
        add(&b, PT_NOTE, PF_R, REST(&b) + 1 + 2 * i, 0x900000, 8 * MIB - 8192)->p_align = 4;
    expect("notes that are nonsense", b, HL_ERR_NOT_GUEST, "note");
}

/* Notes of somebody else: of no size, of some, aligned to 8 bytes. */
static void put_foreign(struct bomb *b, size_t size, uint32_t desc, size_t step)
{
    const Elf64_Nhdr note = {4, desc, 7};
    for (size_t at = 0; at + step <= size; at += step)
        memcpy(b->f.data + REST(b) + at, &note, sizeof(note));
}

static void test_notes_again_and_again(void **state)
{
    const unsigned n = HL_IMAGE_HEADERS_MAX - 2;
    (void)state;
    for (unsigned align = 4; align <= 8; align += 4) {
        struct bomb b = new_bomb(ET_EXEC, n, 8 * MIB);
        put_foreign(&b, 8 * MIB, 4, align == 8 ? 24 : 20);
        for (unsigned i = 0; i < n; i++)
            add(&b, PT_NOTE, PF_R, REST(&b), 0x900000, 8 * MIB)->p_align = align;
        expect("the same notes", b, LIMIT, "1024 notes");
    }
}

static void test_note_among_others(void **state)
{
    (void)state;
    for (unsigned before = HL_IMAGE_NOTES_MAX - 1; before <= HL_IMAGE_NOTES_MAX; before++) {
        struct bomb b = new_bomb(ET_EXEC, 1, (HL_IMAGE_NOTES_MAX + 4) * 20);
        put_foreign(&b, before * 20, 4, 20);
        put_note(b.f.data + REST(&b) + before * 20);
        /* its tables are empty wherever it is */
        add(&b, PT_NOTE, PF_R, REST(&b), REST_AT, before * 20 + 56)->p_align = 4;
        expect("a note among others", b, before < HL_IMAGE_NOTES_MAX ? 0 : LIMIT,
               before < HL_IMAGE_NOTES_MAX ? NULL : "1024 notes");
    }
}

static void test_dynamic_sections(void **state)
{
    const unsigned n = 1000;
    (void)state;
    for (int pie = 0; pie <= 1; pie++) {
        struct bomb b = new_guest(pie ? ET_DYN : ET_EXEC, n + 1, 8 * MIB);
        for (size_t at = 0; at < 8 * MIB; at += sizeof(Elf64_Dyn))
            *(Elf64_Dyn *)(void *)(b.f.data + REST(&b) + at) = (Elf64_Dyn){.d_tag = 0x6ffffef5};
        add(&b, PT_LOAD, PF_R, REST(&b), REST_AT, 8 * MIB);
        for (unsigned i = 0; i < n; i++)
            add(&b, PT_DYNAMIC, PF_R, REST(&b), REST_AT, 8 * MIB);
        expect("many dynamic sections", b, BAD, "PT_DYNAMIC");
    }
}

/* Segments of nearly no bytes, and 8 MiB of relocations of the last one. */
static struct bomb relocations(unsigned segments, bool packed)
{
    struct bomb b = new_guest(ET_DYN, segments + 1, 8 * MIB);
    const uint64_t first = REST_AT + 16 * MIB, last = first + (segments - 4) * (uint64_t)PAGE;
    const size_t size = 8 * MIB / 48 * 48;
    const Elf64_Dyn rela[] = {{DT_RELA, {REST_AT}}, {DT_RELASZ, {size}}, {DT_RELAENT, {24}}};
    const Elf64_Dyn relr[] = {{DT_RELR, {REST_AT}}, {DT_RELRSZ, {size}}, {DT_RELRENT, {8}}};
    uint8_t *at = b.f.data + REST(&b);
    for (size_t i = 0; i < size && packed; i += 16) {
        /* the same 64 words over and over */
        const uint64_t pair[] = {last, UINT64_MAX};
        memcpy(at + i, pair, sizeof(pair));
    }
    for (size_t i = 0; i < size && !packed; i += 24) {
        const Elf64_Rela r = {last + i % 1000, R_X86_64_RELATIVE, 0};
        memcpy(at + i, &r, sizeof(r));
    }
    put_dynamic(&b, packed ? relr : rela, sizeof(rela));
    add(&b, PT_LOAD, PF_R, REST(&b), REST_AT, size);
    for (unsigned i = 0; i < segments - 3; i++)
        add(&b, PT_LOAD, PF_R | PF_W, b.base, first + i * (uint64_t)PAGE, 2048);
    return b;
}

static void test_relocations(void **state)
{
    (void)state;
    expect("relocations", relocations(HL_IMAGE_SEGMENTS_MAX, false), 0, NULL);
    expect("packed relocations", relocations(HL_IMAGE_SEGMENTS_MAX, true), 0, NULL);
    expect("one segment too many", relocations(HL_IMAGE_SEGMENTS_MAX + 1, false), LIMIT, "PT_LOAD");
    expect("1100 segments", relocations(1100, true), LIMIT, "64 segments");
}

static void test_empty_segments(void **state)
{
    (void)state;
    struct bomb b = new_guest(ET_DYN, 1000, 0);
    for (unsigned i = 0; i < 1000; i++)
        add(&b, PT_LOAD, PF_R, 0, REST_AT, 0);
    expect("1000 segments of no size", b, LIMIT, "64 segments");
}

static struct bomb same_bytes(uint16_t type, unsigned times, size_t size)
{
    struct bomb b = new_guest(type, times, size);
    for (unsigned i = 0; i < times; i++)
        add(&b, PT_LOAD, PF_R, REST(&b), REST_AT + (uint64_t)i * size, size);
    return b;
}

static void test_segments_over_the_same_bytes(void **state)
{
    (void)state;
    for (uint16_t type = ET_EXEC; type <= ET_DYN; type++) {
        expect("twice", same_bytes(type, 2, 4 * MIB), 0, NULL);
        expect("three times", same_bytes(type, 3, 4 * MIB), LIMIT, "more than 2 times");
        expect("60 times", same_bytes(type, 60, 8 * MIB), LIMIT, "more than 2 times");
    }
}

static void test_sizes_in_memory(void **state)
{
    (void)state;
    for (unsigned shift = 32; shift < 64; shift++) {
        struct bomb b = new_guest(ET_DYN, 1, PAGE);
        add(&b, PT_LOAD, PF_R | PF_W, REST(&b), REST_AT, 16)->p_memsz = 1ull << shift;
        expect("memory without end", b, shift < 47 ? LIMIT : BAD, NULL);
        b = new_guest(ET_EXEC, 1, PAGE);
        add(&b, PT_LOAD, PF_R | PF_W, REST(&b), REST_AT, 16)->p_align = 1ull << shift;
        expect("a huge alignment", b, 0, NULL);
        b = new_guest(ET_EXEC, 1, PAGE);
        add(&b, PT_TLS, PF_R, REST(&b), REST_AT, 16)->p_memsz = 1ull << shift;
        expect("thread-local data without end", b, 0, NULL);
    }
}

/* The segments of this one take 16 MiB and two pages. */
static struct hl_image *open_bss(const char *path, size_t image_max, struct hl_error *error)
{
    struct hl_image *image = NULL;
    int rc = hl_image_open_max(&image, path, image_max, error);
    if (rc)
        check_error(error, LIMIT);
    return image;
}

static void test_image_max(void **state)
{
    const size_t needs = 16 * MIB + 2 * PAGE;
    struct hl_region regions[HL_REGIONS];
    struct hl_error error;
    char path[SCRATCH_MAX];
    (void)state;
    struct bomb b = new_guest(ET_EXEC, 1, MIB);
    add(&b, PT_LOAD, PF_R | PF_W, REST(&b), REST_AT, MIB)->p_memsz = 16 * MIB;
    scratch_file(path, b.f.data, b.f.size);
    free(b.f.data);
    assert_null(open_bss(path, needs - 1, &error));
    assert_non_null(strstr(error.text, "image_max"));
    assert_null(open_bss(path, MIB, &error)); /* the file itself is larger */
    assert_non_null(strstr(error.text, "a file of"));
    assert_non_null(strstr(error.text, "image_max"));
    struct hl_image *image = open_bss(path, needs, &error);
    assert_non_null(image);
    const struct hl_sandbox_config fits = {.image_max = needs}, not = {.image_max = needs - 1};
    assert_int_equal(hl_sandbox_plan(image, NULL, regions, &error), 0);
    assert_int_equal(hl_sandbox_plan(image, &fits, regions, &error), 0);
    assert_int_equal(hl_sandbox_plan(image, &not, regions, &error), LIMIT);
    check_error(&error, LIMIT);
    assert_non_null(strstr(error.text, "image_max"));
    hl_image_close(image);
    image = open_bss(path, 0, &error); /* the default */
    assert_non_null(image);
    hl_image_close(image);
    unlink(path);
}

/* The default bound: what a file asks for before anybody has looked at it. */
static void test_default_image_max(void **state)
{
    struct hl_region regions[HL_REGIONS];
    struct hl_sandbox_config config = HL_SANDBOX_CONFIG_INIT;
    struct hl_image *image = NULL;
    struct hl_error error;
    (void)state;
    struct bomb b = new_guest(ET_EXEC, 1, PAGE);
    add(&b, PT_LOAD, PF_R | PF_W, REST(&b), REST_AT, 16)->p_memsz = HL_IMAGE_MAX_DEFAULT;
    assert_int_equal(hl_image_from_memory(&image, "file", b.f.data, b.f.size, &error), 0);
    free(b.f.data);
    assert_int_equal(hl_sandbox_plan(image, &config, regions, &error), LIMIT);
    config.image_max = 2 * HL_IMAGE_MAX_DEFAULT;
    assert_int_equal(hl_sandbox_plan(image, &config, regions, &error), 0);
    hl_image_close(image);
}

/* Opens a path in a process of its own; the answer. */
static int open_small(const char *path)
{
    pid_t pid = child_fork();
    if (pid == 0) {
        struct hl_image *image = NULL;
        struct rusage before, after;
        getrusage(RUSAGE_SELF, &before);
        int rc = hl_image_open(&image, path, NULL);
        getrusage(RUSAGE_SELF, &after);
        bool much = after.ru_maxrss - before.ru_maxrss > (long)MEMORY_MAX;
        _exit(much && !UNDER_ASAN && !UNDER_TSAN ? 255 : -rc);
    }
    return -child_code(pid);
}

static void test_sparse_files(void **state)
{
    char path[SCRATCH_MAX];
    struct hl_error error;
    struct hl_image *image = NULL;
    (void)state;
    struct bomb b = new_guest(ET_EXEC, 1, PAGE);
    scratch_file(path, b.f.data, b.f.size);
    free(b.f.data);
    assert_int_equal(truncate(path, 512ll << 20), 0);
    assert_int_equal(open_small(path), 0);
    assert_int_equal(truncate(path, (off_t)HL_IMAGE_FILE_MAX), 0);
    assert_int_equal(open_small(path), 0);
    assert_int_equal(truncate(path, 1ll << 40), 0);
    assert_int_equal(open_small(path), LIMIT);
    assert_int_equal(hl_image_open(&image, path, &error), LIMIT);
    assert_non_null(strstr(error.text, "HL_IMAGE_FILE_MAX"));
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(truncate(path, 1ll << 30), 0);
    assert_int_equal(open_small(path), HL_ERR_NOT_GUEST);
    unlink(path);
}

static void test_files_of_the_system(void **state)
{
    (void)state;
    assert_int_equal(open_small("/dev/zero"), HL_ERR_FILE);
    assert_int_equal(open_small("/dev/full"), HL_ERR_FILE);
    assert_int_equal(open_small("/proc/self/maps"), HL_ERR_NOT_GUEST);
    assert_int_equal(open_small("/proc/self/mem"), HL_ERR_NOT_GUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_guest),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_sections),
        cmocka_unit_test(test_notes_at_odd_offsets),
        cmocka_unit_test(test_notes_again_and_again),
        cmocka_unit_test(test_note_among_others),
        cmocka_unit_test(test_dynamic_sections),
        cmocka_unit_test(test_relocations),
        cmocka_unit_test(test_empty_segments),
        cmocka_unit_test(test_segments_over_the_same_bytes),
        cmocka_unit_test(test_sizes_in_memory),
        cmocka_unit_test(test_image_max),
        cmocka_unit_test(test_default_image_max),
        cmocka_unit_test(test_sparse_files),
        cmocka_unit_test(test_files_of_the_system),
    };

    watchdog(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
