/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest does wrong: each its own error, the sandbox poisoned and still to be looked at. */
#include "box.h"

#include <errno.h>
#include <sys/syscall.h>

enum { DE = 0, BP = 3, UD = 6, GP = 13, PF = 14 };
enum { PRESENT = 1, WRITE = 2, USER = 4, FETCH = 16 };
enum what { TEXT, CONSTANT_DATA, STATIC_DATA, HEAP, LOCAL };

static void expect_state(struct box *box, enum hl_sandbox_state state)
{
    assert_int_equal(hl_sandbox_state(box->sb), state);
    if (state == HL_SANDBOX_READY)
        return;
    /* Nothing runs any more, everything can be asked. */
    struct hl_regs regs;
    struct hl_counts counts;
    assert_int_equal(TRY0(box, "Count"), HL_ERR_STATE);
    assert_int_equal(hl_sandbox_start(box->sb, &box->error), HL_ERR_STATE);
    assert_int_equal(hl_sandbox_main(box->sb, NULL, &box->error), HL_ERR_STATE);
    hl_sandbox_interrupt(box->sb);
    hl_sandbox_counts(box->sb, &counts);
    assert_true(counts.exits > 0);
    assert_int_equal(hl_machine_get_regs(hl_sandbox_machine(box->sb), &regs, &box->error), 0);
}

/* A call that has just failed left this fault; its rip is in the guest's registers too. */
static const struct hl_fault *expect_fault(struct box *box, int rc, unsigned vector)
{
    assert_int_equal(rc, HL_ERR_FAULT);
    const struct hl_fault *fault = hl_sandbox_fault(box->sb);
    assert_non_null(fault);
    assert_int_equal(fault->vector, vector);
    assert_non_null(strstr(box->error.text, hl_fault_name(vector)));
    struct hl_regs regs;
    assert_int_equal(hl_machine_get_regs(hl_sandbox_machine(box->sb), &regs, NULL), 0);
    assert_int_equal(regs.rip, fault->rip);
    expect_state(box, HL_SANDBOX_POISONED);
    return fault;
}

static void expect_page_fault(struct box *box, int rc, uint32_t error_code, hl_gva_t address)
{
    const struct hl_fault *fault = expect_fault(box, rc, PF);
    assert_int_equal(fault->error_code, error_code);
    assert_int_equal(fault->address, address);
}

static uint64_t address_of(struct box *box, enum what what)
{
    return CALL(box, "Address", value_i32((int)what))->u64;
}

/* A fresh guest in the place of the last one. */
static void again(struct box *box)
{
    box_close(box);
    box_open(box, "trouble");
}

static void test_abort(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    assert_int_equal(TRY(box, "Abort", value_i32(-42), value_string("given\nup")),
                     HL_ERR_GUEST_ABORT);
    assert_int_equal(hl_sandbox_guest_code(box->sb), -42);
    assert_non_null(strstr(box->error.text, "-42"));
    assert_non_null(strstr(box->error.text, "given\\nup"));
    assert_null(hl_sandbox_fault(box->sb));
    expect_state(box, HL_SANDBOX_POISONED);
}

static void test_libc_abort_and_assert(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    assert_int_equal(TRY0(box, "LibcAbort"), HL_ERR_GUEST_ABORT);
    assert_non_null(strstr(box->error.text, "abort"));
    expect_state(box, HL_SANDBOX_POISONED);
    again(box);
    assert_int_equal(TRY0(box, "Assert"), HL_ERR_GUEST_ABORT);
    assert_non_null(strstr(box->err, "zero == 1"));
    again(box);
    assert_int_equal(TRY(box, "Raise", value_i32(11)), HL_ERR_GUEST_ABORT);
    assert_non_null(strstr(box->error.text, "SEGV"));
}

static void test_exit(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    assert_int_equal(TRY(box, "Exit", value_i32(77)), HL_ERR_EXITED);
    assert_int_equal(hl_sandbox_exit_status(box->sb), 77);
    expect_state(box, HL_SANDBOX_DEAD);
}

