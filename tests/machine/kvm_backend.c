/* SPDX-License-Identifier: Apache-2.0 */
/* A sandbox's snapshots, clones, files and debugger ask the backend that its machine was made on.
 */
#include "box.h"

#include "debug.h"
#include "machine_cpu.h"
#include "vcpu_kvm.h"

/* KVM under another name, which counts what it is asked. */
static struct {
    unsigned create, cpu;
} asked;

static int create(struct hl_vcpu **v, const struct backend_setup *setup, struct hl_error *error)
{
    asked.create++;
    return kvm_backend.create(v, setup, error);
}

static int cpu(struct vcpu_cpu *c, struct hl_error *error)
{
    asked.cpu++;
    return kvm_backend.cpu(c, error);
}

static struct backend counted;

struct own {
    struct hl_image *image;
    struct hl_sandbox *sb;
    struct hl_error error;
};

static int setup(void **state)
{
    struct own *o = calloc(1, sizeof(*o));
    *state = o;
    counted = kvm_backend;
    counted.name = "counted";
    counted.create = create;
    counted.cpu = cpu;
    memset(&asked, 0, sizeof(asked));
    return hl_image_open(&o->image, TEST_BUILD "/tests/guest/rewind", &o->error) ||
           sandbox_create(&o->sb, o->image, NULL, &(struct sandbox_parts){.backend = &counted},
                          &o->error) ||
           hl_sandbox_start(o->sb, &o->error);
}

static int teardown(void **state)
{
    struct own *o = *state;
    hl_sandbox_destroy(o->sb);
    hl_image_close(o->image);
    free(o);
    return 0;
}

static void test_clones(void **state)
{
    struct own *o = *state;
    struct hl_snapshot *s = NULL;
    struct hl_sandbox *clone = NULL;
    char path[] = TEST_BUILD "/hl-backend.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(asked.create, 1);
    assert_int_equal(hl_snapshot_take(&s, o->sb, &o->error), 0);
    assert_int_equal(hl_sandbox_create_from(&clone, s, NULL, &o->error), 0);
    assert_int_equal(asked.create, 2);
    assert_ptr_equal(machine_backend(clone->machine), &counted);
    hl_sandbox_destroy(clone);
    assert_int_equal(asked.cpu, 0);
    assert_int_equal(hl_snapshot_save(s, path, &o->error), 0);
    assert_int_equal(asked.cpu, 1);
    hl_snapshot_destroy(s);
    close(fd);
    unlink(path);
}

/* Its own probe's machine is the backend's, too, and one is enough for all sandboxes. */
static void test_debuggers(void **state)
{
    struct own *o = *state;
    struct hl_debug_abilities known, found;
    struct hl_sandbox *other = NULL;
    assert_int_equal(hl_debug_probe(&known, &o->error), 0); /* of the default backend */
    assert_int_equal(asked.create, 1);
    assert_int_equal(debug_create(o->sb, NULL, NULL, &o->error), 0);
    assert_int_equal(asked.create, 2);
    assert_int_equal(sandbox_create(&other, o->image, NULL,
                                    &(struct sandbox_parts){.backend = &counted}, &o->error),
                     0);
    assert_int_equal(debug_create(other, NULL, NULL, &o->error), 0);
    assert_int_equal(asked.create, 3);
    found = debug_of(o->sb)->can;
    assert_memory_equal(&found, &known, sizeof(known));
    hl_sandbox_destroy(other);
}

/* One that fails is not remembered. */
static int refuse(struct hl_vcpu **v, const struct backend_setup *setup, struct hl_error *error)
{
    (void)v;
    (void)setup;
    return hl_error_set(error, HL_ERR_KVM, "refused");
}

static void test_failed_probe(void **state)
{
    static struct backend broken;
    struct own *o = *state;
    struct hl_debug_abilities found;
    broken = kvm_backend;
    broken.create = refuse;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(debug_probe(&broken, &found, &o->error), HL_ERR_KVM);
        assert_false(found.step_exit || found.break_exit || found.hw_break || found.hw_watch);
    }
    broken.create = create;
    unsigned before = asked.create;
    assert_int_equal(debug_probe(&broken, &found, &o->error), 0);
    assert_int_equal(debug_probe(&broken, &found, &o->error), 0);
    assert_int_equal(asked.create, before + 1);
}

/* What a backend need not have. */
static void test_without_timers_and_counters(void **state)
{
    struct own *o = *state;
    struct vcpu_stat list[VCPU_STATS];
    counted.sample = NULL;
    counted.stats = NULL;
    assert_int_equal(machine_sample(o->sb->machine, 1000000, &o->error), HL_ERR_STATE);
    assert_int_equal(machine_stats(o->sb->machine, list), 0);
}

#define OWN_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OWN_TEST(test_clones),
        OWN_TEST(test_debuggers),
        OWN_TEST(test_failed_probe),
        OWN_TEST(test_without_timers_and_counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
