/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot files with right checksums that say what no guest could be. */
#include "snapshot_box.h"

#include <sys/resource.h>
#include <time.h>

#include "layout_place.h"
#include "linux_state.h"

/* A copy of the file to be changed, with its header and where things are; free() it. */
static uint8_t *copy_of(const struct file *f, struct snapshot_header *h, struct snapshot_layout *l)
{
    uint8_t *bytes = malloc(f->size);
    assert_non_null(bytes);
    memcpy(bytes, f->bytes, f->size);
    *h = header_of(f);
    assert_true(snapshot_layout_of(h, l));
    return bytes;
}

/* Every number of the header, with values that somebody might fall over. */
static void test_forged_header(void **state)
{
    static const uint64_t values[] = {0,         1,          4095,       4096,       UINT32_MAX,
                                      INT64_MAX, UINT64_MAX, 1ull << 47, 1ull << 28, 1ull << 63};
    struct file *f = *state;
    uint8_t *bytes = malloc(f->size);
    unsigned refused = 0, tried = 0;

    assert_non_null(bytes);
    memcpy(bytes, f->bytes, f->size);
    const size_t step = emulated() ? 64 : 8;
    for (size_t at = 8; at < sizeof(struct snapshot_header); at += step) {
        for (size_t i = 0; i < 2 * COUNT(values); i++) {
            struct snapshot_header h = header_of(f);
            uint64_t value;
            memcpy(&value, (uint8_t *)&h + at, 8);
            value = i < COUNT(values) ? values[i] : value + values[i - COUNT(values)];
            memcpy((uint8_t *)&h + at, &value, 8);
            forge(f, bytes, &h);
            refused += try_forged(f) != 0;
            tried++;
        }
    }
    assert_in_range(refused, tried / 4, tried);
    free(bytes);
}

/* Signals, descriptors and a timer that no guest can have. */
static void test_forged_process(void **state)
{
    struct file *f = *state;
    struct snapshot_header h;
    struct snapshot_layout l;
    uint8_t *bytes = copy_of(f, &h, &l);

    for (unsigned i = 0; i < 6; i++) {
        struct linux_process p;
        memcpy(bytes, f->bytes, f->size);
        memcpy(&p, bytes + l.os + offsetof(struct linux_saved, process), sizeof(p));
        switch (i) {
        case 0:
            p.blocked = 1ull << 8; /* SIGKILL */
            break;
        case 1:
            p.cause[63] = 200;
            break;
        case 2:
            p.file[LINUX_FILES - 1].kind = 200;
            break;
        case 3:
            p.file[0].flags = 3;
            break;
        case 4:
            p.timer_left = UINT64_MAX;
            break;
        default:
            p.timer_interval = 1ull << 63;
        }
        memcpy(bytes + l.os + offsetof(struct linux_saved, process), &p, sizeof(p));
        h = header_of(f);
        forge(f, bytes, &h);
        assert_int_not_equal(try_forged(f), 0);
    }
    free(bytes);
}

/* Vector state that no processor would load, or with parts that the guest does not have. */
static void test_forged_vectors(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } bad[] = {{26, 1}, {27, 0x80}, {513, 0x10}, {519, 0x40}, {520, 1}, {527, 0x80}, {575, 1}};
    struct file *f = *state;
    struct snapshot_header h;
    struct snapshot_layout l;
    uint8_t *bytes = copy_of(f, &h, &l);

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct hl_snapshot *s = NULL;
        memcpy(bytes, f->bytes, f->size);
        bytes[l.xsave + bad[i].at] ^= bad[i].value;
        forge(f, bytes, &h);
        assert_int_equal(load(f, &s, 0), HL_ERR_BAD_SNAPSHOT);
    }
    free(bytes);
}

