/* SPDX-License-Identifier: Apache-2.0 */
/* Going back to a snapshot: after every end, many times, between others, from other threads. */
#include "rewind.h"

/* Every end a call can have. */
static void end_badly(struct rewind *w, unsigned how)
{
    struct box *box = &w->box;
    int status = 0;
    switch (how) {
    case 0:
        assert_int_equal(TRY(box, "Fail", value_i32(5)), HL_ERR_GUEST_ERROR);
        break;
    case 1:
        assert_int_equal(TRY0(box, "Abort"), HL_ERR_GUEST_ABORT);
        break;
    case 2:
        assert_int_equal(TRY(box, "Exit", value_i32(9)), HL_ERR_EXITED);
        assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_DEAD);
        assert_int_equal(hl_sandbox_exit_status(box->sb), 9);
        break;
    case 3:
        w->target = box->sb;
        assert_int_equal(TRY0(box, "Spin"), HL_ERR_INTERRUPTED);
        w->target = NULL;
        break;
    case 4:
        assert_int_equal(TRY0(box, "Recurse"), HL_ERR_FAULT);
        break;
    case 5:
        assert_int_equal(TRY0(box, "ReadPort"), HL_ERR_PROTOCOL);
        break;
    case 6:
        assert_int_equal(TRY(box, "ReadPorts", value_u32(0xe1), value_u32(3)), HL_ERR_PROTOCOL);
        break;
    case 7:
        assert_int_equal(TRY(box, "ReadPorts", value_u32(0xe2), value_u32(5000)), HL_ERR_PROTOCOL);
        break;
    default:
        assert_int_equal(hl_sandbox_main(box->sb, &status, &box->error), HL_ERR_NO_MAIN);
    }
}
#define BAD_ENDS 9

static void test_after_every_end(void **state)
{
    struct rewind *w = *state;
    for (unsigned i = 0; i < BAD_ENDS * 4; i++) {
        assert_int_equal(CALL0(&w->box, "Count")->i32, 1);
        end_badly(w, i % BAD_ENDS);
        restore(w);
        check(w);
        if (i % 3 == 0) {
            assert_int_equal(CALL(&w->box, "Add", value_i32(40), value_i32(2))->i32, 42);
            restore(w);
        }
    }
}

/* With its interrupt table gone, the first fault is a triple fault. */
static void test_after_a_triple_fault(void **state)
{
    struct rewind *w = *state;
    uint8_t *first;
    size_t size = look(w, &first);
    restore(w);
    for (int i = 0; i < 5; i++) {
        CALL(&w->box, "DirtyVectors", value_u32(0x66));
        memset(hl_machine_memory(hl_sandbox_machine(w->box.sb), 0, 2 * PAGE), 0, 2 * PAGE);
        assert_int_equal(TRY0(&w->box, "DirtyFlags"), HL_ERR_FAULT);
        assert_null(hl_sandbox_fault(w->box.sb));
        assert_int_equal(TRY0(&w->box, "Count"), HL_ERR_STATE);
        restore(w);
        check(w);
        expect_look(w, first, size, true);
        assert_int_equal(TRY0(&w->box, "DirtyFlags"), HL_ERR_FAULT);
        assert_int_equal(hl_sandbox_fault(w->box.sb)->vector, 6);
        restore(w);
    }
    free(first);
}

static void test_random_state(void **state)
{
    struct rewind *w = *state;
    CALL0(&w->box, "NextRandom");
    take(w);
    int32_t random = CALL0(&w->box, "NextRandom")->i32;
    assert_int_not_equal(CALL0(&w->box, "NextRandom")->i32, random);
    restore(w);
    assert_int_equal(CALL0(&w->box, "NextRandom")->i32, random);
}

