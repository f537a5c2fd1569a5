/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names, lines and backtraces of real programs: each test compiles one from guests/, runs
 * it natively under ptrace until it stops, and keeps its registers and its stack.  What follows
 * needs the process no more.
 */
#include "native.h"

static void chain_case(const char *flags, bool lines)
{
    struct guest *g;

    build("gcc " NOSTDLIB "%s -o chain $S/start.S $S/chain.c", flags);
    g = run("chain");
    expect_chain(g, lines);
    if (lines)
        assert_int_equal(g->frames[0].location.line, 9);
    done(g);
}

static void test_chain_optimised(void **state)
{
    (void)state;
    chain_case("-O2 -g", true);
}

static void test_chain_unoptimised(void **state)
{
    (void)state;
    chain_case("-O0 -g", true);
}

static void test_chain_without_frame_pointer(void **state)
{
    (void)state;
    chain_case("-O2 -fomit-frame-pointer", false);
}

static void test_chain_debug_frame(void **state)
{
    (void)state;
    chain_case("-O1 -g -fno-asynchronous-unwind-tables", true);
}

static void test_chain_dwarf4_compressed(void **state)
{
    (void)state;
    chain_case("-O2 -gdwarf-4 -gz", true);
}

static void test_chain_frame_pointers_only(void **state)
{
    (void)state;
    chain_case("-O0 -fno-asynchronous-unwind-tables -fno-omit-frame-pointer", false);
}

static void test_few_frames(void **state)
{
    struct guest *g;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -g -o chain $S/start.S $S/chain.c");
    g = run("chain");
    for (size_t max = 0; max < 8; max++) {
        size_t n = hl_symbols_backtrace(g->symbols, &g->regs, false, read_stack, g, g->frames, max);

        assert_int_equal(n, max < 7 ? max : 7);
    }
    done(g);
}

static void test_inlined(void **state)
{
    static const int line[] = {10, 17, 24, 30};
    struct guest *g;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -g -o inline $S/start.S $S/inline.c");
    g = run("inline");
    expect(g, "~inner ~middle outer main _start");
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(g->frames[i].location.line, line[i]);
        assert_non_null(strstr(g->frames[i].location.file, "inline.c"));
    }
    assert_int_equal(g->frames[0].pc, g->frames[2].pc);
    assert_int_equal(g->frames[0].cfa, g->frames[2].cfa);
    assert_int_equal(hl_symbols_backtrace(g->symbols, &g->regs, false, read_stack, g, g->frames, 2),
                     2);
    done(g);
}

#define BARE "-fno-asynchronous-unwind-tables -fomit-frame-pointer"

static void bare_case(const char *callee, const char *flags, const char *names)
{
    struct guest *g;

    build("gcc -O2 " BARE " -c -o bare.o $S/bare.c; gcc -c -o bare_asm.o $S/bare_asm.S; "
          "gcc " NOSTDLIB "-g %s -DCALLEE=%s -o bare $S/start.S $S/caller.c bare.o bare_asm.o",
          flags, callee);
    g = run("bare");
    expect(g, names);
    done(g);
}

static void test_bare_leaf(void **state)
{
    (void)state;
    bare_case("bare_leaf", "-O2", "bare_leaf caller main _start");
    bare_case("bare_leaf", "-O0", "bare_leaf caller main _start");
}

static void test_bare_leaf_through_pointer(void **state)
{
    (void)state;
    bare_case("bare_leaf", "-O2 -DPOINTER", "bare_leaf ?caller main _start");
    bare_case("bare_leaf", "-O0 -DPOINTER", "bare_leaf ?caller main _start");
}

static void test_bare_leaf_by_tail_call(void **state)
{
    (void)state;
    bare_case("bare_tail", "-O2", "bare_leaf ?caller main _start");
}

static void test_bare_changes_rbp(void **state)
{
    (void)state;
    bare_case("bare_rbp", "-O2", "bare_rbp caller main _start");
    bare_case("bare_rbp", "-O0", "bare_rbp caller main _start");
    bare_case("bare_rbp", "-O0 -DPOINTER", "bare_rbp ?caller main _start");
}

static void test_bare_first_instruction(void **state)
{
    (void)state;
    bare_case("bare_entry", "-O2 -DPOINTER", "bare_entry caller main _start");
    bare_case("bare_entry", "-O0", "bare_entry caller main _start");
}

static void test_call_to_nowhere(void **state)
{
    struct guest *g;

    (void)state;
    for (int level = 0; level <= 2; level++) {
        build("gcc " NOSTDLIB "-O%d -g -o null $S/start.S $S/caller.c", level);
        g = run("null");
        assert_int_equal(g->regs.rip, 0);
        expect(g, "- caller main _start");
        assert_int_equal(g->frames[1].location.line, 18);
        g->regs.rip = 0xdeadbeef00000000;
        walk(g);
        expect(g, "- caller main _start");
        done(g);
    }
}

