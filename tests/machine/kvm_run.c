/* SPDX-License-Identifier: Apache-2.0 */
/* A machine's exits and registers: ports, MMIO, system calls, what is kept across each of them. */
#include "vm.h"

#define DEVICE 0x800000ull      /* mapped to a GPA outside the memory */
#define DEVICE_GPA (1ull << 36) /* processors have 39 address bits and more */

static void map_device(struct vm *vm)
{
    assert_int_equal(hl_machine_map(vm->m, DEVICE, DEVICE_GPA, PAGE, RW, &vm->error), 0);
}

GUEST(outs, "mov $0x11223344, %eax; out %al, $0x80; out %ax, $0x81; out %eax, $0x80;"
            "mov $0x83, %edx; out %al, %dx; hlt");
static void test_out(void **state)
{
    static const struct {
        uint16_t port;
        uint8_t size;
        uint32_t value;
    } expected[] = {{0x80, 1, 0x44}, {0x81, 2, 0x3344}, {0x80, 4, 0x11223344}, {0x83, 1, 0x44}};
    struct vm *vm = *state;

    VM_LOAD(vm, outs);
    for (size_t i = 0; i < COUNT(expected); i++) {
        assert_int_equal(vm_run(vm), HL_EXIT_IO);
        assert_int_equal(vm->exit.io.port, expected[i].port);
        assert_int_equal(vm->exit.io.size, expected[i].size);
        assert_int_equal(vm->exit.io.value, expected[i].value);
        assert_false(vm->exit.io.in);
        assert_int_equal(hl_machine_io_result(vm->m, 1), HL_ERR_STATE);
        assert_int_equal(hl_machine_syscall_result(vm->m, 1), HL_ERR_STATE);
        assert_int_equal(hl_machine_mmio_result(vm->m, "12345678"), HL_ERR_STATE);
    }
    vm_run_to_fault(vm, 13, 0);
}

GUEST(ins, "mov $-1, %rax; in $0x80, %al; mov %rax, (%rdi); mov $-1, %rax; in $0x80, %ax;"
           "mov %rax, 8(%rdi); mov $-1, %rax; in $0x80, %eax; mov %rax, 16(%rdi); hlt");
static void test_in(void **state)
{
    static const uint64_t expected[] = {0xffffffffffffff78, 0xffffffffffff5678, 0x12345678};
    struct vm *vm = *state;

    VM_LOAD(vm, ins);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(vm_run(vm), HL_EXIT_IO);
        assert_int_equal(vm->exit.io.port, 0x80);
        assert_int_equal(vm->exit.io.size, 1u << i);
        assert_true(vm->exit.io.in);
        assert_int_equal(hl_machine_io_result(vm->m, 0x12345678), 0);
    }
    vm_run_to_fault(vm, 13, 0);
    assert_memory_equal(vm_memory(vm, vm->data), expected, sizeof(expected));
}

GUEST(device, "mov $0x1122334455667788, %rax; mov %al, 0x800001; mov %ax, 0x800010;"
              "mov %eax, 0x800020; mov %rax, 0x800fe0;"
              "mov $-1, %rax; mov 0x800001, %al; mov %rax, (%rdi); mov $-1, %rax;"
              "mov 0x800010, %ax; mov %rax, 8(%rdi); mov $-1, %rax; mov 0x800020, %eax;"
              "mov %rax, 16(%rdi); mov 0x800fe0, %rax; mov %rax, 24(%rdi); hlt");
static void test_mmio(void **state)
{
    static const uint8_t written[] = {0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    static const uint64_t answer = 0x8877665544332211;
    static const uint64_t expected[] = {0xffffffffffffff11, 0xffffffffffff2211, 0x44332211, answer};
    static const hl_gpa_t at[] = {1, 0x10, 0x20, 0xfe0};
    struct vm *vm = *state;

    VM_LOAD(vm, device);
    map_device(vm);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(vm_run(vm), HL_EXIT_MMIO);
        assert_int_equal(vm->exit.mmio.gpa, DEVICE_GPA + at[i % 4]);
        assert_int_equal(vm->exit.mmio.size, 1u << i % 4);
        assert_int_equal(vm->exit.mmio.write, i < 4);
        if (i < 4)
            assert_memory_equal(vm->exit.mmio.data, written, vm->exit.mmio.size);
        assert_int_equal(hl_machine_mmio_result(vm->m, &answer), i < 4 ? HL_ERR_STATE : 0);
        assert_int_equal(hl_machine_io_result(vm->m, 1), HL_ERR_STATE);
    }
    vm_run_to_fault(vm, 13, 0);
    assert_memory_equal(vm_memory(vm, vm->data), expected, sizeof(expected));
}

