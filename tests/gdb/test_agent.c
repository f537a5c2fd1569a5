/* SPDX-License-Identifier: Apache-2.0 */
/* test_agent.c - bytecode, good and hostile. */
#include "kit.h"

#include "agent.h"
#include "agent_asm.h"

static struct fake fake;
static char printed[GDB_AGENT_TEXT + 64];
static size_t printed_size;

static void print(void *opaque, const void *text, size_t size)
{
    (void)opaque;
    assert_true(printed_size + size < sizeof(printed));
    memcpy(printed + printed_size, text, size);
    printed_size += size;
    printed[printed_size] = '\0';
}

static const struct gdb_agent agent = {&fake.target, print, NULL};

static bool run(const char *source, uint64_t *value)
{
    uint8_t code[AGENT_MAX];
    size_t size = agent_assemble(source, code);
    uint8_t *end = malloc(size ? size : 1); /* its very end, for the sanitizer */
    bool good;

    memcpy(end, code, size);
    printed_size = 0;
    printed[0] = '\0';
    good = gdb_agent_run(&agent, end, size, value);
    free(end);
    return good;
}

static void is(const char *source, uint64_t want)
{
    uint64_t value = ~want;

    assert_true(run(source, &value));
    assert_int_equal(value, want);
}

static void fails(const char *source)
{
    uint64_t value;

    assert_false(run(source, &value));
}

static void arithmetic(void **state)
{
    (void)state;
    is("end", 0);
    is("const8 7 const8 3 add end", 10);
    is("const8 7 const8 3 sub end", 4);
    is("const8 7 const8 3 mul end", 21);
    is("const8 248 ext 8 const8 3 div_signed end", (uint64_t)-2);
    is("const8 7 const8 3 div_unsigned end", 2);
    is("const8 248 ext 8 const8 3 rem_signed end", (uint64_t)-2);
    is("const8 7 const8 3 rem_unsigned end", 1);
    is("const8 7 const8 3 lsh end", 56);
    is("const8 248 ext 8 const8 1 rsh_signed end", (uint64_t)-4);
    is("const8 248 const8 1 rsh_unsigned end", 0x7c);
    is("const8 1 const8 64 lsh end", 0);
    is("const8 255 ext 8 const8 255 rsh_signed end", ~0ull);
    is("const8 0 log_not end", 1);
    is("const8 12 const8 6 bit_and end", 4);
    is("const8 12 const8 6 bit_or end", 14);
    is("const8 12 const8 6 bit_xor end", 10);
    is("const8 0 bit_not end", ~0ull);
    is("const8 12 const8 12 equal end", 1);
    is("const8 255 ext 8 const8 1 less_signed end", 1);
    is("const8 255 ext 8 const8 1 less_unsigned end", 0);
    is("const16 0x1234 zero_ext 8 end", 0x34);
    is("const32 0x80000000 ext 32 end", 0xffffffff80000000);
    is("const64 0x8000000000000000 const8 255 ext 8 div_signed end",
       0x8000000000000000); /* wraps, does not trap */
    is("const64 0x8000000000000000 const8 255 ext 8 rem_signed end", 0);
    fails("const8 1 const8 0 div_signed end");
    fails("const8 1 const8 0 div_unsigned end");
    fails("const8 1 const8 0 rem_signed end");
    fails("const8 1 const8 0 rem_unsigned end");
    fails("const8 1 ext 0 end");
}

static void stack_and_flow(void **state)
{
    (void)state;
    is("const8 1 const8 2 dup add add end", 5);
    is("const8 1 const8 2 pop end", 1);
    is("const8 1 const8 2 swap sub end", 1);
    is("const8 1 const8 2 pick 1 end", 1);
    is("const8 1 const8 2 const8 3 rot end", 2); /* 3 1 2 */
    is("const8 1 const8 2 const8 3 rot pop end", 1);
    is("const8 0 if_goto 8 const8 5 end const8 9 end", 5);
    is("const8 1 if_goto 8 const8 5 end const8 9 end", 9);
    is("goto 5 const8 5 const8 9 end", 9);
    fails("add");
    fails("pop");
    fails("const8 1 pick 5");
    fails("const8 1"); /* runs off the end */
    fails("goto 65535");
    fails("goto 0 hex 21");
    fails("goto 0"); /* endless: bounded */
    fails("const8 0 goto 0 end hex 00");
    fails("");
    fails("const8 1 dup hex 0000");
    fails("const8 0 goto 2 end"); /* pushes without end */
    for (int op = 0; op < 256; op++) {
        char source[32];
        uint64_t value;
        snprintf(source, sizeof(source), "hex %02x", op);
        run(source, &value);
        snprintf(source, sizeof(source), "const8 1 hex %02x27", op);
        run(source, &value);
    }
}

