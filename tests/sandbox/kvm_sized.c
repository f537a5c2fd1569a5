/* SPDX-License-Identifier: Apache-2.0 */
/* Every function that takes a configuration takes one of any size (hl/sized.h). */
#include "box.h"

#include <hl/debug.h>
#include <hl/gdb.h>
#include <hl/profile.h>
#include <hl/snapshot.h>

/* With each: makes what the configuration is for, and ends it. */
static struct box box;
static struct hl_snapshot *snapshot;

static int make_sandbox(const void *config)
{
    struct hl_sandbox *sb = NULL;
    int rc = hl_sandbox_create(&sb, box.image, config, &box.error);
    hl_sandbox_destroy(sb);
    return rc;
}

static int make_clone(const void *config)
{
    struct hl_sandbox *sb = NULL;
    int rc = hl_sandbox_create_from(&sb, snapshot, config, &box.error);
    hl_sandbox_destroy(sb);
    return rc;
}

static int plan(const void *config)
{
    struct hl_region regions[HL_REGIONS];
    return hl_sandbox_plan(box.image, config, regions, &box.error);
}

static int make_machine(const void *config)
{
    struct hl_machine *m = NULL;
    int rc = hl_machine_create(&m, config, &box.error);
    hl_machine_destroy(m);
    return rc;
}

static int make_profile(const void *config)
{
    struct hl_profile *p = NULL;
    int rc = hl_profile_create(&p, box.image, config, &box.error);
    hl_profile_destroy(p);
    return rc;
}

static int serve(const void *config)
{
    struct hl_sandbox *sb = NULL;
    assert_int_equal(hl_sandbox_create(&sb, box.image, NULL, &box.error), 0);
    int rc = hl_sandbox_debug(sb, "tcp:0", config, &box.error);
    assert_int_equal(hl_sandbox_debug_remote(sb) == NULL, rc != 0);
    hl_sandbox_destroy(sb);
    return rc;
}

/* It fails for want of a place, after it has looked at the configuration. */
static int serve_gdb(const void *config)
{
    static const struct gdb_target none = {0};
    struct hl_gdb *gdb = NULL;
    int rc = hl_gdb_create(&gdb, &none, "unix:/nonexistent/socket", config, &box.error);
    assert_null(gdb);
    return rc == HL_ERR_SYSTEM ? 0 : rc;
}

static const struct {
    const char *name;
    int (*make)(const void *config);
    size_t size;
} all[] = {
    {"hl_sandbox_create", make_sandbox, sizeof(struct hl_sandbox_config)},
    {"hl_sandbox_create_from", make_clone, sizeof(struct hl_sandbox_config)},
    {"hl_sandbox_plan", plan, sizeof(struct hl_sandbox_config)},
    {"hl_machine_create", make_machine, sizeof(struct hl_machine_config)},
    {"hl_profile_create", make_profile, sizeof(struct hl_profile_config)},
    {"hl_sandbox_debug", serve, sizeof(struct hl_debug_config)},
    {"hl_gdb_create", serve_gdb, sizeof(struct hl_gdb_config)},
};

/* A configuration of zeros that says `size`, with `last` where a later field begins. */
static void expect(size_t i, size_t size, unsigned char last, const char *why)
{
    union {
        size_t size;
        unsigned char bytes[256];
    } config = {.size = size};
    config.bytes[all[i].size] = last;
    int rc = all[i].make(&config);
    if (rc != (why ? HL_ERR_ARGUMENT : 0))
        fail_msg("%s, size %zu: %s", all[i].name, size, rc ? box.error.text : "accepted");
    if (why && !strstr(box.error.text, why))
        fail_msg("%s: \"%s\" does not say \"%s\"", all[i].name, box.error.text, why);
}

static void test_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        expect(i, 0, 1, NULL);                  /* {0}: what comes after it is not its own */
        expect(i, all[i].size, 1, NULL);        /* the same of INIT */
        expect(i, all[i].size + 8, 0, NULL);    /* compiled for a later version, ... */
        expect(i, all[i].size + 8, 1, "field"); /* ... and makes use of it */
        expect(i, all[i].size - 8, 0, "size is wrong");
        expect(i, 1, 0, "size is wrong");
        expect(i, SIZE_MAX, 0, "size is wrong");
    }
}

/* A field counts, whether the size is there or not. */
static void test_fields(void **state)
{
    struct hl_sandbox_config bare = {.heap = 1 << 20}, full = HL_SANDBOX_CONFIG_INIT;
    struct hl_region regions[HL_REGIONS];
    const struct hl_sandbox_config *both[] = {&bare, &full};

    (void)state;
    full.heap = 1 << 20;
    for (size_t i = 0; i < COUNT(both); i++) {
        assert_int_equal(hl_sandbox_plan(box.image, both[i], regions, &box.error), 0);
        size_t heap = 0;
        for (size_t r = 0; r < HL_REGIONS; r++)
            if (!strcmp(regions[r].name, "heap"))
                heap = regions[r].size;
        assert_int_equal(heap, 1 << 20);
    }
}

static int setup(void **state)
{
    (void)state;
    box_create(&box, "conformance", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    return hl_sandbox_start(box.sb, &box.error) || hl_snapshot_take(&snapshot, box.sb, &box.error);
}

static int teardown(void **state)
{
    (void)state;
    hl_snapshot_destroy(snapshot);
    hl_sandbox_destroy(box.sb);
    hl_image_close(box.image);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_fields),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, setup, teardown);
}
