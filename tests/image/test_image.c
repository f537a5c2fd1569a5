/* SPDX-License-Identifier: Apache-2.0 */
/* Images: the contents of a good guest's file, and files that are not guests. */
#include "elf_file.h"

#include <errno.h>
#include <sys/stat.h>

#define RX (HL_PROT_READ | HL_PROT_EXEC)
#define RW (HL_PROT_READ | HL_PROT_WRITE)

static struct hl_image *open_good(const char *path)
{
    struct hl_image *image = NULL;
    struct hl_error error;
    if (hl_image_open(&image, path, &error))
        fail_msg("%s", error.text);
    assert_string_equal(hl_image_path(image), path);
    return image;
}

static void expect_function(const struct hl_function *f, const char *text, bool import)
{
    char buf[256];
    assert_non_null(f);
    hl_signature_format(f->name, &f->signature, buf, sizeof(buf));
    assert_string_equal(buf, text);
    assert_int_equal(f->entry == 0, import);
}

static const struct hl_segment *segment_of(const struct hl_image *image, hl_gva_t gva)
{
    for (size_t i = 0; i < hl_image_segment_count(image); i++) {
        const struct hl_segment *s = hl_image_segment(image, i);
        if (gva >= s->start && gva - s->start < s->size)
            return s;
    }
    return NULL;
}

static void expect_plain(const char *path, bool pie)
{
    static const unsigned prots[] = {HL_PROT_READ, RX, RW};
    struct hl_image *image = open_good(path);
    size_t size;

    assert_int_equal(hl_image_is_pie(image), pie);
    assert_int_equal(hl_image_bias(image) != 0, pie);
    assert_int_equal(hl_image_flags(image), 0);
    assert_int_equal(hl_image_function_count(image), 2);
    expect_function(hl_image_function(image, 0), "Add(i32, i32) -> i32", false);
    expect_function(hl_image_function(image, 1), "24K_in_8K_out(bytes, f64) -> bytes", false);
    assert_null(hl_image_function(image, 2));
    assert_int_equal(hl_image_import_count(image), 2);
    expect_function(hl_image_import(image, 0), "HostAdd(i32, i32) -> i32", true);
    expect_function(hl_image_import(image, 1), "host-name+(bytes) -> string", true);
    assert_null(hl_image_import(image, SIZE_MAX));
    assert_int_equal(hl_image_segment_count(image), 3);
    assert_null(hl_image_segment(image, 3));
    for (size_t i = 0; i < 3; i++) {
        const struct hl_segment *s = hl_image_segment(image, i);
        assert_int_equal(s->prot, prots[i]);
        assert_int_equal(s->start % PAGE, 0);
        assert_int_equal(s->size % PAGE, 0);
        assert_true(s->start >= (pie ? hl_image_bias(image) : 0x400000));
        assert_true(s->file_size > 0 && s->file_size <= s->size);
    }
    assert_ptr_equal(segment_of(image, hl_image_entry(image)), hl_image_segment(image, 1));
    for (size_t i = 0; i < 2; i++)
        assert_ptr_equal(segment_of(image, hl_image_function(image, i)->entry),
                         hl_image_segment(image, 1));
    const uint8_t *data = hl_image_data(image, &size);
    struct bytes file = bytes_read(path);
    assert_int_equal(size, file.size);
    assert_memory_equal(data, file.data, size); /* relocation leaves the file's bytes alone */
    free(file.data);
    hl_image_close(image);
}

static void test_freestanding(void **state)
{
    (void)state;
    expect_plain(GUEST_FILE("plain"), false);
}

static void test_pie(void **state)
{
    (void)state;
    expect_plain(GUEST_FILE("plain_pie"), true);
}

static void test_program_with_libc(void **state)
{
    struct hl_image *image = open_good(GUEST_FILE("with_main"));

    (void)state;
    assert_int_equal(hl_image_flags(image), HL_NOTE_LIBC | HL_NOTE_MAIN);
    assert_int_equal(hl_image_function_count(image), 0);
    assert_int_equal(hl_image_import_count(image), 0);
    assert_null(hl_image_function(image, 0));
    hl_image_close(image);
}

static void test_find(void **state)
{
    struct hl_image *image = open_good(GUEST_FILE("plain"));
    struct hl_error error;

    (void)state;
    assert_int_equal(hl_image_find(image, "Add"), 0);
    assert_int_equal(hl_image_find(image, "24K_in_8K_out"), 1);
    assert_int_equal(hl_image_find(image, "add"), -1);
    assert_int_equal(hl_image_find(image, ""), -1);
    assert_int_equal(hl_image_find(image, "HostAdd"), -1);
    assert_int_equal(hl_image_require(image, "24K_in_8K_out", NULL), 1);
    assert_int_equal(hl_image_require(image, "Sub", &error), HL_ERR_NO_FUNCTION);
    check_error(&error, HL_ERR_NO_FUNCTION);
    assert_non_null(strstr(error.text, "Sub"));
    assert_non_null(strstr(error.hint, "Add"));
    assert_non_null(strstr(error.hint, "24K_in_8K_out"));
    assert_int_equal(hl_image_require(image, "a\nb", &error), HL_ERR_NO_FUNCTION);
    check_error(&error, HL_ERR_NO_FUNCTION);
    hl_image_close(image);
}