static void target(void **state)
{
    (void)state;
    memset(fake.memory, 0xab, 16);
    is("const32 0x10000 ref8 end", 0xab);
    is("const32 0x10000 ref16 end", 0xabab);
    is("const32 0x10000 ref32 end", 0xabababab);
    is("const32 0x10000 ref64 end", 0xabababababababab);
    fails("const8 1 ref8 end");
    fails("const32 0x1ffff ref16 end"); /* into the hole */
    is("reg 1 end", 0x0202020202020202);
    is("reg 17 end", 0x12121212); /* 32 bits */
    fails("reg 40 end");          /* xmm0 */
    fails("reg 57 end");          /* unavailable */
    fails("reg 0xffff end");
    fails("hex 2600");
}

static void prints(const char *format, const uint64_t *args, size_t count, const char *want)
{
    printed_size = 0;
    printed[0] = '\0';
    assert_true(gdb_agent_printf(&agent, format, args, count));
    assert_string_equal(printed, want);
}

static void formats(void **state)
{
    uint64_t args[] = {42, (uint64_t)-1, FAKE_BASE, 'x'};

    (void)state;
    strcpy((char *)fake.memory, "hello");
    prints("plain 100%%\\n", args, 0, "plain 100%\n");
    prints("%d %d %s %c", args, 4, "42 -1 hello x");
    prints("%5u|%-5x|%#llx", (uint64_t[]){42, 42, ~0ull}, 3, "   42|2a   |0xffffffffffffffff");
    prints("%hhd %hd %ld %x", (uint64_t[]){0x1ff, 0x18000, ~0ull, ~0ull}, 4,
           "-1 -32768 -1 ffffffff");
    prints("%.2s|%6s|%p", (uint64_t[]){FAKE_BASE, FAKE_BASE, 16}, 3, "he| hello|0x10");
    prints("\\t\\101\\\"\\\\", args, 0, "\tA\"\\");
}

static void bad_formats(void **state)
{
    uint64_t args[] = {1, 2, 3};

    (void)state;
    assert_false(gdb_agent_printf(&agent, "%n", args, 3));
    assert_false(gdb_agent_printf(&agent, "%", args, 3));
    assert_false(gdb_agent_printf(&agent, "%l", args, 3));
    assert_false(gdb_agent_printf(&agent, "%f", args, 3));
    assert_false(gdb_agent_printf(&agent, "%*d", args, 3));
    assert_false(gdb_agent_printf(&agent, "%1$d", args, 3));
    assert_false(gdb_agent_printf(&agent, "%d%d", args, 1));
    assert_false(gdb_agent_printf(&agent, "%99999999999d", args, 3));
    assert_false(gdb_agent_printf(&agent, "%------d", args, 3));
    printed_size = 0;
    assert_true(gdb_agent_printf(&agent, "%s|%s", args, 2)); /* no memory there */
    assert_string_equal(printed, "|");
    fails("hex 340100"); /* truncated */
    fails("printf 1 ab");
    fails("const8 0 const8 0 printf 255 ab end"); /* more arguments than the stack has */
    fails("const8 0 const8 0 hex 3400000027");
    fails("const8 0 const8 0 hex 34000002616127"); /* no NUL */
    assert_true(run("const8 0 const8 0 printf 0 ab end", args));
    assert_string_equal(printed, "ab");
    assert_true(run("const8 8 const8 7 const8 0 const8 0 printf 2 %d%d end",
                    args)); /* the last pushed first */
    assert_string_equal(printed, "78");
}

static int start(void **state)
{
    (void)state;
    return fake_init(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic), cmocka_unit_test(stack_and_flow), cmocka_unit_test(target),
        cmocka_unit_test(formats),    cmocka_unit_test(bad_formats),
    };
    return cmocka_run_group_tests_name("agent", tests, start, NULL);
}
