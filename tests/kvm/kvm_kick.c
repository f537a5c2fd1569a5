/* SPDX-License-Identifier: Apache-2.0 */
/* hl_machine_kick(): before a run, during one, and racing with every other kind of exit. */
#include "vm.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum { PF = 14, UD = 6 };

GUEST(spin, "1: incl (%rdi); jmp 1b");
GUEST(out_once, "out %al, $0x80; ud2");

/* Before anything else: the signal can be chosen until the first machine exists. */
static void test_signal_number(void **state)
{
    struct vm *vm = *state;
    int number = SIGRTMIN + 7;

    assert_int_equal(hl_kick_signal(), SIGRTMIN + 6);
    assert_int_equal(hl_kick_signal_set(0), HL_ERR_ARGUMENT);
    assert_int_equal(hl_kick_signal_set(SIGRTMAX + 1), HL_ERR_ARGUMENT);
    assert_int_equal(hl_kick_signal_set(number), 0);
    assert_int_equal(hl_kick_signal(), number);
    vm_create(vm);
    assert_int_equal(hl_kick_signal_set(SIGRTMIN + 6), HL_ERR_STATE);
    assert_int_equal(hl_kick_signal(), number);
}

static void test_kick_before_run(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, out_once);
    hl_machine_kick(vm->m);
    hl_machine_kick(vm->m);
    assert_int_equal(vm_run(vm), HL_EXIT_INTERRUPT);
    assert_int_equal(vm_regs(vm).rip, CODE);
    vm_run_to_out(vm, 0); /* two kicks before one run are one */
}

/* A kick while the answer of an `out` is pending: the `out` is not done twice, nor lost. */
static void test_kick_between_exits(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, out_once);
    vm_run_to_out(vm, 0);
    hl_machine_kick(vm->m);
    assert_int_equal(vm_run(vm), HL_EXIT_INTERRUPT);
    assert_int_equal(vm_regs(vm).rip, CODE + 2);
    vm_run_to_fault(vm, UD, 0);
}

GUEST(one_syscall, "syscall; ud2");
static void test_kick_after_syscall_answer(void **state)
{
    struct vm *vm = *state;

    VM_LOAD(vm, one_syscall);
    assert_int_equal(vm_run(vm), HL_EXIT_SYSCALL);
    assert_int_equal(hl_machine_syscall_result(vm->m, 77), 0);
    hl_machine_kick(vm->m);
    assert_int_equal(vm_run(vm), HL_EXIT_INTERRUPT);
    struct hl_regs regs = vm_regs(vm);
    assert_int_equal(regs.rip, CODE + 2);
    assert_int_equal(regs.rax, 77);
    assert_int_equal(regs.rsp, STACK);
    assert_int_equal(hl_machine_syscall_result(vm->m, 78), HL_ERR_STATE);
    /* The registers set now are the guest's, although it is on its way out of the gate. */
    regs.rsp = STACK - 64;
    regs.rax = 79;
    vm_set_regs(vm, &regs);
    vm_run_to_fault(vm, UD, 0);
    regs = vm_regs(vm);
    assert_int_equal(regs.rsp, STACK - 64);
    assert_int_equal(regs.rax, 79);
}

/* The other thread: kicks each time it is asked to, or continuously until it is stopped. */
struct kicker {
    struct hl_machine *m;
    pthread_t thread;
    atomic_uint asked, done;
    atomic_bool stop;
    unsigned pause; /* turns of an empty loop between two kicks */
    const uint32_t *count;
};

static void *kick_when_asked(void *opaque)
{
    struct kicker *k = opaque;
    while (!atomic_load(&k->stop)) {
        if (atomic_load(&k->asked) == atomic_load(&k->done)) {
            sched_yield();
            continue;
        }
        hl_machine_kick(k->m);
        atomic_fetch_add(&k->done, 1);
    }
    return NULL;
}

