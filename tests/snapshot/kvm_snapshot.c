/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: whatever a call did, after a restore nothing of it is left. */
#include "rewind.h"

static void test_untouched(void **state)
{
    struct rewind *w = *state;
    check(w);
    restore(w);
    check(w);
    assert_int_equal(CALL0(&w->box, "Count")->i32, 1);
    restore(w);
    check(w);
    assert_int_equal(CALL0(&w->box, "Count")->i32, 1);
    assert_int_equal(CALL0(&w->box, "Count")->i32, 2);
}

static void test_memory(void **state)
{
    struct rewind *w = *state;
    for (uint32_t pages = 1; pages <= 256; pages *= 4) {
        assert_int_equal(CALL(&w->box, "DirtyMemory", value_u32(pages))->i32, 1);
        assert_int_equal(CALL(&w->box, "DirtyMemory", value_u32(pages))->i32, 2);
        restore(w);
        check(w);
    }
    assert_int_equal(CALL0(&w->box, "Tls")->i32, 8);
    restore(w);
    assert_int_equal(CALL0(&w->box, "Tls")->i32, 8);
}

/* Mappings that the call takes away come back with their contents. */
static void test_mappings(void **state)
{
    struct rewind *w = *state;
    const uint32_t size = 256 << 10;
    CALL(&w->box, "Keep", value_u32(size));
    take(w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(CALL(&w->box, "ReadKept", value_u32(size))->i32, -1);
        assert_int_equal(CALL(&w->box, "Drop", value_u32(size))->i32, 0);
        if (i == 1) /* others take the place */
            CALL(&w->box, "Keep", value_u32(size / 2));
        else
            assert_int_equal(TRY(&w->box, "ReadKept", value_u32(size)), HL_ERR_FAULT);
        restore(w);
        check(w);
        assert_int_equal(CALL(&w->box, "ProtectKept", value_u32(size / 2))->i32, 0);
        assert_int_equal(TRY(&w->box, "ReadKept", value_u32(size)), HL_ERR_FAULT);
        restore(w);
        check(w);
    }
}

/* The page tables must be obeyed at once: what was mapped after the snapshot is gone. */
static void test_no_stale_translation(void **state)
{
    struct rewind *w = *state;
    const uint32_t size = 64 << 10;
    for (int i = 0; i < 20; i++) {
        uint64_t kept = CALL(&w->box, "Keep", value_u32(size))->u64;
        assert_int_equal(CALL(&w->box, "ReadKept", value_u32(size))->i32, -1);
        restore(w);
        check(w);
        assert_int_equal(TRY(&w->box, "Peek", value_u64(kept)), HL_ERR_FAULT);
        assert_non_null(hl_sandbox_fault(w->box.sb));
        restore(w);
        check(w);
    }
}

static void test_vectors(void **state)
{
    struct rewind *w = *state;
    uint8_t *first;
    size_t size = look(w, &first);
    restore(w);
    expect_look(w, first, size, true);
    for (uint32_t i = 1; i < 200; i += 66) {
        CALL(&w->box, "DirtyVectors", value_u32(i));
        expect_look(w, first, size, false);
        restore(w);
        check(w);
        expect_look(w, first, size, true);
        CALL(&w->box, "DirtyVectors", value_u32(i));
        restore(w);
        expect_look(w, first, size, true);
    }
    free(first);
}

/* ... and what was in them at the snapshot is there afterwards. */
static void test_vectors_come_back(void **state)
{
    struct rewind *w = *state;
    uint8_t *first;
    CALL(&w->box, "DirtyVectors", value_u32(0x33));
    take(w);
    size_t size = look(w, &first);
    for (uint32_t i = 0; i < 3; i++) {
        CALL(&w->box, "DirtyVectors", value_u32(0x99 + i));
        restore(w);
        expect_look(w, first, size, true);
    }
    free(first);
}

