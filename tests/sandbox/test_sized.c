/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs that grow: hl_sized_read() with the layouts of older and newer programs; and structs that
 * do not: their layout is fixed.
 */
#include "kit.h"

#include <sys/mman.h>

#include <hl/gdb.h>
#include <hl/hl.h>

/* One struct in three releases. */
struct first {
    size_t size;
    uint64_t heap;
};
struct second {
    size_t size;
    uint64_t heap, stack;
};
struct third {
    size_t size;
    uint64_t heap, stack, more;
};

/* *from at the very end of memory: reading past it is SIGSEGV. */
static const char *read_second(struct second *own, const void *from, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(p != MAP_FAILED);
    assert_int_equal(mprotect(p + page, page, PROT_NONE), 0);
    memcpy(p + page - size, from, size);
    memset(own, 0xff, sizeof(*own));
    const char *wrong = hl_sized_read(own, sizeof(*own), sizeof(struct first), p + page - size);
    munmap(p, 2 * page);
    return wrong;
}

static void expect(const void *from, size_t size, uint64_t heap, uint64_t stack)
{
    struct second own;
    const char *wrong = read_second(&own, from, size);

    if (wrong)
        fail_msg("%s", wrong);
    assert_int_equal(own.size, sizeof(own));
    assert_int_equal(own.heap, heap);
    assert_int_equal(own.stack, stack);
}

static void expect_wrong(const void *from, size_t size, const char *why)
{
    struct second own;
    const char *wrong = read_second(&own, from, size);

    assert_non_null(wrong);
    if (!strstr(wrong, why))
        fail_msg("\"%s\" does not say \"%s\"", wrong, why);
}

static void test_older(void **state)
{
    const struct first sized = {sizeof(sized), 5}, zero = {0, 6};

    (void)state;
    expect(&sized, sizeof(sized), 5, 0);
    expect(&zero, sizeof(zero), 6, 0);
}

static void test_same(void **state)
{
    const struct second sized = {sizeof(sized), 5, 7}, zero = {0, 5, 7};

    (void)state;
    expect(&sized, sizeof(sized), 5, 7);
    expect(&zero, sizeof(zero), 5, 0); /* as a program of the first release */
}

static void test_newer(void **state)
{
    const struct third unused = {sizeof(unused), 5, 7, 0}, used = {sizeof(used), 5, 7, 1ull << 63};

    (void)state;
    expect(&unused, sizeof(unused), 5, 7);
    expect_wrong(&used, sizeof(used), "does not have");
}

static void test_bad_sizes(void **state)
{
    static const size_t bad[] = {
        1, 8, sizeof(struct first) - 1, sizeof(struct second) + 1, HL_SIZED_MAX + 8, SIZE_MAX};
    static char large[HL_SIZED_MAX];
    const size_t most = sizeof(large);

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        const struct second s = {bad[i], 5, 7};
        expect_wrong(&s, sizeof(s), "size is wrong");
    }
    memcpy(large, &most, sizeof(most));
    expect(large, sizeof(large), 0, 0);
}

/* Initialisers without names, of before `size` was there: nothing past them is read. */
static void test_without_names(void **state)
{
    static const struct {
        unsigned rate_hz;
        bool pages;
    } profiles[] = {{1000, false}, {997, true}, {99, false}};
    static const size_t sandbox[] = {8 << 20, 1 << 20};

    (void)state;
    for (size_t i = 0; i < COUNT(profiles); i++)
        expect_wrong(&profiles[i], sizeof(profiles[i]), "size is wrong");
    expect_wrong(sandbox, sizeof(sandbox), "size is wrong");
}

static void test_defaults(void **state)
{
    struct second own = {1, 2, 3};

    (void)state;
    assert_null(hl_sized_read(&own, sizeof(own), sizeof(struct first), NULL));
    assert_true(own.size == sizeof(own) && !own.heap && !own.stack);
}

/*
 * A program that was compiled for 0.1.0 has these: a different number here breaks it.  Only a
 * configuration may grow, at its end.
 */
#define LAYOUT(type, bytes, last, at)                                                              \
    _Static_assert(sizeof(struct type) == (bytes) && offsetof(struct type, last) == (at), #type)
LAYOUT(hl_sandbox_config, 112, no_profile, 105);
LAYOUT(hl_machine_config, 48, shared, 40);
LAYOUT(hl_debug_config, 48, core_directory, 40);
LAYOUT(hl_profile_config, 16, pages, 12);
LAYOUT(hl_gdb_config, 24, fd_out, 16);
LAYOUT(hl_value, 24, len, 16);
LAYOUT(hl_signature, 72, args, 8);
LAYOUT(hl_error, 1288, hint, 776);
LAYOUT(hl_regs, 160, gs_base, 152);
LAYOUT(hl_fault, 24, address, 16);
LAYOUT(hl_exit, 104, shutdown.why, 8);
LAYOUT(hl_limits, 24, exits, 16);
LAYOUT(hl_counts, 64, interrupts, 56);
LAYOUT(hl_region, 32, prot, 24);
LAYOUT(hl_segment, 32, prot, 24);
LAYOUT(hl_function, 88, entry, 80);
LAYOUT(hl_event, 64, end.ended, 56);
LAYOUT(hl_observer, 32, next, 24);
LAYOUT(hl_attachable, 4832, guest, 736);
LAYOUT(hl_debug_abilities, 4, hw_watch, 3);
LAYOUT(hl_location, 40, linkage, 32);
LAYOUT(hl_frame, 64, location, 24);
LAYOUT(hl_place, 32, uncertain, 24);
LAYOUT(gdb_target, 64, name, 56);
_Static_assert(HL_REGIONS == 6, "an array of the caller's");

#define SIZE_FIRST(type) assert_int_equal(offsetof(struct type, size), 0)
static void test_configs(void **state)
{
    const struct hl_sandbox_config sandbox = HL_SANDBOX_CONFIG_INIT;
    const struct hl_machine_config machine = HL_MACHINE_CONFIG_INIT;
    const struct hl_debug_config debug = HL_DEBUG_CONFIG_INIT;
    const struct hl_profile_config profile = HL_PROFILE_CONFIG_INIT;
    const struct hl_gdb_config gdb = HL_GDB_CONFIG_INIT;

    (void)state;
    SIZE_FIRST(hl_sandbox_config);
    SIZE_FIRST(hl_machine_config);
    SIZE_FIRST(hl_debug_config);
    SIZE_FIRST(hl_profile_config);
    SIZE_FIRST(hl_gdb_config);
    assert_int_equal(sandbox.size, sizeof(sandbox));
    assert_int_equal(machine.size, sizeof(machine));
    assert_int_equal(debug.size, sizeof(debug));
    assert_int_equal(profile.size, sizeof(profile));
    assert_int_equal(gdb.size, sizeof(gdb));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_older),         cmocka_unit_test(test_same),
        cmocka_unit_test(test_newer),         cmocka_unit_test(test_bad_sizes),
        cmocka_unit_test(test_without_names), cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_configs),
    };

    watchdog(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
