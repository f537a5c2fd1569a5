/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing of one call reaches the next after a restore; snapshots, and files that are not
 * snapshots. */
#include "conformance.h"
#include "files.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <hl/debug.h>

#include "machine.h"
#include "snapshot_file.h"
#include "machine_impl.h"
#include "vcpu_kvm.h"

/* ---- isolation: tests/guest/rewind.c leaves traces and looks for them ---- */

struct trace {
    struct box box;
    struct hl_snapshot *snapshot;
    uint8_t *look; /* all registers but the general ones, as a fresh guest sees them */
    size_t look_size;
};

static void back(struct trace *t)
{
    if (hl_sandbox_restore(t->box.sb, t->snapshot, &t->box.error))
        fail_msg("%s", t->box.error.text);
}

static int trace_setup(void **state)
{
    struct trace *t = *state = calloc(1, sizeof(*t));
    if (!t)
        return -1;
    box_create(&t->box, "rewind", (struct hl_sandbox_config){.heap = 8 << 20});
    box_register(&t->box, "HostAdd", "i32(i32, i32)", kit_host_add, NULL);
    box_start(&t->box);
    assert_int_equal(hl_snapshot_take(&t->snapshot, t->box.sb, &t->box.error), 0);
    const struct hl_value *look = CALL0(&t->box, "Look");
    t->look_size = look->len;
    t->look = malloc(look->len);
    memcpy(t->look, look->data, look->len);
    back(t);
    return 0;
}

static int trace_teardown(void **state)
{
    struct trace *t = *state;
    hl_snapshot_destroy(t->snapshot);
    box_close(&t->box);
    free(t->look);
    free(t);
    return 0;
}
#define TRACE(name, test)                                                                          \
    {                                                                                              \
        name, test, trace_setup, trace_teardown, NULL                                              \
    }

static void expect_look(struct trace *t, bool same)
{
    const struct hl_value *now = CALL0(&t->box, "Look");
    assert_int_equal(now->len, t->look_size);
    assert_int_equal(memcmp(now->data, t->look, t->look_size) == 0, same);
}

/* A function that dirties registers and then faults, so that what it left is what is restored over.
 */
static void dirty_and_die(struct trace *t, const char *function)
{
    struct hl_regs before, after;
    struct hl_machine *m = hl_sandbox_machine(t->box.sb);
    assert_int_equal(hl_machine_get_regs(m, &before, &t->box.error), 0);
    assert_int_equal(TRY0(&t->box, function), HL_ERR_FAULT);
    assert_int_equal(hl_machine_get_regs(m, &after, &t->box.error), 0);
    assert_memory_not_equal(&before, &after, sizeof(before));
    back(t);
    assert_int_equal(hl_machine_get_regs(m, &after, &t->box.error), 0);
    assert_memory_equal(&before, &after, sizeof(before));
    expect_look(t, true);
    back(t);
}

static void test_general_registers(void **state)
{
    dirty_and_die(*state, "DirtyGeneral");
    dirty_and_die(*state, "DirtyFlags");
}

static void test_vector_registers(void **state)
{
    struct trace *t = *state;
    for (uint32_t i = 1; i < 200; i += 66) {
        CALL(&t->box, "DirtyVectors", value_u32(i));
        expect_look(t, false);
        back(t);
        expect_look(t, true);
        back(t);
    }
}

static void test_segment_bases(void **state)
{
    dirty_and_die(*state, "DirtyFsBase");
    dirty_and_die(*state, "DirtySegments");
}

/* Ring 3 cannot write to these: it is tried, and KVM is asked what is in them. */
struct system_state {
    struct kvm_debugregs debug;
    struct kvm_xcrs xcrs;
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry[6];
    } msrs;
};

static struct system_state system_of(struct hl_sandbox *sb)
{
    static const uint32_t msrs[] = {0xc0000081, 0xc0000082, 0xc0000083,
                                    0xc0000084, 0xc0000102, 0xc0000080};
    struct system_state s;
    const struct hl_vcpu *v = hl_sandbox_machine(sb)->vcpu;
    memset(&s, 0, sizeof(s));
    s.msrs.head.nmsrs = COUNT(msrs);
    for (size_t i = 0; i < COUNT(msrs); i++)
        s.msrs.entry[i].index = msrs[i];
    assert_int_equal(ioctl(v->fd, KVM_GET_DEBUGREGS, &s.debug), 0);
    assert_int_equal(ioctl(v->fd, KVM_GET_XCRS, &s.xcrs), 0);
    assert_int_equal(ioctl(v->fd, KVM_GET_MSRS, &s.msrs), COUNT(msrs));
    return s;
}

