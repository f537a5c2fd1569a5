/* SPDX-License-Identifier: Apache-2.0 */
/* Sandboxes made of a snapshot: they begin where it was, and share nothing they write to. */
#include "box.h"
#include "thread.h"

#include <pthread.h>

#include <hl/snapshot.h>

#include "machine_impl.h"

static const struct hl_sandbox_config config = {.heap = 8 << 20, .stack = 64 << 10};

static int host_add(void *opaque, const struct hl_value *args, size_t count,
                    struct hl_value *result, struct hl_error *error)
{
    (void)count;
    (void)error;
    result->i32 = args[0].i32 + args[1].i32 + (opaque ? *(int *)opaque : 0);
    return 0;
}

/* box holds the original, ready; a snapshot is taken after one Count and one Keep. */
static struct hl_snapshot *original(struct box *box, uint32_t kept)
{
    struct hl_snapshot *s = NULL;
    box_create(box, "rewind", config);
    box_register(box, "HostAdd", "i32(i32, i32)", host_add, NULL);
    box_start(box);
    assert_int_equal(CALL0(box, "Count")->i32, 1);
    CALL(box, "Keep", value_u32(kept));
    assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
    return s;
}

static struct box clone_of(struct hl_snapshot *s)
{
    struct box c = {0};
    if (hl_sandbox_create_from(&c.sb, s, NULL, &c.error))
        fail_msg("%s", c.error.text);
    assert_int_equal(hl_sandbox_state(c.sb), HL_SANDBOX_NEW);
    return c;
}

static void test_goes_on(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *s = original(box, 1 << 20);
    int extra = 1000;
    struct box c = clone_of(s);

    assert_int_equal(TRY0(&c, "Count"), HL_ERR_STATE);
    box_register(&c, "HostAdd", "i32(i32, i32)", host_add, &extra);
    box_start(&c);
    assert_int_equal(hl_sandbox_start(c.sb, &c.error), HL_ERR_STATE);
    assert_int_equal(CALL0(&c, "Count")->i32, 2);
    assert_int_equal(CALL0(&c, "Count")->i32, 3);
    assert_int_equal(CALL(&c, "ReadKept", value_u32(1 << 20))->i32, -1);
    assert_int_equal(CALL(&c, "Add", value_i32(1), value_i32(2))->i32, 1003);
    assert_int_equal(CALL(&c, "DirtyMemory", value_u32(64))->i32, 4);
    assert_int_equal(CALL0(box, "Count")->i32, 2);
    assert_int_equal(CALL(box, "Add", value_i32(1), value_i32(2))->i32, 3);
    assert_int_equal(CALL(box, "ReadKept", value_u32(1 << 20))->i32, -1);
    hl_sandbox_destroy(c.sb);
    hl_snapshot_destroy(s);
}

/* Freed and mapped again, memory is zeros, not the file's. */
static void test_freed_memory_is_zeros(void **state)
{
    const uint32_t size = 1 << 20;
    struct box *box = *state;
    struct hl_snapshot *s = original(box, size);
    struct box c = clone_of(s);

    box_start(&c);
    for (int i = 0; i < 3; i++) {
        uint64_t kept = CALL(&c, "Drop", value_u32(size))->i32 ? 0 : 1;
        assert_int_equal(kept, 1);
        uint64_t at = CALL(&c, "Map", value_u32(size))->u64;
        for (uint64_t page = 0; page < size; page += PAGE)
            assert_int_equal(CALL(&c, "Peek", value_u64(at + page))->i32, 0);
        assert_int_equal(hl_sandbox_restore(c.sb, s, &c.error), 0);
        assert_int_equal(CALL(&c, "ReadKept", value_u32(size))->i32, -1);
        assert_int_equal(hl_sandbox_restore(c.sb, s, &c.error), 0);
    }
    hl_sandbox_destroy(c.sb);
    hl_snapshot_destroy(s);
}

/* A clone can be saved, restored and cloned like any sandbox, after its original is gone. */
static void test_generations(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *s = original(box, 1 << 20), *next;

    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
    for (int i = 2; i < 8; i++) {
        struct box c = clone_of(s);
        box_start(&c);
        if (i % 2) /* also before anything ran */
            assert_int_equal(hl_snapshot_take(&next, c.sb, &c.error), 0);
        assert_int_equal(CALL0(&c, "Count")->i32, 2 + (i - 1) / 2);
        if (i % 2 == 0)
            assert_int_equal(hl_snapshot_take(&next, c.sb, &c.error), 0);
        CALL(&c, "DirtyMemory", value_u32(50));
        hl_snapshot_destroy(s); /* the clone does not need it any more */
        s = next;
        assert_int_equal(CALL(&c, "ReadKept", value_u32(1))->i32, 0);
        assert_int_equal(hl_sandbox_restore(c.sb, s, &c.error), 0);
        assert_int_equal(CALL(&c, "ReadKept", value_u32(1 << 20))->i32, -1);
        hl_sandbox_destroy(c.sb);
    }
    hl_snapshot_destroy(s);
}