/* Mappings and pages where they may not be. */
static void test_forged_lists(void **state)
{
    struct file *f = *state;
    struct snapshot_header h;
    struct snapshot_layout l;
    uint8_t *bytes = copy_of(f, &h, &l);
    uint64_t seed = 99;
    const unsigned rounds = emulated() ? 20 : 300;

    struct snapshot_mapping *map = (void *)(bytes + l.mappings), good_map = *map;
    const hl_gpa_t bad_gpa[] = {0, PAGE, 1ull << 40, UINT64_MAX - PAGE + 1, 8};
    for (size_t i = 0; i < COUNT(bad_gpa); i++) {
        map->gpa = bad_gpa[i];
        forge(f, bytes, &h);
        assert_int_not_equal(try_forged(f), 0);
    }
    *map = good_map;
    map->prot = HL_PROT_WRITE | HL_PROT_EXEC;
    forge(f, bytes, &h);
    assert_int_not_equal(try_forged(f), 0);
    *map = good_map;
    struct page_run *run = (void *)(bytes + l.runs), good_run = *run;
    const uint64_t bad_page[] = {0, 2, 1ull << 30, UINT64_MAX};
    for (size_t i = 0; i < COUNT(bad_page); i++) {
        run->page = bad_page[i];
        forge(f, bytes, &h);
        assert_int_equal(try_forged(f), HL_ERR_BAD_SNAPSHOT);
    }
    *run = good_run;
    run->count++;
    forge(f, bytes, &h);
    assert_int_equal(try_forged(f), HL_ERR_BAD_SNAPSHOT);
    /* Anything anywhere in the index. */
    for (unsigned i = 0; i < rounds; i++) {
        memcpy(bytes, f->bytes, f->size);
        for (unsigned n = 0; n < 1 + i % 4; n++) {
            uint64_t r = next_random(&seed);
            bytes[l.xsave + r % (l.sums - l.xsave)] ^= (uint8_t)(1 + (r >> 40));
        }
        forge(f, bytes, &h);
        try_forged(f);
    }
    free(bytes);
}

/* ---- pages with a second address ------------------------------------------------------------ */

static int try_mappings(struct file *f, uint8_t *bytes)
{
    struct snapshot_header h = header_of(f);
    struct hl_snapshot *s = NULL;
    forge(f, bytes, &h);
    int rc = load(f, &s, 0);
    hl_snapshot_destroy(s);
    return rc;
}

/* Each mapping on the pages of each other one, with each protection: only what was is taken. */
static void test_one_place(void **state)
{
    struct file *f = *state;
    struct snapshot_header h;
    struct snapshot_layout l;
    uint8_t *bytes = copy_of(f, &h, &l);

    struct snapshot_mapping *map = (void *)(bytes + l.mappings);
    assert_true(h.mapping_count > 3);
    for (size_t i = 0; i < h.mapping_count; i++) {
        const struct snapshot_mapping was = map[i];
        for (size_t k = 0; k < h.mapping_count; k++) {
            map[i].gpa = map[k].gpa;
            map[i].pages = 1;
            assert_int_equal(try_mappings(f, bytes), i == k ? 0 : HL_ERR_BAD_SNAPSHOT);
            map[i] = was;
        }
        for (unsigned prot = 0; prot < 16; prot++) {
            bool heap = i == h.mapping_count - 1;
            map[i].prot = prot;
            int rc = try_mappings(f, bytes);
            if (prot == was.prot)
                assert_int_equal(rc, 0);
            else if (!heap || prot > 5)
                assert_int_equal(rc, HL_ERR_BAD_SNAPSHOT);
            map[i] = was;
        }
        map[i].gva += PAGE;
        assert_int_equal(try_mappings(f, bytes), HL_ERR_BAD_SNAPSHOT);
        map[i] = was;
    }
    free(bytes);
}

/* What the program mapped itself it cannot save, and it hears so then, not at the load. */
static void test_own_mapping(void **state)
{
    struct file *f = *state;
    struct hl_machine *m = hl_sandbox_machine(f->box.sb);
    struct hl_snapshot *s = NULL;
    hl_gpa_t gpa;
    assert_int_equal(hl_machine_lookup(m, hl_image_entry(f->box.image), &gpa, NULL), 0);
    assert_int_equal(hl_machine_map(m, 0x10000, gpa & ~0xfffull, PAGE, HL_PROT_READ, NULL), 0);
    assert_int_equal(hl_snapshot_take(&s, f->box.sb, &f->box.error), 0);
    assert_int_equal(hl_snapshot_save(s, f->path, &f->box.error), HL_ERR_ARGUMENT);
    check_error(&f->box.error, HL_ERR_ARGUMENT);
    assert_non_null(strstr(f->box.error.text, "0x10000"));
    hl_snapshot_destroy(s);
}