static void *kick_all_the_time(void *opaque)
{
    struct kicker *k = opaque;
    while (!atomic_load(&k->stop)) {
        hl_machine_kick(k->m);
        atomic_fetch_add(&k->done, 1);
        for (volatile unsigned i = 0; i < k->pause; i++)
            ;
    }
    return NULL;
}

static void start_kicker(struct kicker *k, struct vm *vm, void *(*loop)(void *), unsigned pause)
{
    memset(k, 0, sizeof(*k));
    k->m = vm->m;
    k->pause = pause;
    thread_begin(&k->thread, loop, k);
}

static void stop_kicker(struct kicker *k)
{
    atomic_store(&k->stop, true);
    assert_int_equal(pthread_join(k->thread, NULL), 0);
}

/* Asked for just before each run: it comes before, at or after the entry, and always ends it. */
static void test_kick_at_entry(void **state)
{
    struct vm *vm = *state;
    struct kicker k;

    VM_LOAD(vm, spin);
    start_kicker(&k, vm, kick_when_asked, 0);
    for (unsigned i = 0; i < 2000; i++) {
        atomic_fetch_add(&k.asked, 1);
        assert_int_equal(vm_run(vm), HL_EXIT_INTERRUPT);
        assert_in_range(vm_regs(vm).rip, CODE, CODE + 3);
        while (atomic_load(&k.done) != i + 1)
            sched_yield();
    }
    stop_kicker(&k);
}

/* Kicks when the guest has been seen to run, which it shows by counting in memory. */
static void *kick_when_running(void *opaque)
{
    struct kicker *k = opaque;
    const uint32_t *count = k->count;
    uint32_t last = __atomic_load_n(count, __ATOMIC_RELAXED);
    while (!atomic_load(&k->stop)) {
        uint32_t now = __atomic_load_n(count, __ATOMIC_RELAXED);
        if (now == last) {
            sched_yield();
            continue;
        }
        hl_machine_kick(k->m);
        last = now;
    }
    return NULL;
}

static void test_kick_ends_a_spin(void **state)
{
    struct vm *vm = *state;
    struct kicker k;

    VM_LOAD(vm, spin);
    memset(&k, 0, sizeof(k));
    k.m = vm->m;
    k.count = vm_memory(vm, vm->data);
    thread_begin(&k.thread, kick_when_running, &k);
    for (unsigned i = 0; i < 500; i++) {
        assert_int_equal(vm_run(vm), HL_EXIT_INTERRUPT);
        assert_in_range(vm_regs(vm).rip, CODE, CODE + 3);
    }
    stop_kicker(&k);
    assert_true(*k.count > 100);
}

/*
 * rbx counts the system calls, rsi the page faults, r12 the `out`s; each is answered by the host
 * and each leaves a trace, so that one that is lost or done twice shows.
 */
GUEST(busy, "1: inc %rbx; mov %rbx, %rax; syscall; cmp %rax, %rbx; jne 2f;"
            "inc %rsi; mov %rsi, 0x900000; inc %r12; mov %r12d, %eax; out %eax, $0x80; jmp 1b;"
            "2: ud2");

struct tally {
    uint64_t syscalls, faults, outs, interrupts;
};