static void test_registers(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *s;
    uint8_t *looks;

    box_create(box, "rewind", config);
    box_start(box);
    CALL(box, "DirtyVectors", value_u32(0x55));
    assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
    const struct hl_value *v = CALL0(box, "Look");
    size_t size = v->len;
    looks = malloc(size);
    assert_non_null(looks);
    memcpy(looks, v->data, size);
    struct box c = clone_of(s);
    box_start(&c);
    v = CALL0(&c, "Look");
    assert_int_equal(v->len, size);
    assert_memory_equal(v->data, looks, size);
    assert_int_equal(hl_sandbox_restore(c.sb, s, &c.error), 0);
    v = CALL0(&c, "Look");
    assert_memory_equal(v->data, looks, size);
    hl_sandbox_destroy(c.sb);
    hl_snapshot_destroy(s);
    free(looks);
}

static void test_config(void **state)
{
    static const struct hl_sandbox_config bad[] = {
        {.heap = 4 << 20}, {.stack = 128 << 10}, {.input = 4096}, {.output = 8192}};
    struct box *box = *state;
    struct hl_snapshot *s = original(box, PAGE);
    struct hl_sandbox *sb = NULL;

    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(hl_sandbox_create_from(&sb, s, &bad[i], &box->error), HL_ERR_ARGUMENT);
        check_error(&box->error, HL_ERR_ARGUMENT);
    }
    assert_int_equal(hl_sandbox_create_from(&sb, NULL, NULL, &box->error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_create_from(NULL, s, NULL, &box->error), HL_ERR_ARGUMENT);
    assert_null(sb);
    assert_int_equal(hl_sandbox_create_from(&sb, s, &config, &box->error), 0);
    assert_int_equal(hl_sandbox_register(sb, "HostAdd", "void()", host_add, NULL, &box->error), 0);
    assert_int_equal(hl_sandbox_start(sb, &box->error), HL_ERR_SIGNATURE);
    hl_sandbox_destroy(sb);
    hl_snapshot_destroy(s);
}

struct crowd {
    struct hl_snapshot *snapshot;
    int failed;
};

static void *live(void *opaque)
{
    struct crowd *c = opaque;
    for (int i = 0; i < 20; i++) {
        struct hl_sandbox *sb = NULL;
        struct hl_value result, pages = value_u32(8);
        c->failed += hl_sandbox_create_from(&sb, c->snapshot, NULL, NULL) != 0;
        c->failed += hl_sandbox_start(sb, NULL) != 0;
        for (int round = 0; round < 3; round++) {
            c->failed += hl_sandbox_call(sb, "DirtyMemory", &pages, 1, &result, NULL) != 0;
            c->failed += result.i32 != 2;
            c->failed += hl_sandbox_restore(sb, c->snapshot, NULL) != 0;
        }
        hl_sandbox_destroy(sb);
    }
    return NULL;
}

static void test_crowd(void **state)
{
    struct box *box = *state;
    struct crowd crowd[8];
    pthread_t thread[8];
    struct hl_snapshot *s = original(box, 100 * PAGE);

    for (size_t i = 0; i < COUNT(crowd); i++) {
        crowd[i] = (struct crowd){.snapshot = s};
        thread_begin(&thread[i], live, &crowd[i]);
    }
    for (size_t i = 0; i < COUNT(crowd); i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(crowd[i].failed, 0);
    }
    hl_snapshot_destroy(s);
}