/* ---- files that are larger than what they take on the disk ---------------------------------- */

/* A file that says it has so many pages from the heap's first on, with nothing in them. */
static void write_sparse(struct file *f, uint64_t heap, uint64_t pages, const void *first,
                         size_t first_size)
{
    struct snapshot_header h = header_of(f);
    struct snapshot_layout old, l;
    struct hl_sandbox_config c = {
        .heap = heap, .stack = h.stack, .input = h.input, .output = h.output};
    struct layout_places places;
    assert_true(snapshot_layout_of(&h, &old));
    assert_int_equal(layout_places(&places, f->box.image, &c, NULL), 0);
    struct page_run run = {(places.end - heap) / PAGE_SIZE, pages, 0};
    layout_places_free(&places);
    h.heap = heap;
    h.os_size = personality_default->saved_size(heap);
    h.mapping_count = 0;
    h.run_count = 1;
    h.page_count = pages;
    assert_true(snapshot_layout_of(&h, &l));
    h.file_size = l.end;
    h.index_sum = 0;
    uint8_t *index = calloc(1, l.contents);
    assert_non_null(index);
    memcpy(index, &h, sizeof(h));
    memcpy(index + l.xsave, f->bytes + old.xsave, h.xsave_size);
    memcpy(index + l.os, f->bytes + old.os, sizeof(struct linux_saved)); /* nothing given out */
    ((struct linux_saved *)(void *)(index + l.os))->top = heap / PAGE_SIZE;
    memcpy(index + l.runs, &run, sizeof(run));
    uint8_t *chunk = calloc(SNAPSHOT_CHUNK, PAGE_SIZE);
    assert_non_null(chunk);
    if (first_size)
        memcpy(chunk, first, first_size);
    for (size_t i = 0; i < l.sum_count; i++, first_size = 0) {
        uint64_t left = pages - i * SNAPSHOT_CHUNK;
        if (!first_size)
            memset(chunk, 0, SNAPSHOT_CHUNK * PAGE_SIZE);
        uint64_t sum = sum_of(chunk, (left < SNAPSHOT_CHUNK ? left : SNAPSHOT_CHUNK) * PAGE_SIZE);
        memcpy(index + l.sums + i * 8, &sum, 8);
        if (i && i + 2 < l.sum_count) /* the same from here on */
            for (; i + 2 < l.sum_count; i++)
                memcpy(index + l.sums + (i + 1) * 8, &sum, 8);
    }
    h.index_sum = sum_of(index, l.contents);
    memcpy(index, &h, sizeof(h));
    write_bytes(f, index, l.contents);
    assert_int_equal(truncate(f->path, (off_t)l.end), 0);
    free(chunk);
    free(index);
}

static void put_at(const struct file *f, uint64_t at, const void *data, size_t size)
{
    int fd = open(f->path, O_WRONLY);
    assert_int_equal(pwrite(fd, data, size, (off_t)at), size);
    close(fd);
}

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (uint64_t)u.ru_maxrss;
}

