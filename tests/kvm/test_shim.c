/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the KVM backend makes of what KVM reports: frames of the shim, its gate, debug traps and
 * accesses, by a vCPU whose kvm_run is the test's.  No KVM is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "vcpu_kvm.h"

#define PAGES 16
#define TEXT 0x400000ull
#define TEXT_GPA (12 * PAGE_SIZE)
#define STACK 0x700000000ff8ull
#define STUB(vector) (SHIM_GVA + SHIM_CODE + (uint64_t)(vector)*SHIM_STUB_SIZE)
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const struct kvm_host host = {.fd = -1, .sync_regs = true, .sync_all = true};

struct bench {
    struct hl_vcpu v;
    struct pagetable pt;
    uint8_t *memory;
    uint8_t ports[HL_MACHINE_PORT_LIMIT / 8 + 1];
    struct kvm_regs *regs;
    struct hl_exit exit;
    struct vcpu_trap trap;
    struct hl_error error;
};

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    b->memory = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    memset(b->memory, 0, PAGES * PAGE_SIZE);
    memset(b->ports, 0xff, sizeof(b->ports));
    pagetable_init(&b->pt, b->memory, PAGES * PAGE_SIZE, SHIM_SIZE, 8 * PAGE_SIZE);
    pagetable_set(&b->pt, TEXT, TEXT_GPA, HL_PROT_READ | HL_PROT_EXEC);
    b->v.host = &host;
    b->v.setup = (struct backend_setup){
        .memory = b->memory, .memory_size = PAGES * PAGE_SIZE, .tables = &b->pt, .ports = b->ports};
    b->v.fd = b->v.vm_fd = -1;
    b->v.run = calloc(1, 2 * PAGE_SIZE);
    b->v.regs_valid = true;
    b->regs = &b->v.run->s.regs.regs;
    b->regs->rsp = STACK;
    b->regs->rip = TEXT;
    shim_write(b->memory, b->ports);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    free(b->v.run);
    free(b->memory);
    free(b);
    return 0;
}

static int leave(struct bench *b, unsigned reason)
{
    memset(&b->exit, 0xee, sizeof(b->exit));
    b->trap = (struct vcpu_trap){.by_exit = false};
    return vcpu_kvm_exit(&b->v, reason, &b->exit, &b->trap, &b->error);
}

/* `out` of one byte, or `in`. */
static int leave_by_port(struct bench *b, uint16_t port, bool in)
{
    struct kvm_run *r = b->v.run;
    r->io.port = port;
    r->io.size = 1;
    r->io.count = 1;
    r->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
    r->io.data_offset = PAGE_SIZE;
    r->exit_reason = KVM_EXIT_IO;
    ((uint8_t *)r)[PAGE_SIZE] = 0x5a;
    return leave(b, KVM_EXIT_IO);
}

/* As the processor delivers an exception from ring 3. */
static void deliver(struct bench *b, unsigned vector, uint32_t code, uint64_t rip)
{
    const struct shim_frame frame = {rip, USER_CS, 0x246, STACK, USER_DS};
    *shim_frame(b->memory) = frame;
    b->regs->rsp = SHIM_GVA + SHIM_STACK_TOP - sizeof(frame);
    if (x86_has_error_code(vector)) {
        b->regs->rsp -= 8;
        memcpy(b->memory + SHIM_STACK_TOP - sizeof(frame) - 8, &(uint64_t){code}, 8);
    }
}

static bool is_dead(const struct bench *b, const char *why)
{
    return b->exit.kind == HL_EXIT_SHUTDOWN && b->v.dead && strstr(b->exit.shutdown.why, why);
}

static struct hl_regs shown(struct bench *b)
{
    struct hl_regs regs;
    assert_int_equal(vcpu_kvm_get_regs(&b->v, &regs, &b->error), 0);
    return regs;
}