static void test_require_in_guest_without_functions(void **state)
{
    struct hl_image *image = open_good(GUEST_FILE("with_main"));
    struct hl_error error;

    (void)state;
    assert_int_equal(hl_image_require(image, "main", &error), HL_ERR_NO_FUNCTION);
    assert_true(error.hint[0]);
    hl_image_close(image);
}

static void test_null_arguments(void **state)
{
    struct hl_image *image;

    (void)state;
    assert_int_equal(hl_image_open(NULL, "x", NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_image_open(&image, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_image_from_memory(&image, NULL, "x", 1, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_image_from_memory(&image, "x", NULL, 1, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_image_from_memory(&image, "x", "x", (size_t)-1, NULL), HL_ERR_LIMIT);
    assert_int_equal(hl_image_from_memory(&image, "x", NULL, 0, NULL), HL_ERR_NOT_GUEST);
    hl_image_close(NULL);
}

static void expect_open(const char *path, int code, int sys_errno)
{
    struct hl_image *image = NULL;
    struct hl_error error;
    int rc = hl_image_open(&image, path, &error);
    if (rc != code)
        fail_msg("%s: %s instead of %s", path, hl_err_name(rc), hl_err_name(code));
    assert_null(image);
    check_error(&error, code);
    assert_int_equal(error.sys_errno, sys_errno);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(hl_image_open(&image, path, NULL), code);
}

static void test_files_that_cannot_be_read(void **state)
{
    char path[SCRATCH_MAX];

    (void)state;
    expect_open("/nonexistent/guest", HL_ERR_FILE, ENOENT);
    expect_open("/tmp", HL_ERR_FILE, EISDIR);
    expect_open("/dev/null", HL_ERR_FILE, 0);
    scratch_file(path, "", 0);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_open(path, HL_ERR_FILE, 0); /* and does not wait for a writer */
    unlink(path);
    assert_int_equal(symlink(path, path), 0);
    expect_open(path, HL_ERR_FILE, ELOOP);
    unlink(path);
}

static void test_files_that_are_no_guests(void **state)
{
    static const char *const texts[] = {
        "", "\n", "#!/bin/sh\necho hello\n", "\177EL", "\177ELF", "!<arch>\n", "\177ELF\2\1\1"};
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        char path[SCRATCH_MAX];
        scratch_file(path, texts[i], strlen(texts[i]));
        struct hl_image *image = NULL;
        struct hl_error error;
        int rc = hl_image_open(&image, path, &error);
        unlink(path);
        assert_true(rc == HL_ERR_NOT_GUEST || (rc == HL_ERR_BAD_IMAGE && i >= 3));
        check_error(&error, rc);
    }
}

static void test_file_too_large(void **state)
{
    char path[SCRATCH_MAX];

    (void)state;
    scratch_file(path, "", 0);
    assert_int_equal(truncate(path, (off_t)HL_IMAGE_FILE_MAX + 1), 0);
    expect_open(path, HL_ERR_LIMIT, 0);
    unlink(path);
}

static void test_programs_of_the_host(void **state)
{
    (void)state;
    expect_open("/bin/true", HL_ERR_NOT_GUEST, 0);
    expect_open(TEST_BUILD "/lib/libhl.a", HL_ERR_NOT_GUEST, 0);
    expect_open(TEST_BUILD "/lib/hl/crt0.o", HL_ERR_NOT_GUEST, 0);
}

/* A guest cut at every length is refused, or whole enough: everything loaded is still there. */
static void cut(const char *path)
{
    struct bytes file = bytes_read(path), part;
    struct hl_error error;
    const Elf64_Phdr *last = file_segment(&file, PT_LOAD, 2);
    size_t loaded = last->p_offset + last->p_filesz;

    for (size_t size = 0; size < file.size; size += size < loaded ? 1 : 97) {
        part.size = size;
        part.data = malloc(size ? size : 1); /* so that a read past its end is found */
        assert_non_null(part.data);
        memcpy(part.data, file.data, size);
        int rc = file_open(&part, &error);
        if (size < loaded && rc != HL_ERR_BAD_IMAGE && rc != HL_ERR_NOT_GUEST)
            fail_msg("%zu bytes of %s: %s", size, path, hl_err_name(rc));
        if (size >= loaded && rc != 0)
            fail_msg("%zu bytes of %s: %s", size, path, error.text);
        free(part.data);
    }
    free(file.data);
}

static void test_truncated_at_every_length(void **state)
{
    (void)state;
    cut(GUEST_FILE("plain"));
    cut(GUEST_FILE("plain_pie"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_freestanding),
        cmocka_unit_test(test_pie),
        cmocka_unit_test(test_program_with_libc),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_require_in_guest_without_functions),
        cmocka_unit_test(test_null_arguments),
        cmocka_unit_test(test_files_that_cannot_be_read),
        cmocka_unit_test(test_files_that_are_no_guests),
        cmocka_unit_test(test_file_too_large),
        cmocka_unit_test(test_programs_of_the_host),
        cmocka_unit_test(test_truncated_at_every_length),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
