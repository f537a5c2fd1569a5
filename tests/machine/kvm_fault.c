/* SPDX-License-Identifier: Apache-2.0 */
/* Every exception a ring-3 program can raise, with its vector, error code, rip and address. */
#include "vm.h"

enum {
    DE = 0,
    DB = 1,
    BP = 3,
    OF = 4,
    UD = 6,
    SS = 12,
    GP = 13,
    PF = 14,
    MF = 16,
    AC = 17,
    XM = 19
};

/* Where rip is: at the instruction (a fault) or past it (a trap). */
enum rip { FAULT, TRAP };

struct fault_case {
    const char *name;
    const uint8_t *code, *at, *end;
    unsigned vector;
    uint32_t error_code;
    enum rip rip;
};

static void run_case(struct vm *vm, const struct fault_case *c)
{
    char text[160];

    vm_load(vm, c->code, c->end);
    enum hl_exit_kind kind = vm_run(vm);
    const struct hl_fault *f = &vm->exit.fault;
    if (kind != HL_EXIT_FAULT)
        fail_msg("%s: exit of kind %d", c->name, kind);
    hl_gva_t rip = CODE + (hl_gva_t)((c->rip == TRAP ? c->end : c->at) - c->code);
    if (f->vector != c->vector || f->error_code != c->error_code || f->rip != rip)
        fail_msg("%s: %s 0x%x at +0x%llx, expected %s 0x%x at +0x%llx", c->name,
                 hl_fault_name(f->vector), f->error_code, (unsigned long long)(f->rip - CODE),
                 hl_fault_name(c->vector), c->error_code, (unsigned long long)(rip - CODE));
    assert_int_equal(vm_regs(vm).rip, rip);
    assert_true(hl_fault_format(f, text, sizeof(text)) > 0);
    assert_true(text[0]);
}

static void run_cases(void **state, const struct fault_case *cases, size_t count)
{
    struct vm *vm = *state;
    for (size_t i = 0; i < count; i++)
        run_case(vm, &cases[i]);
}

/* GUEST_AT plus its line of a table. */
#define CASE(name, vector, code, rip)                                                              \
    {                                                                                              \
#name, name, name##_at, name##_end, vector, code, rip                                      \
    }

GUEST_AT(divide, "xor %edx, %edx; xor %ecx, %ecx", "div %ecx");
GUEST_AT(divide_overflow, "mov $-1, %edx; mov $1, %ecx", "idiv %ecx");
GUEST_AT(icebp, "nop", ".byte 0xf1");
GUEST_AT(int3, "nop", "int3");
GUEST_AT(int_3, "nop", ".byte 0xcd, 3");
GUEST_AT(int_4, "nop", ".byte 0xcd, 4");
GUEST_AT(ud2, "nop", "ud2");
GUEST_AT(into, "nop", ".byte 0xce");
GUEST_AT(lock_nop, "nop", ".byte 0xf0, 0x90");
GUEST_AT(x87, "fninit; movw $0x33b, (%rdi); fldcw (%rdi); fld1; fldz; fdivrp", "fwait");
GUEST_AT(align, "pushfq; orl $0x40000, (%rsp); popfq", "mov 1(%rdi), %eax");
GUEST_AT(simd,
         "movl $0x1d80, (%rdi); ldmxcsr (%rdi); mov $1, %eax; cvtsi2ss %eax, %xmm0; "
         "xorps %xmm1, %xmm1",
         "divss %xmm1, %xmm0");
GUEST_AT(misaligned, "nop", "movaps 1(%rdi), %xmm0");

static void test_plain_exceptions(void **state)
{
    static const struct fault_case cases[] = {
        CASE(divide, DE, 0, FAULT),     CASE(divide_overflow, DE, 0, FAULT),
        CASE(int3, BP, 0, TRAP),        CASE(int_3, BP, 0, TRAP),
        CASE(int_4, OF, 0, TRAP),       CASE(ud2, UD, 0, FAULT),
        CASE(lock_nop, UD, 0, FAULT),   CASE(x87, MF, 0, FAULT),
        CASE(misaligned, GP, 0, FAULT),
    };
    run_cases(state, cases, COUNT(cases));
}

/* The SDM calls it a trap; kvm_pvm leaves rip on it. */
static void test_icebp(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, icebp);
    vm_run_to_fault(vm, DB, 0);
    assert_in_range(vm->exit.fault.rip, CODE + 1, CODE + 2);
}

