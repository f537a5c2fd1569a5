/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing that ring 3 does shuts the vCPU down, reaches ring 0 or shows the host a wrong place. */
#include "vm.h"

#include <signal.h>
#include <time.h>

enum { DB = 1, BP = 3, UD = 6, GP = 13, PF = 14 };

#define SHIM 0xffff800000000000ull
#define LAST_PAGE 0x7ffffffff000ull
#define TF 0x100u
#define NT 0x4000u
#define AC 0x40000u

GUEST(flags_syscall, "push %rax; popfq; syscall; nop; nop");
GUEST(flags_ud2, "push %rax; popfq; ud2; nop; nop");
GUEST(flags_int3, "push %rax; popfq; int3; nop; nop");

/* Flags that could upset ring 0's own instructions; each guest ends in the int3 after its code. */
static void with_flags(struct vm *vm, const uint8_t *code, const uint8_t *end, uint64_t flags)
{
    vm_load(vm, code, end);
    struct hl_regs regs = vm_regs(vm);
    regs.rax = flags | 2;
    vm_set_regs(vm, &regs);
    for (unsigned i = 0;; i++) {
        assert_true(i < 20);
        enum hl_exit_kind kind = vm_run(vm);
        assert_true(kind == HL_EXIT_FAULT || kind == HL_EXIT_SYSCALL);
        regs = vm_regs(vm);
        assert_in_range(regs.rip, CODE, CODE + PAGE);
        if (kind == HL_EXIT_SYSCALL) {
            assert_int_equal(hl_machine_syscall_result(vm->m, 0), 0);
            continue;
        }
        unsigned vector = vm->exit.fault.vector;
        assert_true(vector == DB || vector == BP || vector == UD);
        if (vector == BP && regs.rip > CODE + (hl_gva_t)(end - code))
            break;
        if (vector == UD) {
            regs.rip += 2;
            vm_set_regs(vm, &regs);
        }
    }
}

static void test_flags_and_the_gate(void **state)
{
    static const uint64_t flags[] = {TF,           NT,    AC,    TF | NT,  TF | AC, NT | AC,
                                     TF | NT | AC, 0x400, 0xcd5, 0x200000, 0x10000, 0x3000};
    for (size_t i = 0; i < COUNT(flags); i++) {
        with_flags(*state, flags_syscall, flags_syscall_end, flags[i]);
        with_flags(*state, flags_ud2, flags_ud2_end, flags[i]);
        with_flags(*state, flags_int3, flags_int3_end, flags[i]);
    }
}

GUEST(bad_stack, "mov %rax, %rsp; ud2; syscall");
static void test_stack_pointers_of_all_kinds(void **state)
{
    static const uint64_t stacks[] = {0,
                                      1,
                                      8,
                                      NOWHERE,
                                      CONSTANT + 8,
                                      0x800000000000,
                                      0x8000000000000000,
                                      UINT64_MAX,
                                      SHIM + 0x2ff8,
                                      DATA + 3};
    struct vm *vm = *state;

    for (size_t i = 0; i < COUNT(stacks); i++) {
        VM_LOAD(vm, bad_stack);
        struct hl_regs regs = vm_regs(vm);
        regs.rax = stacks[i];
        vm_set_regs(vm, &regs);
        vm_run_to_fault(vm, UD, 0);
        regs = vm_regs(vm);
        assert_int_equal(regs.rsp, stacks[i]);
        regs.rip += 2;
        vm_set_regs(vm, &regs);
        assert_int_equal(vm_run(vm), HL_EXIT_SYSCALL);
        assert_int_equal(vm_regs(vm).rsp, stacks[i]);
        /* The int3 after it; kvm_pvm cannot do that one on a stack that is not canonical. */
        assert_int_equal(vm_run(vm), HL_EXIT_FAULT);
        assert_true(vm->exit.fault.vector == BP ||
                    (vm->exit.fault.vector == UD &&
                     (int64_t)(stacks[i] << 16) >> 16 != (int64_t)stacks[i]));
        assert_int_equal(vm_regs(vm).rsp, stacks[i]);
    }
}

