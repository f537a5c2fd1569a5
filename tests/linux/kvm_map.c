/* SPDX-License-Identifier: Apache-2.0 */
/* mmap and its relatives: the same as on Linux, and reservations that cost nothing. */
#include "box.h"
#include "child.h"

#include <unistd.h>

#include <hl/snapshot.h>

#include <inttypes.h>
#include <sys/wait.h>

#include "../guest/mapping.h"
#include "../guest/mapping_text.h"
#include "pagetable.h"
#include "sandbox.h"
#include "machine_impl.h"

#define SEEDS 1200u
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

/* What Linux itself says, in a process that leaves brk alone. */
struct answer {
    uint64_t hash;
    struct mapping m;
};

static void ask_linux(struct answer *answer, uint64_t seed, size_t count, uint32_t steps)
{
    pid_t pid = child_fork();
    if (!pid) {
        for (size_t i = 0; i < count; i++) {
            answer[i].m = (struct mapping){.os = &mapping_native, .seed = seed + i};
            answer[i].hash = mapping_run(&answer[i].m, steps);
        }
        _exit(0);
    }
    child_fine(pid);
}

/* The first step after which the two differ. */
static void report(struct box *box, struct answer *answer, uint64_t seed)
{
    uint32_t steps = 0;
    char text[200];
    do
        ask_linux(answer, seed, 1, ++steps);
    while (steps < MAPPING_STEPS &&
           CALL(box, "Mapping", value_u64(seed), value_u32(steps))->u64 == answer->hash);
    mapping_describe(&answer->m, text, sizeof(text));
    fail_msg("seed %" PRIu64 ", step %" PRIu32 ": %s: %ld on Linux, %" PRId64
             " in the guest, or its pages differ",
             seed, steps, text, mapping_result(&answer->m), CALL0(box, "MappingResult")->i64);
}

/* Random sequences, each in the guest and in a process of Linux. */
static void test_the_same_as_linux(void **state)
{
    struct box *box = *state;
    uint32_t seeds = SEEDS / slow();
    size_t size = seeds * sizeof(struct answer);
    struct answer *answer =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(answer != MAP_FAILED);
    ask_linux(answer, 1, seeds, MAPPING_STEPS);
    open_guest(box, 0);
    for (uint32_t i = 0; i < seeds; i++) {
        assert_int_not_equal(answer[i].hash, 0);
        if (CALL(box, "Mapping", value_u64(i + 1), value_u32(MAPPING_STEPS))->u64 != answer[i].hash)
            report(box, answer, i + 1);
    }
    munmap(answer, size);
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

    watchdog(200);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
