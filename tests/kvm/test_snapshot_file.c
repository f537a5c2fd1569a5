/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot files: good ones come back, all others are refused. */
#include "box.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <hl/snapshot.h>

#include "snapshot_file.h"

#define KEPT (256u << 10)

static const struct hl_sandbox_config config = {.heap = 8 << 20, .stack = 64 << 10};

struct file {
    struct box box;
    char dir[64], path[128];
    uint8_t *bytes;
    size_t size;
};

static void read_back(struct file *f)
{
    struct stat st;
    int fd = open(f->path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    f->size = (size_t)st.st_size;
    f->bytes = realloc(f->bytes, f->size);
    assert_non_null(f->bytes);
    assert_int_equal(read(fd, f->bytes, f->size), f->size);
    close(fd);
}

static void write_bytes(struct file *f, const void *bytes, size_t size)
{
    unlink(f->path);
    int fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static int setup(void **state)
{
    struct hl_snapshot *s = NULL;
    struct file *f = calloc(1, sizeof(*f));
    *state = f;
    if (!f)
        return -1;
    strcpy(f->dir, "/tmp/hl-snapshot-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(f->path, sizeof(f->path), "%s/file", f->dir);
    box_create(&f->box, "rewind", config);
    box_start(&f->box);
    CALL(&f->box, "Keep", value_u32(KEPT));
    CALL(&f->box, "DirtyVectors", value_u32(0x77));
    assert_int_equal(CALL0(&f->box, "Count")->i32, 1);
    assert_int_equal(hl_snapshot_take(&s, f->box.sb, &f->box.error), 0);
    if (hl_snapshot_save(s, f->path, &f->box.error))
        fail_msg("%s", f->box.error.text);
    hl_snapshot_destroy(s);
    read_back(f);
    return 0;
}

static int teardown(void **state)
{
    struct file *f = *state;
    unlink(f->path);
    rmdir(f->dir); /* fails, and leaves it to be seen, where a temporary file was left */
    assert_int_not_equal(access(f->dir, F_OK), 0);
    box_close(&f->box);
    free(f->bytes);
    free(f);
    return 0;
}
#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static int load(struct file *f, struct hl_snapshot **s, unsigned flags)
{
    int rc = hl_snapshot_load(s, f->box.image, f->path, flags, &f->box.error);
    if (rc)
        check_error(&f->box.error, rc);
    return rc;
}

static void test_round_trip(void **state)
{
    struct file *f = *state;
    struct stat st;
    uint8_t looks[8192];
    const struct hl_value *v = CALL0(&f->box, "Look");
    size_t size = v->len;

    assert_true(size <= sizeof(looks));
    memcpy(looks, v->data, size);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    for (unsigned flags = 0; flags <= HL_SNAPSHOT_VERIFY; flags++) {
        struct hl_snapshot *s = NULL;
        struct box c = {0};
        assert_int_equal(load(f, &s, flags), 0);
        assert_int_equal(hl_sandbox_create_from(&c.sb, s, NULL, &c.error), 0);
        box_start(&c);
        v = CALL0(&c, "Look");
        assert_int_equal(v->len, size);
        assert_memory_equal(v->data, looks, size);
        assert_int_equal(CALL0(&c, "Count")->i32, 2);
        assert_int_equal(CALL(&c, "ReadKept", value_u32(KEPT))->i32, -1);
        CALL(&c, "DirtyMemory", value_u32(100));
        assert_int_equal(hl_sandbox_restore(c.sb, s, &c.error), 0);
        assert_int_equal(CALL0(&c, "Count")->i32, 2);
        assert_int_equal(CALL(&c, "ReadKept", value_u32(KEPT))->i32, -1);
        assert_int_equal(TRY0(&c, "DirtyGeneral"), HL_ERR_FAULT);
        assert_int_equal(hl_sandbox_restore(c.sb, s, &c.error), 0);
        assert_int_equal(CALL0(&c, "Count")->i32, 2);
        /* The sandbox it was taken of, too. */
        CALL0(&f->box, "Count");
        assert_int_equal(hl_sandbox_restore(f->box.sb, s, &f->box.error), 0);
        assert_int_equal(CALL0(&f->box, "Count")->i32, 2);
        hl_sandbox_destroy(c.sb);
        hl_snapshot_destroy(s);
    }
}

/* What is saved again is the same file. */
static void test_saved_again(void **state)
{
    struct file *f = *state;
    struct hl_snapshot *s = NULL;
    size_t size = f->size;
    uint8_t *first = malloc(size);

    assert_non_null(first);
    memcpy(first, f->bytes, size);
    assert_int_equal(load(f, &s, 0), 0);
    assert_int_equal(hl_snapshot_save(s, f->path, &f->box.error), 0);
    hl_snapshot_destroy(s); /* of the file that has been replaced meanwhile */
    read_back(f);
    assert_int_equal(f->size, size);
    assert_memory_equal(f->bytes, first, size);
    free(first);
}

/* Root could put a file in the place of a device. */
static void check_not_replaced(struct file *f, const struct hl_snapshot *s)
{
    char path[160];
    struct stat st;

    snprintf(path, sizeof(path), "%s/other", f->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(hl_snapshot_save(s, path, &f->box.error), HL_ERR_FILE);
    check_error(&f->box.error, HL_ERR_FILE);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISFIFO(st.st_mode));
    unlink(path);
    assert_int_equal(symlink(f->path, path), 0);
    assert_int_equal(hl_snapshot_save(s, path, &f->box.error), HL_ERR_FILE);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    unlink(path);
}

static void test_cannot_be_written(void **state)
{
    struct file *f = *state;
    struct hl_snapshot *s = NULL;

    assert_int_equal(load(f, &s, 0), 0);
    assert_int_equal(hl_snapshot_save(s, "/nonexistent/file", &f->box.error), HL_ERR_FILE);
    check_error(&f->box.error, HL_ERR_FILE);
    assert_int_equal(hl_snapshot_save(s, f->dir, &f->box.error), HL_ERR_FILE);
    check_error(&f->box.error, HL_ERR_FILE);
    check_not_replaced(f, s);
    assert_int_equal(hl_snapshot_save(NULL, f->path, &f->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_snapshot_save(s, NULL, &f->box.error), HL_ERR_ARGUMENT);
    hl_snapshot_destroy(s);
}

static void test_not_a_file(void **state)
{
    struct file *f = *state;
    struct hl_snapshot *s = NULL;
    const struct hl_image *image = f->box.image;
    struct hl_error *error = &f->box.error;
    char link[160];

    assert_int_equal(hl_snapshot_load(&s, image, "/nonexistent", 0, error), HL_ERR_FILE);
    assert_int_equal(hl_snapshot_load(&s, image, f->dir, 0, error), HL_ERR_FILE);
    assert_int_equal(hl_snapshot_load(&s, image, "/dev/zero", 0, error), HL_ERR_FILE);
    assert_int_equal(hl_snapshot_load(&s, image, f->path, 2, error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_snapshot_load(&s, NULL, f->path, 0, error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_snapshot_load(NULL, image, f->path, 0, error), HL_ERR_ARGUMENT);
    snprintf(link, sizeof(link), "%s/link", f->dir);
    assert_int_equal(symlink(f->path, link), 0);
    assert_int_equal(hl_snapshot_load(&s, image, link, 0, error), HL_ERR_FILE);
    check_error(error, HL_ERR_FILE);
    unlink(link);
    assert_int_equal(mkfifo(link, 0600), 0);
    assert_int_equal(hl_snapshot_load(&s, image, link, 0, error), HL_ERR_FILE);
    unlink(link);
    assert_null(s);
}

static void test_truncated_and_longer(void **state)
{
    struct file *f = *state;
    struct hl_snapshot *s = NULL;

    for (size_t size = 0; size < f->size; size += size < 600 ? 50 : f->size / 40) {
        write_bytes(f, f->bytes, size);
        assert_int_equal(load(f, &s, 0), HL_ERR_BAD_SNAPSHOT);
    }
    write_bytes(f, f->bytes, f->size - 1);
    assert_int_equal(load(f, &s, 0), HL_ERR_BAD_SNAPSHOT);
    f->bytes = realloc(f->bytes, f->size + 1);
    f->bytes[f->size] = 0;
    write_bytes(f, f->bytes, f->size + 1);
    assert_int_equal(load(f, &s, 0), HL_ERR_BAD_SNAPSHOT);
    assert_null(s);
}

static struct snapshot_header header_of(const struct file *f)
{
    struct snapshot_header h;
    memcpy(&h, f->bytes, sizeof(h));
    return h;
}

static void put_byte(const struct file *f, size_t at, uint8_t value)
{
    int fd = open(f->path, O_WRONLY);
    assert_int_equal(pwrite(fd, &value, 1, (off_t)at), 1);
    close(fd);
}

/* Each byte before the contents, one bit of it. */
static void test_flipped(void **state)
{
    struct file *f = *state;
    struct hl_snapshot *s = NULL;
    struct snapshot_header h = header_of(f);
    struct snapshot_layout l;

    assert_true(snapshot_layout_of(&h, &l));
    for (size_t at = 0; at < l.contents; at += emulated() ? 13 : 1) {
        put_byte(f, at, f->bytes[at] ^ (uint8_t)(1u << at % 8));
        int rc = load(f, &s, 0);
        if (rc != HL_ERR_BAD_SNAPSHOT)
            fail_msg("byte %zu: %d", at, rc);
        put_byte(f, at, f->bytes[at]);
    }
    assert_null(s);
    /* The contents are looked at when that is asked for. */
    for (size_t at = l.contents; at < l.end; at += 5 * PAGE + 77) {
        put_byte(f, at, f->bytes[at] ^ 0x10);
        assert_int_equal(load(f, &s, HL_SNAPSHOT_VERIFY), HL_ERR_BAD_SNAPSHOT);
        put_byte(f, at, f->bytes[at]);
    }
    assert_int_equal(load(f, &s, HL_SNAPSHOT_VERIFY), 0);
    hl_snapshot_destroy(s);
}

/* Make the checksum right again, as an attacker would. */
static void forge(struct file *f, uint8_t *bytes, const struct snapshot_header *h)
{
    struct snapshot_header copy = *h;
    struct snapshot_layout l;
    memcpy(bytes, &copy, sizeof(copy));
    if (snapshot_layout_of(&copy, &l) && l.contents <= f->size) {
        copy.index_sum = 0;
        memcpy(bytes, &copy, sizeof(copy));
        copy.index_sum = snapshot_sum(bytes, l.contents);
        memcpy(bytes, &copy, sizeof(copy));
    }
    write_bytes(f, bytes, f->size);
}

/* Either it is refused, or what comes of it is a guest like any other. */
static int try_forged(struct file *f)
{
    struct hl_snapshot *s = NULL;
    struct box c = {0};
    int rc = load(f, &s, 0);
    if (rc)
        return rc;
    rc = hl_sandbox_create_from(&c.sb, s, NULL, &c.error);
    if (!rc)
        rc = hl_sandbox_start(c.sb, &c.error);
    if (!rc)
        rc = TRY0(&c, "Count");
    if (c.sb)
        hl_sandbox_restore(c.sb, s, &c.error);
    hl_sandbox_destroy(c.sb);
    hl_snapshot_destroy(s);
    return rc;
}

static void test_wrong_origin(void **state)
{
    struct file *f = *state;
    struct hl_snapshot *s = NULL;
    struct box other = {0};
    struct snapshot_header h;
    uint8_t *bytes = malloc(f->size);

    assert_non_null(bytes);
    memcpy(bytes, f->bytes, f->size);
    box_create(&other, "trouble", config);
    assert_int_equal(hl_snapshot_load(&s, other.image, f->path, 0, &other.error),
                     HL_ERR_BAD_SNAPSHOT);
    check_error(&other.error, HL_ERR_BAD_SNAPSHOT);
    box_close(&other);

    h = header_of(f);
    h.abi_version++;
    forge(f, bytes, &h);
    assert_int_equal(load(f, &s, 0), HL_ERR_ABI_VERSION);
    h = header_of(f);
    h.version++;
    forge(f, bytes, &h);
    assert_int_equal(load(f, &s, 0), HL_ERR_BAD_SNAPSHOT);
    h.version = 1; /* without a process */
    forge(f, bytes, &h);
    assert_int_equal(load(f, &s, 0), HL_ERR_BAD_SNAPSHOT);
    h = header_of(f);
    h.cpu.xcr0 ^= 0x200;
    forge(f, bytes, &h);
    assert_int_equal(load(f, &s, 0), HL_ERR_BAD_SNAPSHOT);
    for (int i = 0; i < 8; i++) {
        h = header_of(f);
        h.cpu.feature[i] = UINT32_MAX;
        forge(f, bytes, &h);
        assert_int_equal(load(f, &s, 0), HL_ERR_BAD_SNAPSHOT);
        h.cpu.feature[i] = 0; /* fewer are fine */
        forge(f, bytes, &h);
        assert_int_equal(try_forged(f), 0);
    }
    h = header_of(f);
    h.features = 0x80;
    forge(f, bytes, &h);
    assert_int_equal(load(f, &s, 0), HL_ERR_BAD_SNAPSHOT);
    assert_null(s);
    free(bytes);
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
    struct snapshot_header h = header_of(f);
    struct snapshot_layout l;
    uint8_t *bytes = malloc(f->size);

    assert_non_null(bytes);
    assert_true(snapshot_layout_of(&h, &l));
    for (unsigned i = 0; i < 6; i++) {
        struct linux_process p;
        memcpy(bytes, f->bytes, f->size);
        memcpy(&p, bytes + l.process, sizeof(p));
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
        memcpy(bytes + l.process, &p, sizeof(p));
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
    struct snapshot_header h = header_of(f);
    struct snapshot_layout l;
    uint8_t *bytes = malloc(f->size);

    assert_non_null(bytes);
    assert_true(snapshot_layout_of(&h, &l));
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
    struct snapshot_header h = header_of(f);
    struct snapshot_layout l;
    uint8_t *bytes = malloc(f->size);
    uint64_t seed = 99;
    const unsigned rounds = emulated() ? 20 : 300;

    assert_non_null(bytes);
    assert_true(snapshot_layout_of(&h, &l));
    memcpy(bytes, f->bytes, f->size);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_round_trip),           FILE_TEST(test_saved_again),
        FILE_TEST(test_cannot_be_written),    FILE_TEST(test_not_a_file),
        FILE_TEST(test_truncated_and_longer), FILE_TEST(test_flipped),
        FILE_TEST(test_wrong_origin),         FILE_TEST(test_forged_header),
        FILE_TEST(test_forged_process),
        FILE_TEST(test_forged_vectors),       FILE_TEST(test_forged_lists),
    };

    watchdog(150);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
