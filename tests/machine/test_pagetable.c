/* SPDX-License-Identifier: Apache-2.0 */
/* Page tables: what was set is found, as a processor would find it. */
#include "kit.h"

#include "pagetable.h"

#define POOL 0x3000u /* GPA of the pool */
#define TABLES 64u

struct tables {
    struct pagetable pt;
    uint8_t memory[POOL + TABLES * PAGE_SIZE] __attribute__((aligned(4096)));
};

static struct tables *fresh(unsigned tables)
{
    static struct tables t;
    memset(&t, 0, sizeof(t));
    pagetable_init(&t.pt, t.memory, sizeof(t.memory), POOL, tables * PAGE_SIZE);
    return &t;
}

/* What the hardware would find: an independent walk (Intel SDM 3, 4.5); 0: not present. */
static uint64_t walk(const struct tables *t, hl_gva_t gva)
{
    uint64_t table = t->pt.root, entry = 0;
    for (int shift = 39; shift >= 12; shift -= 9) {
        memcpy(&entry, t->memory + table + (gva >> shift & 511) * 8, 8);
        if (!(entry & 1))
            return 0;
        table = entry & 0xffffffffff000;
        assert_true(shift == 12 || (table >= POOL && table < t->pt.end));
    }
    return entry;
}

static void expect(const struct tables *t, hl_gva_t gva, hl_gpa_t gpa, unsigned prot)
{
    hl_gpa_t found = ~0ull;
    unsigned found_prot = ~0u;
    assert_true(pagetable_lookup(&t->pt, gva, &found, &found_prot));
    assert_int_equal(found, gpa);
    assert_int_equal(found_prot, prot);
}

static void expect_none(const struct tables *t, hl_gva_t gva)
{
    hl_gpa_t gpa = 0x5a;
    unsigned prot = 0x5a;
    assert_false(pagetable_lookup(&t->pt, gva, &gpa, &prot));
    assert_int_equal(gpa, 0x5a);
    assert_int_equal(prot, 0x5a);
}

static const unsigned prots[] = {
    HL_PROT_NONE,
    HL_PROT_READ,
    HL_PROT_READ | HL_PROT_WRITE,
    HL_PROT_READ | HL_PROT_EXEC,
    HL_PROT_READ | PAGE_SUPERVISOR,
    HL_PROT_READ | HL_PROT_WRITE | PAGE_SUPERVISOR,
    HL_PROT_READ | HL_PROT_EXEC | PAGE_SUPERVISOR,
};

static void test_lookup_of_what_was_set(void **state)
{
    static const hl_gva_t addresses[] = {0,
                                         0x1000,
                                         0x400000,
                                         0x7fffffffe000,
                                         0x7ffffffff000,
                                         0xffff800000000000,
                                         0xfffffffffffff000};
    struct tables *t = fresh(TABLES);

    (void)state;
    for (size_t a = 0; a < COUNT(addresses); a++)
        for (size_t p = 0; p < COUNT(prots); p++) {
            hl_gpa_t gpa = 0x123000 + (hl_gpa_t)(a << 30) + (hl_gpa_t)(p << 12);
            assert_true(pagetable_set(&t->pt, addresses[a], gpa, prots[p]));
            expect(t, addresses[a], gpa, prots[p]);
            expect(t, addresses[a] + 0xfff, gpa + 0xfff, prots[p]);
        }
    expect_none(t, 0x2000);
    expect_none(t, 0x401000);
}

static void test_entries_as_the_processor_reads_them(void **state)
{
    struct tables *t = fresh(TABLES);

    (void)state;
    for (size_t p = 0; p < COUNT(prots); p++) {
        assert_true(pagetable_set(&t->pt, 0x400000, 0x12345000, prots[p]));
        uint64_t entry = walk(t, 0x400000);
        if (prots[p] == HL_PROT_NONE) {
            assert_int_equal(entry, 0);
            continue;
        }
        assert_int_equal(entry & 0xffffffffff000, 0x12345000);
        assert_int_equal(!!(entry & 2), !!(prots[p] & HL_PROT_WRITE));
        assert_int_equal(!!(entry & 4), !(prots[p] & PAGE_SUPERVISOR));
        assert_int_equal(entry >> 63, !(prots[p] & HL_PROT_EXEC));
        assert_int_equal(entry & 0x60, 0x60); /* accessed, dirty: the processor never writes */
        assert_int_equal(entry & 0x98, 0);    /* no cache control, no large page */
    }
}

static void test_not_canonical(void **state)
{
    static const hl_gva_t bad[] = {0x800000000000,     0xffff7ffffffff000, 0x8000000000400000,
                                   0x0001000000400000, 0xfffe800000400000, 0xffff000000400000};
    struct tables *t = fresh(TABLES);

    (void)state;
    assert_true(pagetable_set(&t->pt, 0x400000, 0x1000, HL_PROT_READ));
    for (size_t i = 0; i < COUNT(bad); i++)
        expect_none(t, bad[i]);
    expect(t, 0x400000, 0x1000, HL_PROT_READ);
}

