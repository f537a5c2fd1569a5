/* SPDX-License-Identifier: Apache-2.0 */
/* mmap and its relatives: the same as on Linux, and reservations that cost nothing. */
#include "box.h"

#include <unistd.h>

#include <hl/snapshot.h>

#include "../guest/mapping.h"
#include "pagetable.h"
#include "sandbox.h"
#include "machine.h"

#define SEEDS 300u
#define GIB (1ull << 30)

/* A guest may want as much memory as the machine has. */
static bool has_memory(size_t bytes)
{
    return (unsigned long long)sysconf(_SC_PHYS_PAGES) * 4096 > bytes + GIB;
}

static void open_guest(struct box *box, size_t heap)
{
    const struct hl_sandbox_config config = {.heap = heap};
    box_create(box, "maps", config);
    box_start(box);
}

/* Random sequences, each in the guest and in this process. */
static void test_the_same_as_linux(void **state)
{
    struct box *box = *state;
    open_guest(box, 0);
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t here = mapping_run(seed);
        assert_int_not_equal(here, 0);
        if (CALL(box, "Mapping", value_u64(seed))->u64 != here)
            fail_msg("seed %llu: not what Linux does", (unsigned long long)seed);
    }
}

static size_t present(struct box *box)
{
    const struct hl_region *heap = hl_sandbox_region(box->sb, REGION_HEAP);
    size_t count = 0;
    hl_gpa_t gpa;
    unsigned prot;
    for (hl_gva_t at = heap->start;
         pagetable_next_below(&box->sb->machine->pt, &at, heap->start + heap->size, &gpa, &prot);
         at += PAGE_SIZE)
        count++;
    return count;
}

static void test_a_reservation(void **state)
{
    struct box *box = *state;
    SKIP_IF(!has_memory(10 * GIB), "a machine with less than 11 GiB of memory");
    open_guest(box, 10 * GIB);
    size_t before = present(box);
    hl_gpa_t tables = box->sb->machine->pt.next;
    assert_true(CALL(box, "Reserve", value_u64(8 * GIB))->boolean);
    assert_int_equal(present(box), before);
    assert_int_equal(box->sb->machine->pt.next, tables);
    assert_true(CALL(box, "Commit", value_u64(4 * GIB))->boolean);
    assert_true(CALL(box, "Commit", value_u64(0))->boolean);
    assert_int_equal(present(box), before + 2);
    assert_int_equal(TRY(box, "Peek", value_u64(4096)), HL_ERR_FAULT);
    assert_non_null(strstr(box->error.text, "(heap that is reserved, PROT_NONE)"));
}

/* It is there in whatever is made of a snapshot, and gone where there was none. */
static void test_a_snapshot(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *none, *one;
    SKIP_IF(!has_memory(10 * GIB), "a machine with less than 11 GiB of memory");
    open_guest(box, 10 * GIB);
    assert_int_equal(hl_snapshot_take(&none, box->sb, &box->error), 0);
    assert_true(CALL(box, "Reserve", value_u64(8 * GIB))->boolean);
    assert_int_equal(hl_snapshot_take(&one, box->sb, &box->error), 0);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(CALL(box, "Commit", value_u64(GIB))->boolean);
        assert_int_equal(hl_sandbox_restore(box->sb, one, &box->error), 0);
    }
    assert_true(CALL0(box, "Release")->boolean);
    assert_int_equal(hl_sandbox_restore(box->sb, one, &box->error), 0);
    assert_false(CALL(box, "Reserve", value_u64(8 * GIB))->boolean); /* it is taken */
    assert_int_equal(hl_sandbox_restore(box->sb, none, &box->error), 0);
    assert_true(CALL(box, "Reserve", value_u64(8 * GIB))->boolean);
    hl_sandbox_destroy(box->sb);
    assert_int_equal(hl_sandbox_create_from(&box->sb, one, NULL, &box->error), 0);
    box_start(box);
    assert_true(CALL(box, "Commit", value_u64(GIB))->boolean);
    assert_false(CALL(box, "Reserve", value_u64(8 * GIB))->boolean);
    hl_snapshot_destroy(none);
    hl_snapshot_destroy(one);
}

static void test_the_size_of_the_stack(void **state)
{
    struct box *box = *state;
    open_guest(box, 0);
    size_t size = hl_sandbox_region(box->sb, REGION_STACK)->size;
    uint64_t found = CALL0(box, "StackSize")->u64;
    assert_in_range(found, size - 2 * PAGE_SIZE, size);
}

static void test_advice(void **state)
{
    struct box *box = *state;
    open_guest(box, 0);
    assert_int_equal(CALL0(box, "Advice")->i32, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_the_same_as_linux),
        BOX_TEST(test_a_reservation),
        BOX_TEST(test_a_snapshot),
        BOX_TEST(test_the_size_of_the_stack),
        BOX_TEST(test_advice),
    };

    watchdog(100);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