static void test_exceptions(void **state)
{
    static const struct {
        const char *function;
        unsigned vector;
    } cases[] = {{"Divide", DE}, {"Privileged", GP}, {"Breakpoint", BP}};
    struct box *box = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        box_open(box, "trouble");
        expect_fault(box, TRY0(box, cases[i].function), cases[i].vector);
        box_close(box);
    }
}

static void test_ports(void **state)
{
    static const uint32_t ports[] = {0,    0x60, 0x80,  0xdf,  0xe4,  0xe7,
                                     0xe8, 0xe9, 0x3f8, 0xcf8, 0xffff};
    struct box *box = *state;

    for (size_t i = 0; i < COUNT(ports); i++) {
        box_open(box, "trouble");
        expect_fault(box, TRY(box, "Port", value_u32(ports[i])), GP);
        box_close(box);
    }
}

static void test_null_pointer(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    expect_page_fault(box, TRY(box, "Read", value_u64(8)), USER, 8);
    again(box);
    expect_page_fault(box, TRY(box, "Write", value_u64(0)), USER | WRITE, 0);
    again(box);
    assert_int_equal(TRY(box, "Jump", value_u64(0)), HL_ERR_FAULT);
    assert_non_null(strstr(box->error.text, "NULL"));
    assert_int_equal(hl_sandbox_fault(box->sb)->rip, 0);
}

static void test_not_canonical_and_kernel_addresses(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    expect_fault(box, TRY(box, "Read", value_u64(0x800000000000)), GP);
    again(box);
    assert_int_equal(TRY(box, "Write", value_u64(0xffff800000000000)), HL_ERR_FAULT);
    assert_int_equal(hl_sandbox_fault(box->sb)->vector, PF);
    assert_int_equal(hl_sandbox_fault(box->sb)->error_code & (USER | WRITE), USER | WRITE);
}

static void test_write_where_only_reading_is_allowed(void **state)
{
    static const enum what places[] = {TEXT, CONSTANT_DATA};
    struct box *box = *state;

    for (size_t i = 0; i < COUNT(places); i++) {
        box_open(box, "trouble");
        uint64_t address = address_of(box, places[i]);
        expect_page_fault(box, TRY(box, "Write", value_u64(address)), USER | WRITE | PRESENT,
                          address);
        box_close(box);
    }
    box_open(box, "trouble");
    hl_gva_t boot = hl_sandbox_region(box->sb, 1)->start;
    assert_string_equal(hl_sandbox_region(box->sb, 1)->name, "boot");
    expect_page_fault(box, TRY(box, "Write", value_u64(boot)), USER | WRITE | PRESENT, boot);
}

static void test_execute_data(void **state)
{
    static const enum what places[] = {CONSTANT_DATA, STATIC_DATA, HEAP, LOCAL};
    struct box *box = *state;

    for (size_t i = 0; i < COUNT(places); i++) {
        box_open(box, "trouble");
        uint64_t address = address_of(box, places[i]);
        expect_page_fault(box, TRY(box, "Jump", value_u64(address)), USER | FETCH | PRESENT,
                          address);
        box_close(box);
    }
}

static void test_no_executable_memory(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    assert_int_equal(CALL0(box, "ExecutableMemory")->i32, 0);
}

static void test_stack_overflow(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    expect_fault(box, TRY0(box, "StackOverflow"), PF);
    assert_int_equal(TRY0(box, "StackOverflow"), HL_ERR_STATE);
    again(box);
    assert_int_equal(TRY0(box, "StackOverflow"), HL_ERR_FAULT);
    assert_non_null(strstr(box->error.text, "stack overflow"));
}

static void test_smashed_stack(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    assert_int_equal(CALL(box, "SmashStack", value_u32(16))->i32, 'x');
    assert_int_equal(TRY(box, "SmashStack", value_u32(64)), HL_ERR_GUEST_ABORT);
    assert_non_null(strstr(box->error.text, "stack smashing"));
}

