/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: whatever a call did, after a restore nothing of it is left. */
#include "box.h"
#include "files.h"
#include "thread.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <hl/snapshot.h>

#include "machine.h"
#include "vcpu_kvm.h"

static int host_add(void *opaque, const struct hl_value *args, size_t count,
                    struct hl_value *result, struct hl_error *error)
{
    struct hl_sandbox **target = opaque;
    (void)count;
    (void)error;
    if (*target)
        hl_sandbox_interrupt(*target);
    result->i32 = args[0].i32 + args[1].i32;
    return 0;
}

/* A sandbox, a snapshot of it, and how it looked then. */
struct rewind {
    struct box box;
    struct hl_snapshot *snapshot;
    struct hl_sandbox *target; /* interrupted by its host function */
    struct hl_regs regs;
    uint8_t *memory; /* see copy_memory() */
    size_t size;
    uint8_t *physical; /* all of the guest's memory, what is not mapped included */
};

/* Of each page of each region: what it is mapped to, what the guest may do, and what is in it. */
static uint8_t *copy_memory(struct hl_sandbox *sb, size_t *size)
{
    struct hl_machine *m = hl_sandbox_machine(sb);
    uint8_t *copy = NULL;
    size_t used = 0;
    for (size_t i = 0; i < HL_REGIONS; i++) {
        const struct hl_region *r = hl_sandbox_region(sb, i);
        for (hl_gva_t gva = r->start; gva < r->start + r->size; gva += PAGE) {
            struct {
                hl_gva_t gva;
                hl_gpa_t gpa;
                uint64_t prot;
                uint8_t data[PAGE];
            } page = {.gva = gva};
            unsigned prot;
            if (hl_machine_lookup(m, gva, &page.gpa, &prot))
                continue;
            page.prot = prot;
            assert_int_equal(hl_machine_read(m, gva, page.data, PAGE, 0), PAGE);
            if (used % (64 * sizeof(page)) == 0)
                copy = realloc(copy, used + 64 * sizeof(page));
            assert_non_null(copy);
            memcpy(copy + used, &page, sizeof(page));
            used += sizeof(page);
        }
    }
    *size = used;
    return copy;
}

/* Behind the page tables, past the library's books. */
static const uint8_t *physical(const struct rewind *w, size_t *size)
{
    const struct hl_machine *m = hl_sandbox_machine(w->box.sb);
    *size = m->free - m->pt.end;
    return m->memory + m->pt.end;
}

static void check_physical(struct rewind *w)
{
    size_t size;
    const uint8_t *now = physical(w, &size);
    for (size_t at = 0; at < size; at += PAGE)
        if (memcmp(now + at, w->physical + at, PAGE) != 0)
            fail_msg("page %zu of the guest's memory differs", at / PAGE);
}

static void take(struct rewind *w)
{
    size_t size;
    hl_snapshot_destroy(w->snapshot);
    free(w->memory);
    if (hl_snapshot_take(&w->snapshot, w->box.sb, &w->box.error))
        fail_msg("%s", w->box.error.text);
    assert_int_equal(hl_sandbox_state(w->box.sb), HL_SANDBOX_READY);
    w->memory = copy_memory(w->box.sb, &w->size);
    w->physical = realloc(w->physical, (physical(w, &size), size));
    assert_non_null(w->physical);
    memcpy(w->physical, physical(w, &size), size);
    assert_int_equal(hl_machine_get_regs(hl_sandbox_machine(w->box.sb), &w->regs, &w->box.error),
                     0);
}

static void start(struct rewind *w)
{
    const struct hl_sandbox_config config = {.heap = 8 << 20, .stack = 64 << 10};
    box_create(&w->box, "rewind", config);
    box_register(&w->box, "HostAdd", "i32(i32, i32)", host_add, &w->target);
    box_start(&w->box);
}

static void check(struct rewind *w)
{
    struct hl_sandbox *sb = w->box.sb;
    struct hl_regs regs;
    size_t size;
    assert_int_equal(hl_sandbox_state(sb), HL_SANDBOX_READY);
    assert_null(hl_sandbox_fault(sb));
    assert_int_equal(hl_sandbox_guest_code(sb), 0);
    assert_int_equal(hl_sandbox_exit_status(sb), 0);
    uint8_t *now = copy_memory(sb, &size);
    assert_int_equal(size, w->size);
    for (size_t i = 0; i < size; i++)
        if (now[i] != w->memory[i])
            fail_msg("page record %zu, offset %zu: 0x%x instead of 0x%x", i / (PAGE + 24),
                     i % (PAGE + 24), now[i], w->memory[i]);
    free(now);
    check_physical(w);
    assert_int_equal(hl_machine_get_regs(hl_sandbox_machine(sb), &regs, &w->box.error), 0);
    assert_memory_equal(&regs, &w->regs, sizeof(regs));
}

static void restore(struct rewind *w)
{
    if (hl_sandbox_restore(w->box.sb, w->snapshot, &w->box.error))
        fail_msg("%s", w->box.error.text);
}

static int setup(void **state)
{
    struct rewind *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w)
        return -1;
    start(w);
    take(w);
    return 0;
}

static int teardown(void **state)
{
    struct rewind *w = *state;
    hl_snapshot_destroy(w->snapshot);
    box_close(&w->box);
    free(w->memory);
    free(w->physical);
    free(w);
    return 0;
}
#define REWIND_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

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

static size_t look(struct rewind *w, uint8_t **copy)
{
    const struct hl_value *v = CALL0(&w->box, "Look");
    *copy = malloc(v->len);
    assert_non_null(*copy);
    memcpy(*copy, v->data, v->len);
    return v->len;
}

/* Of Look()'s answer with and without a restore in between. */
static void expect_look(struct rewind *w, const uint8_t *wanted, size_t size, bool same)
{
    uint8_t *now;
    assert_int_equal(look(w, &now), size);
    if (same) {
        for (size_t i = 0; i < size; i++)
            if (now[i] != wanted[i])
                fail_msg("offset %zu: 0x%x instead of 0x%x", i, now[i], wanted[i]);
    } else {
        assert_memory_not_equal(now, wanted, size);
    }
    free(now);
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
        struct vcpu_ops ops = hl_vcpu_kvm;
        ops.log_start = kind ? old_log : no_log;
        hl_sandbox_destroy(w->box.sb);
        start(w);
        struct hl_machine *m = hl_sandbox_machine(w->box.sb);
        m->ops = &ops;
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
        m->ops = &hl_vcpu_kvm;
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
        REWIND_TEST(test_untouched),
        REWIND_TEST(test_segments),
        REWIND_TEST(test_segments_under_seccomp),
        REWIND_TEST(test_memory),
        REWIND_TEST(test_mappings),
        REWIND_TEST(test_no_stale_translation),
        REWIND_TEST(test_vectors),
        REWIND_TEST(test_vectors_come_back),
        REWIND_TEST(test_registers),
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
