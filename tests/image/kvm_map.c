/* SPDX-License-Identifier: Apache-2.0 */
/* A large guest's bytes are mapped copy-on-write: by all sandboxes, changed by none for another. */
#include "box.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <hl/snapshot.h>

#include "elf_file.h"

#define SUM (3u * 262144 + 7u * 131072)
static const char *const guests[] = {"large", "large_pie"};

static uint32_t peek(struct box *box, uint32_t at)
{
    return CALL(box, "Peek", value_u32(at))->u32;
}

static void poke(struct box *box, uint32_t at, uint32_t value)
{
    CALL(box, "Poke", value_u32(at), value_u32(value));
}

/* As it is in the file. */
static void expect_fresh(struct box *box)
{
    assert_int_equal(CALL0(box, "Sum")->u32, SUM);
    assert_int_equal(CALL(box, "Last", value_u32(0))->u32, 3);
    assert_int_equal(CALL(box, "Last", value_u32(1))->u32, 7);
}

/* Another sandbox of the same image. */
static struct box another(const struct box *box)
{
    struct box b = {.image = box->image};
    box_open(&b, "");
    return b;
}

static void close_another(struct box *b)
{
    hl_sandbox_destroy(b->sb);
}

static void open_copy(struct box *box, const char *path)
{
    if (hl_image_open(&box->image, path, &box->error))
        fail_msg("%s", box->error.text);
    box_open(box, "");
}

/* Private mappings of the image's memory that this process has. */
static unsigned mappings(void)
{
    char line[512];
    unsigned n = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        n += strstr(line, " rw-p ") && strstr(line, "memfd:hl-image");
    fclose(f);
    return n;
}

static void test_mapped_and_private(void **state)
{
    struct box *box = *state;
    for (size_t i = 0; i < COUNT(guests); i++) {
        box_open(box, guests[i]);
        assert_true(mappings() >= 2);
        expect_fresh(box);
        struct box other = another(box);
        poke(box, 0, 100);
        poke(box, 70000, 200);
        assert_int_equal(CALL0(box, "Sum")->u32, SUM - 14 + 300);
        expect_fresh(&other);
        poke(&other, 70000, 300);
        assert_int_equal(peek(box, 70000), 200);
        struct box third = another(box);
        expect_fresh(&third);
        assert_int_equal(TRY(&third, "Break", value_u32(5000)), HL_ERR_FAULT);
        close_another(&third);
        close_another(&other);
        box_close(box);
        assert_int_equal(mappings(), 0);
    }
}

/* What the file has after a segment's bytes, up to the end of the page, filled with junk. */
static void fill_gaps(struct bytes *f)
{
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(void *)(f->data + file_header(f)->e_phoff);
    for (unsigned i = 0; i < file_header(f)->e_phnum; i++) {
        size_t end = ph[i].p_offset + ph[i].p_filesz, next = (end + PAGE - 1) & ~(size_t)(PAGE - 1);
        if (ph[i].p_type == PT_LOAD && next <= f->size)
            memset(f->data + end, 0xcc, next - end);
    }
}

/* The rest of a segment's last page is zeros, whatever lies there in the file that is mapped. */
static void test_zeros_after_a_segment(void **state)
{
    struct box *box = *state;
    for (size_t i = 0; i < COUNT(guests); i++) {
        char path[512];
        snprintf(path, sizeof(path), TEST_BUILD "/tests/guest/%s", guests[i]);
        struct bytes f = bytes_read(path);
        fill_gaps(&f);
        assert_int_equal(hl_image_from_memory(&box->image, "f", f.data, f.size, &box->error), 0);
        free(f.data);
        box_open(box, "");
        assert_true(mappings() >= 1);
        for (size_t k = 0; k < hl_image_segment_count(box->image); k++) {
            const struct hl_segment *s = hl_image_segment(box->image, k);
            uint8_t rest[PAGE], zeros[PAGE] = {0};
            size_t n = -s->file_size % PAGE;
            assert_int_equal(
                hl_machine_read(hl_sandbox_machine(box->sb), s->start + s->file_size, rest, n, 0),
                n);
            if (!(s->prot & HL_PROT_WRITE)) /* those may have variables there */
                assert_memory_equal(rest, zeros, n);
        }
        expect_fresh(box);
        box_close(box);
    }
}

