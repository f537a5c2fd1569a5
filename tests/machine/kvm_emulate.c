/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions carried out by the host do what the processor does, to the last flag. */
#include "vm.h"

#include <hl/debug.h>

#include "machine_debug.h"

#define SLOT 16 /* bytes for each instruction to be tried */
#define AT (DATA + 256)
#define TOP (STACK - 512)
#define I(text) text "; .balign 16, 0x90;"
/* GUEST() at an address that the slots go by. */
#define TABLE(name, text)                                                                          \
    __asm__(".pushsection .rodata\n.balign 16\n" #name ": " text "\n" #name "_end:\n.popsection"); \
    extern const uint8_t name[], name##_end[]

#define ARITHMETIC 0x8d5ull
#define AF 0x10ull /* undefined after a logical instruction */
#define TF 0x100ull
#define AC 0x40000ull

/* clang-format off */
TABLE(exact,
    I("nop") I("endbr64") I("nopw 0(%rax,%rax)") I("push %rbp") I("push %r15") I("push %rsp")
    I("push $-5") I("push $0x12345678") I("push (%rdi)") I("push 8(%rsp)") I("mov %rsp, %rbp")
    I("mov %edx, %eax") I("mov %dx, %r9w") I("mov %r8b, %sil") I("mov $-1, %rax")
    I("mov $0x80000000, %ecx") I("movabs $0x1122334455667788, %r10") I("mov $0x1234, %cx")
    I("mov $0x7f, %dl") I("mov (%rdi), %rax") I("mov 4(%rdi,%rbx,4), %edx")
    I("mov 1(%rdi), %r11w") I("mov 3(%rdi,%rbx), %r12b") I("mov %rax, (%rdi)")
    I("mov %r13d, -8(%rdi,%rbx,8)") I("mov %cx, 2(%rdi)") I("mov %dil, 7(%rdi)")
    I("movq $-7, 16(%rdi)") I("movl $7, 24(%rdi)") I("movw $7, 28(%rdi)") I("movb $7, 30(%rdi)")
    I("mov 0x10(%rip), %rax") I("mov %rax, -16(%rsp)") I("mov 0x600100, %ecx")
    I("movzbl %dl, %eax") I("movzwl %dx, %r8d") I("movzbw 5(%rdi), %ax")
    I("movzwq 5(%rdi), %rcx") I("movsbl %cl, %edx") I("movsbq 3(%rdi), %r9")
    I("movswl %cx, %eax") I("movswq 2(%rdi), %rcx") I("movslq %ecx, %rdx")
    I("movslq 4(%rdi), %rsi") I("movsbw %al, %ax") I("lea 8(%rdi,%rbx,8), %rax")
    I("lea -1(%rax), %ecx") I("lea 0x10(%rip), %rdx") I("lea (,%r9,4), %r10") I("add %rax, %rcx")
    I("add %ecx, %eax") I("add %cx, %dx") I("add %al, %cl") I("add $1, %rdx")
    I("addl $-1, 8(%rdi)") I("add %rax, 8(%rdi)") I("add 8(%rdi), %r9d") I("sub %rax, %rcx")
    I("sub %ecx, %eax") I("sub %dx, %cx") I("sub %r8b, %r9b") I("sub $0x20, %rsp")
    I("subq $1, (%rdi)") I("cmp %rax, %rcx") I("cmp %eax, %ecx") I("cmp %ax, %cx")
    I("cmp %al, %cl") I("cmp $-1, %rdx") I("cmpl $5, (%rdi)") I("cmpb $-128, 1(%rdi)")
    I("cmp 8(%rdi), %rax") I("cmp %rcx, %rcx") I("call .+20") I("call *%r14") I("call *32(%rdi)")
    I("jmp .+20") I("jmp *%r14") I("jmp *32(%rdi)") I("jo .+20") I("jno .+20") I("jb .+20")
    I("jae .+20") I("je .+20") I("jne .+20") I("jbe .+20") I("ja .+20") I("js .+20")
    I("jns .+20") I("jp .+20") I("jnp .+20") I("jl .+20") I("jge .+20") I("jle .+20")
    I("jg .+20") I("jl exact") I("jne exact") I("ja exact") I("call exact"));

TABLE(logical,
    I("and %rax, %rcx") I("and %ecx, %eax") I("and $-16, %rsp") I("andw $7, 2(%rdi)")
    I("or %rax, %rcx") I("or 8(%rdi), %edx") I("orb $1, (%rdi)") I("xor %eax, %eax")
    I("xor %rcx, %rdx") I("xor %cl, 3(%rdi)") I("test %rax, %rax") I("test %ecx, %edx")
    I("test $0x80, %cl") I("testl $4, (%rdi)"));

/* Not ours to do, or not with these operands. */
TABLE(others,
    I("syscall") I("out %al, $0x80") I("int3") I("int1") I("hlt") I("pushf") I("popf") I("iretq")
    I("rep movsb") I("movsb") I("mov %ah, %cl") I("mov %cl, %dh") I("mov %fs:0x600100, %rax")
    I("mov %rax, %gs:0x600108") I("lock addl $1, (%rdi)") I("loop .+20") I("jrcxz .+20")
    I("mov %ds, %eax") I("movss (%rdi), %xmm0") I("ret") I("jmp *%rsi") I("call *%rsi")
    I("mov 0x900000, %eax") I("pushw $1") I("mov %eax, 0x680000") I("addr32 mov (%edi), %eax")
    I("inc %rax") I("mov 0x600ffd + 0x3000, %rax") I("mov %cr0, %rax") I("push %fs")
    I("xchg %rax, (%rdi)") I("ud2"));
/* clang-format on */

struct both {
    struct hl_regs regs;
    uint8_t data[PAGE], stack[PAGE];
};

static void save(struct vm *vm, struct both *b)
{
    b->regs = vm_regs(vm);
    memcpy(b->data, vm_memory(vm, vm->data), PAGE);
    memcpy(b->stack, vm_memory(vm, vm->stack), PAGE);
}

static void restore(struct vm *vm, const struct both *b)
{
    vm_set_regs(vm, &b->regs);
    memcpy(vm_memory(vm, vm->data), b->data, PAGE);
    memcpy(vm_memory(vm, vm->stack), b->stack, PAGE);
}

/* Half of the values are near the ends, where carries and overflows are. */
static uint64_t value(uint64_t *seed)
{
    static const uint64_t end[] = {0, 0x7f, 0x80, 0x7fff, 0x7fffffff, 0x80000000, 1ull << 63};
    uint64_t random = next_random(seed);
    return random & 1 ? next_random(seed) : end[random % COUNT(end)] + (random >> 60) % 3 - 1;
}

static void randomize(struct both *b, uint64_t *seed, hl_gva_t rip)
{
    for (unsigned i = 0; i < 16; i++)
        (&b->regs.rax)[i] = value(seed);
    for (size_t i = 0; i < PAGE; i += 8) {
        uint64_t a = value(seed), c = value(seed);
        memcpy(b->data + i, &a, 8);
        memcpy(b->stack + i, &c, 8);
    }
    uint64_t target = CODE + 0x400;
    memcpy(b->data + (AT - DATA) + 32, &target, 8);
    b->regs.rdi = AT;
    b->regs.rsp = TOP;
    b->regs.r14 = CODE + 0x800;
    b->regs.rbx = next_random(seed) % 8;
    b->regs.rip = rip;
    b->regs.rflags = next_random(seed) & ARITHMETIC;
}

static void step(struct vm *vm)
{
    struct hl_debug_abilities can;
    struct machine_step step;
    const struct vcpu_debug none = {.step = false};
    assert_int_equal(hl_debug_probe(&can, &vm->error), 0);
    assert_int_equal(machine_step(vm->m, can.step_exit, &none, &vm->exit, &step, &vm->error), 0);
    assert_true(step.done);
}

static void compare(unsigned slot, const struct both *a, const struct both *b, uint64_t ignored)
{
    struct hl_regs ours = a->regs, real = b->regs;
    ours.rflags &= ~ignored;
    real.rflags &= ~ignored;
    const uint64_t *o = &ours.rax, *r = &real.rax;
    for (unsigned i = 0; i < sizeof(ours) / sizeof(*o); i++)
        if (o[i] != r[i])
            fail_msg("slot %u: register %u is 0x%llx, not 0x%llx", slot, i,
                     (unsigned long long)o[i], (unsigned long long)r[i]);
    if (memcmp(a->data, b->data, PAGE) != 0 || memcmp(a->stack, b->stack, PAGE) != 0)
        fail_msg("slot %u: memory differs", slot);
}

static void try_all(struct vm *vm, size_t size, uint64_t ignored)
{
    static struct both before, ours, real;
    uint64_t seed = 42;
    before.regs = vm_regs(vm); /* the bases */
    for (unsigned slot = 0; slot < size / SLOT; slot++) {
        for (unsigned i = 0; i < (emulated() ? 4 : 40); i++) {
            randomize(&before, &seed, CODE + slot * SLOT);
            restore(vm, &before);
            if (!machine_emulate(vm->m))
                fail_msg("slot %u: refused", slot);
            save(vm, &ours);
            restore(vm, &before);
            step(vm);
            save(vm, &real);
            compare(slot, &ours, &real, ignored);
        }
    }
}

static void test_as_the_processor_does(void **state)
{
    struct vm *vm = *state;
    VM_LOAD(vm, exact);
    try_all(vm, (size_t)(exact_end - exact), 0);
}

static void test_logical_ones(void **state)
{
    struct vm *vm = *state;
    VM_LOAD(vm, logical);
    try_all(vm, (size_t)(logical_end - logical), AF);
}

static void refuse(struct vm *vm, unsigned slot, uint64_t rflags)
{
    static struct both before, after;
    before.regs = vm_regs(vm);
    randomize(&before, &(uint64_t){7}, CODE + slot * SLOT);
    before.regs.rsi = 1ull << 63; /* not canonical */
    before.regs.rflags = rflags;
    restore(vm, &before);
    save(vm, &before);
    if (machine_emulate(vm->m))
        fail_msg("slot %u: carried out", slot);
    save(vm, &after);
    compare(slot, &after, &before, 0);
}

static void test_the_rest_is_left_alone(void **state)
{
    struct vm *vm = *state;
    VM_LOAD(vm, others);
    for (unsigned slot = 0; slot < (size_t)(others_end - others) / SLOT; slot++)
        refuse(vm, slot, 0);
}

static void test_not_under_a_trap_of_the_guests_own(void **state)
{
    struct vm *vm = *state;
    VM_LOAD(vm, exact);
    refuse(vm, 0, TF);
    refuse(vm, 0, AC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VM_TEST(test_as_the_processor_does),
        VM_TEST(test_logical_ones),
        VM_TEST(test_the_rest_is_left_alone),
        VM_TEST(test_not_under_a_trap_of_the_guests_own),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