GUEST_AT(p_hlt, "nop", "hlt");
GUEST_AT(p_cli, "nop", "cli");
GUEST_AT(p_sti, "nop", "sti");
GUEST_AT(p_read_cr0, "nop", "mov %cr0, %rax");
GUEST_AT(p_write_cr0, "nop", "mov %rax, %cr0");
GUEST_AT(p_write_cr3, "nop", "mov %rax, %cr3");
GUEST_AT(p_write_cr4, "nop", "mov %rax, %cr4");
GUEST_AT(p_write_cr8, "nop", "mov %rax, %cr8");
GUEST_AT(p_read_dr0, "nop", "mov %dr0, %rax");
GUEST_AT(p_write_dr7, "nop", "mov %rax, %dr7");
GUEST_AT(p_lgdt, "nop", "lgdt (%rdi)");
GUEST_AT(p_lidt, "nop", "lidt (%rdi)");
GUEST_AT(p_lldt, "nop", "lldt %ax");
GUEST_AT(p_ltr, "nop", "ltr %ax");
GUEST_AT(p_lmsw, "nop", "lmsw %ax");
GUEST_AT(p_clts, "nop", "clts");
GUEST_AT(p_rdmsr, "mov $0xc0000080, %ecx", "rdmsr");
GUEST_AT(p_wrmsr, "mov $0xc0000082, %ecx", "wrmsr");
GUEST_AT(p_rdpmc, "xor %ecx, %ecx", "rdpmc");
GUEST_AT(p_invlpg, "nop", "invlpg (%rdi)");
GUEST_AT(p_invd, "nop", "invd");
GUEST_AT(p_wbinvd, "nop", "wbinvd");
GUEST_AT(p_swapgs, "nop", "swapgs");
GUEST_AT(p_sysretq, "mov $0x400000, %ecx", "sysretq");
GUEST_AT(p_xsetbv, "xor %ecx, %ecx; mov $7, %eax; xor %edx, %edx", "xsetbv");

static void test_privileged_instructions(void **state)
{
    static const struct fault_case cases[] = {
        CASE(p_hlt, GP, 0, FAULT),       CASE(p_cli, GP, 0, FAULT),
        CASE(p_sti, GP, 0, FAULT),       CASE(p_read_cr0, GP, 0, FAULT),
        CASE(p_write_cr0, GP, 0, FAULT), CASE(p_write_cr3, GP, 0, FAULT),
        CASE(p_write_cr4, GP, 0, FAULT), CASE(p_write_cr8, GP, 0, FAULT),
        CASE(p_read_dr0, GP, 0, FAULT),  CASE(p_write_dr7, GP, 0, FAULT),
        CASE(p_lgdt, GP, 0, FAULT),      CASE(p_lidt, GP, 0, FAULT),
        CASE(p_lldt, GP, 0, FAULT),      CASE(p_ltr, GP, 0, FAULT),
        CASE(p_lmsw, GP, 0, FAULT),      CASE(p_clts, GP, 0, FAULT),
        CASE(p_rdmsr, GP, 0, FAULT),     CASE(p_wrmsr, GP, 0, FAULT),
        CASE(p_rdpmc, GP, 0, FAULT),     CASE(p_invlpg, GP, 0, FAULT),
        CASE(p_swapgs, GP, 0, FAULT),    CASE(p_sysretq, GP, 0, FAULT),
        CASE(p_xsetbv, GP, 0, FAULT),
    };
    run_cases(state, cases, COUNT(cases));
}

GUEST_AT(port_in, "nop", "in $0x70, %al");
GUEST_AT(port_out, "nop", "out %al, $0x70");
GUEST_AT(port_high, "mov $0xffff, %edx", "out %al, %dx");
GUEST_AT(port_vector, "nop", "out %al, $0xe8");
GUEST_AT(port_gate, "nop", "out %eax, $0xe9");
GUEST_AT(port_partly, "nop", "outl %eax, $0x82");
GUEST_AT(port_below, "nop", "outw %ax, $0x7f");
GUEST_AT(port_string, "mov $0x70, %edx; mov %rdi, %rsi", "outsb");
GUEST_AT(port_string_in, "mov $0x70, %edx", "insb");

static void test_ports_that_are_not_allowed(void **state)
{
    static const struct fault_case cases[] = {
        CASE(port_in, GP, 0, FAULT),        CASE(port_out, GP, 0, FAULT),
        CASE(port_high, GP, 0, FAULT),      CASE(port_vector, GP, 0, FAULT),
        CASE(port_gate, GP, 0, FAULT),      CASE(port_partly, GP, 0, FAULT),
        CASE(port_below, GP, 0, FAULT),     CASE(port_string, GP, 0, FAULT),
        CASE(port_string_in, GP, 0, FAULT),
    };
    run_cases(state, cases, COUNT(cases));
}

