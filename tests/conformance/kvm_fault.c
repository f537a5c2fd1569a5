/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest faults: each has an error of its own with vector, address, rip and file:line, leaves the
 * sandbox poisoned and inspectable, and a restore brings it back (con_fault() looks at all that).
 */
#include "conformance.h"

enum { BOOT = 1, INPUT, OUTPUT, REGION_STACK_INDEX, HEAP };

static hl_gva_t start_of(struct con *con, const char *name, size_t *size)
{
    for (size_t i = 0; i < HL_REGIONS; i++) {
        const struct hl_region *r = hl_sandbox_region(con->box.sb, i);
        if (strcmp(r->name, name) == 0) {
            *size = r->size;
            return r->start;
        }
    }
    fail_msg("no region %s", name);
    return 0;
}

static void expect_abort(struct con *con, int rc, int code, const char *text)
{
    if (rc != HL_ERR_GUEST_ABORT)
        fail_msg("%s: %s", hl_err_name(rc), con->box.error.text);
    assert_int_equal(hl_sandbox_guest_code(con->box.sb), code);
    assert_non_null(strstr(con->box.error.text, text));
    assert_null(hl_sandbox_fault(con->box.sb));
    con_ended(con, HL_SANDBOX_POISONED);
}

static void test_abort_with_code(void **state)
{
    struct con *con = *state;
    static const int codes[] = {0, 1, 13, 255, 256, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < COUNT(codes); i++) {
        char text[32];
        snprintf(text, sizeof(text), "code %d", codes[i]);
        expect_abort(con, TRY(&con->box, "GuestAbortWithCode", value_i32(codes[i])), codes[i],
                     text);
    }
}

