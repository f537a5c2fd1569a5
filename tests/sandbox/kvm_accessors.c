/* SPDX-License-Identifier: Apache-2.0 */
/* What the headers promise of the things that accessors return: range, lifetime, later changes. */
#include "box.h"

#include <hl/snapshot.h>

#define OWN 0x10000ull /* where the program maps a page of its own */

static const struct hl_region *region(const struct box *box, const char *name)
{
    for (size_t i = 0; i < HL_REGIONS; i++)
        if (!strcmp(hl_sandbox_region(box->sb, i)->name, name))
            return hl_sandbox_region(box->sb, i);
    fail_msg("no region %s", name);
    return NULL;
}

static void start(struct box *box)
{
    box_create(box, "conformance", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    assert_int_equal(hl_sandbox_start(box->sb, &box->error), 0);
}

static void test_ranges(void **state)
{
    struct box *box = *state;
    start(box);
    const struct hl_image *image = hl_sandbox_image(box->sb);
    const size_t count = hl_image_function_count(image), imports = hl_image_import_count(image);
    const size_t segments = hl_image_segment_count(image), far[] = {0, 1, SIZE_MAX / 2};

    assert_true(count && imports && segments);
    assert_non_null(hl_image_function(image, count - 1));
    assert_non_null(hl_image_import(image, imports - 1));
    assert_non_null(hl_image_segment(image, segments - 1));
    assert_non_null(hl_sandbox_region(box->sb, HL_REGIONS - 1));
    for (size_t i = 0; i < COUNT(far); i++) {
        assert_null(hl_image_function(image, count + far[i]));
        assert_null(hl_image_import(image, imports + far[i]));
        assert_null(hl_image_segment(image, segments + far[i]));
        assert_null(hl_sandbox_region(box->sb, HL_REGIONS + far[i]));
        assert_null(hl_sandbox_missing(box->sb, imports + far[i]));
    }
    for (size_t i = 1; i < segments; i++)
        assert_true(hl_image_segment(image, i - 1)->start < hl_image_segment(image, i)->start);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(hl_image_find(image, hl_image_function(image, i)->name), i);
}

/* The program lets go of the image; the sandbox has it still. */
static void test_image_lives(void **state)
{
    struct box *box = *state;
    start(box);
    const struct hl_image *image = hl_sandbox_image(box->sb);
    const char *path = hl_image_path(image);
    char copy[512];

    snprintf(copy, sizeof(copy), "%s", path);
    hl_image_close(box->image);
    box->image = NULL;
    assert_ptr_equal(hl_sandbox_image(box->sb), image);
    assert_ptr_equal(hl_image_path(image), path);
    assert_string_equal(path, copy);
}

static void test_defaults(void **state)
{
    struct box *box = *state;
    start(box);
    assert_null(hl_sandbox_fault(box->sb));
    assert_int_equal(hl_sandbox_guest_code(box->sb), 0);
    assert_int_equal(hl_sandbox_exit_status(box->sb), 0);
    assert_int_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_NONE);
}

/* Between calls the program changes mappings; a snapshot has them, a restore brings them back. */
static void test_own_mapping(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *snapshot;
    hl_gpa_t gpa, at = 0;
    unsigned prot = 0;
    start(box);
    struct hl_machine *m = hl_sandbox_machine(box->sb);

    assert_int_equal(hl_machine_lookup(m, region(box, "output")->start, &gpa, NULL), 0);
    assert_int_equal(hl_machine_map(m, OWN, gpa, PAGE, HL_PROT_READ, &box->error), 0);
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    assert_int_equal(hl_snapshot_save(snapshot, "/dev/shm/never", &box->error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_unmap(m, OWN, PAGE, &box->error), 0);
    assert_int_equal(hl_machine_lookup(m, OWN, NULL, NULL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
    assert_int_equal(hl_machine_lookup(m, OWN + 5, &at, &prot), 0);
    assert_int_equal(at, gpa + 5);
    assert_int_equal(prot, HL_PROT_READ);
    hl_snapshot_destroy(snapshot);
}

/* What is written is undone: by hl_machine_write(), and by a pointer from before the restore. */
static void test_own_writes(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *snapshot;
    uint64_t was, now;
    hl_gpa_t gpa;
    start(box);
    struct hl_machine *m = hl_sandbox_machine(box->sb);
    hl_gva_t at = region(box, "stack")->start + region(box, "stack")->size - 2 * PAGE;

    assert_int_equal(hl_machine_read(m, at, &was, sizeof(was), 0), sizeof(was));
    assert_int_equal(hl_machine_lookup(m, at, &gpa, NULL), 0);
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    now = ~was;
    assert_int_equal(hl_machine_write(m, at, &now, sizeof(now), HL_PROT_WRITE), sizeof(now));
    assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
    assert_int_equal(hl_machine_read(m, at, &now, sizeof(now), 0), sizeof(now));
    assert_true(now == was);
    volatile uint64_t *host = hl_machine_memory(m, gpa, sizeof(*host));
    for (int i = 0; i < 3; i++) {
        *host = ~was;
        assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
        assert_true(*host == was);
    }
    assert_null(hl_machine_memory(m, UINT64_MAX, 1));
    hl_snapshot_destroy(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_ranges),      BOX_TEST(test_image_lives), BOX_TEST(test_defaults),
        BOX_TEST(test_own_mapping), BOX_TEST(test_own_writes),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