/* All ports but the four: `out %al, %dx` in one guest that is sent on to the next port. */
GUEST_AT(port_any, "nop", "out %al, %dx");
static void test_every_other_port(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, port_any);
    struct hl_regs regs = vm_regs(vm);
    for (unsigned port = 0; port < 0x10000; port += port < 0x400 ? 1 : 0x3f7) {
        regs.rip = CODE;
        regs.rdx = port;
        vm_set_regs(vm, &regs);
        if (port >= PORT && port < PORT + 4) {
            assert_int_equal(vm_run(vm), HL_EXIT_IO);
            assert_int_equal(vm->exit.io.port, port);
            vm_run_to_fault(vm, BP, 0); /* what follows the code: so that the `out` is done */
        } else {
            vm_run_to_fault(vm, GP, 0);
            assert_int_equal(vm->exit.fault.rip, CODE + 1);
        }
    }
}

GUEST_AT(far_read, "mov $0x800000000000, %rax", "mov (%rax), %al");
GUEST_AT(far_write, "mov $0x8000000000000000, %rax", "mov %al, (%rax)");
GUEST_AT(far_stack, "mov $0x800000000000, %rbp", "mov (%rbp), %al");
GUEST_AT(far_push, "mov $0x800000000010, %rsp", "push %rax");
GUEST_AT(bad_ds, "mov $0x50, %eax", "mov %eax, %ds");
GUEST_AT(bad_ldt, "mov $0x7, %eax", "mov %eax, %es");
GUEST_AT(kernel_ss, "mov $0x18, %eax", "mov %eax, %ss");
GUEST_AT(null_ss, "xor %eax, %eax", "mov %eax, %ss");
/* Room above the two words: kvm_pvm reads the words of a return to an outer ring ahead. */
GUEST_AT(kernel_cs, "sub $64, %rsp; pushq $0x10; pushq $0x400000", "lretq");
GUEST_AT(kernel_jump, "movl $0x400000, (%rdi); movl $0x10, 4(%rdi)", "ljmpl *(%rdi)");
GUEST_AT(kernel_iret, "pushq $0x18; push %rdi; pushfq; pushq $0x10; pushq $0x400000", "iretq");
GUEST_AT(wrfsbase_far, "mov $0x800000000000, %rax", "wrfsbase %rax");

static void test_bad_addresses_and_selectors(void **state)
{
    static const struct fault_case cases[] = {
        CASE(far_read, GP, 0, FAULT),       CASE(far_write, GP, 0, FAULT),
        CASE(bad_ds, GP, 0x50, FAULT),      CASE(bad_ldt, GP, 4, FAULT),
        CASE(kernel_ss, GP, 0x18, FAULT),   CASE(null_ss, GP, 0, FAULT),
        CASE(kernel_cs, GP, 0x10, FAULT),   CASE(kernel_jump, GP, 0x10, FAULT),
        CASE(kernel_iret, GP, 0x10, FAULT),
    };
    run_cases(state, cases, COUNT(cases));
}

/* What QEMU's processor does not check, or reports as #GP. */
static void test_where_emulators_err(void **state)
{
    static const struct fault_case cases[] = {
        CASE(into, UD, 0, FAULT),      CASE(p_invd, GP, 0, FAULT),
        CASE(p_wbinvd, GP, 0, FAULT),  CASE(align, AC, 0, FAULT),
        CASE(simd, XM, 0, FAULT),      CASE(wrfsbase_far, GP, 0, FAULT),
        CASE(far_stack, SS, 0, FAULT), CASE(far_push, SS, 0, FAULT),
    };
    if (emulated()) {
        print_message("# the processor is QEMU's\n");
        skip();
    }
    run_cases(state, cases, COUNT(cases));
}

/* TF traps after the instruction that follows the popf, every time. */
GUEST(trap_flag, "pushfq; orl $0x100, (%rsp); popfq; nop; nop; nop");
static void test_single_step_flag(void **state)
{
    struct vm *vm = *state;
    hl_gva_t after_popf = CODE + (hl_gva_t)(trap_flag_end - trap_flag) - 3;

    VM_LOAD(vm, trap_flag);
    for (unsigned i = 1; i <= 3; i++) {
        vm_run_to_fault(vm, DB, 0);
        assert_int_equal(vm->exit.fault.rip, after_popf + i);
        assert_true(vm_regs(vm).rflags & 0x100);
    }
    struct hl_regs regs = vm_regs(vm);
    regs.rflags &= ~0x100ull;
    vm_set_regs(vm, &regs);
    vm_run_to_fault(vm, BP, 0);
}

