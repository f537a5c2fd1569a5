/* SPDX-License-Identifier: Apache-2.0 */
/* Symbols of stripped, damaged and hostile files, and DWARF expressions by themselves. */
#include "native.h"

static void test_hostile_cfi(void **state)
{
    struct guest *g;

    (void)state;
    build("gcc -DHUGE_REGISTER -c -o huge.o $S/bare_asm.S; "
          "gcc " NOSTDLIB "-O0 -o chain $S/start.S $S/chain.c huge.o");
    g = run("chain");
    assert_null(g->symbols->eh_frame);
    expect(g, chain); /* by frame pointers */
    done(g);
}

static void test_stripped(void **state)
{
    struct hl_location at;
    struct guest *g;
    uint64_t pc[FRAMES];

    (void)state;
    build("gcc " NOSTDLIB "-O2 -o chain $S/start.S $S/chain.c");
    g = run("chain");
    for (size_t i = 0; i < g->count; i++)
        pc[i] = g->frames[i].pc;
    done(g);
    build("strip chain");
    g = run("chain");
    expect(g, "- - - - - - -");
    for (size_t i = 0; i < g->count; i++)
        assert_int_equal(g->frames[i].pc, pc[i]);
    assert_false(hl_symbols_find(g->symbols, g->regs.rip, &at));
    assert_int_equal(hl_symbols_address(g->symbols, "main"), 0);
    done(g);
}

/* Debug information, but a symbol table that nobody can find. */
static void test_debug_info_without_symbols(void **state)
{
    uint64_t main_address, counter_address;
    struct guest *g;
    Elf64_Ehdr *header;
    Elf64_Shdr *section;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -g -o chain $S/start.S $S/chain.c");
    g = run("chain");
    main_address = hl_symbols_address(g->symbols, "main");
    counter_address = hl_symbols_address(g->symbols, "counter");
    assert_true(main_address != 0 && counter_address != 0);
    hl_symbols_close(g->symbols);
    assert_int_equal(mprotect(g->data, g->size, PROT_READ | PROT_WRITE), 0);
    header = g->data;
    section = (Elf64_Shdr *)((char *)g->data + header->e_shoff);
    for (unsigned i = 0; i < header->e_shnum; i++) {
        if (section[i].sh_type == SHT_SYMTAB)
            section[i].sh_type = SHT_PROGBITS;
    }
    open_symbols(g);
    walk(g);
    expect(g, "five four three two one main _start");
    assert_int_equal(hl_symbols_address(g->symbols, "main"), main_address);
    assert_int_equal(hl_symbols_address(g->symbols, "counter"), counter_address);
    done(g);
}

static void test_pie(void **state)
{
    struct hl_location at;
    struct guest *g;

    (void)state;
    build("gcc -nostdlib -static-pie -fPIE -O2 -g -o pie $S/start.S $S/chain.c");
    g = run("pie");
    assert_true(g->bias != 0);
    expect_chain(g, true);
    assert_true(hl_symbols_find(g->symbols, hl_symbols_address(g->symbols, "three"), &at));
    assert_string_equal(at.function, "three");
    assert_int_equal(at.offset, 0);
    assert_false(
        hl_symbols_find(g->symbols, hl_symbols_address(g->symbols, "three") - g->bias, &at));
    done(g);
}

static void test_find(void **state)
{
    struct hl_location at;
    struct guest *g;
    hl_gva_t start, end, label;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -falign-functions=64 -o chain $S/start.S $S/chain.c");
    g = run("chain");
    start = hl_symbols_address(g->symbols, "five");
    assert_true(symbols_function(g->symbols, start, &start, &end));
    assert_true(end > start && end - start < 64);
    assert_true(hl_symbols_find(g->symbols, end - 1, &at));
    assert_string_equal(at.function, "five");
    assert_int_equal(at.offset, end - 1 - start);
    assert_false(hl_symbols_find(g->symbols, end, &at)); /* padding has no name */
    assert_null(at.function);

    label = hl_symbols_address(g->symbols, "plain_label");
    assert_true(hl_symbols_find(g->symbols, label + 1, &at));
    assert_string_equal(at.function, "plain_label");
    assert_int_equal(at.offset, 1);
    assert_true(hl_symbols_find(g->symbols, label - 1, &at));
    assert_string_equal(at.function, "_start");

    assert_false(hl_symbols_find(g->symbols, 0, &at));
    assert_false(hl_symbols_find(g->symbols, UINT64_MAX, &at));
    assert_false(hl_symbols_find(g->symbols, hl_symbols_address(g->symbols, "counter"), &at));
    assert_int_equal(hl_symbols_address(g->symbols, "no such name"), 0);
    done(g);
}

static void test_musl_system_call(void **state)
{
    struct guest *g;
    size_t last;

    (void)state;
    for (int level = 0; level <= 2; level += 2) {
        build("musl-gcc -static -no-pie -g -O%d -o print $S/print.c", level);
        g = run_into("print", 20); /* writev */
        for (last = 0; last < g->count; last++) {
            const char *name = g->frames[last].location.function;

            if (name && strcmp(name, "report") == 0)
                break;
        }
        if (getenv("HL_TEST_VERBOSE"))
            print_frames(g);
        if (last + 1 >= g->count) {
            print_frames(g);
            fail_msg("report() was not found");
        }
        assert_false(g->frames[last].uncertain);
        assert_string_equal(g->frames[last - 1].location.function, "printf");
        assert_string_equal(g->frames[last + 1].location.function, "main");
        assert_false(g->frames[last + 1].uncertain);
        assert_int_equal(g->frames[last].location.line, 7);
        done(g);
    }
}

