/* SPDX-License-Identifier: Apache-2.0 */
/* files.h - bytes of files, temporary files, temporary directories. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include "kit.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "retry.h"

struct bytes {
    uint8_t *data;
    size_t size;
};

/* A whole file; the caller frees data.  A zero after it makes text of it. */
static inline struct bytes bytes_read(const char *path)
{
    struct bytes b = {0};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st))
        fail_msg("cannot open %s", path);
    b.size = (size_t)st.st_size;
    b.data = malloc(b.size + 1);
    assert_non_null(b.data);
    for (size_t at = 0; at < b.size;) {
        ssize_t n = RETRY(read(fd, b.data + at, b.size - at));
        assert_true(n > 0);
        at += (size_t)n;
    }
    b.data[b.size] = 0;
    close(fd);
    return b;
}

static inline void write_whole(int fd, const void *data, size_t size)
{
    assert_true(fd >= 0);
    for (size_t at = 0; at < size;) {
        ssize_t n = RETRY(write(fd, (const uint8_t *)data + at, size - at));
        assert_true(n > 0);
        at += (size_t)n;
    }
    assert_int_equal(close(fd), 0);
}

/* A new file in the place of what was there. */
static inline void bytes_write(const char *path, const void *data, size_t size)
{
    unlink(path);
    write_whole(open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), data, size);
}

static inline void file_copy(const char *from, const char *to)
{
    struct bytes b = bytes_read(from);
    bytes_write(to, b.data, b.size);
    free(b.data);
}

static inline unsigned count_lines(const char *path)
{
    unsigned n = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int c; (c = getc(f)) != EOF;)
        n += c == '\n';
    fclose(f);
    return n;
}

#define SCRATCH_MAX 32 /* of the name of what is temporary */

static inline void scratch_template(char path[SCRATCH_MAX])
{
    /* Not $TMPDIR: a socket's path is short, and another user has to come to it. */
    strcpy(path, "/tmp/hl-test-XXXXXX");
}

/* A temporary file of these bytes; the test unlinks it. */
static inline const char *scratch_file(char path[SCRATCH_MAX], const void *data, size_t size)
{
    scratch_template(path);
    write_whole(mkstemp(path), data, size);
    return path;
}

/* A temporary directory, and the path of something in it. */
struct scratch {
    char dir[SCRATCH_MAX];
};

static inline void scratch_make(struct scratch *s)
{
    scratch_template(s->dir);
    assert_non_null(mkdtemp(s->dir));
}

static inline const char *scratch_path(const struct scratch *s, char *path, size_t size,
                                       const char *name)
{
    int n = snprintf(path, size, "%s/%s", s->dir, name);
    assert_in_range(n, 1, size - 1);
    return path;
}

/* Nothing may have been left in it. */
static inline void scratch_remove(struct scratch *s)
{
    if (rmdir(s->dir))
        fail_msg("%s: something is left there", s->dir);
}

/* The user's runtime directory for a group of tests: sandboxes that are listed are listed there. */
static struct scratch runtime __attribute__((unused));

static inline int runtime_setup(void **state)
{
    (void)state;
    scratch_template(runtime.dir);
    unsetenv("HL_GDB");
    return mkdtemp(runtime.dir) && setenv("XDG_RUNTIME_DIR", runtime.dir, 1) == 0 ? 0 : -1;
}

static inline int runtime_teardown(void **state)
{
    char path[SCRATCH_MAX + 8];
    (void)state;
    snprintf(path, sizeof(path), "%s/hl", runtime.dir);
    return rmdir(path) || rmdir(runtime.dir); /* nothing is left in it */
}

#endif
