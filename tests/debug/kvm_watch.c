/* SPDX-License-Identifier: Apache-2.0 */
/* Watchpoints on this machine's KVM: every kind and size, everywhere, by any writer. */
#include "gdb_box.h"

static uint64_t pattern; /* of values written: each differs from the last */

static void watch_opened(struct gdb_box *g)
{
    gdb_box_open(g);
    pattern = 0x0101010101010101;
}

static uint64_t next_value(void)
{
    return pattern += 0x0101010101010101;
}

/* The call in progress has come to no stop, and its end. */
static void expect_quiet(struct gdb_box *g)
{
    call_over(g, 0);
    expect_nothing(g);
}

static void expect_watch_in(struct gdb_box *g, enum gdb_point point, uint64_t from, uint64_t to)
{
    struct gdb_stop stop = take(g);
    assert_int_equal(stop.reason, GDB_STOP_WATCH);
    assert_int_equal(stop.point, point);
    assert_in_range(stop.address, from, to - 1);
    assert_int_equal(reg(g, GDB_AMD64_EFLAGS) & TF, 0);
}

static void finish(struct gdb_box *g)
{
    CONTINUE(g);
    expect_quiet(g);
}

static void store(struct gdb_box *g, uint64_t at, uint32_t size, uint64_t value)
{
    BEGIN(g, "Store", value_u64(at), value_u32(size), value_u64(value));
}

static void load(struct gdb_box *g, uint64_t at)
{
    BEGIN(g, "Load8", value_u64(at));
}

/* One kind, one range: who writes and reads in it, at its edges and beside it. */
static void check_range(struct gdb_box *g, enum gdb_point point, uint64_t at, size_t size)
{
    bool sees_writes = point != GDB_WATCH_READ, sees_reads = point != GDB_WATCH_WRITE;
    const uint64_t inside[] = {at, at + size - 1, at + size / 2}, outside[] = {at - 8, at + size};
    uint64_t value;
    break_in(g);
    insert(g, point, at, size);
    CONTINUE(g);
    for (size_t i = 0; i < COUNT(inside); i++) {
        store(g, inside[i], 1, next_value());
        if (sees_writes) {
            expect_watch_in(g, point, inside[i], inside[i] + 1);
            peek(g, inside[i], &value, 1);
            assert_int_equal(value & 0xff, pattern & 0xff); /* the access has been made */
            CONTINUE(g);
        }
        expect_quiet(g);
        load(g, inside[i] - 7); /* begins below, ends in it */
        if (sees_reads) {
            expect_watch_in(g, point, at, at + size);
            CONTINUE(g);
        }
        expect_quiet(g);
    }
    for (size_t i = 0; i < COUNT(outside); i++) {
        store(g, outside[i], 8, next_value());
        expect_quiet(g);
        load(g, outside[i]);
        expect_quiet(g);
    }
    break_in(g);
    drop(g, point, at, size);
    CONTINUE(g);
    store(g, at, 1, next_value());
    expect_quiet(g);
}

static void check_sizes(struct gdb_box *g, uint64_t at, const size_t *sizes, size_t count)
{
    attach_idle(g);
    CONTINUE(g);
    for (size_t i = 0; i < count; i++)
        for (enum gdb_point point = GDB_WATCH_WRITE; point <= GDB_WATCH_ACCESS; point++)
            check_range(g, point, at, sizes[i]);
}

static void check_place(struct gdb_box *g, uint64_t at)
{
    static const size_t sizes[] = {1, 2, 3, 4, 7, 8, 16, 32, 33, 64, 5000};
    check_sizes(g, at, sizes, COUNT(sizes));
}

static void test_global(void **state)
{
    struct gdb_box *g = *state;

    watch_opened(g);
    check_place(g, where(g, "global") + 128);
}

static void test_every_size(void **state)
{
    struct gdb_box *g = *state;
    size_t sizes[64];

    for (size_t i = 0; i < COUNT(sizes); i++)
        sizes[i] = i + 1;
    watch_opened(g);
    check_sizes(g, where(g, "global") + 128, sizes, emulated() ? 24 : COUNT(sizes));
}

static void test_heap(void **state)
{
    struct gdb_box *g = *state;

    watch_opened(g);
    check_place(g, where(g, "heap") + 67); /* not aligned */
}

static void test_stack(void **state)
{
    struct gdb_box *g = *state;

    watch_opened(g);
    check_place(g, CALL0(&g->box, "OnStack")->u64);
}