static struct system_state try_to_change(struct con *con, const char *function, size_t count)
{
    const struct hl_value both[] = {value_u32(0xc0000082), value_u64(0x400000)};
    const struct hl_value one[] = {value_u64(0x400000)};
    struct system_state before = system_of(con->box.sb);
    assert_int_equal(box_try(&con->box, function, count == 2 ? both : one, count), HL_ERR_FAULT);
    con_restore(con);
    con_works(con);
    con_restore(con);
    struct system_state after = system_of(con->box.sb);
    assert_memory_equal(&after.debug.db, &before.debug.db, sizeof(before.debug.db));
    assert_int_equal(after.debug.dr7, before.debug.dr7);
    assert_memory_equal(&after.xcrs, &before.xcrs, sizeof(before.xcrs));
    assert_memory_equal(&after.msrs, &before.msrs, sizeof(before.msrs));
    return after;
}

static void test_debug_registers(void **state)
{
    struct system_state s = try_to_change(*state, "SetDr0", 1);
    assert_int_equal(s.debug.db[0], 0);
}

static void test_xcr0(void **state)
{
    struct con *con = *state;
    uint64_t xcr0 = CALL0(&con->box, "ReadXcr0")->u64;
    try_to_change(con, "WriteXcr0", 1);
    assert_int_equal(CALL0(&con->box, "ReadXcr0")->u64, xcr0);
}

static void test_msrs(void **state)
{
    try_to_change(*state, "WriteMSR", 2);
}

static void test_brk_and_mmap(void **state)
{
    struct con *con = *state;
    uint64_t first[2], again[2];
    for (int i = 0; i < 10; i++) {
        memcpy(again, CALL(&con->box, "MapAndKeep", value_u64(1 << 20))->data, sizeof(again));
        if (i == 0)
            memcpy(first, again, sizeof(first));
        assert_memory_equal(first, again,
                            sizeof(first)); /* the same places, as if for the first time */
        con_restore(con);
        con_page_fault(con, TRY(&con->box, "ReadMappedBuffer", value_u64(first[0]), value_u64(1)),
                       USER, first[0], NULL);
        con_page_fault(con, TRY(&con->box, "ReadMappedBuffer", value_u64(first[1]), value_u64(1)),
                       USER, first[1], NULL);
        con_restore(con);
    }
}

/* Arguments, results and scratch of one call cannot be read in the next one. */
static void test_buffers(void **state)
{
    static const char secret[] = "a secret of the call before";
    struct con *con = *state;
    CALL(&con->box, "GuestMethod", value_string(secret));
    CALL(&con->box, "Echo", value_string(secret));
    con_restore(con);
    for (size_t i = 0; i < HL_REGIONS; i++) {
        const struct hl_region *r = hl_sandbox_region(con->box.sb, i);
        uint8_t page[PAGE];
        for (hl_gva_t gva = r->start; gva < r->start + r->size; gva += PAGE)
            if (hl_machine_read(hl_sandbox_machine(con->box.sb), gva, page, PAGE, 0) == PAGE &&
                memmem(page, PAGE, secret, sizeof(secret) - 1))
                fail_msg("in %s, at 0x%llx", r->name, (unsigned long long)gva);
    }
}

static void test_random_state(void **state)
{
    struct con *con = *state;
    int32_t first = CALL0(&con->box, "NextRandom")->i32;
    assert_int_not_equal(CALL0(&con->box, "NextRandom")->i32, first);
    con_restore(con);
    assert_int_equal(CALL0(&con->box, "NextRandom")->i32, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRACE("isolation across restore: general registers and flags", test_general_registers),
        TRACE("isolation across restore: x87, SSE, AVX", test_vector_registers),
        CASE("isolation across restore: debug registers", test_debug_registers),
        CASE("isolation across restore: XCR0", test_xcr0),
        CASE("isolation across restore: MSRs", test_msrs),
        TRACE("isolation across restore: FS and GS base, segments", test_segment_bases),
        CASE("isolation across restore: brk and mmap", test_brk_and_mmap),
        CASE("isolation across restore: buffers", test_buffers),
        CASE("isolation across restore: random state", test_random_state),
    };

    watchdog(60);
    return cmocka_run_group_tests_name("conformance-restore", tests, NULL, NULL);
}