static void serve_busy(struct vm *vm, struct tally *t)
{
    enum hl_exit_kind kind = vm_run(vm);
    struct hl_regs regs = vm_regs(vm);
    if (regs.rip < CODE || regs.rip >= CODE + PAGE || regs.rsp != STACK)
        fail_msg("exit %d: rip 0x%llx, rsp 0x%llx", kind, (unsigned long long)regs.rip,
                 (unsigned long long)regs.rsp);
    switch (kind) {
    case HL_EXIT_SYSCALL:
        assert_int_equal(vm->exit.syscall.number, ++t->syscalls);
        assert_int_equal(hl_machine_syscall_result(vm->m, (int64_t)t->syscalls), 0);
        break;
    case HL_EXIT_FAULT:
        if (vm->exit.fault.vector != PF)
            fail_msg("%s at 0x%llx after %llu syscalls", hl_fault_name(vm->exit.fault.vector),
                     (unsigned long long)regs.rip, (unsigned long long)t->syscalls);
        assert_int_equal(vm->exit.fault.address, NOWHERE);
        t->faults++;
        assert_int_equal(hl_machine_map(vm->m, NOWHERE, vm->spare, PAGE, RW, &vm->error), 0);
        break;
    case HL_EXIT_IO:
        assert_int_equal(vm->exit.io.value, ++t->outs);
        assert_int_equal(*(uint64_t *)vm_memory(vm, vm->spare), t->outs);
        assert_int_equal(hl_machine_unmap(vm->m, NOWHERE, PAGE, &vm->error), 0);
        break;
    default:
        assert_int_equal(kind, HL_EXIT_INTERRUPT);
        t->interrupts++;
        vm_set_regs(vm, &regs); /* must change nothing */
    }
}

static void race(struct vm *vm, unsigned pause, unsigned turns)
{
    struct tally t = {0};
    struct kicker k;

    VM_LOAD(vm, busy);
    hl_machine_unmap(vm->m, NOWHERE, PAGE, NULL);
    start_kicker(&k, vm, kick_all_the_time, pause);
    while (t.outs < turns || t.interrupts < 20)
        serve_busy(vm, &t);
    stop_kicker(&k);
    assert_true(t.syscalls - t.outs <= 1 && t.faults - t.outs <= 1);
}

static void test_kick_races_with_exits(void **state)
{
    race(*state, 20000, 200);
    race(*state, 50000, 200);
    race(*state, 200000, 200);
}

/*
 * An exception that was raised before the kick comes before it: what the host changes at the kick
 * is never followed by a fault that the change has ruled out.
 */
GUEST(faulting, "1: mov %rsi, 0x900000; out %al, $0x80; jmp 1b");
static void test_no_exception_from_before_a_kick(void **state)
{
    struct vm *vm = *state;
    struct kicker k;

    VM_LOAD(vm, faulting);
    start_kicker(&k, vm, kick_all_the_time, 20000);
    for (unsigned i = 0; i < 300; i++) {
        while (vm_run(vm) == HL_EXIT_FAULT) /* again and again */
            assert_int_equal(vm->exit.fault.vector, PF);
        assert_int_equal(hl_machine_map(vm->m, NOWHERE, vm->spare, PAGE, RW, &vm->error), 0);
        while (vm_run(vm) != HL_EXIT_IO)
            assert_int_equal(vm->exit.kind, HL_EXIT_INTERRUPT);
        assert_int_equal(hl_machine_unmap(vm->m, NOWHERE, PAGE, &vm->error), 0);
    }
    stop_kicker(&k);
}

/*
 * Kicks as fast as they come: the guest may get nowhere, but whenever the machine stops, the
 * registers are the guest's.
 */
static void test_storm_of_kicks(void **state)
{
    struct vm *vm = *state;
    struct tally t = {0};
    struct kicker k;

    VM_LOAD(vm, busy);
    start_kicker(&k, vm, kick_all_the_time, 1000); /* leaves a gap for the vCPU's lock */
    for (unsigned i = 0; i < 500; i++)
        serve_busy(vm, &t);
    stop_kicker(&k);
    assert_true(t.interrupts > 0);
    /* Afterwards it goes on where it was. */
    uint64_t outs = t.outs;
    for (unsigned i = 0; i < 20; i++)
        serve_busy(vm, &t);
    assert_true(t.outs > outs);
}

/* Any signal the program handles ends a run likewise. */
static void on_signal(int number)
{
    (void)number;
}

static void *send_signal(void *opaque)
{
    struct kicker *k = opaque;
    while (!atomic_load(&k->stop)) {
        pthread_kill(*(pthread_t *)(void *)k->m, SIGUSR2);
        sched_yield();
    }
    return NULL;
}

