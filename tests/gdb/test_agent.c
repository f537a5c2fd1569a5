/* SPDX-License-Identifier: Apache-2.0 */
/* test_agent.c - bytecode, good and hostile. */
#include "kit.h"

#include "agent.h"

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

static bool run(const char *hex, uint64_t *value)
{
    struct gdb_text text = {(const uint8_t *)hex, (const uint8_t *)hex + strlen(hex)};
    size_t size = strlen(hex) / 2;
    uint8_t *code = malloc(size ? size : 1); /* its very end, for the sanitizer */
    bool good;

    printed_size = 0;
    printed[0] = '\0';
    assert_true(gdb_text_hex(&text, code, size));
    good = gdb_agent_run(&agent, code, size, value);
    free(code);
    return good;
}

static void is(const char *hex, uint64_t want)
{
    uint64_t value = ~want;

    assert_true(run(hex, &value));
    assert_int_equal(value, want);
}

static void fails(const char *hex)
{
    uint64_t value;

    assert_false(run(hex, &value));
}

static void arithmetic(void **state)
{
    (void)state;
    is("27", 0);
    is("22072203"
       "0227",
       10);
    is("22072203"
       "0327",
       4);
    is("22072203"
       "0427",
       21);
    is("22f81608"
       "2203"
       "0527",
       (uint64_t)-2);
    is("22072203"
       "0627",
       2);
    is("22f81608"
       "2203"
       "0727",
       (uint64_t)-2);
    is("22072203"
       "0827",
       1);
    is("22072203"
       "0927",
       56);
    is("22f81608"
       "2201"
       "0a27",
       (uint64_t)-4);
    is("22f82201"
       "0b27",
       0x7c);
    is("220122400927", 0);
    is("22ff160822ff0a27", ~0ull);
    is("22000e27", 1);
    is("220c22060f27", 4);
    is("220c22061027", 14);
    is("220c22061127", 10);
    is("22001227", ~0ull);
    is("220c220c1327", 1);
    is("22ff160822011427", 1);
    is("22ff160822011527", 0);
    is("231234"
       "2a0827",
       0x34);
    is("2480000000"
       "162027",
       0xffffffff80000000);
    is("258000000000000000"
       "22ff1608"
       "0527",
       0x8000000000000000); /* wraps, does not trap */
    is("258000000000000000"
       "22ff1608"
       "0727",
       0);
    fails("220122000527");
    fails("220122000627");
    fails("220122000727");
    fails("220122000827");
    fails("2201160027");
}

static void stack_and_flow(void **state)
{
    (void)state;
    is("2201220228"
       "0202"
       "27",
       5);
    is("220122022927", 1);
    is("220122022b0327", 1);
    is("22012202"
       "320127",
       1);
    is("220122022203"
       "33"
       "27",
       2); /* 3 1 2 */
    is("220122022203"
       "33"
       "2927",
       1);
    is("2200"
       "200008"
       "220527"
       "220927",
       5);
    is("2201"
       "200008"
       "220527"
       "220927",
       9);
    is("210005"
       "2205"
       "220927",
       9);
    fails("02");
    fails("29");
    fails("22013205");
    fails("2201"); /* runs off the end */
    fails("21ffff");
    fails("21000021");
    fails("210000"); /* forever: bounded */
    fails("22002100002700");
    fails("");
    fails("2201280000");
    fails("220021000227"); /* pushes forever */
    for (int op = 0; op < 256; op++) {
        char hex[16];
        uint64_t value;
        snprintf(hex, sizeof(hex), "%02x", op);
        run(hex, &value);
        snprintf(hex, sizeof(hex), "2201%02x27", op);
        run(hex, &value);
    }
}

static void target(void **state)
{
    (void)state;
    memset(fake.memory, 0xab, 16);
    is("2400010000"
       "1727",
       0xab);
    is("2400010000"
       "1827",
       0xabab);
    is("2400010000"
       "1927",
       0xabababab);
    is("2400010000"
       "1a27",
       0xabababababababab);
    fails("220117"
          "27");
    fails("240001ffff"
          "1827"); /* into the hole */
    is("26000127", 0x0202020202020202);
    is("26001127", 0x12121212); /* 32 bits */
    fails("26002827");          /* xmm0 */
    fails("26003927");          /* unavailable */
    fails("26ffff27");
    fails("2600");
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
    fails("340100"); /* truncated */
    fails("34010003616200");
    fails("2200220034ff0003616200"
          "27"); /* more arguments than the stack has */
    fails("220022003400000027");
    fails("2200220034000002616127"); /* no NUL */
    assert_true(run("220022003400000361620027", args));
    assert_string_equal(printed, "ab");
    assert_true(run("2208220722002200340200052564256400"
                    "27",
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