/*
 * Code on a page that no memory backs cannot run: an invalid opcode, or a shutdown that says so and
 * stays.
 */
static void test_code_in_a_device(void **state)
{
    struct vm *vm = *state;
    struct hl_regs regs = {.rip = DEVICE, .rsp = STACK};

    vm_create(vm);
    assert_int_equal(hl_machine_map(vm->m, DEVICE, DEVICE_GPA, PAGE, RX, &vm->error), 0);
    vm_set_regs(vm, &regs);
    assert_int_equal(hl_machine_run(vm->m, &vm->exit, &vm->error), 0);
    if (vm->exit.kind == HL_EXIT_FAULT) {
        assert_int_equal(vm->exit.fault.vector, 6);
        assert_int_equal(vm->exit.fault.rip, DEVICE);
        return;
    }
    assert_int_equal(vm->exit.kind, HL_EXIT_SHUTDOWN);
    assert_true(vm->exit.shutdown.why[0]);
    assert_int_equal(hl_machine_run(vm->m, &vm->exit, &vm->error), HL_ERR_STATE);
    check_error(&vm->error, HL_ERR_STATE);
    assert_int_equal(hl_machine_get_regs(vm->m, &regs, &vm->error), 0);
}

GUEST(syscalls, "mov $0x123456789a, %rax; mov $1, %edi; mov $2, %esi; mov $3, %edx; mov $4, %r10d;"
                "mov $5, %r8d; mov $-6, %r9; stc; syscall; mov %rax, 0x600000; mov %rcx, 0x600008;"
                "mov %r11, 0x600010; syscall; hlt");
static void test_syscall(void **state)
{
    struct vm *vm = *state;
    const uint64_t *data;

    VM_LOAD(vm, syscalls);
    assert_int_equal(vm_run(vm), HL_EXIT_SYSCALL);
    assert_int_equal(vm->exit.syscall.number, 0x123456789a);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(vm->exit.syscall.arg[i], i + 1);
    assert_int_equal(vm->exit.syscall.arg[5], (uint64_t)-6);
    struct hl_regs regs = vm_regs(vm);
    assert_memory_equal((uint8_t *)vm_memory(vm, vm->code) + (regs.rip - CODE) - 2, "\x0f\x05", 2);
    assert_int_equal(regs.rsp, STACK);
    assert_int_equal(regs.rflags & 1, 1);
    assert_int_equal(hl_machine_syscall_result(vm->m, -38), 0);
    assert_int_equal(hl_machine_io_result(vm->m, 1), HL_ERR_STATE);
    assert_int_equal(vm_run(vm), HL_EXIT_SYSCALL);
    data = vm_memory(vm, vm->data);
    assert_int_equal(data[0], (uint64_t)-38);
    assert_int_equal(data[1], regs.rip);
    assert_int_equal(data[2] & 0xcd5, regs.rflags & 0xcd5);
    assert_int_equal(vm->exit.syscall.number, (uint64_t)-38);
    vm_run_to_fault(vm, 13, 0);
    assert_int_equal(vm_regs(vm).rax, (uint64_t)-38); /* no answer: rax stays */
}

/* All general registers but rsp, from and to a block of memory in the order of struct hl_regs. */
#define EACH_GPR(op)                                                                               \
    op(rax, 0x00) op(rbx, 0x08) op(rcx, 0x10) op(rdx, 0x18) op(rsi, 0x20) op(rdi, 0x28)            \
        op(rbp, 0x30) op(r8, 0x40) op(r9, 0x48) op(r10, 0x50) op(r11, 0x58) op(r12, 0x60)          \
            op(r13, 0x68) op(r14, 0x70) op(r15, 0x78)
#define EACH_XMM(op)                                                                               \
    op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) \
        op(15)
#define LOAD_GPR(r, at) "mov 0x600000+" #at ", %" #r "; "
#define SAVE_GPR(r, at) "mov %" #r ", 0x601000+" #at "; "
#define LOAD_XMM(n) "movups 0x600100+16*" #n ", %xmm" #n "; "
#define SAVE_XMM(n) "movups %xmm" #n ", 0x601100+16*" #n "; "
#define LOAD "fninit; fldl 0x600200; fldl 0x600208; " EACH_XMM(LOAD_XMM) EACH_GPR(LOAD_GPR)
#define SAVE EACH_GPR(SAVE_GPR) EACH_XMM(SAVE_XMM) "fstpl 0x601208; fstpl 0x601200; hlt"
#define STATE_SIZE 0x210u