static void test_other_signals_interrupt(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct vm *vm = *state;
    pthread_t self = pthread_self();
    struct kicker k;

    VM_LOAD(vm, spin);
    assert_int_equal(sigaction(SIGUSR2, &action, NULL), 0);
    memset(&k, 0, sizeof(k));
    k.m = (struct hl_machine *)(void *)&self;
    thread_begin(&k.thread, send_signal, &k);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(vm_run(vm), HL_EXIT_INTERRUPT);
    stop_kicker(&k);
}

/* Each kick reaches the machine it is for, although they all run on one thread in turn. */
static void test_only_the_target_is_kicked(void **state)
{
    struct vm *vm = *state, other = {0};

    VM_LOAD(vm, out_once);
    VM_LOAD(&other, out_once);
    hl_machine_kick(vm->m);
    vm_run_to_out(&other, 0);
    assert_int_equal(vm_run(vm), HL_EXIT_INTERRUPT);
    vm_run_to_out(vm, 0);
    hl_machine_destroy(other.m);
}

static void *run_once(void *opaque)
{
    struct vm *vm = opaque;
    return hl_machine_run(vm->m, &vm->exit, &vm->error) ? opaque : NULL;
}

/* A machine may move between threads, and is kicked on the one it runs on. */
static void test_kick_follows_to_another_thread(void **state)
{
    struct vm *vm = *state;
    struct kicker k;
    pthread_t thread;
    void *failed;

    VM_LOAD(vm, spin);
    for (unsigned i = 0; i < 20; i++) {
        hl_machine_kick(vm->m);
        assert_int_equal(vm_run(vm), HL_EXIT_INTERRUPT);
        start_kicker(&k, vm, kick_when_asked, 0);
        thread_begin(&thread, run_once, vm);
        atomic_fetch_add(&k.asked, 1);
        assert_int_equal(pthread_join(thread, &failed), 0);
        assert_null(failed);
        assert_int_equal(vm->exit.kind, HL_EXIT_INTERRUPT);
        stop_kicker(&k);
    }
}

static void test_destroy_in_every_state(void **state)
{
    GUEST(fault_now, "ud2");
    static const uint8_t *const code[][2] = {
        {out_once, out_once_end}, {one_syscall, one_syscall_end}, {fault_now, fault_now_end}};
    (void)state;
    for (size_t i = 0; i < COUNT(code); i++) {
        struct vm vm = {0};
        vm_load(&vm, code[i][0], code[i][1]);
        vm_run(&vm);
        if (i == 2)
            hl_machine_kick(vm.m);
        hl_machine_destroy(vm.m);
    }
}

static void test_200_machines_at_once(void **state)
{
    static struct vm vms[200];

    (void)state;
    for (size_t i = 0; i < COUNT(vms); i++) {
        VM_LOAD(&vms[i], out_once);
        struct hl_regs regs = vm_regs(&vms[i]);
        regs.rax = i;
        vm_set_regs(&vms[i], &regs);
    }
    for (size_t i = 0; i < COUNT(vms); i++)
        vm_run_to_out(&vms[i], (uint32_t)i);
    for (size_t i = 0; i < COUNT(vms); i++) {
        vm_run_to_fault(&vms[i], UD, 0);
        hl_machine_destroy(vms[i].m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VM_TEST(test_signal_number),
        VM_TEST(test_kick_before_run),
        VM_TEST(test_kick_between_exits),
        VM_TEST(test_kick_after_syscall_answer),
        VM_TEST(test_kick_at_entry),
        VM_TEST(test_kick_ends_a_spin),
        VM_TEST(test_kick_races_with_exits),
        VM_TEST(test_no_exception_from_before_a_kick),
        VM_TEST(test_storm_of_kicks),
        VM_TEST(test_other_signals_interrupt),
        VM_TEST(test_only_the_target_is_kicked),
        VM_TEST(test_kick_follows_to_another_thread),
        cmocka_unit_test(test_destroy_in_every_state),
        cmocka_unit_test(test_200_machines_at_once),
    };

    watchdog(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