/* Both ends of each region: the first byte outside is not there. */
static void test_guard_pages(void **state)
{
    struct box *box = *state;

    for (size_t i = 1; i < HL_REGIONS; i++) {
        struct hl_region r;
        box_open(box, "trouble");
        r = *hl_sandbox_region(box->sb, i);
        expect_page_fault(box, TRY(box, "Read", value_u64(r.start - 1)), USER, r.start - 1);
        again(box);
        expect_page_fault(box, TRY(box, "Read", value_u64(r.start + r.size)), USER,
                          r.start + r.size);
        box_close(box);
    }
}

static void test_heap_exhaustion(void **state)
{
    struct box *box = *state;
    const struct hl_sandbox_config config = {.heap = 4u << 20};
    static const uint32_t sizes[] = {100, 10000, 200000, 1000000};

    box_create(box, "trouble", config);
    box_start(box);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint32_t first = CALL(box, "ExhaustHeap", value_u32(sizes[i]))->u32;
        assert_in_range(first, 1, (4u << 20) / sizes[i]);
        assert_true(first * (uint64_t)sizes[i] > 2u << 20);
        /* All of it was given back, so there is as much again. */
        assert_int_equal(CALL(box, "ExhaustHeap", value_u32(sizes[i]))->u32, first);
    }
    assert_int_equal(CALL(box, "ExhaustHeap", value_u32(5u << 20))->u32, 0);
}

static void test_unmapped_memory(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    uint64_t address = CALL0(box, "UnmappedMemory")->u64;
    assert_int_not_equal(address, 0);
    expect_page_fault(box, TRY(box, "Read", value_u64(address)), USER, address);
    again(box);
    address = CALL0(box, "ReadOnlyMemory")->u64;
    assert_int_equal(CALL(box, "Read", value_u64(address))->i32, 1);
    assert_int_equal(CALL(box, "Read", value_u64(address + 4096))->i32, 1);
    expect_page_fault(box, TRY(box, "Write", value_u64(address)), USER | WRITE | PRESENT, address);
}

static int64_t guest_syscall(struct box *box, int64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    return CALL(box, "Syscall", {.type = HL_I64, .i64 = number}, value_u64(a), value_u64(b),
                value_u64(c))
        ->i32;
}

static void test_system_calls(void **state)
{
    struct box *box = *state;
    struct hl_counts before, after;

    box_open(box, "trouble");
    hl_sandbox_counts(box->sb, &before);
    assert_int_equal(guest_syscall(box, SYS_socket, 0, 0, 0), -ENOSYS);
    assert_int_equal(guest_syscall(box, SYS_ptrace, 0, 0, 0), -ENOSYS);
    assert_int_equal(guest_syscall(box, 100000, 0, 0, 0), -ENOSYS);
    assert_int_equal(guest_syscall(box, -1, 0, 0, 0), -ENOSYS);
    assert_int_equal(guest_syscall(box, INT64_MIN, 0, 0, 0), -ENOSYS);
    hl_sandbox_counts(box->sb, &after);
    assert_int_equal(after.unknown_syscalls - before.unknown_syscalls, 5);
    assert_int_equal(after.syscalls - before.syscalls, 5);
}

