/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshot files: good ones come back, all others are refused. */
#include "snapshot_box.h"

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

    snprintf(path, sizeof(path), "%s/other", f->scratch.dir);
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
    assert_int_equal(hl_snapshot_save(s, f->scratch.dir, &f->box.error), HL_ERR_FILE);
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
    assert_int_equal(hl_snapshot_load(&s, image, f->scratch.dir, 0, error), HL_ERR_FILE);
    assert_int_equal(hl_snapshot_load(&s, image, "/dev/zero", 0, error), HL_ERR_FILE);
    assert_int_equal(hl_snapshot_load(&s, image, f->path, 2, error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_snapshot_load(&s, NULL, f->path, 0, error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_snapshot_load(NULL, image, f->path, 0, error), HL_ERR_ARGUMENT);
    snprintf(link, sizeof(link), "%s/link", f->scratch.dir);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(test_round_trip),           FILE_TEST(test_saved_again),
        FILE_TEST(test_cannot_be_written),    FILE_TEST(test_not_a_file),
        FILE_TEST(test_truncated_and_longer), FILE_TEST(test_flipped),
        FILE_TEST(test_wrong_origin),
    };

    watchdog(150);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
