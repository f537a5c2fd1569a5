/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl_symbols_breakpoint() against GDB itself: for every function of a guest, `break FUNCTION` must
 * find the same address, or have it among several.
 */
#include "child.h"
#include "files.h"

#include <hl/image.h>
#include <hl/symbols.h>

static struct scratch scratch;
#define run(...) shell_in(scratch.dir, __VA_ARGS__)

static struct hl_image *open_guest(struct hl_symbols **symbols)
{
    struct hl_image *image;
    struct hl_error error = {0};
    char path[64];

    scratch_path(&scratch, path, sizeof(path), "guest");
    if (hl_image_open(&image, path, &error) || hl_symbols_open(symbols, image, &error))
        fail_msg("%s", error.text);
    return image;
}

/* names: every function that gdb has a place for, one a line, and `NAME ADDRESS...` of each. */
static void ask_gdb(void)
{
    if (run("nm guest | awk '$2 ~ /[TtWw]/ && $3 !~ /\\./ { print $3 }' | sort -u >functions && "
            "awk '{ print \"echo @\" $0 \" \\\\n\"; print \"break \" $0; "
            "print \"info breakpoints\"; print \"delete\" }' functions >script && "
            "gdb -nx -q -batch -iex 'set confirm off' -x script guest >log 2>/dev/null; "
            "awk '/^@/ { if (name) print name; name = substr($1, 2) } "
            "/^[0-9]+(\\.[0-9]+)? / { for (i = 1; i <= NF; i++) if ($i ~ /^0x/) name = name \" \" "
            "$i } "
            "END { print name }' log >answers"))
        fail_msg("cannot ask gdb");
}

static void compare(unsigned at_least)
{
    char path[64], line[8192];
    struct hl_symbols *symbols;
    struct hl_image *image = open_guest(&symbols);
    unsigned compared = 0, wrong = 0;
    FILE *f;

    scratch_path(&scratch, path, sizeof(path), "answers");
    f = fopen(path, "r");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f)) {
        char *save, *name = strtok_r(line, " \n", &save), *word;
        uint64_t ours;
        unsigned known = 0, found = 0;

        if (!name)
            continue;
        ours = hl_symbols_breakpoint(symbols, name);
        while ((word = strtok_r(NULL, " \n", &save))) {
            known = 1;
            found |= strtoull(word, NULL, 16) + hl_image_bias(image) == ours;
        }
        compared += known;
        wrong += known && !found;
        if (known && !found)
            print_message("%s: %#lx is not one of GDB's places\n", name,
                          ours - hl_image_bias(image));
    }
    fclose(f);
    hl_symbols_close(symbols);
    hl_image_close(image);
    assert_true(compared >= at_least);
    assert_int_equal(wrong, 0);
}

static void build(const char *flags)
{
    if (run("'%s/bin/hl-cc' %s -o guest '%s/symbols/guests/breaks.c'", TEST_BUILD, flags,
            TEST_SOURCE))
        fail_msg("cannot build with %s", flags);
}

static void test_like_gdb(void **state)
{
    static const char *const flags[] = {
        "-O0 -g",        "-O1 -g",
        "-O2 -g",        "-O2 -g -pie",
        "-Og -g",        "-O0 -g -pie",
        "-O0 -gdwarf-4", "-O2 -g -fno-omit-frame-pointer",
        "-O2",           "-O0 -pie",
        "-O3 -gdwarf-4", "-O0 -g -fcf-protection=full",
        "-Os -g",        "-O2 -g -march=native",
    };

    (void)state;
    if (run("command -v gdb >gdb") != 0)
        skip();
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        print_message("# %s\n", flags[i]);
        build(flags[i]);
        ask_gdb();
        compare(60);
    }
}

/* What a call of the host reaches is the function itself, and where GDB stops has its frame. */
static void test_of_host(void **state)
{
    struct hl_symbols *symbols;
    struct hl_location l;
    struct hl_image *image;
    hl_gva_t at;

    (void)state;
    build("-O2 -g -pie");
    image = open_guest(&symbols);
    at = hl_symbols_breakpoint(symbols, "Add");
    assert_true(hl_symbols_find(symbols, at, &l));
    assert_string_equal(l.function, "Add");
    assert_non_null(strstr(l.file, "breaks.c"));
    assert_int_equal(at, hl_image_function(image, 0)->entry);
    assert_int_equal(run("objdump -d guest | grep -A40 '<hl_thunk_Add>:' | grep -q 'call.*<Add>'"),
                     0);
    hl_symbols_close(symbols);
    hl_image_close(image);
}

static void test_unknown(void **state)
{
    struct hl_symbols *symbols;
    struct hl_image *image;

    (void)state;
    build("-O0 -g");
    image = open_guest(&symbols);
    assert_int_equal(hl_symbols_breakpoint(symbols, "no_such_function"), 0);
    assert_int_equal(hl_symbols_breakpoint(symbols, ""), 0);
    assert_int_equal(hl_symbols_breakpoint(symbols, "sink"), 0); /* not code */
    hl_symbols_close(symbols);
    hl_image_close(image);
}

static void test_stripped(void **state)
{
    struct hl_symbols *symbols;
    struct hl_image *image;

    (void)state;
    build("-O2 -s");
    image = open_guest(&symbols);
    assert_int_equal(hl_symbols_breakpoint(symbols, "main"), 0);
    hl_symbols_close(symbols);
    hl_image_close(image);
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return shell("rm -rf '%s'", scratch.dir);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_gdb),
        cmocka_unit_test(test_of_host),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_stripped),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