/*
 * `syscall` in the last two bytes below the hole in the address space returns to an address that
 * iretq in ring 0 would fault on: that page cannot be mapped.
 */
static void test_last_page_cannot_be_mapped(void **state)
{
    struct vm *vm = *state;

    vm_create(vm);
    assert_int_equal(hl_machine_map(vm->m, LAST_PAGE, vm->spare, PAGE, RX, &vm->error),
                     HL_ERR_ARGUMENT);
    check_error(&vm->error, HL_ERR_ARGUMENT);
    assert_int_equal(hl_machine_map(vm->m, LAST_PAGE - PAGE, vm->spare, PAGE, RX, &vm->error), 0);
}

/* Code that runs off the last possible page ends in a page fault past it, again and again. */
static void test_code_runs_off_the_end(void **state)
{
    static const uint8_t syscall_code[] = {0x0f, 0x05};
    struct vm *vm = *state;
    struct hl_regs regs = {.rip = LAST_PAGE - 2, .rsp = STACK};

    vm_create(vm);
    assert_int_equal(hl_machine_map(vm->m, LAST_PAGE - PAGE, vm->spare, PAGE, RX, &vm->error), 0);
    memcpy((uint8_t *)vm_memory(vm, vm->spare) + PAGE - 2, syscall_code, 2);
    vm_set_regs(vm, &regs);
    assert_int_equal(vm_run(vm), HL_EXIT_SYSCALL);
    for (unsigned i = 0; i < 3; i++) {
        vm_run_to_fault(vm, PF, 0x14);
        assert_int_equal(vm->exit.fault.address, LAST_PAGE);
        assert_int_equal(vm->exit.fault.rip, LAST_PAGE);
    }
}

GUEST(leave, "jmp *%rax; syscall");

/*
 * Every address of the shim's code, jumped to: a page fault there, no exit of the shim's own.
 * Except for the gate with rcx past a `syscall`, which is what a `syscall` looks like on kvm_pvm.
 */
static void test_jumps_into_the_shim(void **state)
{
    struct vm *vm = *state;
    unsigned syscalls = 0;

    for (hl_gva_t at = SHIM; at < SHIM + 0x280; at++) {
        VM_LOAD(vm, leave);
        struct hl_regs regs = vm_regs(vm);
        regs.rax = at;
        regs.rcx = at & 1 ? CODE + 4 : CODE;
        vm_set_regs(vm, &regs);
        enum hl_exit_kind kind = vm_run(vm);
        if (kind == HL_EXIT_SYSCALL) {
            syscalls++;
            continue;
        }
        assert_int_equal(kind, HL_EXIT_FAULT);
        assert_int_equal(vm->exit.fault.vector, PF);
        assert_int_equal(vm->exit.fault.error_code & 0x16, 0x14);
        assert_int_equal(vm->exit.fault.rip, at);
        assert_int_equal(vm_regs(vm).rsp, STACK);
    }
    assert_int_equal(syscalls, 0);
}

static void test_jump_to_the_gate_is_at_most_a_syscall(void **state)
{
    struct vm *vm = *state;

    for (hl_gva_t at = SHIM + 0x200; at < SHIM + 0x240; at++) {
        VM_LOAD(vm, leave);
        struct hl_regs regs = vm_regs(vm);
        regs.rax = at;
        regs.rcx = CODE + 4;
        regs.r11 = UINT64_MAX;
        vm_set_regs(vm, &regs);
        enum hl_exit_kind kind = vm_run(vm);
        regs = vm_regs(vm);
        if (kind == HL_EXIT_SYSCALL) {
            assert_int_equal(regs.rip, CODE + 4);
            assert_int_equal(regs.rflags & 0x3000, 0);
        } else {
            assert_int_equal(kind, HL_EXIT_FAULT);
            assert_int_equal(regs.rip, at);
        }
    }
}