/* Each vector's stub, with rip on its `out` and past it; the address of a #PF is KVM's to say. */
static void test_vectors(void **state)
{
    struct bench *b = *state;
    for (unsigned vector = 0; vector < VECTORS; vector++)
        for (unsigned past = 0; past <= SHIM_OUT_SIZE; past += SHIM_OUT_SIZE) {
            if (vector == VECTOR_PAGE_FAULT)
                continue;
            deliver(b, vector, 0x1234, TEXT + vector);
            b->regs->rip = STUB(vector) + past;
            assert_int_equal(leave_by_port(b, SHIM_PORT_VECTOR, false), 0);
            assert_int_equal(b->exit.kind, HL_EXIT_FAULT);
            assert_int_equal(b->exit.fault.vector, vector);
            assert_int_equal(b->exit.fault.error_code, x86_has_error_code(vector) ? 0x1234 : 0);
            assert_int_equal(b->exit.fault.rip, TEXT + vector);
            assert_true(b->v.in_shim && !b->v.unsettled && !vcpu_kvm_can_step(&b->v));
            assert_false(b->trap.by_exit);
            assert_int_equal(shown(b).rip, TEXT + vector);
            assert_int_equal(shown(b).rsp, STACK);
            assert_int_equal(shown(b).rflags, 0x246);
        }
}

static void test_page_fault(void **state)
{
    struct bench *b = *state;
    struct hl_fault f;
    deliver(b, VECTOR_PAGE_FAULT, PF_USER | PF_WRITE, TEXT);
    assert_null(shim_fault(b->memory, STUB(VECTOR_PAGE_FAULT), b->regs->rsp, &f));
    assert_int_equal(f.vector, VECTOR_PAGE_FAULT);
    assert_int_equal(f.error_code, PF_USER | PF_WRITE);
    assert_int_equal(f.rip, TEXT);
    /* Its address takes an ioctl, which fails here: an error, not an address that is made up. */
    b->regs->rip = STUB(VECTOR_PAGE_FAULT);
    assert_int_equal(leave_by_port(b, SHIM_PORT_VECTOR, false), HL_ERR_KVM);
}

/* Frames that no guest can have made: the vCPU is given up. */
static void test_frames_of_ring_0(void **state)
{
    struct bench *b = *state;
    const char inside[] = "inside the ring-0 shim", outside[] = "outside the shim";
    deliver(b, 13, 0, TEXT);
    b->regs->rip = STUB(13);
    shim_frame(b->memory)->cs = SHIM_KERNEL_CS;
    assert_int_equal(leave_by_port(b, SHIM_PORT_VECTOR, false), 0);
    assert_true(is_dead(b, inside));
    deliver(b, 13, 0, TEXT);
    b->regs->rsp += 8; /* as if it had pushed no error code */
    assert_int_equal(leave_by_port(b, SHIM_PORT_VECTOR, false), 0);
    assert_true(is_dead(b, inside));
    const uint64_t at[] = {STUB(VECTORS), SHIM_GVA - 1, TEXT, 0};
    for (size_t i = 0; i < COUNT(at); i++) {
        deliver(b, 6, 0, TEXT);
        b->regs->rip = at[i];
        assert_int_equal(leave_by_port(b, SHIM_PORT_VECTOR, false), 0);
        assert_true(is_dead(b, outside));
    }
}

static void set_call(struct bench *b)
{
    struct kvm_regs *r = b->regs;
    r->rax = 60;
    r->rdi = 1, r->rsi = 2, r->rdx = 3, r->r10 = 4, r->r8 = 5, r->r9 = 6;
    r->rcx = TEXT + 2;
    r->r11 = 0x246;
}

static void expect_call(struct bench *b)
{
    assert_int_equal(b->exit.kind, HL_EXIT_SYSCALL);
    assert_int_equal(b->exit.syscall.number, 60);
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(b->exit.syscall.arg[i], i + 1);
    assert_int_equal(shown(b).rip, TEXT + 2);
    assert_int_equal(shown(b).rsp, STACK);
    assert_int_equal(vcpu_kvm_syscall_result(&b->v, 77), 0);
    assert_int_equal(shown(b).rax, 77);
}