/* 8 GiB of holes, in a heap that the file asks for: refused before any of it is read. */
static void test_sparse(void **state)
{
    const uint64_t heap = 8ull << 30;
    struct file *f = *state;
    uint8_t full[SNAPSHOT_CHUNK * PAGE_SIZE];
    memset(full, 7, sizeof(full));
    if ((uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE_SIZE < heap + (64 << 20)) {
        print_message("skip sparse: a guest of %llu MiB is more than this host can have\n",
                      (unsigned long long)heap >> 20);
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        struct hl_snapshot *s = NULL;
        struct snapshot_header h;
        struct snapshot_layout l;
        write_sparse(f, heap, heap / PAGE_SIZE, full, i == 1 ? sizeof(full) : 0);
        int fd = open(f->path, O_RDONLY);
        assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
        close(fd);
        assert_true(snapshot_layout_of(&h, &l));
        if (i == 1) /* some pages are there */
            put_at(f, l.contents, full, sizeof(full));
        if (i == 2) { /* pages that the disk has room for, and nobody has written */
            fd = open(f->path, O_WRONLY);
            if (fallocate(fd, 0, (off_t)l.contents, 1 << 20)) {
                close(fd);
                continue;
            }
            close(fd);
        }
        for (unsigned flags = 0; flags <= HL_SNAPSHOT_VERIFY; flags++) {
            uint64_t kib = peak_kib(), ms = now_ms();
            assert_int_equal(load(f, &s, flags), HL_ERR_BAD_SNAPSHOT);
            assert_non_null(strstr(f->box.error.text, "holes"));
            assert_in_range(now_ms() - ms, 0, 2000);
            assert_in_range(peak_kib() - kib, 0, 32 << 10);
        }
    }
}

/* Written out, zeros are no holes; they end the load at the chunk that they are in. */
static void test_zeros(void **state)
{
    struct file *f = *state;
    struct hl_snapshot *s = NULL;
    struct snapshot_header h;
    struct snapshot_layout l;
    write_sparse(f, 8 << 20, 256, NULL, 0);
    int fd = open(f->path, O_RDONLY);
    assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
    close(fd);
    assert_true(snapshot_layout_of(&h, &l));
    uint8_t *zeros = calloc(256, PAGE_SIZE);
    assert_non_null(zeros);
    put_at(f, l.contents, zeros, 256 * PAGE_SIZE);
    free(zeros);
    assert_int_equal(load(f, &s, HL_SNAPSHOT_VERIFY), HL_ERR_BAD_SNAPSHOT);
    assert_non_null(strstr(f->box.error.text, "zeros"));
}

/* Memory that no host has, and lists without an end: in little time and memory, either way. */
static void test_boundless(void **state)
{
    struct file *f = *state;
    const struct snapshot_header good = header_of(f);
    for (unsigned i = 0; i < 5; i++) {
        struct hl_snapshot *s = NULL;
        struct snapshot_header h = good;
        struct snapshot_layout l;
        uint64_t *const count[] = {&h.mapping_count, &h.run_count, &h.page_count, &h.os_size};
        if (i < 4)
            *count[i] = i < 2 ? HL_SNAPSHOT_RUNS_MAX : i == 2 ? 1ull << 26 : ((1ull << 20) + 1) * 8;
        else
            h.run_count = h.mapping_count = HL_SNAPSHOT_RUNS_MAX;
        assert_true(snapshot_layout_of(&h, &l));
        h.file_size = l.end;
        h.index_sum = 0;
        uint8_t *index = calloc(1, l.contents);
        assert_non_null(index);
        memcpy(index, &h, sizeof(h));
        h.index_sum = sum_of(index, l.contents);
        free(index);
        write_bytes(f, &h, sizeof(h));
        assert_int_equal(truncate(f->path, (off_t)l.end), 0);
        uint64_t ms = now_ms();
        assert_int_equal(load(f, &s, HL_SNAPSHOT_VERIFY), HL_ERR_BAD_SNAPSHOT);
        assert_in_range(now_ms() - ms, 0, 5000);
        h = good;
        if (i < 2) { /* one more is too many to begin with */
            *(i ? &h.run_count : &h.mapping_count) = HL_SNAPSHOT_RUNS_MAX + 1;
            assert_false(snapshot_layout_of(&h, &l));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_forged_header),  FILE_TEST(test_forged_process),
        FILE_TEST(test_forged_vectors), FILE_TEST(test_forged_lists),
        FILE_TEST(test_one_place),      FILE_TEST(test_own_mapping),
        FILE_TEST(test_sparse),         FILE_TEST(test_zeros),
        FILE_TEST(test_boundless),
    };

    watchdog(150);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