/*
 * `int n` with a gate that is not the guest's is #GP with the gate in the error code.  kvm_pvm's
 * emulator does not know the instruction: #UD; and three of its vectors are calls to kvm_pvm
 * itself, two of them (23, 25) privileged: #GP after the instruction, one (26) the CPUID
 * instruction.
 */
static void test_int_n(void **state)
{
    struct vm *vm = *state;

    for (unsigned n = 0; n < 256; n++) {
        const uint8_t code[] = {0xcd, (uint8_t)n};
        vm_load(vm, code, code + sizeof(code));
        assert_int_equal(vm_run(vm), HL_EXIT_FAULT);
        const struct hl_fault *f = &vm->exit.fault;
        uint64_t offset = f->rip - CODE;
        bool standard = f->vector == GP && f->error_code == (n << 3 | 2) &&
                        (offset == 0 || (emulated() && offset == 2));
        bool pvm = f->vector == UD && f->error_code == 0 && offset == 0;
        if (n == BP || n == OF)
            standard = f->vector == n && f->error_code == 0 && offset == 2;
        else if (n == 23 || n == 25)
            pvm = f->vector == GP && f->error_code == 0 && offset == 2;
        else if (n == 26)
            pvm = f->vector == BP && offset == 3;
        if (!standard && !(pvm && n != BP && n != OF))
            fail_msg("int %u: %s 0x%x at +0x%llx", n, hl_fault_name(f->vector), f->error_code,
                     (unsigned long long)offset);
    }
}

/* Page faults: what is done to which address gives which error code (Intel SDM 3, 4.7). */
enum { PRESENT = 1, WRITE = 2, USER = 4, RESERVED = 8, FETCH = 16 };

GUEST_AT(do_read, "nop", "mov (%rsi), %al");
GUEST_AT(do_write, "nop", "mov %al, (%rsi)");
GUEST_AT(do_jump, "nop", "jmp *%rsi");

struct page_case {
    hl_gva_t address;
    uint32_t read, write, fetch; /* error codes; 0: no fault */
};

static void access_address(struct vm *vm, const uint8_t *code, const uint8_t *end, hl_gva_t address,
                           uint32_t expected)
{
    vm_load(vm, code, end);
    struct hl_regs regs = vm_regs(vm);
    regs.rsi = address;
    vm_set_regs(vm, &regs);
    if (!expected) {
        vm_run_to_fault(vm, BP, 0);
        return;
    }
    assert_int_equal(vm_run(vm), HL_EXIT_FAULT);
    const struct hl_fault *f = &vm->exit.fault;
    if (f->vector != PF || f->error_code != expected || f->address != address)
        fail_msg("0x%llx: %s 0x%x, address 0x%llx instead of 0x%x", (unsigned long long)address,
                 hl_fault_name(f->vector), f->error_code, (unsigned long long)f->address, expected);
    assert_int_equal(f->rip, code == do_jump ? address : CODE + 1);
}

static void test_page_faults(void **state)
{
    static const struct page_case cases[] = {
        {NOWHERE + 0x123, USER, USER | WRITE, USER | FETCH},
        {8, USER, USER | WRITE, USER | FETCH},
        {0x7fffffffeff8, USER, USER | WRITE, USER | FETCH},
        {0xffffffffffffeff8, USER, USER | WRITE, USER | FETCH},
        {DATA + 0x10, 0, 0, USER | FETCH | PRESENT},
        {CONSTANT + 0x10, 0, USER | WRITE | PRESENT, USER | FETCH | PRESENT},
        {CODE + 0x800, 0, USER | WRITE | PRESENT, 0},
    };
    struct vm *vm = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct page_case *c = &cases[i];
        access_address(vm, do_read, do_read_end, c->address, c->read);
        access_address(vm, do_write, do_write_end, c->address, c->write);
        access_address(vm, do_jump, do_jump_end, c->address, c->fetch);
    }
}

/* A page without any right is as if not mapped: not present. */
static void test_page_fault_without_rights(void **state)
{
    struct vm *vm = *state;

    vm_create(vm);
    assert_int_equal(hl_machine_protect(vm->m, CONSTANT, PAGE, HL_PROT_NONE, &vm->error), 0);
    access_address(vm, do_read, do_read_end, CONSTANT, USER);
    access_address(vm, do_write, do_write_end, CONSTANT, USER | WRITE);
    access_address(vm, do_jump, do_jump_end, CONSTANT, USER | FETCH);
}