/* From one page to the next. */
static void test_across_pages(void **state)
{
    struct gdb_box *g = *state;

    watch_opened(g);
    check_place(g, where(g, "global") + 2 * PAGE - 1);
}

/* An operand that lies on both sides of a page's end, of which one is watched. */
static void test_reach_across_pages(void **state)
{
    struct gdb_box *g = *state;

    watch_opened(g);
    uint64_t border = where(g, "global") + 2 * PAGE;
    attach_idle(g);
    insert(g, GDB_WATCH_ACCESS, border + 4, 100);
    CONTINUE(g);
    load(g, border - 4);
    expect_quiet(g);
    store(g, border - 4, 8, next_value());
    expect_quiet(g);
    load(g, border - 3);
    expect_watch_in(g, GDB_WATCH_ACCESS, border + 4, border + 5);
    finish(g);
    store(g, border - 3, 8, next_value());
    expect_watch_in(g, GDB_WATCH_ACCESS, border + 4, border + 5);
    finish(g);
}

/* A value that is written over itself is written. */
static void test_same_value(void **state)
{
    struct gdb_box *g = *state;

    watch_opened(g);
    uint64_t at = where(g, "global");
    attach_idle(g);
    insert(g, GDB_WATCH_WRITE, at, 8);
    CONTINUE(g);
    for (int i = 0; i < 2; i++) {
        store(g, at, 8, 0x1234);
        expect_watch_in(g, GDB_WATCH_WRITE, at, at + 8);
        finish(g);
    }
}

/* Other instructions that write: push, a read-modify-write, a string, a whole XSAVE area. */
static void test_other_instructions(void **state)
{
    struct gdb_box *g = *state;

    watch_opened(g);
    uint64_t at = where(g, "global") + 1024;
    attach_idle(g);
    insert(g, GDB_WATCH_WRITE, at, 64);
    insert(g, GDB_WATCH_READ, at + 8192, 64);
    CONTINUE(g);
    BEGIN(g, "Push", value_u64(at + 16), value_u64(next_value()));
    expect_watch_in(g, GDB_WATCH_WRITE, at + 8, at + 16);
    finish(g);
    BEGIN(g, "Modify", value_u64(at + 8192), value_u32(1));
    expect_watch_in(g, GDB_WATCH_READ, at + 8192, at + 8196);
    finish(g);
    BEGIN(g, "Modify", value_u64(at), value_u32(1));
    expect_watch_in(g, GDB_WATCH_WRITE, at, at + 4);
    finish(g);
    BEGIN(g, "Xsave", value_u64(at - 512)); /* its header is in the range */
    expect_watch_in(g, GDB_WATCH_WRITE, at, at + 64);
    finish(g);
}

/* Each turn of a `rep movs` is an access of its own; only those inside are reported. */
static void test_string(void **state)
{
    struct gdb_box *g = *state;
    unsigned writes = 0, reads = 0;

    watch_opened(g);
    uint64_t to = where(g, "global") + 2 * PAGE - 20, from = to + 8 * PAGE;
    attach_idle(g);
    for (uint64_t i = 0; i < 64; i++)
        poke(g, from + i, &(uint8_t){(uint8_t)(i + 1)}, 1);
    insert(g, GDB_WATCH_WRITE, to + 10, 40);
    insert(g, GDB_WATCH_READ, from + 30, 3);
    CONTINUE(g);
    BEGIN(g, "Copy", value_u64(to), value_u64(from), value_u32(64));
    for (;;) {
        struct pollfd event = {.fd = debug_ops.event_fd(g->d), .events = POLLIN};
        bool stopped = false;
        while (!stopped && !atomic_load(&g->over))
            stopped = poll(&event, 1, 1) == 1;
        if (!stopped)
            break;
        struct gdb_stop stop = take(g);
        assert_int_equal(stop.reason, GDB_STOP_WATCH);
        writes += stop.point == GDB_WATCH_WRITE;
        reads += stop.point == GDB_WATCH_READ;
        CONTINUE(g);
    }
    expect_quiet(g);
    /* A turn that reads and writes watched memory is reported once, as a read or as a write. */
    assert_in_range(writes, 37, 40);
    assert_in_range(writes + reads, 40, 43);
    uint8_t a[64], b[64];
    break_in(g);
    peek(g, to, a, sizeof(a));
    peek(g, from, b, sizeof(b));
    assert_memory_equal(a, b, sizeof(a));
}

