/* SPDX-License-Identifier: Apache-2.0 */
/* Registers at an I/O or MMIO exit: shown past the instruction, and setting them loses nothing. */
#include "vm.h"
#include "thread.h"

#include <pthread.h>
#include <signal.h>

GUEST(in_out, "in $0x80, %al; out %al, $0x81; hlt");
static void test_set_regs_keeps_what_in_reads(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, in_out);
    assert_int_equal(vm_run(vm), HL_EXIT_IO);
    struct hl_regs regs = vm_regs(vm);
    assert_int_equal(regs.rip, CODE);
    /* Now it would be lost: refused. */
    regs.rbx = 5;
    assert_int_equal(hl_machine_set_regs(vm->m, &regs, &vm->error), HL_ERR_STATE);
    check_error(&vm->error, HL_ERR_STATE);
    assert_int_equal(hl_machine_io_result(vm->m, 0x77), 0);
    regs = vm_regs(vm);
    assert_int_equal(regs.rip, CODE + 2);
    assert_int_equal(regs.rax & 0xff, 0x77);
    regs.rbx = 5;
    vm_set_regs(vm, &regs);
    assert_int_equal(hl_machine_io_result(vm->m, 0x78), HL_ERR_STATE);
    assert_int_equal(vm_run(vm), HL_EXIT_IO);
    assert_int_equal(vm->exit.io.value, 0x77);
    assert_int_equal(vm_regs(vm).rbx, 5);
}

GUEST(read_device, "mov 0x800010, %eax; out %al, $0x81; hlt");
static void test_set_regs_keeps_what_mmio_reads(void **state)
{
    struct vm *vm = *state;
    uint32_t answer = 0x55;

    VM_LOAD(vm, read_device);
    assert_int_equal(hl_machine_map(vm->m, 0x800000, 0x10000000, PAGE, RW, &vm->error), 0);
    assert_int_equal(vm_run(vm), HL_EXIT_MMIO);
    struct hl_regs regs = vm_regs(vm);
    assert_int_equal(hl_machine_set_regs(vm->m, &regs, &vm->error), HL_ERR_STATE);
    assert_int_equal(hl_machine_mmio_result(vm->m, &answer), 0);
    regs = vm_regs(vm);
    regs.rbx = 6;
    vm_set_regs(vm, &regs);
    assert_int_equal(vm_run(vm), HL_EXIT_IO);
    assert_int_equal(vm->exit.io.value, 0x55);
    assert_int_equal(vm_regs(vm).rbx, 6);
}

/* Back to the very `out` that made the exit, where other code stands by then. */
GUEST(out_twice, "out %al, $0x80; out %al, $0x81; hlt");
static void test_rip_is_behind_an_out_and_can_be_set_back(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, out_twice);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(vm_run(vm), HL_EXIT_IO);
        assert_int_equal(vm->exit.io.port, 0x80);
        struct hl_regs regs = vm_regs(vm);
        assert_int_equal(regs.rip, CODE + 2);
        regs.rip = CODE;
        vm_set_regs(vm, &regs);
    }
    assert_int_equal(vm_run(vm), HL_EXIT_IO);
    assert_int_equal(vm_run(vm), HL_EXIT_IO);
    assert_int_equal(vm->exit.io.port, 0x81);
}

/* Settling takes a run that ends at once: a kick that waits meanwhile must not get lost. */
static void test_a_kick_survives_settling(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, out_twice);
    assert_int_equal(vm_run(vm), HL_EXIT_IO);
    hl_machine_kick(vm->m);
    vm_regs(vm);
    assert_int_equal(vm_run(vm), HL_EXIT_INTERRUPT);
    assert_int_equal(vm_run(vm), HL_EXIT_IO);
    assert_int_equal(vm->exit.io.port, 0x81);
}

GUEST(string_in, "mov $0x80, %dx; mov $4, %ecx; cld; rep insb; mov -4(%rdi), %eax; out %al, $0x81;"
                 "hlt");
static void test_every_item_of_rep_ins_is_answered(void **state)
{
    struct vm *vm = *state;
    unsigned items = 0;

    VM_LOAD(vm, string_in);
    while (vm_run(vm) == HL_EXIT_IO && vm->exit.io.in) {
        assert_in_range(vm->exit.io.count, 1, 4 - items);
        items += vm->exit.io.count;
        assert_int_equal(hl_machine_io_result(vm->m, 0x41), 0);
    }
    assert_int_equal(items, 4);
    assert_memory_equal(vm_memory(vm, vm->data), "AAAA", 4);
}

GUEST(forever, "1: jmp 1b");
static void *kick_it(void *opaque)
{
    hl_machine_kick(((struct vm *)opaque)->m);
    return NULL;
}

/* A worker thread that blocks every signal can be kicked like any other, again and again. */
static void test_kick_when_the_signal_is_blocked(void **state)
{
    struct vm *vm = *state;
    sigset_t all, before;
    pthread_t thread;

    VM_LOAD(vm, forever);
    sigfillset(&all);
    sigdelset(&all, SIGALRM); /* the watchdog's */
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &all, &before), 0);
    for (unsigned i = 0; i < 20; i++) {
        thread_begin(&thread, kick_it, vm);
        assert_int_equal(vm_run(vm), HL_EXIT_INTERRUPT);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    sigset_t pending;
    sigpending(&pending);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void test_signals_that_cannot_kick(void **state)
{
    (void)state;
    assert_int_equal(hl_kick_signal_set(SIGKILL), HL_ERR_ARGUMENT);
    assert_int_equal(hl_kick_signal_set(SIGSTOP), HL_ERR_ARGUMENT);
    assert_int_equal(hl_kick_signal_set(32), HL_ERR_ARGUMENT); /* libc's own */
    assert_int_equal(hl_kick_signal_set(0), HL_ERR_ARGUMENT);
}

static void test_ports_at_null(void **state)
{
    const struct hl_machine_config config = {.memory = PAGE, .port_count = 3};
    struct hl_machine *m;
    struct hl_error error;

    (void)state;
    assert_int_equal(hl_machine_create(&m, &config, &error), HL_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VM_TEST(test_set_regs_keeps_what_in_reads),
        VM_TEST(test_set_regs_keeps_what_mmio_reads),
        VM_TEST(test_rip_is_behind_an_out_and_can_be_set_back),
        VM_TEST(test_a_kick_survives_settling),
        VM_TEST(test_every_item_of_rep_ins_is_answered),
        VM_TEST(test_kick_when_the_signal_is_blocked),
        cmocka_unit_test(test_signals_that_cannot_kick),
        cmocka_unit_test(test_ports_at_null),
    };

    watchdog(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