/* Mappings of the host that a sandbox's memory is made of. */
static unsigned host_mappings(struct hl_sandbox *sb)
{
    const struct hl_machine *m = hl_sandbox_machine(sb);
    const uintptr_t from = (uintptr_t)m->memory, to = from + m->memory_size;
    unsigned long start, end;
    unsigned n = 0;
    char line[512];
    FILE *f = fopen("/proc/self/maps", "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f))
        n += sscanf(line, "%lx-%lx", &start, &end) == 2 && end > from && start < to;
    fclose(f);
    return n;
}

/* Runs that are just long enough to be mapped, and a few that are longer, between zeros. */
static uint32_t write_runs(struct box *box, uint64_t at, uint32_t size)
{
    static uint8_t run[40 * PAGE];
    uint32_t runs = 0;
    memset(run, 0x33, sizeof(run));
    for (uint32_t done = 0, n; done + sizeof(run) + PAGE <= size; done += n + PAGE, runs++) {
        n = (runs % 50 == 49 ? 40 : 16) * PAGE;
        assert_int_equal(
            hl_machine_write(hl_sandbox_machine(box->sb), at + done, run, n, HL_PROT_WRITE), n);
    }
    return runs;
}

/* However often the guest leaves a page of zeros between others. */
static void test_mappings_at_create(void **state)
{
    enum { SIZE = 48 << 20, CLONES = 40 };
    struct box *box = *state;
    struct hl_snapshot *s = NULL;
    struct hl_sandbox_config large = config;
    struct box c[CLONES] = {0};
    uint8_t was[PAGE], is[PAGE];

    large.heap = 64 << 20;
    box_create(box, "rewind", large);
    box_start(box);
    uint64_t at = CALL(box, "Map", value_u32(SIZE))->u64;
    assert_true(write_runs(box, at, SIZE) > 600);
    assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
    for (unsigned i = 0; i < CLONES; i++) {
        c[i] = clone_of(s);
        box_start(&c[i]);
        assert_in_range(host_mappings(c[i].sb), 2, HL_CLONE_MAPPINGS_MAX);
    }
    for (uint64_t page = at; page < at + SIZE; page += PAGE) {
        hl_machine_read(hl_sandbox_machine(box->sb), page, was, PAGE, 0);
        assert_int_equal(hl_machine_read(hl_sandbox_machine(c[7].sb), page, is, PAGE, 0), PAGE);
        assert_memory_equal(was, is, PAGE);
    }
    for (unsigned i = 0; i < CLONES; i++)
        hl_sandbox_destroy(c[i].sb);
    hl_snapshot_destroy(s);
}

/* ... and however it frees what is one mapping at first. */
static void test_mappings_while_it_runs(void **state)
{
    enum { SIZE = 16 << 20, PIECE = 20 * PAGE };
    struct box *box = *state;
    struct hl_snapshot *s = NULL;
    struct hl_sandbox_config large = config;

    large.heap = 32 << 20;
    box_create(box, "rewind", large);
    box_start(box);
    uint64_t at = CALL(box, "Keep", value_u32(SIZE))->u64;
    assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
    struct box c = clone_of(s);
    box_start(&c);
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t piece = 0; piece + 2 * PIECE <= SIZE; piece += 2 * PIECE)
            assert_int_equal(
                CALL(&c, "Unmap", value_u64(at + piece + PIECE), value_u32(PIECE))->i32, 0);
        assert_in_range(host_mappings(c.sb), 30, HL_CLONE_MAPPINGS_MAX);
        for (uint64_t piece = 0; piece + 2 * PIECE <= SIZE; piece += 2 * PIECE) {
            assert_int_equal(CALL(&c, "Peek", value_u64(at + piece))->i32, 0x77);
            uint64_t got = CALL(&c, "Map", value_u32(PIECE))->u64;
            assert_int_equal(CALL(&c, "Peek", value_u64(got))->i32, 0);
            assert_int_equal(CALL(&c, "Peek", value_u64(got + PIECE - PAGE))->i32, 0);
        }
        assert_int_equal(hl_sandbox_restore(c.sb, s, &c.error), 0);
        assert_int_equal(CALL(&c, "ReadKept", value_u32(SIZE))->i32, -1);
        assert_in_range(host_mappings(c.sb), 2, HL_CLONE_MAPPINGS_MAX);
    }
    /* Pieces that are freed from the middle, next to each other, and as a whole. */
    for (uint64_t piece = 0; piece + 2 * PIECE <= SIZE; piece += PIECE) {
        uint64_t middle = (piece / PIECE * 7919 % (SIZE / PIECE)) * PIECE;
        assert_int_equal(CALL(&c, "Unmap", value_u64(at + middle), value_u32(PIECE))->i32, 0);
        assert_in_range(host_mappings(c.sb), 2, HL_CLONE_MAPPINGS_MAX);
    }
    assert_int_equal(CALL(&c, "Drop", value_u32(SIZE))->i32, 0);
    assert_in_range(host_mappings(c.sb), 1, HL_CLONE_MAPPINGS_MAX);
    hl_sandbox_destroy(c.sb);
    hl_snapshot_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_goes_on),
        BOX_TEST(test_freed_memory_is_zeros),
        BOX_TEST(test_generations),
        BOX_TEST(test_registers),
        BOX_TEST(test_config),
        BOX_TEST(test_crowd),
        BOX_TEST(test_mappings_at_create),
        BOX_TEST(test_mappings_while_it_runs),
    };

    watchdog(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