static void test_overwritten_return_address(void **state)
{
    struct guest *g;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -o chain $S/start.S $S/chain.c");
    g = run("chain");
    memset(g->stack + (g->frames[0].cfa - 8 - g->stack_start), 'A', 8);
    walk(g);
    expect(g, "five ?-");
    assert_int_equal(g->frames[1].pc, 0x4141414141414141);
    done(g);
}

static void test_overwritten_frame_pointer(void **state)
{
    struct guest *g;

    (void)state;
    build("gcc " NOSTDLIB "-O0 -o chain $S/start.S $S/chain.c");
    g = run("chain");
    /* five's saved rbp: CFI for four leads nowhere, but the stack still shows it. */
    memset(g->stack + (g->frames[0].cfa - 16 - g->stack_start), 'A', 8);
    walk(g);
    expect(g, chain);
    done(g);
}

/* Overwrite part of the stack, or some words with what looks like parts of a stack. */
static void damage(struct guest *g, size_t bytes, uint64_t seed)
{
    uint64_t state = seed;
    size_t words = 1 + random_next(&state) % (bytes / 8);
    const struct hl_symbol *main_symbol =
        symbols_table_find(g->symbols, hl_symbols_address(g->symbols, "main"));

    for (size_t i = 0; i < words; i++) {
        size_t at = random_next(&state) % bytes;
        uint64_t value = random_next(&state);

        if (seed % 3 == 1)
            value = g->stack_start + value % g->stack_size;
        else if (seed % 3 == 2)
            value = main_symbol->start + value % 256 - 128;
        at = seed & 1 ? at & ~(size_t)7 : at;
        memcpy(g->stack + at, &value, at + 8 <= sizeof(g->stack) ? 8 : 1);
    }
    if (seed % 5 == 0)
        g->regs.rbp = g->stack_start + random_next(&state) % bytes;
    if (seed % 7 == 0)
        g->regs.rsp += random_next(&state) % bytes;
    if (seed % 11 == 0)
        g->regs.rip = main_symbol->start + random_next(&state) % 64;
}

static void damaged_stacks(const char *program, unsigned seeds)
{
    struct guest *g = run(program);
    struct guest *copy = malloc(sizeof(*copy));

    assert_non_null(copy);
    for (uint64_t seed = 0; seed < seeds; seed++) {
        memcpy(copy, g, sizeof(*g));
        damage(copy, 512, seed);
        walk(copy);
        for (size_t i = 1; i < copy->count; i++)
            assert_true(copy->frames[i].cfa == 0 || copy->frames[i].cfa >= copy->frames[i - 1].cfa);
    }
    free(copy);
    done(g);
}

static void test_damaged_stacks(void **state)
{
    (void)state;
    build("gcc " NOSTDLIB "-O0 -o chain0 $S/start.S $S/chain.c");
    build("gcc " NOSTDLIB "-O2 -g -o chain2 $S/start.S $S/chain.c");
    build("gcc -O2 " BARE " -c -o bare.o $S/bare.c; "
          "gcc " NOSTDLIB "-O0 -DCALLEE=bare_tail -o bare $S/start.S $S/caller.c bare.o");
    damaged_stacks("chain0", 4000);
    damaged_stacks("chain2", 2000);
    damaged_stacks("bare", 4000);
}

static void test_endless_stack(void **state)
{
    struct guest *g;
    uint64_t value;

    (void)state;
    build("gcc " NOSTDLIB "-O0 " BARE " -fno-omit-frame-pointer -o fp $S/start.S $S/chain.c");
    g = run("fp");
    /* A frame pointer that leads to itself. */
    value = g->regs.rbp;
    memcpy(g->stack + (g->regs.rbp - g->stack_start), &value, 8);
    walk(g);
    assert_string_equal(g->frames[1].location.function, "four");
    assert_true(g->count < FRAMES);
    g->regs.rsp |= 1;
    g->regs.rbp |= 1;
    walk(g);
    expect(g, "five");
    g->regs.rsp = 8;
    walk(g);
    expect(g, "five");
    done(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_optimised),
        cmocka_unit_test(test_chain_unoptimised),
        cmocka_unit_test(test_chain_without_frame_pointer),
        cmocka_unit_test(test_chain_debug_frame),
        cmocka_unit_test(test_chain_dwarf4_compressed),
        cmocka_unit_test(test_chain_frame_pointers_only),
        cmocka_unit_test(test_few_frames),
        cmocka_unit_test(test_inlined),
        cmocka_unit_test(test_bare_leaf),
        cmocka_unit_test(test_bare_leaf_through_pointer),
        cmocka_unit_test(test_bare_leaf_by_tail_call),
        cmocka_unit_test(test_bare_changes_rbp),
        cmocka_unit_test(test_bare_first_instruction),
        cmocka_unit_test(test_call_to_nowhere),
        cmocka_unit_test(test_overwritten_return_address),
        cmocka_unit_test(test_overwritten_frame_pointer),
        cmocka_unit_test(test_damaged_stacks),
        cmocka_unit_test(test_endless_stack),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