static void test_syscall_through_the_gate(void **state)
{
    struct bench *b = *state;
    set_call(b);
    *shim_frame(b->memory) = (struct shim_frame){TEXT + 2, USER_CS, 0x246, STACK, USER_DS};
    b->regs->rip = shim_tables().gate + (uint64_t)(shim_gate_out - shim_gate);
    assert_int_equal(leave_by_port(b, SHIM_PORT_SYSCALL, false), 0);
    expect_call(b);
}

/* kvm_pvm: a #PF on the gate is a system call, but only one that comes from `syscall`. */
static void test_syscall_as_a_page_fault(void **state)
{
    struct bench *b = *state;
    const struct {
        uint32_t code;
        uint64_t rip;
        uint8_t insn[2];
        bool call;
    } cases[] = {
        {PF_USER | PF_FETCH, 0, {0x0f, 0x05}, true},
        {PF_USER | PF_FETCH | PF_PRESENT, 0, {0x0f, 0x05}, true},
        {PF_USER | PF_FETCH, 0, {0x90, 0x90}, false}, /* ring 3 jumped there */
        {PF_USER | PF_FETCH, 1, {0x0f, 0x05}, false}, /* ... past its first byte */
        {PF_USER, 0, {0x0f, 0x05}, false},
        {PF_FETCH, 0, {0x0f, 0x05}, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        set_call(b);
        memcpy(b->memory + TEXT_GPA, cases[i].insn, 2);
        deliver(b, VECTOR_PAGE_FAULT, cases[i].code, shim_tables().gate + cases[i].rip);
        b->regs->rip = STUB(VECTOR_PAGE_FAULT);
        assert_int_equal(leave_by_port(b, SHIM_PORT_VECTOR, false), cases[i].call ? 0 : HL_ERR_KVM);
        if (cases[i].call)
            expect_call(b);
    }
    set_call(b);
    b->regs->rcx = 0; /* nothing is mapped below */
    deliver(b, VECTOR_PAGE_FAULT, PF_USER | PF_FETCH, shim_tables().gate);
    assert_int_equal(leave_by_port(b, SHIM_PORT_VECTOR, false), HL_ERR_KVM);
}

/* Setting registers past an `out` of the shim: the frame has three of them, the vCPU stays. */
static void test_registers_in_the_shim(void **state)
{
    struct bench *b = *state;
    deliver(b, 6, 0, TEXT);
    b->regs->rip = STUB(6) + SHIM_OUT_SIZE;
    assert_int_equal(leave_by_port(b, SHIM_PORT_VECTOR, false), 0);
    const struct kvm_regs before = *b->regs;
    struct hl_regs r = shown(b);
    r.rip = TEXT + 5;
    r.rflags |= RFLAGS_TF;
    assert_int_equal(vcpu_kvm_set_regs(&b->v, &r, &b->error), 0);
    assert_false(b->v.regs_dirty);
    r.rbx = 9;
    assert_int_equal(vcpu_kvm_set_regs(&b->v, &r, &b->error), 0);
    assert_true(b->v.regs_dirty);
    assert_int_equal(b->regs->rbx, 9);
    assert_int_equal(b->regs->rip, before.rip);
    assert_int_equal(b->regs->rsp, before.rsp);
    assert_int_equal(b->regs->rflags, before.rflags);
    assert_int_equal(shim_frame(b->memory)->rip, TEXT + 5);
    assert_int_equal(shown(b).rflags, 0x246 | RFLAGS_TF);
}

/* An int3 that KVM takes leaves rip on it; the exit has it past it, as a #BP has. */
static void test_debug_traps(void **state)
{
    struct bench *b = *state;
    static const struct {
        unsigned vector;
        uint8_t code[2];
        unsigned past;
    } cases[] = {{1, {0x90}, 0}, {3, {0xcc}, 1}, {3, {0xcd, 3}, 2}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        memcpy(b->memory + TEXT_GPA, cases[i].code, 2);
        b->regs->rip = TEXT;
        b->v.run->debug.arch.exception = cases[i].vector;
        b->v.run->debug.arch.dr6 = 0x4001;
        assert_int_equal(leave(b, KVM_EXIT_DEBUG), 0);
        assert_int_equal(b->exit.kind, HL_EXIT_FAULT);
        assert_int_equal(b->exit.fault.vector, cases[i].vector);
        assert_int_equal(b->exit.fault.rip, TEXT + cases[i].past);
        assert_true(b->trap.by_exit);
        assert_int_equal(b->trap.dr6, 0x4001);
        assert_true(vcpu_kvm_can_step(&b->v));
    }
}

static void test_accesses(void **state)
{
    struct bench *b = *state;
    struct hl_regs r;
    uint32_t value = 0x77;
    assert_int_equal(leave_by_port(b, 0x80, false), 0);
    assert_int_equal(b->exit.kind, HL_EXIT_IO);
    assert_int_equal(b->exit.io.value, 0x5a);
    assert_true(b->v.unsettled && !b->v.unanswered);
    assert_int_equal(leave_by_port(b, 0x80, true), 0);
    assert_true(b->v.unsettled && b->v.unanswered);
    assert_int_equal(vcpu_kvm_get_regs(&b->v, &r, &b->error), 0); /* without completing it */
    assert_int_equal(vcpu_kvm_answer(&b->v, &value, 1), 0);
    assert_int_equal(((uint8_t *)b->v.run)[PAGE_SIZE], 0x77);
    b->v.unsettled = false;
    assert_int_equal(vcpu_kvm_answer(&b->v, &value, 1), HL_ERR_STATE);
    b->v.run->mmio.phys_addr = 0x12340;
    b->v.run->mmio.len = 4;
    b->v.run->mmio.is_write = 0;
    assert_int_equal(leave(b, KVM_EXIT_MMIO), 0);
    assert_int_equal(b->exit.kind, HL_EXIT_MMIO);
    assert_int_equal(b->exit.mmio.gpa, 0x12340);
    assert_true(b->v.unanswered);
}

static void test_ends(void **state)
{
    struct bench *b = *state;
    const struct {
        unsigned reason;
        const char *why;
    } ends[] = {{KVM_EXIT_SHUTDOWN, "triple fault"},
                {KVM_EXIT_INTERNAL_ERROR, "suberror 0"},
                {KVM_EXIT_FAIL_ENTRY, "hardware reason 0x0"},
                {KVM_EXIT_HYPERV, "reason 27"}};
    for (size_t i = 0; i < COUNT(ends); i++) {
        memset(&b->v.run->io, 0, sizeof(b->v.run->io));
        b->v.dead = false;
        assert_int_equal(leave(b, ends[i].reason), 0);
        assert_true(is_dead(b, ends[i].why));
    }
}

/* Every address of the shim, and those next to it. */
static void test_places(void **state)
{
    const uint64_t gate = shim_tables().gate, out = gate + (uint64_t)(shim_gate_out - shim_gate);
    const uint64_t end = SHIM_GVA + SHIM_CODE + (uint64_t)(shim_end - shim_code);
    (void)state;
    for (unsigned vector = 0; vector < VECTORS; vector++)
        for (unsigned at = 0; at < SHIM_STUB_SIZE; at++)
            assert_int_equal(shim_place(STUB(vector) + at),
                             at < SHIM_OUT_SIZE ? SHIM_BEFORE_OUT : SHIM_PAST_OUT);
    for (uint64_t at = gate; at < end; at++)
        assert_int_equal(shim_place(at), at <= out ? SHIM_BEFORE_OUT : SHIM_PAST_OUT);
    assert_int_equal(shim_place(end), SHIM_OUTSIDE);
    assert_int_equal(shim_place(SHIM_GVA - 1), SHIM_OUTSIDE);
    assert_int_equal(shim_place(TEXT), SHIM_OUTSIDE);
}

#define SHIM_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHIM_TEST(test_vectors),
        SHIM_TEST(test_page_fault),
        SHIM_TEST(test_frames_of_ring_0),
        SHIM_TEST(test_syscall_through_the_gate),
        SHIM_TEST(test_syscall_as_a_page_fault),
        SHIM_TEST(test_registers_in_the_shim),
        SHIM_TEST(test_debug_traps),
        SHIM_TEST(test_accesses),
        SHIM_TEST(test_ends),
        SHIM_TEST(test_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