static void test_snapshots(void **state)
{
    struct box *box = *state;
    char path[SCRATCH_MAX];
    scratch_file(path, "", 0);
    for (size_t i = 0; i < COUNT(guests); i++) {
        struct hl_snapshot *s = NULL, *loaded = NULL;
        struct box clone = {0};
        box_open(box, guests[i]);
        poke(box, 1, 10); /* the other pages have not been looked at */
        assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
        poke(box, 1, 11);
        poke(box, 90000, 12);
        assert_int_equal(hl_sandbox_restore(box->sb, s, &box->error), 0);
        assert_int_equal(CALL0(box, "Sum")->u32, SUM + 3);
        assert_int_equal(hl_snapshot_save(s, path, &box->error), 0);
        assert_int_equal(
            hl_snapshot_load(&loaded, box->image, path, HL_SNAPSHOT_VERIFY, &box->error), 0);
        struct hl_snapshot *const from[] = {s, loaded};
        for (size_t k = 0; k < COUNT(from); k++) {
            assert_int_equal(hl_sandbox_create_from(&clone.sb, from[k], NULL, &box->error), 0);
            box_start(&clone);
            assert_int_equal(CALL0(&clone, "Sum")->u32, SUM + 3);
            poke(&clone, 90000, 13);
            assert_int_equal(peek(box, 90000), 7);
            assert_int_equal(hl_sandbox_restore(clone.sb, loaded, &box->error), 0);
            assert_int_equal(peek(&clone, 90000), 7);
            hl_sandbox_destroy(clone.sb);
        }
        assert_int_equal(hl_sandbox_restore(box->sb, loaded, &box->error), 0);
        assert_int_equal(CALL0(box, "Sum")->u32, SUM + 3);
        hl_snapshot_destroy(loaded);
        hl_snapshot_destroy(s);
        box_close(box);
    }
    unlink(path);
}

/* A clone may have an image as large as its snapshot's sandbox, and no larger. */
static void test_clone_keeps_image_max(void **state)
{
    struct box *box = *state;
    struct hl_sandbox_config config = {.image_max = 4 << 20};
    struct hl_snapshot *s = NULL;
    struct hl_sandbox *clone = NULL;
    box_create(box, "large", config);
    box_start(box);
    assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
    assert_int_equal(hl_sandbox_create_from(&clone, s, NULL, &box->error), 0);
    hl_sandbox_destroy(clone);
    config.image_max = 1 << 20;
    assert_int_equal(hl_sandbox_create_from(&clone, s, &config, &box->error), HL_ERR_LIMIT);
    check_error(&box->error, HL_ERR_LIMIT);
    assert_non_null(strstr(box->error.text, "image_max"));
    hl_snapshot_destroy(s);
}

/* The file's bytes were copied before anything was checked: it may become shorter, or another. */
static void test_file_changed_under_it(void **state)
{
    struct box *box = *state;
    char guest[512], path[SCRATCH_MAX];
    scratch_file(path, "", 0);
    for (size_t i = 0; i < COUNT(guests); i++) {
        snprintf(guest, sizeof(guest), TEST_BUILD "/tests/guest/%s", guests[i]);
        file_copy(guest, path);
        open_copy(box, path);
        int fd = open(path, O_WRONLY);
        char junk[4096];
        memset(junk, 0xcc, sizeof(junk));
        for (int page = 0; page < 300; page++)
            assert_int_equal(pwrite(fd, junk, sizeof(junk), page * 4096), sizeof(junk));
        expect_fresh(box);
        assert_int_equal(ftruncate(fd, 100), 0);
        close(fd);
        expect_fresh(box);
        struct box other = another(box);
        expect_fresh(&other);
        close_another(&other);
        box_close(box);
    }
    unlink(path);
}

/* The descriptor of the image's memory, or -1. */
static int find_descriptor(void)
{
    char link[64], to[256];
    for (int fd = 3; fd < 256; fd++) {
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, to, sizeof(to) - 1);
        to[n > 0 ? n : 0] = 0;
        if (strstr(to, "memfd:hl-image"))
            return fd;
    }
    return -1;
}

/* A daemon closes all it does not know, and opens files of its own there. */
static void test_descriptor_closed_by_the_program(void **state)
{
    struct box *box = *state;
    for (size_t i = 0; i < COUNT(guests); i++) {
        box_open(box, guests[i]);
        int fd = find_descriptor(), zeros = open("/dev/zero", O_RDWR);
        assert_true(fd >= 0);
        assert_int_equal(dup2(zeros, fd), fd);
        close(zeros);
        struct box other = another(box);
        expect_fresh(&other);
        close_another(&other);
        expect_fresh(box);
        box_close(box);
        assert_int_equal(close(fd), 0); /* and it is still the program's */
    }
}

/* Nobody can write to the memory that all of them map, nor make it shorter. */
static void test_sealed(void **state)
{
    struct box *box = *state;
    for (size_t i = 0; i < COUNT(guests); i++) {
        box_open(box, guests[i]);
        int fd = find_descriptor();
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, 0), -1);
        assert_int_equal(pwrite(fd, "x", 1, 0), -1);
        expect_fresh(box);
        box_close(box);
    }
}