/* Addresses no code can be at, by jmp, call, ret: #GP or #PF, and the same again on running on. */
GUEST(by_ret, "push %rax; ret");
GUEST(by_call, "call *%rax");
static void test_wild_jumps(void **state)
{
    static const uint64_t targets[] = {0x800000000000, 0xdeadbeefdeadbeef, 0x8000000000000000,  0,
                                       UINT64_MAX,     0xffff7fffffffffff, LAST_PAGE + PAGE - 1};
    static const uint8_t *const code[][2] = {
        {leave, leave_end}, {by_ret, by_ret_end}, {by_call, by_call_end}};
    struct vm *vm = *state;

    for (size_t i = 0; i < COUNT(targets) * COUNT(code); i++) {
        vm_load(vm, code[i % 3][0], code[i % 3][1]);
        struct hl_regs regs = vm_regs(vm);
        regs.rax = targets[i / 3];
        vm_set_regs(vm, &regs);
        assert_int_equal(vm_run(vm), HL_EXIT_FAULT);
        assert_true(vm->exit.fault.vector == GP || vm->exit.fault.vector == PF);
    }
}

/* Segment selectors a guest may load: it runs on, and its exits work as before. */
GUEST(selectors, "mov $0x2b, %eax; mov %eax, %ds; mov %eax, %es; mov %eax, %fs; mov %eax, %gs;"
                 "mov %eax, %ss; int3; xor %eax, %eax; mov %eax, %ds; mov %eax, %es;"
                 "mov %eax, %fs; mov %eax, %gs; int3; syscall; ud2");
static void test_selectors(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, selectors);
    vm_run_to_fault(vm, BP, 0);
    vm_run_to_fault(vm, BP, 0);
    assert_int_equal(vm_run(vm), HL_EXIT_SYSCALL);
    vm_run_to_fault(vm, UD, 0);
}

/*
 * 32-bit code: the selector of Linux is valid.  Its `syscall` is #UD on Intel, a system call where
 * KVM honours CSTAR, and on kvm_pvm leads ring 0 nowhere: a shutdown, reported as one.  There must
 * not be a fault record with the registers of an earlier exception.
 */
GUEST(compat, "sub $64, %rsp; pushq $0x23; pushq $0x400100; lretq; .org compat + 0x100; .code32;"
              "mov $0x5a, %eax; out %al, $0x80; ud2; syscall; ud2; .code64");
static void test_syscall_from_32_bit_code(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, compat);
    vm_run_to_out(vm, 0x5a);
    vm_run_to_fault(vm, UD, 0);
    hl_gva_t at = CODE + 0x100 + 5 + 2 + 2;
    struct hl_regs regs = vm_regs(vm);
    assert_int_equal(regs.rip, at - 2);
    regs.rip = at;
    vm_set_regs(vm, &regs);
    assert_int_equal(hl_machine_run(vm->m, &vm->exit, &vm->error), 0);
    switch (vm->exit.kind) {
    case HL_EXIT_FAULT:
        assert_int_equal(vm->exit.fault.vector, UD);
        assert_int_equal(vm->exit.fault.rip, at);
        break;
    case HL_EXIT_SYSCALL:
        assert_int_equal(vm_regs(vm).rip, at + 2);
        vm_run_to_fault(vm, UD, 0);
        break;
    default:
        assert_int_equal(vm->exit.kind, HL_EXIT_SHUTDOWN);
        assert_true(vm->exit.shutdown.why[0]);
        assert_int_equal(hl_machine_run(vm->m, &vm->exit, &vm->error), HL_ERR_STATE);
    }
}

GUEST(sysenter, "sysenter");
GUEST(vmcall, "vmcall");
GUEST(vmmcall, "vmmcall");
GUEST(vmrun, ".byte 0x0f, 0x01, 0xd8");
GUEST(vmxoff, "vmxoff");
GUEST(monitor, "monitor");
GUEST(rsm, ".byte 0x0f, 0xaa");
GUEST(skinit, ".byte 0x0f, 0x01, 0xde");
GUEST(encls, ".byte 0x0f, 0x01, 0xcf");

