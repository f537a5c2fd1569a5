/* SPDX-License-Identifier: Apache-2.0 */
/* What a debugger knows of an instruction before it steps it: tables of bytes. */
#include "kit.h"

#include "insn.h"

#define BYTES(...) {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

struct code {
    uint8_t byte[INSN_MAX];
    size_t size;
};

static void test_kinds(void **state)
{
    static const struct {
        struct code code;
        enum insn_kind kind;
    } list[] = {
        {{BYTES(0x90)}, INSN_PLAIN},                  /* nop */
        {{BYTES(0x0f, 0x05)}, INSN_SYSCALL},          /* syscall */
        {{BYTES(0x48, 0x0f, 0x05)}, INSN_SYSCALL},    /* rex.w syscall */
        {{BYTES(0x0f, 0x34)}, INSN_PLAIN},            /* sysenter */
        {{BYTES(0x0f, 0x0b)}, INSN_PLAIN},            /* ud2 */
        {{BYTES(0x0f)}, INSN_PLAIN},                  /* its second byte cannot be read */
        {{BYTES(0xe6, 0x80)}, INSN_OUT},              /* out %al,$0x80 */
        {{BYTES(0xe7, 0x80)}, INSN_OUT},              /* out %eax,$0x80 */
        {{BYTES(0xee)}, INSN_OUT},                    /* out %al,%dx */
        {{BYTES(0xef)}, INSN_OUT},                    /* out %eax,%dx */
        {{BYTES(0x66, 0xef)}, INSN_OUT},              /* out %ax,%dx */
        {{BYTES(0x6e)}, INSN_PLAIN},                  /* outsb */
        {{BYTES(0xf3, 0x6f)}, INSN_PLAIN},            /* rep outsl */
        {{BYTES(0xec)}, INSN_PLAIN},                  /* in %dx,%al */
        {{BYTES(0xe4, 0x80)}, INSN_PLAIN},            /* in $0x80,%al */
        {{BYTES(0x9c)}, INSN_PUSHF},                  /* pushfq */
        {{BYTES(0x66, 0x9c)}, INSN_PUSHF},            /* pushfw */
        {{BYTES(0x9d)}, INSN_POPF},                   /* popfq */
        {{BYTES(0xcf)}, INSN_IRET},                   /* iretl */
        {{BYTES(0x48, 0xcf)}, INSN_IRET},             /* iretq */
        {{BYTES(0xf1)}, INSN_TRAP},                   /* int1 */
        {{BYTES(0xcc)}, INSN_PLAIN},                  /* int3 */
        {{BYTES(0xcd, 0x80)}, INSN_PLAIN},            /* int $0x80 */
        {{BYTES(0xb0, 0x9c)}, INSN_PLAIN},            /* mov $0x9c,%al */
        {{BYTES(0xc5, 0xf8, 0x77)}, INSN_PLAIN},      /* vzeroupper */
        {{BYTES(0x2e, 0x36, 0x64, 0x9d)}, INSN_POPF}, /* any of the prefixes */
        {{BYTES(0xf0, 0xf2, 0xf3, 0x67, 0x9c)}, INSN_PUSHF},
        {{BYTES(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                0x66)},
         INSN_PLAIN}, /* nothing but prefixes */
    };
    struct insn insn;
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        assert_int_equal(insn_kind(list[i].code.byte, list[i].code.size), list[i].kind);
        insn_decode(&insn, list[i].code.byte, list[i].code.size);
        assert_int_equal(insn.kind, list[i].kind);
    }
    assert_int_equal(insn_kind(list[0].code.byte, 0), INSN_PLAIN);
}

static void test_operand_sizes(void **state)
{
    static const struct {
        struct code code;
        unsigned read, written;
        bool modifies;
    } list[] = {
        {{BYTES(0x90)}, 0, 0, false},
        {{BYTES(0x8a, 0x07)}, 1, 0, false},              /* mov (%rdi),%al */
        {{BYTES(0x66, 0x8b, 0x07)}, 2, 0, false},        /* mov (%rdi),%ax */
        {{BYTES(0x8b, 0x07)}, 4, 0, false},              /* mov (%rdi),%eax */
        {{BYTES(0x48, 0x8b, 0x07)}, 8, 0, false},        /* mov (%rdi),%rax */
        {{BYTES(0x48, 0x89, 0x07)}, 0, 8, false},        /* mov %rax,(%rdi) */
        {{BYTES(0x48, 0x8d, 0x07)}, 0, 0, false},        /* lea (%rdi),%rax: no access */
        {{BYTES(0x01, 0x07)}, 4, 4, true},               /* add %eax,(%rdi) */
        {{BYTES(0xf0, 0xfe, 0x07)}, 1, 1, true},         /* lock incb (%rdi) */
        {{BYTES(0x38, 0x07)}, 1, 0, false},              /* cmp %al,(%rdi) */
        {{BYTES(0x50)}, 0, 8, false},                    /* push %rax */
        {{BYTES(0x58)}, 8, 0, false},                    /* pop %rax */
        {{BYTES(0xff, 0x37)}, 8, 8, false},              /* push (%rdi): two operands */
        {{BYTES(0xa4)}, 1, 1, false},                    /* movsb */
        {{BYTES(0x48, 0xa5)}, 8, 8, false},              /* movsq */
        {{BYTES(0xaa)}, 0, 1, false},                    /* stosb */
        {{BYTES(0x0f, 0x10, 0x07)}, 16, 0, false},       /* movups (%rdi),%xmm0 */
        {{BYTES(0xc5, 0xfc, 0x11, 0x07)}, 0, 32, false}, /* vmovups %ymm0,(%rdi) */
        {{BYTES(0x48, 0x0f, 0xc7, 0x0f)}, 16, 16, true}, /* cmpxchg16b (%rdi) */
        {{BYTES(0x48, 0x8b)}, 0, 0, false},              /* cut off */
        {{BYTES(0x06)}, 0, 0, false},                    /* not in 64-bit mode */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        struct insn insn;
        insn_decode(&insn, list[i].code.byte, list[i].code.size);
        if (insn.read != list[i].read || insn.written != list[i].written ||
            insn.modifies != list[i].modifies)
            fail_msg("row %zu: %u read, %u written, modifies %d", i, insn.read, insn.written,
                     insn.modifies);
    }
}

