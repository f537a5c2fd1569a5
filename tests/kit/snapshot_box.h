/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_box.h - a sandbox, and the file of a snapshot of it, to be changed and tried. */
#ifndef TESTS_SNAPSHOT_BOX_H
#define TESTS_SNAPSHOT_BOX_H

#include "box.h"

#include <hl/snapshot.h>

#include "files.h"
#include "snapshot_file.h"

#define KEPT (256u << 10)

static const struct hl_sandbox_config config = {.heap = 8 << 20, .stack = 64 << 10};

struct file {
    struct box box;
    struct scratch scratch;
    char path[SCRATCH_MAX + 8];
    uint8_t *bytes;
    size_t size;
};

static inline void read_back(struct file *f)
{
    struct bytes b = bytes_read(f->path);
    free(f->bytes);
    f->bytes = b.data;
    f->size = b.size;
}

static inline void write_bytes(struct file *f, const void *bytes, size_t size)
{
    bytes_write(f->path, bytes, size);
}

static inline int setup(void **state)
{
    struct hl_snapshot *s = NULL;
    struct file *f = calloc(1, sizeof(*f));
    *state = f;
    if (!f)
        return -1;
    scratch_make(&f->scratch);
    scratch_path(&f->scratch, f->path, sizeof(f->path), "file");
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

static inline int teardown(void **state)
{
    struct file *f = *state;
    unlink(f->path);
    scratch_remove(&f->scratch); /* no temporary file of a save's was left */
    box_close(&f->box);
    free(f->bytes);
    free(f);
    return 0;
}
#define FILE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static inline int load(struct file *f, struct hl_snapshot **s, unsigned flags)
{
    int rc = hl_snapshot_load(s, f->box.image, f->path, flags, &f->box.error);
    if (rc)
        check_error(&f->box.error, rc);
    return rc;
}

static inline struct snapshot_header header_of(const struct file *f)
{
    struct snapshot_header h;
    memcpy(&h, f->bytes, sizeof(h));
    return h;
}

/* Make the checksum right again, as an attacker would. */
static inline void forge(struct file *f, uint8_t *bytes, const struct snapshot_header *h)
{
    struct snapshot_header copy = *h;
    struct snapshot_layout l;
    memcpy(bytes, &copy, sizeof(copy));
    if (snapshot_layout_of(&copy, &l) && l.contents <= f->size) {
        copy.index_sum = 0;
        memcpy(bytes, &copy, sizeof(copy));
        copy.index_sum = sum_of(bytes, l.contents);
        memcpy(bytes, &copy, sizeof(copy));
    }
    write_bytes(f, bytes, f->size);
}

/* Either it is refused, or what comes of it is a guest like any other. */
static inline int try_forged(struct file *f)
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

#endif