static void test_pool_exhaustion(void **state)
{
    struct tables *t = fresh(4); /* the root and one path */
    uint64_t before = t->pt.next;

    (void)state;
    assert_true(pagetable_set(&t->pt, 0x400000, 0x1000, HL_PROT_READ));
    assert_int_equal(t->pt.next, before + 3 * PAGE_SIZE);
    assert_true(pagetable_set(&t->pt, 0x5ff000, 0x2000, HL_PROT_READ)); /* the same table */
    assert_false(pagetable_set(&t->pt, 0x600000, 0x3000, HL_PROT_READ));
    assert_false(pagetable_set(&t->pt, 1ull << 30, 0x3000, HL_PROT_READ));
    assert_false(pagetable_set(&t->pt, 1ull << 39, 0x3000, HL_PROT_READ));
    expect_none(t, 0x600000);
    expect(t, 0x400000, 0x1000, HL_PROT_READ);
    expect(t, 0x5ff000, 0x2000, HL_PROT_READ);
    for (size_t i = POOL + 4 * PAGE_SIZE; i < sizeof(t->memory); i++)
        assert_int_equal(t->memory[i], 0); /* nothing outside the pool */
}

/* A path that could be made in part only: the tables it took can be used by others. */
static void test_partial_path(void **state)
{
    struct tables *t = fresh(6);

    (void)state;
    assert_true(pagetable_set(&t->pt, 0x400000, 0x1000, HL_PROT_READ));
    assert_false(pagetable_set(&t->pt, 1ull << 39, 0x2000, HL_PROT_READ));
    expect_none(t, 1ull << 39);
    assert_int_equal(walk(t, 1ull << 39), 0);
    assert_false(pagetable_protect(&t->pt, 1ull << 39, HL_PROT_READ));
    pagetable_clear(&t->pt, 1ull << 39);
}

static void test_protect(void **state)
{
    struct tables *t = fresh(TABLES);

    (void)state;
    assert_false(pagetable_protect(&t->pt, 0x400000, HL_PROT_READ));
    assert_true(pagetable_set(&t->pt, 0x400000, 0xabcdef000, HL_PROT_READ));
    assert_false(pagetable_protect(&t->pt, 0x401000, HL_PROT_READ));
    for (size_t p = 0; p < COUNT(prots); p++) {
        assert_true(pagetable_protect(&t->pt, 0x400000, prots[p]));
        expect(t, 0x400000, 0xabcdef000, prots[p]);
    }
    /* Even a page without rights keeps its place. */
    assert_true(pagetable_protect(&t->pt, 0x400000, HL_PROT_NONE));
    expect(t, 0x400000, 0xabcdef000, HL_PROT_NONE);
    assert_int_equal(walk(t, 0x400000), 0);
    assert_true(pagetable_protect(&t->pt, 0x400000, HL_PROT_READ));
    expect(t, 0x400000, 0xabcdef000, HL_PROT_READ);
}

static void test_clear(void **state)
{
    struct tables *t = fresh(TABLES);

    (void)state;
    pagetable_clear(&t->pt, 0x400000); /* nothing there: fine */
    assert_true(pagetable_set(&t->pt, 0x400000, 0x1000, HL_PROT_READ));
    assert_true(pagetable_set(&t->pt, 0x401000, 0x2000, HL_PROT_READ));
    uint64_t used = t->pt.next;
    pagetable_clear(&t->pt, 0x400000);
    expect_none(t, 0x400000);
    expect(t, 0x401000, 0x2000, HL_PROT_READ);
    assert_false(pagetable_protect(&t->pt, 0x400000, HL_PROT_READ));
    assert_true(pagetable_set(&t->pt, 0x400000, 0x3000, HL_PROT_READ));
    assert_int_equal(t->pt.next, used); /* tables are kept, not made anew */
}

/* The pool's size is enough for as many separate pieces as it was asked for, wherever they lie. */
static void test_pool_size(void **state)
{
    static struct {
        struct pagetable pt;
        uint8_t memory[4u << 20] __attribute__((aligned(4096)));
    } big;
    uint64_t seed = 9;

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        size_t regions = 1 + next_random(&seed) % 24;
        size_t pages = regions * (1 + next_random(&seed) % 600);
        size_t size = pagetable_pool_size(pages * PAGE_SIZE, regions);
        assert_true(size <= sizeof(big.memory));
        memset(big.memory, 0, size);
        pagetable_init(&big.pt, big.memory, size, 0, size);
        for (size_t r = 0; r < regions; r++) {
            hl_gva_t at = (next_random(&seed) & 0x7fffffe00000) | 0x1ff000;
            for (size_t i = 0; i < pages / regions; i++)
                assert_true(pagetable_set(&big.pt, at + i * PAGE_SIZE, 0, HL_PROT_READ));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lookup_of_what_was_set),
        cmocka_unit_test(test_entries_as_the_processor_reads_them),
        cmocka_unit_test(test_not_canonical),
        cmocka_unit_test(test_pool_exhaustion),
        cmocka_unit_test(test_partial_path),
        cmocka_unit_test(test_protect),
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_pool_size),
    };

    watchdog(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
