/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings that change while the guest has them cached.  The machine makes KVM forget a translation
 * by a trick (machine_memory.c: forget()), so each case runs many times.
 */
#include "vm.h"

enum { PRESENT = 1, WRITE = 2, USER = 4, FETCH = 16, PF = 14, BP = 3 };
#define TURNS 200

/* Reads or writes one byte at %rsi forever, an `out` after each. */
GUEST(writer, "1: movb $1, (%rsi); out %al, $0x80; jmp 1b");
GUEST(reader, "1: movzbl (%rsi), %eax; out %al, $0x80; jmp 1b");
GUEST(caller, "1: call *%rsi; out %al, $0x80; jmp 1b");

static void start(struct vm *vm, const uint8_t *code, const uint8_t *end, hl_gva_t rsi)
{
    vm_load(vm, code, end);
    struct hl_regs regs = vm_regs(vm);
    regs.rsi = rsi;
    vm_set_regs(vm, &regs);
}
#define START(vm, name, rsi) start(vm, name, name##_end, rsi)

static void protect(struct vm *vm, hl_gva_t gva, unsigned prot)
{
    assert_int_equal(hl_machine_protect(vm->m, gva, PAGE, prot, &vm->error), 0);
}

static void expect_page_fault(struct vm *vm, uint32_t error_code, hl_gva_t address)
{
    vm_run_to_fault(vm, PF, error_code);
    assert_int_equal(vm->exit.fault.address, address);
}

static void test_write_becomes_read_only(void **state)
{
    struct vm *vm = *state;

    START(vm, writer, DATA + 8);
    for (unsigned i = 0; i < TURNS; i++) {
        vm_run_to_out(vm, 0);
        vm_run_to_out(vm, 0);
        protect(vm, DATA, HL_PROT_READ);
        expect_page_fault(vm, USER | WRITE | PRESENT, DATA + 8);
        protect(vm, DATA, RW);
    }
}

static void test_read_becomes_none(void **state)
{
    struct vm *vm = *state;

    START(vm, reader, CONSTANT + 8);
    for (unsigned i = 0; i < TURNS; i++) {
        vm_run_to_out(vm, 0);
        protect(vm, CONSTANT, HL_PROT_NONE);
        expect_page_fault(vm, USER, CONSTANT + 8);
        protect(vm, CONSTANT, HL_PROT_READ);
    }
}

static void test_unmap(void **state)
{
    struct vm *vm = *state;

    START(vm, writer, DATA + 8);
    for (unsigned i = 0; i < TURNS; i++) {
        vm_run_to_out(vm, 0);
        assert_int_equal(hl_machine_unmap(vm->m, DATA, PAGE, &vm->error), 0);
        expect_page_fault(vm, USER | WRITE, DATA + 8);
        assert_int_equal(hl_machine_map(vm->m, DATA, vm->data, PAGE, RW, &vm->error), 0);
    }
}

static void test_map_to_another_page(void **state)
{
    struct vm *vm = *state;

    START(vm, reader, DATA);
    for (unsigned i = 0; i < 4; i++)
        memset(vm_memory(vm, vm->data + i * PAGE), (int)i + 1, PAGE);
    for (unsigned i = 0; i < TURNS; i++) {
        assert_int_equal(hl_machine_map(vm->m, DATA, vm->data + i % 4 * PAGE, PAGE, RW, &vm->error),
                         0);
        vm_run_to_out(vm, i % 4 + 1);
        vm_run_to_out(vm, i % 4 + 1);
    }
}

/* One page under two addresses: a change of one leaves the other as it is. */
static void test_aliases(void **state)
{
    struct vm *vm = *state;

    START(vm, writer, DATA + 8);
    assert_int_equal(hl_machine_map(vm->m, NOWHERE, vm->data, PAGE, RW, &vm->error), 0);
    for (unsigned i = 0; i < TURNS; i++) {
        vm_run_to_out(vm, 0);
        protect(vm, NOWHERE, i % 2 ? RW : HL_PROT_READ);
        vm_run_to_out(vm, 0);
        struct hl_regs regs = vm_regs(vm);
        regs.rsi = NOWHERE + 8;
        vm_set_regs(vm, &regs);
        if (i % 2)
            vm_run_to_out(vm, 0);
        else
            expect_page_fault(vm, USER | WRITE | PRESENT, NOWHERE + 8);
        regs = vm_regs(vm);
        regs.rsi = DATA + 8;
        vm_set_regs(vm, &regs);
    }
}

static void test_execute_comes_and_goes(void **state)
{
    struct vm *vm = *state;

    START(vm, caller, NOWHERE);
    *(uint8_t *)vm_memory(vm, vm->spare) = 0xc3; /* ret */
    assert_int_equal(hl_machine_map(vm->m, NOWHERE, vm->spare, PAGE, RX, &vm->error), 0);
    for (unsigned i = 0; i < TURNS; i++) {
        vm_run_to_out(vm, 0);
        protect(vm, NOWHERE, RW);
        expect_page_fault(vm, USER | FETCH | PRESENT, NOWHERE);
        assert_int_equal(vm->exit.fault.rip, NOWHERE);
        protect(vm, NOWHERE, RX);
    }
}