GUEST(keep_out, LOAD "out %al, $0x80; " SAVE);
GUEST(keep_in, LOAD "in $0x80, %al; " SAVE);
GUEST(keep_write, LOAD "movb $1, 0x800000; " SAVE);
GUEST(keep_read, LOAD "testb $1, 0x800000; " SAVE);
GUEST(keep_syscall, LOAD "syscall; " SAVE);
GUEST(keep_page, LOAD "movb $1, 0x900000; " SAVE);
GUEST(keep_int3, LOAD "int3; " SAVE);
GUEST(keep_kick, LOAD "nop; " SAVE);

static void fill_random(uint8_t *bytes, size_t size)
{
    uint64_t seed = 1;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(next_random(&seed) >> 32);
}

/* Run from LOAD to SAVE by way of one exit; returns the state before, *after is what came out. */
static void keep(struct vm *vm, const uint8_t *code, const uint8_t *end, enum hl_exit_kind kind,
                 uint8_t *before, uint8_t *after)
{
    const double numbers[] = {1.5, -2.25};

    vm_load(vm, code, end);
    map_device(vm);
    fill_random(before, STATE_SIZE);
    memcpy(before + 0x200, numbers, sizeof(numbers));
    memcpy(vm_memory(vm, vm->data), before, STATE_SIZE);
    memset(vm_memory(vm, vm->data + PAGE), 0, STATE_SIZE);
    assert_int_equal(vm_run(vm), kind);
    if (kind == HL_EXIT_FAULT && vm->exit.fault.vector == 14)
        assert_int_equal(hl_machine_map(vm->m, NOWHERE, vm->spare, PAGE, RW, &vm->error), 0);
    if (kind == HL_EXIT_IO && vm->exit.io.in)
        assert_int_equal(hl_machine_io_result(vm->m, before[0]), 0);
    if (kind == HL_EXIT_MMIO && !vm->exit.mmio.write)
        assert_int_equal(hl_machine_mmio_result(vm->m, "\1"), 0);
    vm_run_to_fault(vm, 13, 0);
    memcpy(after, vm_memory(vm, vm->data + PAGE), STATE_SIZE);
    memset(before + 0x38, 0, 8); /* rsp is not in it, nor anything between r15 and xmm0 */
    memset(before + 0x80, 0, 0x80);
}

static void expect_kept(struct vm *vm, const uint8_t *code, const uint8_t *end,
                        enum hl_exit_kind kind)
{
    uint8_t before[STATE_SIZE], after[STATE_SIZE];
    keep(vm, code, end, kind, before, after);
    assert_memory_equal(after, before, STATE_SIZE);
}
#define EXPECT_KEPT(vm, name, kind) expect_kept(vm, name, name##_end, kind)

static void test_out_keeps_registers(void **state)
{
    EXPECT_KEPT(*state, keep_out, HL_EXIT_IO);
}

static void test_in_keeps_registers(void **state)
{
    EXPECT_KEPT(*state, keep_in, HL_EXIT_IO);
}

static void test_mmio_keeps_registers(void **state)
{
    EXPECT_KEPT(*state, keep_write, HL_EXIT_MMIO);
    EXPECT_KEPT(*state, keep_read, HL_EXIT_MMIO);
}

static void test_fault_keeps_registers(void **state)
{
    EXPECT_KEPT(*state, keep_page, HL_EXIT_FAULT);
    EXPECT_KEPT(*state, keep_int3, HL_EXIT_FAULT);
}

static void test_kick_keeps_registers(void **state)
{
    struct vm *vm = *state;
    vm_create(vm);
    hl_machine_kick(vm->m);
    EXPECT_KEPT(vm, keep_kick, HL_EXIT_INTERRUPT);
}

/* As on Linux: rcx and r11 are gone (they hold rip and rflags), everything else stays. */
static void test_syscall_keeps_registers(void **state)
{
    uint8_t before[STATE_SIZE], after[STATE_SIZE];

    keep(*state, keep_syscall, keep_syscall_end, HL_EXIT_SYSCALL, before, after);
    memcpy(before + 0x10, after + 0x10, 8);
    memcpy(before + 0x58, after + 0x58, 8);
    assert_memory_equal(after, before, STATE_SIZE);
}

static const struct hl_regs sample = {
    .rax = 0x1111111111111111,
    .rbx = 0x2222222222222222,
    .rcx = 0x3333333333333333,
    .rdx = 0x4444444444444444,
    .rsi = 0x5555555555555555,
    .rdi = 0x6666666666666666,
    .rbp = 0x7777777777777777,
    .rsp = STACK - 64,
    .r8 = 0x8888888888888888,
    .r9 = 0x9999999999999999,
    .r10 = 0xaaaaaaaaaaaaaaaa,
    .r11 = 0xbbbbbbbbbbbbbbbb,
    .r12 = 0xcccccccccccccccc,
    .r13 = 0xdddddddddddddddd,
    .r14 = 0xeeeeeeeeeeeeeeee,
    .r15 = UINT64_MAX,
    .rip = CODE,
    .rflags = 0x200ed7,
    .fs_base = 0x7f0000001000,
    .gs_base = 0xffffffffff000000,
};