/*
 * Ring 0's pages: kvm_pvm runs ring 3 on page tables of its own, so a guest may find them absent,
 * or marked by a reserved bit, instead of forbidden.
 */
static void test_shim_is_out_of_reach(void **state)
{
    struct vm *vm = *state;

    for (hl_gva_t at = 0xffff800000000000; at < 0xffff800000003000; at += 0x208) {
        static const uint8_t *const code[][2] = {
            {do_read, do_read_end}, {do_write, do_write_end}, {do_jump, do_jump_end}};
        static const uint32_t expected[] = {USER, USER | WRITE, USER | FETCH};
        for (unsigned i = 0; i < 3; i++) {
            vm_load(vm, code[i][0], code[i][1]);
            struct hl_regs regs = vm_regs(vm);
            regs.rsi = at;
            vm_set_regs(vm, &regs);
            assert_int_equal(vm_run(vm), HL_EXIT_FAULT);
            assert_int_equal(vm->exit.fault.vector, PF);
            assert_int_equal(vm->exit.fault.error_code & (USER | WRITE | FETCH), expected[i]);
            assert_int_equal(vm->exit.fault.address, at);
        }
    }
}

/* Running on returns to the instruction: again and again the same fault, until its cause is gone.
 */
static void test_fault_repeats_until_mended(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, do_write);
    struct hl_regs regs = vm_regs(vm);
    regs.rsi = NOWHERE;
    regs.rax = 0x5a;
    vm_set_regs(vm, &regs);
    for (unsigned i = 0; i < 3; i++) {
        vm_run_to_fault(vm, PF, USER | WRITE);
        assert_int_equal(vm->exit.fault.rip, CODE + 1);
    }
    assert_int_equal(hl_machine_map(vm->m, NOWHERE, vm->spare, PAGE, RW, &vm->error), 0);
    vm_run_to_fault(vm, BP, 0);
    assert_int_equal(*(uint8_t *)vm_memory(vm, vm->spare), 0x5a);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(hl_fault_name(PF), "#PF");
    assert_string_equal(hl_fault_title(PF), "page fault");
    assert_string_equal(hl_fault_name(15), "#?");
    assert_string_equal(hl_fault_title(15), "reserved vector");
    assert_string_equal(hl_fault_name(32), "#?");
    assert_string_equal(hl_fault_title(UINT32_MAX), "reserved vector");
    for (unsigned v = 0; v < 32; v++)
        assert_true(hl_fault_name(v)[0] && hl_fault_title(v)[0]);
}

static void test_format(void **state)
{
    static const struct {
        struct hl_fault fault;
        const char *text;
    } cases[] = {
        {{PF, USER | WRITE | PRESENT, 0, 0x401000},
         "page fault: write to read-only page at 0x401000"},
        {{PF, USER, 0, 0}, "page fault: read of unmapped address 0x0"},
        {{PF, USER | FETCH | PRESENT, 0, 0x10},
         "page fault: instruction fetch from non-executable page at 0x10"},
        {{PF, USER | PRESENT, 0, 0x10}, "page fault: read of host-only page at 0x10"},
        {{PF, USER | PRESENT | 8, 0, 0x10},
         "page fault: read of a damaged page table entry at 0x10"},
        {{GP, 0, 0, 0}, "general protection fault"},
        {{GP, 0x80 << 3 | 2, 0, 0},
         "general protection fault: interrupt vector 0x80 is not the guest's to use"},
        {{GP, 0x10, 0, 0}, "general protection fault: segment selector 0x10"},
        {{DE, 0, 0, 0}, "divide error"},
    };
    char text[160];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int n = hl_fault_format(&cases[i].fault, text, sizeof(text));
        assert_string_equal(text, cases[i].text);
        assert_int_equal(n, strlen(text));
        assert_int_equal(hl_fault_format(&cases[i].fault, text, 5), n);
        assert_int_equal(strlen(text), 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VM_TEST(test_plain_exceptions),
        VM_TEST(test_icebp),
        VM_TEST(test_privileged_instructions),
        VM_TEST(test_ports_that_are_not_allowed),
        VM_TEST(test_every_other_port),
        VM_TEST(test_bad_addresses_and_selectors),
        VM_TEST(test_where_emulators_err),
        VM_TEST(test_single_step_flag),
        VM_TEST(test_int_n),
        VM_TEST(test_page_faults),
        VM_TEST(test_page_fault_without_rights),
        VM_TEST(test_shim_is_out_of_reach),
        VM_TEST(test_fault_repeats_until_mended),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_format),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