/* Each register has a value by which an address shows that it was taken. */
static const struct hl_regs regs = {
    .rip = 0x400000,
    .rax = 0x100000,
    .rbx = 0x200000,
    .rcx = 0x300000,
    .rdx = 0x500000,
    .rsi = 0x600000,
    .rdi = 0x700000,
    .rbp = 0x800000,
    .rsp = 0x900000,
    .r8 = 0xa00000,
    .r9 = 0xb00000,
    .r10 = 0xc00000,
    .r11 = 0xd00000,
    .r12 = 0xe00000,
    .r13 = 0xf00000,
    .r14 = 0x1000000,
    .r15 = 0x1100000,
    .fs_base = 0x7000000000,
    .gs_base = 0x6000000000,
};

#define READ true, false
#define WRITE false, true
#define BOTH true, true

static void test_operands(void **state)
{
    static const struct {
        struct code code;
        size_t count;
        struct insn_operand operand[2];
    } list[] = {
        {{BYTES(0x90)}, 0, {{0}}},
        {{BYTES(0x48, 0x8b, 0x00)}, 1, {{0x100000, 8, READ}}},             /* (%rax) */
        {{BYTES(0x48, 0x8b, 0x03)}, 1, {{0x200000, 8, READ}}},             /* (%rbx) */
        {{BYTES(0x48, 0x8b, 0x01)}, 1, {{0x300000, 8, READ}}},             /* (%rcx) */
        {{BYTES(0x48, 0x8b, 0x02)}, 1, {{0x500000, 8, READ}}},             /* (%rdx) */
        {{BYTES(0x48, 0x8b, 0x06)}, 1, {{0x600000, 8, READ}}},             /* (%rsi) */
        {{BYTES(0x48, 0x8b, 0x07)}, 1, {{0x700000, 8, READ}}},             /* (%rdi) */
        {{BYTES(0x48, 0x8b, 0x45, 0xf8)}, 1, {{0x7ffff8, 8, READ}}},       /* -8(%rbp) */
        {{BYTES(0x48, 0x8b, 0x44, 0x24, 0x10)}, 1, {{0x900010, 8, READ}}}, /* 16(%rsp) */
        {{BYTES(0x49, 0x8b, 0x00)}, 1, {{0xa00000, 8, READ}}},             /* (%r8) */
        {{BYTES(0x49, 0x8b, 0x01)}, 1, {{0xb00000, 8, READ}}},             /* (%r9) */
        {{BYTES(0x49, 0x8b, 0x02)}, 1, {{0xc00000, 8, READ}}},             /* (%r10) */
        {{BYTES(0x49, 0x8b, 0x03)}, 1, {{0xd00000, 8, READ}}},             /* (%r11) */
        {{BYTES(0x49, 0x8b, 0x04, 0x24)}, 1, {{0xe00000, 8, READ}}},       /* (%r12) */
        {{BYTES(0x49, 0x8b, 0x45, 0x00)}, 1, {{0xf00000, 8, READ}}},       /* (%r13) */
        {{BYTES(0x49, 0x8b, 0x06)}, 1, {{0x1000000, 8, READ}}},            /* (%r14) */
        {{BYTES(0x49, 0x8b, 0x07)}, 1, {{0x1100000, 8, READ}}},            /* (%r15) */
        /* mov %al,4(%rbx,%rcx,8) */
        {{BYTES(0x88, 0x44, 0xcb, 0x04)}, 1, {{0x1a00004, 1, WRITE}}},
        /* mov 0x10(%rip),%eax: from its end */
        {{BYTES(0x8b, 0x05, 0x10, 0, 0, 0)}, 1, {{0x400016, 4, READ}}},
        /* mov %fs:0x28,%rax, and %gs:(%rdi) */
        {{BYTES(0x64, 0x48, 0x8b, 0x04, 0x25, 0x28, 0, 0, 0)}, 1, {{0x7000000028, 8, READ}}},
        {{BYTES(0x65, 0x8b, 0x07)}, 1, {{0x6000700000, 4, READ}}},
        {{BYTES(0x01, 0x07)}, 1, {{0x700000, 4, BOTH}}},        /* add %eax,(%rdi) */
        {{BYTES(0x48, 0x8d, 0x07)}, 0, {{0}}},                  /* lea */
        {{BYTES(0x50)}, 1, {{0x8ffff8, 8, WRITE}}},             /* push %rax */
        {{BYTES(0x58)}, 1, {{0x900000, 8, READ}}},              /* pop %rax */
        {{BYTES(0xc3)}, 1, {{0x900000, 8, READ}}},              /* ret */
        {{BYTES(0xe8, 0, 0, 0, 0)}, 1, {{0x8ffff8, 8, WRITE}}}, /* call */
        /* pop (%rsp): rsp is raised before it writes */
        {{BYTES(0x8f, 0x04, 0x24)}, 2, {{0x900008, 8, WRITE}, {0x900000, 8, READ}}},
        /* movsb: from rsi to rdi */
        {{BYTES(0xa4)}, 2, {{0x700000, 1, WRITE}, {0x600000, 1, READ}}},
        /* vgatherdps: its elements are not listed */
        {{BYTES(0xc4, 0xe2, 0x6d, 0x92, 0x04, 0x8f)}, 0, {{0}}},
        {{BYTES(0x48, 0x8b)}, 0, {{0}}}, /* cut off */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(list); i++) {
        struct insn_operand o[4];
        size_t n = insn_operands(list[i].code.byte, list[i].code.size, &regs, o, COUNT(o));
        if (n != list[i].count)
            fail_msg("row %zu: %zu operands", i, n);
        for (size_t k = 0; k < n; k++) {
            const struct insn_operand *w = &list[i].operand[k];
            if (o[k].address != w->address || o[k].size != w->size || o[k].read != w->read ||
                o[k].write != w->write)
                fail_msg("row %zu, operand %zu: 0x%llx, %u bytes, read %d, write %d", i, k,
                         (unsigned long long)o[k].address, o[k].size, o[k].read, o[k].write);
        }
    }
    /* At most as many as there is room for. */
    struct insn_operand one[2] = {{.address = 1}, {.address = 2}};
    assert_int_equal(insn_operands((const uint8_t[]){0xa4}, 1, &regs, one, 1), 1);
    assert_int_equal(one[1].address, 2);
    assert_int_equal(insn_operands((const uint8_t[]){0xa4}, 1, &regs, one, 0), 0);
}