/* Addresses and sizes that are lies: -EFAULT and its likes, never a host that reads them. */
static void test_system_calls_with_bad_arguments(void **state)
{
    static const uint64_t bad[] = {
        0, 8, 0x800000000000, 0xffff800000000000, UINT64_MAX, 0xfffffffffffff000, 0x7ffffffff000};
    struct box *box = *state;

    box_open(box, "trouble");
    uint64_t data = address_of(box, STATIC_DATA), text = address_of(box, TEXT);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(guest_syscall(box, SYS_write, 1, bad[i], 10), -EFAULT);
        assert_int_equal(guest_syscall(box, SYS_writev, 1, bad[i], 3), -EFAULT);
        assert_int_equal(guest_syscall(box, SYS_clock_gettime, 0, bad[i], 0), -EFAULT);
        assert_int_equal(guest_syscall(box, SYS_getrandom, bad[i], 10, 0), -EFAULT);
        assert_true(guest_syscall(box, SYS_munmap, bad[i], 4096, 0) < 0);
        assert_true(guest_syscall(box, SYS_mprotect, bad[i], 4096, 1) < 0);
        assert_int_equal(guest_syscall(box, SYS_arch_prctl, 0x1003, bad[i], 0), -EFAULT);
    }
    assert_int_equal(guest_syscall(box, SYS_getrandom, text, 10, 0), -EFAULT);
    assert_int_equal(guest_syscall(box, SYS_clock_gettime, 0, text, 0), -EFAULT);
    assert_int_equal(guest_syscall(box, SYS_arch_prctl, 0x1002, UINT64_MAX / 2, 0), -EPERM);
    assert_int_equal(guest_syscall(box, SYS_arch_prctl, 0x1001, 0, 0), -EINVAL);
    assert_int_equal(guest_syscall(box, SYS_write, 3, data, 1), -EBADF);
    assert_int_equal(guest_syscall(box, SYS_writev, 1, data, UINT64_MAX), -EINVAL);
    assert_int_equal(guest_syscall(box, SYS_read, 0, data, 10), 0);
    assert_int_equal(guest_syscall(box, SYS_munmap, text & ~0xfffull, 4096, 0), -EINVAL);
    assert_true(guest_syscall(box, SYS_mprotect, text & ~0xfffull, 4096, 3) < 0);
    assert_int_equal(guest_syscall(box, SYS_write, 1, data, UINT64_MAX), -EFAULT);
    /* As much as there is: up to the end of the segment. */
    assert_true(guest_syscall(box, SYS_write, 1, data, 1 << 20) > 0);
    assert_int_equal(CALL0(box, "Count")->i32, 1);
}

static void test_system_call_munmap_of_brk_and_back(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    struct hl_region heap = *hl_sandbox_region(box->sb, HL_REGIONS - 1);
    assert_string_equal(heap.name, "heap");
    assert_int_equal(guest_syscall(box, SYS_munmap, heap.start, heap.size, 0), 0);
    assert_int_equal(guest_syscall(box, SYS_munmap, heap.start, heap.size, 0), 0);
    assert_true(guest_syscall(box, SYS_munmap, heap.start, heap.size + 1, 0) < 0);
    assert_int_equal(CALL0(box, "Count")->i32, 1);
}

/* Between two pieces the guest can be interrupted. */
static void test_a_long_write_is_a_short_one(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    const struct hl_value *written = CALL0(box, "WriteMuch");
    assert_in_range(written->i64, 1, 16 << 20);
}

/* A frame larger than any guard is probed page by page: it cannot jump over it. */
static void test_a_large_frame_overflows_the_stack(void **state)
{
    struct box *box = *state;

    box_open(box, "trouble");
    struct hl_value size = value_u32(1500000);
    assert_int_equal(box_try(box, "LargeFrame", &size, 1), HL_ERR_FAULT);
    assert_non_null(strstr(box->error.text, "stack overflow"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_abort),
        BOX_TEST(test_libc_abort_and_assert),
        BOX_TEST(test_exit),
        BOX_TEST(test_exceptions),
        BOX_TEST(test_ports),
        BOX_TEST(test_null_pointer),
        BOX_TEST(test_not_canonical_and_kernel_addresses),
        BOX_TEST(test_write_where_only_reading_is_allowed),
        BOX_TEST(test_execute_data),
        BOX_TEST(test_no_executable_memory),
        BOX_TEST(test_stack_overflow),
        BOX_TEST(test_a_large_frame_overflows_the_stack),
        BOX_TEST(test_a_long_write_is_a_short_one),
        BOX_TEST(test_smashed_stack),
        BOX_TEST(test_guard_pages),
        BOX_TEST(test_heap_exhaustion),
        BOX_TEST(test_unmapped_memory),
        BOX_TEST(test_system_calls),
        BOX_TEST(test_system_calls_with_bad_arguments),
        BOX_TEST(test_system_call_munmap_of_brk_and_back),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