static void test_abort_with_message(void **state)
{
    struct con *con = *state;
    char text[2000];
    expect_abort(con, TRY(&con->box, "GuestAbortWithMessage", value_i32(20), value_string("oh no")),
                 20, "oh no");
    memset(text, 'm', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    expect_abort(con, TRY(&con->box, "GuestAbortWithMessage", value_i32(20), value_string(text)),
                 20, "mmmm");
}

static void test_assertion(void **state)
{
    struct con *con = *state;
    assert_int_equal(TRY0(&con->box, "FailAssertion"), HL_ERR_GUEST_ABORT);
    assert_non_null(strstr(con->box.err, "zero == 1"));
    con_ended(con, HL_SANDBOX_POISONED);
}

static void test_malloc_exhaustion(void **state)
{
    struct con *con = *state;
    assert_int_equal(TRY(&con->box, "CallMalloc", value_i32(64 << 20)), HL_ERR_GUEST_ERROR);
    con_works(con);
    assert_int_equal(TRY0(&con->box, "ExhaustHeap"), HL_ERR_GUEST_ABORT);
    assert_non_null(strstr(con->box.error.text, "malloc failed after"));
    con_ended(con, HL_SANDBOX_POISONED);
    con_fault(con, TRY0(&con->box, "FillHeapAndCauseException"), UD, "FillHeapAndCauseException");
    assert_int_equal(CALL(&con->box, "MallocAndFree", value_i32(4 << 20))->i32, 4 << 20);
}

/* The stack runs into the guard below it, and the error says so. */
static void expect_overflow(struct con *con, int rc, const char *function)
{
    if (rc != HL_ERR_FAULT)
        fail_msg("%s: %s", hl_err_name(rc), rc ? con->box.error.text : "no error");
    assert_non_null(strstr(con->box.error.text, "stack overflow"));
    con_fault(con, rc, PF, function);
}

static void test_stack_overflow_static(void **state)
{
    struct con *con = *state;
    con_fault(con, TRY0(&con->box, "LargeVar"), PF, "LargeVar");
}

static void test_stack_overflow_recursive(void **state)
{
    struct con *con = *state;
    expect_overflow(con, TRY(&con->box, "StackOverflow", value_i32(1 << 20)), "nest");
    expect_overflow(con, TRY0(&con->box, "InfiniteRecursion"), "recurse");
}

static void test_stack_overflow_alloca(void **state)
{
    struct con *con = *state;
    con_fault(con, TRY(&con->box, "StackAllocate", value_i32((1 << 20) + 8192)), PF,
              "StackAllocate");
    con_fault(con, TRY(&con->box, "StackAllocate", value_i32(64 << 20)), PF, "StackAllocate");
}

static void test_stack_smashed(void **state)
{
    struct con *con = *state;
    char text[200];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    assert_int_equal(TRY(&con->box, "BufferOverrun", value_string(text)), HL_ERR_GUEST_ABORT);
    assert_non_null(strstr(con->box.error.text, "stack smashing"));
    con_ended(con, HL_SANDBOX_POISONED);
}

static void expect_guards(struct con *con, const char *region)
{
    size_t size;
    hl_gva_t start = start_of(con, region, &size);
    const hl_gva_t outside[] = {start - 1, start - PAGE, start - HL_GUARD_SIZE, start + size,
                                start + size + PAGE};
    for (size_t i = 0; i < COUNT(outside); i++) {
        con_page_fault(con, TRY(&con->box, "ReadMappedBuffer", value_u64(outside[i]), value_u64(1)),
                       USER, outside[i], "ReadMappedBuffer");
        con_page_fault(con,
                       TRY(&con->box, "WriteMappedBuffer", value_u64(outside[i]), value_u64(1)),
                       USER | WRITE, outside[i], "WriteMappedBuffer");
    }
}

static void test_guards_of_the_heap(void **state)
{
    expect_guards(*state, "heap");
}

static void test_guards_of_the_stack(void **state)
{
    expect_guards(*state, "stack");
}

static void test_guards_of_the_buffers(void **state)
{
    expect_guards(*state, "input");
    expect_guards(*state, "output");
}

/* Data can be read at its address, but is no code. */
static void test_execute_heap(void **state)
{
    struct con *con = *state;
    size_t size;
    hl_gva_t heap = start_of(con, "heap", &size);
    int rc = TRY0(&con->box, "ExecuteOnHeap");
    assert_int_equal(rc, HL_ERR_FAULT);
    const struct hl_fault *fault = hl_sandbox_fault(con->box.sb);
    assert_int_equal(fault->error_code, PRESENT | USER | FETCH);
    assert_int_equal(fault->address, fault->rip);
    assert_in_range(fault->rip, heap, heap + size);
    con_fault(con, rc, PF, NULL);
}

static void test_execute_stack(void **state)
{
    struct con *con = *state;
    size_t size;
    hl_gva_t stack = start_of(con, "stack", &size);
    int rc = TRY0(&con->box, "ExecuteOnStack");
    assert_int_equal(rc, HL_ERR_FAULT);
    const struct hl_fault *fault = hl_sandbox_fault(con->box.sb);
    assert_int_equal(fault->error_code, PRESENT | USER | FETCH);
    assert_in_range(fault->rip, stack, stack + size);
    con_fault(con, rc, PF, NULL);
}

static void test_write_text(void **state)
{
    struct con *con = *state;
    for (int what = 0; what < 2; what++) { /* code, constants */
        hl_gva_t at = CALL(&con->box, "AddressOf", value_i32(what))->u64;
        con_page_fault(con, TRY(&con->box, "WriteMappedBuffer", value_u64(at), value_u64(1)),
                       PRESENT | USER | WRITE, at, "WriteMappedBuffer");
    }
    size_t size;
    hl_gva_t boot = start_of(con, "boot", &size);
    con_page_fault(con, TRY(&con->box, "WriteMappedBuffer", value_u64(boot), value_u64(1)),
                   PRESENT | USER | WRITE, boot, "WriteMappedBuffer");
}

static void test_read_null(void **state)
{
    struct con *con = *state;
    con_page_fault(con, TRY(&con->box, "ReadMappedBuffer", value_u64(0), value_u64(1)), USER, 0,
                   "ReadMappedBuffer");
    con_page_fault(con, TRY(&con->box, "ReadMappedBuffer", value_u64(4095), value_u64(1)), USER,
                   4095, "ReadMappedBuffer");
    int rc = TRY(&con->box, "ReadMappedBuffer", value_u64(8), value_u64(1));
    assert_non_null(strstr(con->box.error.text, "NULL pointer"));
    con_fault(con, rc, PF, "ReadMappedBuffer");
    con_fault(con, TRY(&con->box, "JumpTo", value_u64(0)), PF, NULL);
}

static void test_divide_by_zero(void **state)
{
    struct con *con = *state;
    con_fault(con, TRY0(&con->box, "DivideByZero"), DE, "DivideByZero");
}

static void test_ud2(void **state)
{
    struct con *con = *state;
    con_fault(con, TRY0(&con->box, "TriggerException"), UD, "TriggerException");
}

static void test_int3(void **state)
{
    struct con *con = *state;
    con_fault(con, TRY0(&con->box, "TriggerInt3"), BP, "TriggerInt3");
}

static void test_general_protection(void **state)
{
    struct con *con = *state;
    con_fault(con, TRY(&con->box, "OutWithPort", value_u32(0x3f8), value_u32('x')), GP,
              "OutWithPort");
}

static void test_non_canonical(void **state)
{
    struct con *con = *state;
    static const uint64_t addresses[] = {0x800000000000, 0x8000000000000000, 0xffff7fffffffffff};
    for (size_t i = 0; i < COUNT(addresses); i++)
        con_fault(con, TRY(&con->box, "ReadMappedBuffer", value_u64(addresses[i]), value_u64(1)),
                  GP, "ReadMappedBuffer");
}

/* Not a fault: -ENOSYS, as Linux says, and counted. */
static void test_unknown_syscall(void **state)
{
    static const int64_t numbers[] = {40,  41,  56,  57,     59, 101,      317,
                                      425, 511, 512, 100000, -1, INT64_MIN};
    struct con *con = *state;
    struct hl_counts before, after;
    hl_sandbox_counts(con->box.sb, &before);
    for (size_t i = 0; i < COUNT(numbers); i++) {
        const struct hl_value number = {.type = HL_I64, .i64 = numbers[i]};
        assert_int_equal(
            CALL(&con->box, "Syscall", number, value_u64(1), value_u64(2), value_u64(3))->i64, -38);
    }
    hl_sandbox_counts(con->box.sb, &after);
    assert_int_equal(after.unknown_syscalls - before.unknown_syscalls, COUNT(numbers));
    con_works(con);
}

static void test_privileged_instruction(void **state)
{
    enum { WBINVD = 7 };
    struct con *con = *state;
    const int count = CALL0(&con->box, "PrivilegedCount")->i32;
    for (int i = 0; i < count; i++) {
        int rc = TRY(&con->box, "Privileged", value_i32(i));
        if (emulated() && i == WBINVD && !rc)
            continue; /* QEMU's processor does not check: machine/kvm_fault.c */
        if (rc != HL_ERR_FAULT)
            fail_msg("instruction %d: %s", i, hl_err_name(rc));
        unsigned vector = hl_sandbox_fault(con->box.sb)->vector;
        if (vector != GP && vector != UD)
            fail_msg("instruction %d: vector %u", i, vector);
        con_fault(con, rc, vector, "Privileged");
    }
}

/* An error of its own for each: no two of these read alike. */
static void test_each_its_own_error(void **state)
{
    static const char *const functions[] = {"TriggerException",  "DivideByZero",  "TriggerInt3",
                                            "InfiniteRecursion", "FailAssertion", "ExecuteOnHeap",
                                            "ExecuteOnStack",    "ExhaustHeap"};
    struct con *con = *state;
    char seen[COUNT(functions)][sizeof(con->box.error.text)];
    for (size_t i = 0; i < COUNT(functions); i++) {
        assert_int_not_equal(TRY0(&con->box, functions[i]), 0);
        strcpy(seen[i], con->box.error.text);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
        con_restore(con);
    }
    con_works(con);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("guest fault: abort with code", test_abort_with_code),
        CASE("guest fault: abort with message", test_abort_with_message),
        CASE("guest fault: assertion", test_assertion),
        CASE("guest fault: malloc exhaustion", test_malloc_exhaustion),
        CASE("guest fault: stack overflow, static", test_stack_overflow_static),
        CASE("guest fault: stack overflow, recursive", test_stack_overflow_recursive),
        CASE("guest fault: stack overflow, alloca", test_stack_overflow_alloca),
        CASE("guest fault: BufferOverrun", test_stack_smashed),
        CASE("guest fault: guard pages on both ends of the heap", test_guards_of_the_heap),
        CASE("guest fault: guard pages on both ends of the stack", test_guards_of_the_stack),
        CASE("guest fault: guard pages on both ends of the buffers", test_guards_of_the_buffers),
        CASE("guest fault: execute heap", test_execute_heap),
        CASE("guest fault: execute stack", test_execute_stack),
        CASE("guest fault: write text", test_write_text),
        CASE("guest fault: read null", test_read_null),
        CASE("guest fault: divide by zero", test_divide_by_zero),
        CASE("guest fault: ud2", test_ud2),
        CASE("guest fault: int3", test_int3),
        CASE("guest fault: #GP", test_general_protection),
        CASE("guest fault: non-canonical address", test_non_canonical),
        CASE("guest fault: unknown syscall", test_unknown_syscall),
        CASE("guest fault: privileged instruction", test_privileged_instruction),
        CASE("guest fault: each its own error", test_each_its_own_error),
    };

    watchdog(60);
    return cmocka_run_group_tests_name("conformance-fault", tests, NULL, NULL);
}