static void test_operand_start(void **state)
{
    static const uint8_t load[] = {0x48, 0x8b, 0x07}, moves[] = {0x48, 0xa5}, nop[] = {0x90};
    (void)state;
    for (uint64_t at = 0x700000 - 2; at < 0x700000 + 10; at++) {
        bool inside = at >= 0x700000 && at < 0x700008;
        uint64_t start = insn_operand_start(load, sizeof(load), &regs, at);
        assert_int_equal(start, inside ? 0x700000 : at);
    }
    assert_int_equal(insn_operand_start(moves, sizeof(moves), &regs, 0x600007), 0x600000);
    assert_int_equal(insn_operand_start(moves, sizeof(moves), &regs, 0x700007), 0x700000);
    assert_int_equal(insn_operand_start(nop, sizeof(nop), &regs, 0x700007), 0x700007);
    assert_int_equal(insn_operand_start(load, 2, &regs, 0x700007), 0x700007);
}

/* Any bytes, of any length: nothing is read past them (a sanitizer sees it), and nothing is odd. */
static void test_noise(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (int i = 0; i < 200000; i++) {
        size_t size = next_random(&random) % (INSN_MAX + 1);
        uint8_t *code = malloc(size ? size : 1);
        struct insn insn;
        struct insn_operand o[3];
        assert_non_null(code);
        for (size_t k = 0; k < size; k++)
            code[k] = (uint8_t)next_random(&random);
        insn_decode(&insn, code, size);
        assert_int_equal(insn.kind, insn_kind(code, size));
        assert_in_range(insn.kind, INSN_PLAIN, INSN_TRAP);
        size_t n = insn_operands(code, size, &regs, o, COUNT(o));
        assert_in_range(n, 0, COUNT(o));
        for (size_t k = 0; k < n; k++) {
            assert_true(o[k].size <= 4096);
            assert_true(!o[k].read || insn.read || !o[k].size);
        }
        free(code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),    cmocka_unit_test(test_operand_sizes),
        cmocka_unit_test(test_operands), cmocka_unit_test(test_operand_start),
        cmocka_unit_test(test_noise),
    };
    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