/* Code the host wrote over runs as it now is. */
GUEST(patched, "1: mov $0, %eax; out %al, $0x80; jmp 1b");
static void test_host_changes_code(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, patched);
    for (unsigned i = 0; i < TURNS; i++) {
        uint8_t byte = (uint8_t)i;
        assert_int_equal(hl_machine_write(vm->m, CODE + 1, &byte, 1, HL_PROT_EXEC), 1);
        vm_run_to_out(vm, byte);
    }
}

/* Data on both sides, with no run between: what the host writes, the guest reads, and back. */
static void test_host_and_guest_share_memory(void **state)
{
    struct vm *vm = *state;

    START(vm, reader, DATA + 5);
    for (unsigned i = 0; i < TURNS; i++) {
        uint8_t byte = (uint8_t)(i * 3);
        assert_int_equal(hl_machine_write(vm->m, DATA + 5, &byte, 1, HL_PROT_WRITE), 1);
        vm_run_to_out(vm, byte);
    }
    START(vm, writer, DATA + 5);
    for (unsigned i = 0; i < TURNS; i++) {
        uint8_t byte = 0;
        hl_machine_write(vm->m, DATA + 5, &byte, 1, 0);
        vm_run_to_out(vm, 0);
        assert_int_equal(hl_machine_read(vm->m, DATA + 5, &byte, 1, HL_PROT_READ), 1);
        assert_int_equal(byte, 1);
    }
}

/* A big range in one call, every page of it cached by the guest. */
GUEST(sweep, "1: mov %rsi, %rbx; mov %rdx, %rcx; 2: mov %edx, (%rbx); add $4096, %rbx; loop 2b;"
             "out %al, $0x80; jmp 1b");
static void test_protect_many_pages(void **state)
{
    const unsigned pages = 24;
    struct vm *vm = *state;

    vm_create(vm);
    vm_page(vm, NOWHERE, pages * PAGE, RW);
    START(vm, sweep, NOWHERE);
    struct hl_regs regs = vm_regs(vm);
    regs.rdx = pages;
    vm_set_regs(vm, &regs);
    for (unsigned i = 0; i < TURNS; i++) {
        unsigned first = i % pages;
        vm_run_to_out(vm, 0);
        assert_int_equal(hl_machine_protect(vm->m, NOWHERE + first * PAGE, (pages - first) * PAGE,
                                            HL_PROT_READ, &vm->error),
                         0);
        expect_page_fault(vm, USER | WRITE | PRESENT, NOWHERE + first * PAGE);
        assert_int_equal(hl_machine_protect(vm->m, NOWHERE, pages * PAGE, RW, &vm->error), 0);
    }
}

/* Demand paging: every page of a range comes when it is touched, and keeps what was written. */
static void test_demand_paging(void **state)
{
    const unsigned pages = 24;
    struct vm *vm = *state;

    vm_create(vm);
    hl_gpa_t gpa = vm_page(vm, 0, pages * PAGE, 0);
    START(vm, sweep, NOWHERE);
    struct hl_regs regs = vm_regs(vm);
    regs.rdx = pages;
    vm_set_regs(vm, &regs);
    for (unsigned i = 0; i < pages; i++) {
        expect_page_fault(vm, USER | WRITE, NOWHERE + i * PAGE);
        assert_int_equal(
            hl_machine_map(vm->m, NOWHERE + i * PAGE, gpa + i * PAGE, PAGE, RW, &vm->error), 0);
    }
    vm_run_to_out(vm, 0);
    vm_run_to_out(vm, 0);
    for (unsigned i = 0; i < pages; i++)
        assert_int_equal(*(uint32_t *)vm_memory(vm, gpa + i * PAGE), pages);
}

/* A first touch of memory by the guest finds zeros, also where the host has not been yet. */
GUEST(sum, "mov $0x900000, %ebx; mov $3072, %ecx; xor %eax, %eax; 1: or (%rbx), %rax;"
           "add $8, %rbx; loop 1b; out %eax, $0x80; hlt");
static void test_new_memory_is_zero(void **state)
{
    struct vm *vm = *state;

    vm_create(vm);
    vm_page(vm, NOWHERE, 6 * PAGE, HL_PROT_READ);
    VM_LOAD(vm, sum);
    vm_run_to_out(vm, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VM_TEST(test_write_becomes_read_only),
        VM_TEST(test_read_becomes_none),
        VM_TEST(test_unmap),
        VM_TEST(test_map_to_another_page),
        VM_TEST(test_aliases),
        VM_TEST(test_execute_comes_and_goes),
        VM_TEST(test_host_changes_code),
        VM_TEST(test_host_and_guest_share_memory),
        VM_TEST(test_protect_many_pages),
        VM_TEST(test_demand_paging),
        VM_TEST(test_new_memory_is_zero),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