static void test_registers(void **state)
{
    static const char *const dirty[] = {"DirtyFlags", "DirtySegments", "DirtyFsBase",
                                        "DirtyGeneral"};
    struct rewind *w = *state;
    uint8_t *first;
    size_t size = look(w, &first);
    restore(w);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT(dirty); i++) {
            assert_int_equal(TRY0(&w->box, dirty[i]), HL_ERR_FAULT);
            assert_int_equal(hl_sandbox_state(w->box.sb), HL_SANDBOX_POISONED);
            restore(w);
            check(w);
            expect_look(w, first, size, true);
        }
    }
    free(first);
}

static uint64_t own_segments(void)
{
    uint16_t ds, es, fs, gs;
    __asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    return ds | (uint64_t)es << 16 | (uint64_t)fs << 32 | (uint64_t)gs << 48;
}

static void load_segments(struct box *box, unsigned mask)
{
    const uint32_t ds = mask & 1 ? 0x2b : 0, es = mask & 2 ? 0x2b : 0;
    CALL(box, "LoadSegments", value_u32(ds), value_u32(es), value_u32(mask & 4 ? 0x2b : 0),
         value_u32(mask & 8 ? 0x2b : 0));
    /* The others mean nothing but a base, and need not outlast an exit. */
    assert_int_equal((uint32_t)CALL(box, "Segments")->u64, ds | es << 16);
}

static void *call_segments(void *box)
{
    return (void *)(uintptr_t)CALL((struct box *)box, "Segments")->u64;
}

static void forbid(long number)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const struct sock_fprog program = {4, steps};
    assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* A thread of its own: it keeps its filter. */
static void *load_under_a_filter(void *box)
{
    const uint64_t own = own_segments();
    forbid(SYS_arch_prctl);
    load_segments(box, 15);
    return (void *)(uintptr_t)(own_segments() == own);
}

/* No guest makes its host call what a filter may well forbid. */
static void test_segments_under_seccomp(void **state)
{
    struct rewind *w = *state;
    pthread_t thread;
    void *same;
    if (!(getauxval(AT_HWCAP2) & 2)) {
        print_message("skip test_segments_under_seccomp: no FSGSBASE\n");
        skip();
    }
    thread_begin(&thread, load_under_a_filter, &w->box);
    pthread_join(thread, &same);
    assert_non_null(same);
}

/* A guest's segments are its own: no other sandbox of the thread sees them, nor does the host. */
static void test_segments(void **state)
{
    struct rewind *w = *state;
    struct box other = {0};
    const uint64_t own = own_segments();
    pthread_t thread;
    void *seen;
    box_create(&other, "rewind", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&other, "HostAdd", "i32(i32, i32)", host_add, &w->target);
    box_start(&other);
    const uint64_t began = CALL(&other, "Segments")->u64;
    assert_int_equal(CALL(&w->box, "Segments")->u64, began);
    for (unsigned i = 0; i < 16; i++) {
        load_segments(&w->box, i);
        const uint64_t mine = CALL(&w->box, "Segments")->u64;
        assert_int_equal(own_segments(), own);
        assert_int_equal(CALL(&other, "Segments")->u64, began);
        take(w);
        load_segments(&w->box, ~i);
        restore(w);
        assert_int_equal(CALL(&other, "Segments")->u64, began);
        thread_begin(&thread, call_segments, &w->box);
        pthread_join(thread, &seen);
        assert_int_equal((uintptr_t)seen, mine);
        assert_int_equal(CALL(&w->box, "Segments")->u64, mine);
    }
    box_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REWIND_TEST(test_untouched),
        REWIND_TEST(test_segments),
        REWIND_TEST(test_segments_under_seccomp),
        REWIND_TEST(test_memory),
        REWIND_TEST(test_mappings),
        REWIND_TEST(test_no_stale_translation),
        REWIND_TEST(test_vectors),
        REWIND_TEST(test_vectors_come_back),
        REWIND_TEST(test_registers),
    };

    watchdog(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