/*
 * Instructions of other worlds are #UD or #GP.  A hypercall is answered by some KVMs with an error
 * in rax (KVM_EPERM or KVM_ENOSYS), which leads to the int3 after it.
 */
static void test_other_worlds(void **state)
{
    static const uint8_t *const code[][2] = {
        {sysenter, sysenter_end}, {vmcall, vmcall_end}, {vmmcall, vmmcall_end},
        {vmrun, vmrun_end},       {vmxoff, vmxoff_end}, {monitor, monitor_end},
        {rsm, rsm_end},           {skinit, skinit_end}, {encls, encls_end}};
    struct vm *vm = *state;

    for (size_t i = 0; i < COUNT(code); i++) {
        vm_load(vm, code[i][0], code[i][1]);
        assert_int_equal(vm_run(vm), HL_EXIT_FAULT);
        unsigned vector = vm->exit.fault.vector;
        if (i == 1 || i == 2)
            assert_true(vector == UD || vector == GP ||
                        (vector == BP && (int64_t)vm_regs(vm).rax < 0));
        else
            assert_true(vector == UD || vector == GP);
    }
}

static void on_tick(int number)
{
    (void)number; /* breaks KVM_RUN */
}

/* A tick breaks guests that loop; nothing waits for it. */
static void start_ticks(timer_t *timer)
{
    struct sigaction action = {.sa_handler = on_tick};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec often = {{0, 10000000}, {0, 10000000}};
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, timer), 0);
    assert_int_equal(timer_settime(*timer, 0, &often, NULL), 0);
}

/* 32-bit `syscall` is the one way to a shutdown that is known: see above. */
static bool can_reach_32_bit_code(const uint8_t *code, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (code[i] == 0xca || code[i] == 0xcb || code[i] == 0xcf || code[i] == 0xff)
            return true;
    return false;
}

/* Random bytes as code, up to some exits each. */
static void test_random_code(void **state)
{
    struct vm *vm = *state;
    uint64_t seed = 0x5eed;
    uint8_t code[24];
    unsigned kinds[HL_EXIT_SHUTDOWN + 1] = {0};
    timer_t timer;

    start_ticks(&timer);
    for (unsigned i = 0; i < 3000; i++) {
        for (size_t j = 0; j < sizeof(code); j++)
            code[j] = (uint8_t)(next_random(&seed) >> 24);
        if (i % 2) /* two-byte opcodes are rare otherwise */
            code[0] = 0x0f;
        if (can_reach_32_bit_code(code, sizeof(code)))
            continue;
        vm_load(vm, code, code + sizeof(code));
        struct hl_regs regs = vm_regs(vm);
        regs.rax = regs.rsi = DATA + PAGE;
        regs.rbx = DATA + 2 * PAGE;
        regs.rcx = next_random(&seed) % 64;
        regs.rdx = PORT;
        regs.rbp = STACK - 512;
        regs.rsp = STACK - 1024;
        vm_set_regs(vm, &regs);
        for (unsigned j = 0; j < 6; j++)
            kinds[vm_run(vm)]++;
    }
    timer_delete(timer);
    assert_true(kinds[HL_EXIT_FAULT] > 1000);
    /* The machine still works. */
    VM_LOAD(vm, flags_ud2);
    vm_run_to_fault(vm, UD, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VM_TEST(test_flags_and_the_gate),
        VM_TEST(test_stack_pointers_of_all_kinds),
        VM_TEST(test_last_page_cannot_be_mapped),
        VM_TEST(test_code_runs_off_the_end),
        VM_TEST(test_jumps_into_the_shim),
        VM_TEST(test_jump_to_the_gate_is_at_most_a_syscall),
        VM_TEST(test_wild_jumps),
        VM_TEST(test_selectors),
        VM_TEST(test_syscall_from_32_bit_code),
        VM_TEST(test_other_worlds),
        VM_TEST(test_random_code),
    };

    watchdog(90);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