static void test_states(void **state)
{
    struct rewind *w = *state;
    struct hl_snapshot *s = NULL;
    struct box fresh = {.image = w->box.image};

    assert_int_equal(hl_snapshot_take(NULL, w->box.sb, &w->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_snapshot_take(&s, NULL, &w->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_restore(NULL, w->snapshot, &w->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_restore(w->box.sb, NULL, &w->box.error), HL_ERR_ARGUMENT);
    hl_snapshot_destroy(NULL);
    assert_int_equal(TRY0(&w->box, "Abort"), HL_ERR_GUEST_ABORT);
    assert_int_equal(hl_snapshot_take(&s, w->box.sb, &w->box.error), HL_ERR_STATE);
    check_error(&w->box.error, HL_ERR_STATE);
    box_create(&fresh, "rewind", (struct hl_sandbox_config){.heap = 8 << 20, .stack = 64 << 10});
    assert_int_equal(hl_snapshot_take(&s, fresh.sb, &fresh.error), HL_ERR_STATE);
    assert_int_equal(hl_sandbox_restore(fresh.sb, w->snapshot, &fresh.error), HL_ERR_STATE);
    hl_sandbox_destroy(fresh.sb);
    assert_null(s);
    restore(w);
    check(w);
}

/* Into another sandbox of the same image; not of another image or size. */
static void test_other_sandbox(void **state)
{
    struct rewind *w = *state;
    struct rewind other = {0};
    struct box plain = {0};

    CALL0(&w->box, "Count");
    take(w);
    start(&other);
    assert_ptr_not_equal(other.box.image, w->box.image);
    CALL(&other.box, "DirtyMemory", value_u32(100));
    assert_int_equal(hl_sandbox_restore(other.box.sb, w->snapshot, &other.box.error), 0);
    assert_int_equal(CALL0(&other.box, "Count")->i32, 2);
    assert_int_equal(CALL0(&w->box, "Count")->i32, 2);
    assert_int_equal(CALL(&other.box, "Add", value_i32(1), value_i32(2))->i32, 3);
    box_close(&other.box);

    const struct hl_sandbox_config config = {.heap = 4 << 20, .stack = 64 << 10};
    box_create(&other.box, "rewind", config);
    box_start(&other.box);
    assert_int_equal(hl_sandbox_restore(other.box.sb, w->snapshot, &other.box.error),
                     HL_ERR_ARGUMENT);
    check_error(&other.box.error, HL_ERR_ARGUMENT);
    assert_int_equal(CALL0(&other.box, "Count")->i32, 1);
    box_close(&other.box);

    box_open(&plain, "trouble");
    assert_int_equal(hl_sandbox_restore(plain.sb, w->snapshot, &plain.error), HL_ERR_ARGUMENT);
    check_error(&plain.error, HL_ERR_ARGUMENT);
    assert_int_equal(CALL0(&plain, "Count")->i32, 1);
    box_close(&plain);
}

/* The snapshot outlives its sandbox, and two snapshots do not mix. */
static void test_many_snapshots(void **state)
{
    struct rewind *w = *state;
    struct hl_snapshot *s[8] = {NULL};
    for (int i = 0; i < 8; i++) {
        assert_int_equal(hl_snapshot_take(&s[i], w->box.sb, &w->box.error), 0);
        assert_int_equal(CALL0(&w->box, "Count")->i32, i + 1);
        CALL(&w->box, "Keep", value_u32(4096u << i));
    }
    for (int i = 0; i < 64; i++) {
        int n = i * 5 % 8;
        assert_int_equal(hl_sandbox_restore(w->box.sb, s[n], &w->box.error), 0);
        assert_int_equal(CALL0(&w->box, "Count")->i32, n + 1);
    }
    hl_sandbox_destroy(w->box.sb);
    start(w);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(hl_sandbox_restore(w->box.sb, s[i], &w->box.error), 0);
        assert_int_equal(CALL0(&w->box, "Count")->i32, i + 1);
        hl_snapshot_destroy(s[i]);
    }
}

static void test_1000_restores(void **state)
{
    struct rewind *w = *state;
    for (int i = 0; i < 1000; i++) {
        expect_text(CALL(&w->box, "Echo", value_string("again")), "again");
        assert_int_equal(CALL0(&w->box, "Count")->i32, 1);
        if (i % 100 == 0)
            CALL(&w->box, "DirtyMemory", value_u32(32));
        if (i % 50 == 0)
            end_badly(w, (unsigned)i / 50 % BAD_ENDS);
        restore(w);
        if (i % 97 == 0)
            check(w);
    }
    check(w);
}

static void *restore_in_thread(void *opaque)
{
    struct rewind *w = opaque;
    for (int i = 0; i < 50; i++) {
        restore(w);
        assert_int_equal(CALL0(&w->box, "Count")->i32, 1);
    }
    restore(w);
    return NULL;
}

static void test_in_another_thread(void **state)
{
    struct rewind *w = *state;
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        CALL0(&w->box, "Count");
        thread_begin(&thread, restore_in_thread, w);
        assert_int_equal(pthread_join(thread, NULL), 0);
        check(w);
    }
}

/* A program that has a pointer into the guest may write at any time: that is undone, too. */
static void test_writes_through_pointers(void **state)
{
    struct rewind *w = *state;
    struct hl_machine *m = hl_sandbox_machine(w->box.sb);
    uint64_t kept = CALL(&w->box, "Keep", value_u32(PAGE))->u64;
    const struct hl_region *image = hl_sandbox_region(w->box.sb, 0);
    hl_gpa_t data, text;
    assert_int_equal(hl_machine_lookup(m, kept, &data, NULL), 0);
    assert_int_equal(hl_machine_lookup(m, image->start, &text, NULL), 0);
    uint8_t *early = hl_machine_memory(m, data, PAGE);
    take(w);
    uint8_t *late = hl_machine_memory(m, text, PAGE);
    for (int i = 0; i < 200; i++) {
        early[i] = late[i] ^= 0xff;
        const uint8_t byte = 1;
        assert_int_equal(hl_machine_write(m, kept + 300, &byte, 1, 0), 1);
        restore(w);
        if (i % 20 == 0)
            check(w);
        assert_int_equal(CALL(&w->box, "ReadKept", value_u32(PAGE))->i32, -1);
        restore(w);
    }
    check(w);
}

/* Much memory, in runs that are given back to the system. */
static void test_large(void **state)
{
    struct rewind *w = *state;
    hl_sandbox_destroy(w->box.sb);
    box_create(&w->box, "rewind", (struct hl_sandbox_config){.heap = 64 << 20});
    box_start(&w->box);
    CALL(&w->box, "Keep", value_u32(8 << 20));
    take(w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(CALL(&w->box, "DirtyMemory", value_u32(3000))->i32, 1);
        if (i)
            assert_int_equal(CALL(&w->box, "Drop", value_u32(8 << 20))->i32, 0);
        restore(w);
        check(w);
        assert_int_equal(CALL0(&w->box, "Count")->i32, 1);
        restore(w);
        assert_int_equal(CALL(&w->box, "ReadKept", value_u32(8 << 20))->i32, -1);
        restore(w);
        check(w);
    }
}

/* A KVM without a dirty log, and one whose log is cleared by reading it. */
static bool no_log(struct hl_vcpu *v)
{
    (void)v;
    return false;
}

static bool old_log(struct hl_vcpu *v)
{
    v->slot.flags |= KVM_MEM_LOG_DIRTY_PAGES;
    return ioctl(v->vm_fd, KVM_SET_USER_MEMORY_REGION, &v->slot) == 0;
}

static void test_other_logs(void **state)
{
    struct rewind *w = *state;
    for (int kind = 0; kind < 2; kind++) {
        struct backend other = kvm_backend;
        other.log_start = kind ? old_log : no_log;
        hl_sandbox_destroy(w->box.sb);
        start(w);
        struct hl_machine *m = hl_sandbox_machine(w->box.sb);
        m->backend = &other;
        take(w);
        for (unsigned i = 0; i < 150; i++) {
            assert_int_equal(CALL(&w->box, "DirtyMemory", value_u32(i % 20 + 1))->i32, 1);
            if (i % 7 == 0)
                end_badly(w, i / 7 % BAD_ENDS);
            restore(w);
            if (i % 10 == 0)
                check(w);
            assert_int_equal(CALL0(&w->box, "Count")->i32, 1);
            restore(w);
        }
        check(w);
        m->backend = &kvm_backend;
    }
}

/* Of memory mappings and, by the next descriptor's number, of files. */
static void test_nothing_is_left(void **state)
{
    struct rewind *w = *state;
    int file = 0;
    unsigned maps = 0;
    for (int i = 0; i < 320; i++) {
        struct hl_snapshot *s = NULL;
        struct hl_sandbox *sb = NULL;
        assert_int_equal(hl_snapshot_take(&s, w->box.sb, &w->box.error), 0);
        assert_int_equal(hl_sandbox_create_from(&sb, s, NULL, &w->box.error), 0);
        if (i % 2)
            assert_int_equal(hl_sandbox_start(sb, &w->box.error), 0);
        if (i % 4 == 3)
            assert_int_equal(hl_sandbox_call(sb, "Count", NULL, 0, NULL, &w->box.error), 0);
        hl_snapshot_destroy(s);
        hl_sandbox_destroy(sb);
        int next = dup(0);
        close(next);
        if (i == 20) {
            file = next;
            maps = count_lines("/proc/self/maps");
        }
        assert_true(i <= 20 || next == file);
    }
    assert_in_range(count_lines("/proc/self/maps"), 0, maps + 8);
}

/* From inside of a call the sandbox is busy. */
static int restore_inside(void *opaque, const struct hl_value *args, size_t count,
                          struct hl_value *result, struct hl_error *error)
{
    struct rewind *w = opaque;
    struct hl_snapshot *s = NULL;
    (void)args;
    (void)count;
    result->i32 = hl_sandbox_restore(w->box.sb, w->snapshot, error) == HL_ERR_BUSY &&
                  hl_snapshot_take(&s, w->box.sb, error) == HL_ERR_BUSY;
    return 0;
}

static void test_busy(void **state)
{
    struct rewind *w = *state;
    hl_sandbox_destroy(w->box.sb);
    box_create(&w->box, "rewind", (struct hl_sandbox_config){.heap = 8 << 20, .stack = 64 << 10});
    box_register(&w->box, "HostAdd", "i32(i32, i32)", restore_inside, w);
    box_start(&w->box);
    assert_int_equal(CALL(&w->box, "Add", value_i32(1), value_i32(2))->i32, 1);
    restore(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REWIND_TEST(test_after_every_end),
        REWIND_TEST(test_after_a_triple_fault),
        REWIND_TEST(test_random_state),
        REWIND_TEST(test_states),
        REWIND_TEST(test_other_sandbox),
        REWIND_TEST(test_many_snapshots),
        REWIND_TEST(test_1000_restores),
        REWIND_TEST(test_in_another_thread),
        REWIND_TEST(test_writes_through_pointers),
        REWIND_TEST(test_large),
        REWIND_TEST(test_other_logs),
        REWIND_TEST(test_nothing_is_left),
        REWIND_TEST(test_busy),
    };

    watchdog(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