/* The host: a host function, and what a system call fills. */
static void test_host_writes(void **state)
{
    struct gdb_box *g = *state;

    watch_opened(g);
    uint64_t at = where(g, "global") + 256;
    attach_idle(g);
    insert(g, GDB_WATCH_WRITE, at, 4);
    insert(g, GDB_WATCH_ACCESS, at + 64, 100);
    CONTINUE(g);
    BEGIN(g, "Poke", value_u64(at), value_i32(99));
    expect_watch_in(g, GDB_WATCH_WRITE, at, at + 4);
    finish(g);
    BEGIN(g, "Poke", value_u64(at + 100), value_i32(98));
    expect_watch_in(g, GDB_WATCH_ACCESS, at + 100, at + 104);
    finish(g);
    BEGIN(g, "Poke", value_u64(at + 8), value_i32(97));
    expect_quiet(g);
    BEGIN(g, "Random", value_u64(at), value_u32(64));
    expect_watch_in(g, GDB_WATCH_WRITE, at, at + 4);
    finish(g);
}

/* More than any processor has registers for, all at once. */
static void test_many(void **state)
{
    enum { MANY = 200 };
    struct gdb_box *g = *state;

    watch_opened(g);
    uint64_t at = where(g, "global");
    attach_idle(g);
    for (uint64_t i = 0; i < MANY; i++)
        insert(g, i % 2 ? GDB_WATCH_ACCESS : GDB_WATCH_WRITE, at + 200 * i, 8);
    CONTINUE(g);
    for (uint64_t i = 0; i < MANY; i += 7) {
        enum gdb_point point = i % 2 ? GDB_WATCH_ACCESS : GDB_WATCH_WRITE;
        store(g, at + 200 * i, 8, next_value());
        expect_watch_in(g, point, at + 200 * i, at + 200 * i + 8);
        finish(g);
        store(g, at + 200 * i + 100, 8, next_value());
        expect_quiet(g);
    }
}

/* Nobody wants them: the guest runs as ever, and each is asked about. */
static void test_unwanted(void **state)
{
    struct gdb_box *g = *state;

    watch_opened(g);
    uint64_t words = where(g, "words"), turns;
    attach_idle(g);
    insert(g, GDB_WATCH_WRITE, words, 8);
    atomic_store(&g->unwanted, true);
    CONTINUE(g);
    BEGIN0(g, "Spin");
    WAIT_FOR(atomic_load(&g->reports) >= 200);
    break_in(g);
    peek(g, words, &turns, sizeof(turns));
    assert_in_range(turns, atomic_load(&g->reports) - 1, atomic_load(&g->reports) + 1);
    drop(g, GDB_WATCH_WRITE, words, 8);
    /* Full speed again, when the guest's thread gets its turn. */
    unsigned reports = atomic_load(&g->reports);
    const volatile uint64_t *now = live(g, words);
    CONTINUE(g);
    WAIT_FOR(*now > turns + 1000);
    break_in(g);
    assert_int_equal(atomic_load(&g->reports), reports);
}

/* Steps see them, too, and report them first. */
static void test_step(void **state)
{
    struct gdb_box *g = *state;
    unsigned hits = 0;

    watch_opened(g);
    uint64_t at = where(g, "global") + 8;
    attach_idle(g);
    insert(g, GDB_WATCH_WRITE, at, 8);
    STEP(g);
    store(g, at, 8, next_value());
    while (!hits) {
        struct gdb_stop stop = take(g);
        hits += stop.reason == GDB_STOP_WATCH;
        resume_how(g, hits ? GDB_CONTINUE : GDB_STEP, 0);
    }
    expect_quiet(g);
}

/* A crash in a watched page is a crash. */
static void test_fault(void **state)
{
    struct gdb_box *g = *state;

    watch_opened(g);
    uint64_t tick = where(g, "tick");
    attach_idle(g);
    insert(g, GDB_WATCH_ACCESS, tick, 64);
    CONTINUE(g);
    store(g, tick, 8, 1);
    expect_signal(g, GDB_SIGNAL_SEGV);
    assert_int_equal(g->box.sb->fault.address, tick);
}

int main(int argc, char **argv)
{
    watchdog(100);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        GDB_TEST(test_global),
        GDB_TEST(test_every_size),
        GDB_TEST(test_heap),
        GDB_TEST(test_stack),
        GDB_TEST(test_across_pages),
        GDB_TEST(test_same_value),
        GDB_TEST(test_reach_across_pages),
        GDB_TEST(test_string),
        GDB_TEST(test_other_instructions),
        GDB_TEST(test_host_writes),
        GDB_TEST(test_many),
        GDB_TEST(test_unwanted),
        GDB_TEST(test_step),
        GDB_TEST(test_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