GUEST(save_all, EACH_GPR(SAVE_GPR) "mov %rsp, 0x601038; pushfq; pop %rax; mov %rax, 0x601080;"
                                   "rdfsbase %rax; mov %rax, 0x601088; rdgsbase %rax;"
                                   "mov %rax, 0x601090; hlt");

static void expect_sample(struct vm *vm)
{
    const uint64_t *saved = vm_memory(vm, vm->data + PAGE);
    vm_run_to_fault(vm, 13, 0);
    assert_memory_equal(saved, &sample, 16 * sizeof(uint64_t));
    assert_int_equal(saved[16] & 0x200cd5, sample.rflags & 0x200cd5);
    assert_int_equal(saved[17], sample.fs_base);
    assert_int_equal(saved[18], sample.gs_base);
}

static void expect_same(const struct hl_regs *a, const struct hl_regs *b)
{
    struct hl_regs x = *a, y = *b;
    x.rflags &= 0x244dd5; /* the guest's own bits */
    y.rflags &= 0x244dd5;
    assert_memory_equal(&x, &y, sizeof(x));
}

static void test_registers_before_first_run(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, save_all);
    vm_set_regs(vm, &sample);
    struct hl_regs regs = vm_regs(vm);
    expect_same(&regs, &sample);
    expect_sample(vm);
}

GUEST(fault_first, "ud2");
GUEST(syscall_first, "syscall");
GUEST(out_first, "out %al, $0x80; nop");

/*
 * The same set in a fault, in a system call and after an `out`: then they are the guest's.  Not rip
 * back to the very `out`, however: a standard KVM takes that for no change, and steps over it.
 */
static void round_trip(struct vm *vm, const uint8_t *code, const uint8_t *end)
{
    vm_load(vm, code, end);
    vm_run(vm);
    struct hl_regs regs = sample;
    regs.rip = DATA;
    vm_set_regs(vm, &regs);
    struct hl_regs back = vm_regs(vm);
    expect_same(&back, &regs);
    memcpy((uint8_t *)vm_memory(vm, vm->code) + 64, save_all, (size_t)(save_all_end - save_all));
    regs.rip = CODE + 64;
    vm_set_regs(vm, &regs);
    expect_sample(vm);
}

static void test_registers_in_a_fault(void **state)
{
    round_trip(*state, fault_first, fault_first_end);
}

static void test_registers_in_a_syscall(void **state)
{
    round_trip(*state, syscall_first, syscall_first_end);
}

static void test_registers_after_out(void **state)
{
    round_trip(*state, out_first, out_first_end);
}

/* IF, IOPL and the reserved bits are not the caller's to set. */
static void test_rflags_are_put_right(void **state)
{
    struct vm *vm = *state;
    struct hl_regs regs = {.rip = CODE, .rsp = STACK, .rdi = DATA};

    VM_LOAD(vm, out_first);
    regs.rflags = UINT64_MAX & ~0x100ull & ~0x40000ull;
    vm_set_regs(vm, &regs);
    vm_run_to_out(vm, 0);
    assert_int_equal(vm_regs(vm).rflags & 0x3000, 0);
    assert_int_equal(vm_regs(vm).rflags & ~0x244fd7ull & ~0x10000ull, 0);
}

GUEST(initial, "fnstcw (%rdi); stmxcsr 8(%rdi); pushfq; pop %rax; mov %rax, 16(%rdi);"
               "fnstsw 24(%rdi); mov %cs, 32(%rdi); mov %ss, 40(%rdi); mov %ds, 48(%rdi);"
               "fxsave64 0x601000; hlt");
static void test_initial_state(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, initial);
    const uint64_t *data = vm_memory(vm, vm->data);
    vm_run_to_fault(vm, 13, 0);
    assert_int_equal(data[0], 0x37f);
    assert_int_equal(data[1], 0x1f80);
    assert_int_equal(data[2] & ~0x200ull, 2); /* no flag but IF, which nothing can use */
    assert_int_equal(data[3], 0);
    assert_int_equal(data[4] & 3, 3);
    assert_int_equal(data[5] & 3, 3);
    const uint8_t *fx = vm_memory(vm, vm->data + PAGE);
    assert_int_equal(fx[4], 0); /* x87 stack empty */
    for (unsigned i = 160; i < 416; i++)
        assert_int_equal(fx[i], 0);
}