/* Change bytes of the file; some of what is asked touches every part of the code. */
static void test_damaged_files(void **state)
{
    struct hl_location at;
    struct guest *g;
    uint8_t *bytes, *original;

    (void)state;
    build("gcc " NOSTDLIB "-O2 -g -o inline $S/start.S $S/inline.c");
    g = run("inline");
    hl_symbols_close(g->symbols);
    g->symbols = NULL;
    original = g->data;
    bytes = mmap(NULL, g->size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(bytes != MAP_FAILED);
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        uint64_t random = seed;
        size_t changes = 1 + random_next(&random) % 16;

        mprotect(bytes, g->size, PROT_READ | PROT_WRITE);
        memcpy(bytes, original, g->size);
        for (size_t i = 0; i < changes; i++) {
            size_t where = random_next(&random) % g->size;

            bytes[where] = (uint8_t)random_next(&random);
        }
        mprotect(bytes, g->size, PROT_READ); /* the image is not theirs to write */
        if (symbols_open_bytes(&g->symbols, bytes, g->size, 0, NULL)) {
            assert_null(g->symbols);
            continue;
        }
        walk(g);
        hl_symbols_find(g->symbols, g->regs.rip + 1, &at);
        hl_symbols_address(g->symbols, "main");
        hl_symbols_address(g->symbols, "no such name");
        hl_symbols_breakpoint(g->symbols, "outer");
        hl_symbols_close(g->symbols);
        g->symbols = NULL;
    }
    munmap(bytes, g->size);
    done(g);
}

static void test_not_elf(void **state)
{
    struct hl_symbols *symbols;
    struct hl_error error;

    (void)state;
    assert_int_equal(symbols_open_bytes(&symbols, "nothing", 7, 0, &error), HL_ERR_BAD_IMAGE);
    assert_null(symbols);
    assert_int_equal(symbols_open_bytes(&symbols, "", 0, 0, NULL), HL_ERR_BAD_IMAGE);
    hl_symbols_close(NULL);
}

static bool evaluate(const Dwarf_Op *ops, size_t count, uint64_t *value)
{
    static struct guest memory = {.stack_start = 0x1000, .stack_size = 16};
    struct unwind_memory reader = {read_stack, &memory};
    struct unwind_regs regs = {.known = 1u << UNWIND_RSP | 1u << UNWIND_RBP,
                               .suspect = 1u << UNWIND_RBP};
    struct unwind_expr expr = {.regs = &regs, .memory = &reader, .cfa = 0x2000};

    regs.value[UNWIND_RSP] = 0x1000;
    memset(memory.stack, 0x5a, 16);
    return unwind_expr_value(&expr, ops, count, value);
}

#define EVALUATE(value, ...)                                                                       \
    evaluate((const Dwarf_Op[]){__VA_ARGS__},                                                      \
             sizeof((const Dwarf_Op[]){__VA_ARGS__}) / sizeof(Dwarf_Op), value)

static void test_expressions(void **state)
{
    uint64_t value;

    (void)state;
    assert_true(EVALUATE(&value, {.atom = DW_OP_breg7, .number = 16}));
    assert_int_equal(value, 0x1010);
    assert_true(EVALUATE(&value, {.atom = DW_OP_breg7}, {.atom = DW_OP_deref}));
    assert_int_equal(value, 0x5a5a5a5a5a5a5a5a);
    assert_true(EVALUATE(&value, {.atom = DW_OP_call_frame_cfa}, {.atom = DW_OP_lit8},
                         {.atom = DW_OP_minus}));
    assert_int_equal(value, 0x1ff8);
    assert_true(EVALUATE(&value, {.atom = DW_OP_const1s, .number = (Dwarf_Word)-7},
                         {.atom = DW_OP_lit2}, {.atom = DW_OP_shra}));
    assert_int_equal(value, (uint64_t)-2);
    assert_true(EVALUATE(&value, {.atom = DW_OP_lit1},
                         {.atom = DW_OP_bra, .number = 1, .offset = 1},
                         {.atom = DW_OP_lit2, .offset = 4}, {.atom = DW_OP_lit3, .offset = 5}));
    assert_int_equal(value, 3);

    assert_false(evaluate(NULL, 0, &value));
    assert_false(EVALUATE(&value, {.atom = DW_OP_plus}));
    assert_false(EVALUATE(&value, {.atom = DW_OP_lit1}, {.atom = DW_OP_rot}));
    assert_false(EVALUATE(&value, {.atom = DW_OP_breg3})); /* unknown register */
    assert_false(EVALUATE(&value, {.atom = DW_OP_lit1}, {.atom = DW_OP_deref})); /* no memory */
    assert_false(EVALUATE(&value, {.atom = DW_OP_lit1}, {.atom = DW_OP_lit0}, {.atom = DW_OP_div}));
    assert_false(EVALUATE(&value, {.atom = DW_OP_lit1}, {.atom = DW_OP_pick, .number = 1}));
    assert_false(EVALUATE(&value, {.atom = DW_OP_form_tls_address}));
    /* Jumps without end, with and without filling the stack. */
    assert_false(EVALUATE(&value, {.atom = DW_OP_skip, .number = (Dwarf_Word)-3}));
    assert_false(EVALUATE(&value, {.atom = DW_OP_lit1},
                          {.atom = DW_OP_skip, .number = (Dwarf_Word)-4, .offset = 1}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_cfi),
        cmocka_unit_test(test_stripped),
        cmocka_unit_test(test_debug_info_without_symbols),
        cmocka_unit_test(test_pie),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_musl_system_call),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_not_elf),
        cmocka_unit_test(test_expressions),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
