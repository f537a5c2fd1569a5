/* SPDX-License-Identifier: Apache-2.0 */
/* vm.h - a machine with a page of code, some data and a stack; its guest is a little assembler. */
#ifndef TESTS_VM_H
#define TESTS_VM_H

#include "kit.h"

#define CODE 0x400000ull
#define DATA 0x600000ull /* DATA_PAGES of them */
#define DATA_PAGES 4
#define CONSTANT 0x680000ull /* one page that can only be read */
#define STACK 0x700000ull    /* the top; one page below it */
#define NOWHERE 0x900000ull  /* not mapped */
#define PORT 0x80            /* and the three after it */

/* Guest code as assembler text: `name` are its bytes, name_at a label of its own choice. */
#define GUEST(name, text)                                                                          \
    __asm__(".pushsection .rodata\n" #name ": " text "\n" #name "_end:\n.popsection");             \
    extern const uint8_t name[], name##_end[]
/* The same with the instruction that matters apart: name_at is its first byte. */
#define GUEST_AT(name, before, text)                                                               \
    GUEST(name, before "\n" #name "_at: " text);                                                   \
    extern const uint8_t name##_at[]

struct vm {
    struct hl_machine *m;
    hl_gpa_t code, data, constant, stack, spare;
    struct hl_exit exit;
    struct hl_error error;
};

static inline hl_gpa_t vm_page(struct vm *vm, hl_gva_t gva, size_t size, unsigned prot)
{
    hl_gpa_t gpa = 0;
    assert_int_equal(hl_machine_alloc(vm->m, size, &gpa, &vm->error), 0);
    if (gva)
        assert_int_equal(hl_machine_map(vm->m, gva, gpa, size, prot, &vm->error), 0);
    return gpa;
}

static inline void vm_create(struct vm *vm)
{
    static const uint16_t ports[] = {PORT, PORT + 1, PORT + 2, PORT + 3};
    const struct hl_machine_config config = {
        .memory = 64 * PAGE, .port = ports, .port_count = COUNT(ports)};
    if (hl_machine_create(&vm->m, &config, &vm->error))
        fail_msg("%s", vm->error.text);
    vm->code = vm_page(vm, CODE, PAGE, RX);
    vm->data = vm_page(vm, DATA, DATA_PAGES * PAGE, RW);
    vm->constant = vm_page(vm, CONSTANT, PAGE, HL_PROT_READ);
    vm->stack = vm_page(vm, STACK - PAGE, PAGE, RW);
    vm->spare = vm_page(vm, 0, PAGE, 0);
}

/* Put code in place and the registers at their start. */
static inline void vm_load(struct vm *vm, const uint8_t *code, const uint8_t *end)
{
    const struct hl_regs regs = {.rip = CODE, .rsp = STACK, .rdi = DATA};
    if (!vm->m)
        vm_create(vm);
    uint8_t *host = hl_machine_memory(vm->m, vm->code, PAGE);
    assert_non_null(host);
    assert_true((size_t)(end - code) < PAGE);
    memset(host, 0xcc, PAGE);
    memcpy(host, code, (size_t)(end - code));
    assert_int_equal(hl_machine_set_regs(vm->m, &regs, &vm->error), 0);
}
#define VM_LOAD(vm, name) vm_load(vm, name, name##_end)

static inline enum hl_exit_kind vm_run(struct vm *vm)
{
    memset(&vm->exit, 0xee, sizeof(vm->exit));
    if (hl_machine_run(vm->m, &vm->exit, &vm->error))
        fail_msg("%s", vm->error.text);
    if (vm->exit.kind == HL_EXIT_SHUTDOWN)
        fail_msg("shutdown: %s", vm->exit.shutdown.why);
    return vm->exit.kind;
}

static inline void vm_run_to_out(struct vm *vm, uint32_t value)
{
    enum hl_exit_kind kind = vm_run(vm);
    if (kind == HL_EXIT_FAULT)
        fail_msg("%s 0x%x at rip 0x%llx, address 0x%llx", hl_fault_name(vm->exit.fault.vector),
                 vm->exit.fault.error_code, (unsigned long long)vm->exit.fault.rip,
                 (unsigned long long)vm->exit.fault.address);
    assert_int_equal(kind, HL_EXIT_IO);
    assert_int_equal(vm->exit.io.port, PORT);
    assert_false(vm->exit.io.in);
    assert_int_equal(vm->exit.io.value, value);
}

static inline void vm_run_to_fault(struct vm *vm, unsigned vector, uint32_t error_code)
{
    assert_int_equal(vm_run(vm), HL_EXIT_FAULT);
    assert_int_equal(vm->exit.fault.vector, vector);
    assert_int_equal(vm->exit.fault.error_code, error_code);
}

static inline struct hl_regs vm_regs(struct vm *vm)
{
    struct hl_regs regs;
    assert_int_equal(hl_machine_get_regs(vm->m, &regs, &vm->error), 0);
    return regs;
}

static inline void vm_set_regs(struct vm *vm, const struct hl_regs *regs)
{
    assert_int_equal(hl_machine_set_regs(vm->m, regs, &vm->error), 0);
}

static inline void *vm_memory(struct vm *vm, hl_gpa_t gpa)
{
    void *host = hl_machine_memory(vm->m, gpa, PAGE);
    assert_non_null(host);
    return host;
}

static inline int vm_setup(void **state)
{
    *state = calloc(1, sizeof(struct vm));
    return *state ? 0 : -1;
}

static inline int vm_teardown(void **state)
{
    struct vm *vm = *state;
    hl_machine_destroy(vm->m);
    free(vm);
    return 0;
}

/* A test that gets a struct vm, without a machine in it yet. */
#define VM_TEST(test) cmocka_unit_test_setup_teardown(test, vm_setup, vm_teardown)

#endif