/* RLIMIT_FSIZE bounds files in memory, too: copies then. */
static void test_no_file_in_memory(void **state)
{
    struct box *box = *state;
    for (size_t i = 0; i < COUNT(guests); i++) {
        struct rlimit was, small;
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
        small = (struct rlimit){4096, was.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        box_open(box, guests[i]);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(mappings(), 0);
        expect_fresh(box);
        box_close(box);
    }
}

static long private_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, "Private_Dirty:", 14) == 0)
            kib = strtol(line + 14, NULL, 10);
    fclose(f);
    return kib;
}

/* 1.5 MiB of image, of which a started sandbox has next to nothing for itself. */
static void test_memory_is_shared(void **state)
{
    struct box *box = *state, many[32];
    SKIP_IF(UNDER_ASAN || UNDER_TSAN, "the sanitizer's own memory");
    for (size_t i = 0; i < COUNT(guests); i++) {
        box_open(box, guests[i]);
        long before = private_kib();
        for (size_t k = 0; k < COUNT(many); k++)
            many[k] = another(box);
        long each = (private_kib() - before) / (long)COUNT(many);
        for (size_t k = 0; k < COUNT(many); k++)
            close_another(&many[k]);
        if (each > 400)
            fail_msg("%s: %ld KiB for each sandbox", guests[i], each);
        box_close(box);
    }
}

#define PIECES 61u
#define PIECE (64u << 10)
#define PIECES_AT 0x3000u

/* Pieces of its file in another order than there: no two are one mapping. */
static uint8_t *scattered(size_t *size)
{
    const Elf64_Nhdr note = {sizeof(HL_NOTE_NAME), sizeof(struct hl_note), HL_NOTE_TYPE};
    const struct hl_note abi = {HL_ABI_VERSION, 0, 8, 0, 8, 0};
    uint8_t *file = malloc(*size = PIECES_AT + PIECES * PIECE);
    assert_non_null(file);
    memset(file, 1, *size);
    Elf64_Ehdr *header = (void *)file;
    Elf64_Phdr *ph = (void *)(header + 1);
    *header = (Elf64_Ehdr){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_entry = 0x10000,
        .e_phoff = sizeof(*header),
        .e_phnum = PIECES + 3,
        .e_phentsize = sizeof(*ph),
    };
    *ph++ = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0x1000, 0x10000, 0, 0x1000, 0x1000, 0x1000};
    *ph++ = (Elf64_Phdr){PT_LOAD, PF_R, 0x2000, 0x20000, 0, 0x1000, 0x1000, 0x1000};
    *ph++ = (Elf64_Phdr){PT_NOTE, PF_R, 0x2000, 0x20000, 0, 56, 56, 4};
    for (size_t i = 0; i < PIECES; i++)
        *ph++ = (Elf64_Phdr){PT_LOAD,
                             PF_R | PF_W,
                             PIECES_AT + i * 37 % PIECES * PIECE,
                             0x100000 + i * PIECE,
                             0,
                             PIECE,
                             PIECE,
                             0x1000};
    memcpy(file + 0x2000, &note, sizeof(note));
    memcpy(file + 0x2000 + sizeof(note), HL_NOTE_NAME, sizeof(HL_NOTE_NAME));
    memcpy(file + 0x2000 + sizeof(note) + 4, &abi, sizeof(abi));
    return file;
}

/* How its segments lie is the file's choice, and it changes nothing. */
static void test_scattered_segments(void **state)
{
    struct box *box = *state, many[8];
    size_t size;
    SKIP_IF(UNDER_ASAN || UNDER_TSAN, "the sanitizer's own memory");
    uint8_t *file = scattered(&size);
    assert_int_equal(hl_image_from_memory(&box->image, "scattered", file, size, &box->error), 0);
    free(file);
    long before = private_kib();
    for (size_t i = 0; i < COUNT(many); i++) {
        many[i] = (struct box){.image = box->image};
        box_create(&many[i], "", (struct hl_sandbox_config){0});
    }
    assert_int_equal(mappings(), COUNT(many) * PIECES);
    long each = (private_kib() - before) / (long)COUNT(many);
    for (size_t i = 0; i < COUNT(many); i++)
        close_another(&many[i]);
    if (each > 400)
        fail_msg("%ld KiB for each sandbox", each);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_mapped_and_private),
        BOX_TEST(test_zeros_after_a_segment),
        BOX_TEST(test_snapshots),
        BOX_TEST(test_clone_keeps_image_max),
        BOX_TEST(test_file_changed_under_it),
        BOX_TEST(test_descriptor_closed_by_the_program),
        BOX_TEST(test_sealed),
        BOX_TEST(test_no_file_in_memory),
        BOX_TEST(test_memory_is_shared),
        BOX_TEST(test_scattered_segments),
    };

    watchdog(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