GUEST(arithmetic, "cvtsi2sd %rdi, %xmm0; sqrtsd %xmm0, %xmm1; mulsd %xmm1, %xmm1;"
                  "cvtsd2si %xmm1, %rax; out %eax, $0x80; hlt");
static void test_sse_arithmetic(void **state)
{
    struct vm *vm = *state;
    VM_LOAD(vm, arithmetic);
    vm_run_to_out(vm, DATA);
}

#define EACH_YMM_LOAD(n) "vmovups 0x600000+32*" #n ", %ymm" #n "; "
#define EACH_YMM_SAVE(n) "vmovups %ymm" #n ", 0x602000+32*" #n "; "
GUEST(avx, EACH_XMM(EACH_YMM_SAVE) "syscall; " EACH_XMM(EACH_YMM_LOAD) "syscall; " EACH_XMM(
               EACH_YMM_SAVE) "vaddps %ymm0, %ymm0, %ymm1; syscall");
static void test_avx_state(void **state)
{
    static const uint8_t zero[512];
    struct vm *vm = *state;
    uint8_t bytes[512];

    if (!__builtin_cpu_supports("avx")) {
        print_message("# no AVX on this processor\n");
        skip();
    }
    VM_LOAD(vm, avx);
    fill_random(bytes, sizeof(bytes));
    memcpy(vm_memory(vm, vm->data), bytes, sizeof(bytes));
    uint8_t *out = vm_memory(vm, vm->data + 2 * PAGE);
    memset(out, 0xff, sizeof(bytes));
    assert_int_equal(vm_run(vm), HL_EXIT_SYSCALL);
    assert_memory_equal(out, zero, sizeof(zero));
    assert_int_equal(vm_run(vm), HL_EXIT_SYSCALL);
    assert_int_equal(vm_run(vm), HL_EXIT_SYSCALL);
    assert_memory_equal(out, bytes, sizeof(bytes));
}

GUEST(xgetbv, "xor %ecx, %ecx; xgetbv; mov %eax, (%rdi); mov %edx, 4(%rdi); hlt");
static void test_xcr0_covers_avx(void **state)
{
    struct vm *vm = *state;

    if (!__builtin_cpu_supports("avx")) {
        print_message("# no AVX on this processor\n");
        skip();
    }
    VM_LOAD(vm, xgetbv);
    vm_run_to_fault(vm, 13, 0);
    uint64_t xcr0 = *(uint64_t *)vm_memory(vm, vm->data);
    assert_int_equal(xcr0 & 7, 7);
    assert_int_equal(xcr0 & ~0xe7ull, 0); /* nothing a guest could not save: no AMX, no PKRU */
}

GUEST(cpuid, "mov $1, %eax; xor %ecx, %ecx; cpuid; mov %ecx, 0x600000; mov %ebx, 0x600004;"
             "mov $0x40000000, %eax; cpuid; mov %ebx, 0x600008; hlt");
static void test_cpuid_hides_hypervisor(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, cpuid);
    vm_run_to_fault(vm, 13, 0);
    const uint32_t *data = vm_memory(vm, vm->data);
    if (data[0] >> 31) {
        print_message("# cpuid at ring 3 does not trap on this KVM (kvm_pvm): it is the host's\n");
        skip();
    }
    assert_int_equal(data[1] & ~0xff00u, 0);   /* no APIC id, no processor count */
    assert_int_not_equal(data[2], 0x4b4d564b); /* "KVMK" */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VM_TEST(test_out),
        VM_TEST(test_in),
        VM_TEST(test_mmio),
        VM_TEST(test_code_in_a_device),
        VM_TEST(test_syscall),
        VM_TEST(test_out_keeps_registers),
        VM_TEST(test_in_keeps_registers),
        VM_TEST(test_mmio_keeps_registers),
        VM_TEST(test_fault_keeps_registers),
        VM_TEST(test_kick_keeps_registers),
        VM_TEST(test_syscall_keeps_registers),
        VM_TEST(test_registers_before_first_run),
        VM_TEST(test_registers_in_a_fault),
        VM_TEST(test_registers_in_a_syscall),
        VM_TEST(test_registers_after_out),
        VM_TEST(test_rflags_are_put_right),
        VM_TEST(test_initial_state),
        VM_TEST(test_sse_arithmetic),
        VM_TEST(test_avx_state),
        VM_TEST(test_xcr0_covers_avx),
        VM_TEST(test_cpuid_hides_hypervisor),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
