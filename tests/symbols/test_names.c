/* SPDX-License-Identifier: Apache-2.0 */
/* C++ and Rust names, and what a hostile file makes of them. */
#include "thread.h"

#include "../../hostlib/src/symbols/demangle.h"
#include "../../hostlib/src/symbols/symbols_names.h"

static const struct {
    const char *mangled, *readable;
} good[] = {
    {"_ZNK3app3BoxIiE3getEPi", "app::Box<int>::get(int*) const"},
    {"_ZN12_GLOBAL__N_11fEv", "(anonymous namespace)::f()"},
    {"_ZN1a1fEi.constprop.0", "a::f(int) [clone .constprop.0]"},
    {"_ZN1g6shapes4poke17h0123456789abcdefE", "g::shapes::poke"},
    {"_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar"},
    {"main", "main"},
    {"_Z", "_Z"},
    {"_Znonsense", "_Znonsense"},
    {"", ""},
};

static void test_readable(void **state)
{
    struct hl_names names = {0};

    (void)state;
    assert_null(symbols_names_readable(&names, NULL));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        const char *first = symbols_names_readable(&names, good[i].mangled);

        assert_string_equal(first, good[i].readable);
        assert_ptr_equal(symbols_names_readable(&names, good[i].mangled), first);
    }
    symbols_names_free(&names);
}

static const struct {
    const char *wanted, *mangled;
    bool matches;
} wishes[] = {
    {"app::Box<int>::get", "_ZNK3app3BoxIiE3getEPi", true},
    {"get", "_ZNK3app3BoxIiE3getEPi", true},
    {"app::Box<int>::get(int *) const", "_ZNK3app3BoxIiE3getEPi", true},
    {"app::Box<int>::get(long)", "_ZNK3app3BoxIiE3getEPi", false},
    {"et", "_ZNK3app3BoxIiE3getEPi", false},
    {"::get", "_ZNK3app3BoxIiE3getEPi", false},
    {"", "_ZNK3app3BoxIiE3getEPi", false},
    {"a::f(int)", "_ZN1a1fEi.constprop.0", true},
    {"a::f", "_ZN1a1fEi.cold", false},
    {"outer::t<unsigned long>(unsigned long)", "_ZN5outer1tImEEiT_", true},
    {"outer::t<unsigned long>", "_ZN5outer1tImEEiT_", true},
    {"outer::t", "_ZN5outer1tImEEiT_", true},
    {"t(unsigned long)", "_ZN5outer1tImEEiT_", true},
    {"t(long)", "_ZN5outer1tImEEiT_", false},
    {"app::Box::get", "_ZNK3app3BoxIiE3getEPi", true},
    {"g::apply", "_RINvCs3nilrLLJwz5_1g5applyNCNvB2_4main0EB2_", true},
    {"a::operator<(a::B)", "_ZN1altENS_1BE", true},
    {"std::string::append", "_ZNSs6appendEPKc", true},
    {"g::shapes::poke", "_ZN1g6shapes4poke17h0123456789abcdefE", true},
    {"foo::bar", "_RNvNtCs1234_7mycrate3foo3bar", true},
    {"main", "main", false}, /* plain names are compared elsewhere */
};

static void test_wanted(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        struct hl_wanted *wanted = symbols_wanted_new(wishes[i].wanted);

        assert_non_null(wanted);
        if (symbols_wanted_matches(wanted, wishes[i].mangled) != wishes[i].matches)
            fail_msg("%s for %s", wishes[i].wanted, wishes[i].mangled);
        symbols_wanted_free(wanted);
    }
}

/* before, then middle so often, then after; the caller frees it. */
static char *repeat(const char *before, const char *middle, size_t count, const char *after)
{
    char *text = malloc(strlen(before) + count * strlen(middle) + strlen(after) + 1), *at = text;

    assert_non_null(text);
    at = stpcpy(at, before);
    while (count--)
        at = stpcpy(at, middle);
    stpcpy(at, after);
    return text;
}

/* Deep ones recurse, those that refer back unfold: on a thread with as little stack as there is. */
static void *hostile(void *opaque)
{
    static const struct {
        const char *before, *middle;
        size_t count;
        const char *after;
    } bomb[] = {
        {"_Z1f", "P", 1000, "i"},
        {"_Z1f", "P", 1000000, "i"},
        {"_Z1f", "1AI", 300, "i"},
        {"_Z1f", "PF", 300, "v"},
        {"_RIC0", "R", 1000, "lE"},
        {"_RMC0", "TB3_B3_", 100, "E"},
        {"_Z1fI", "X", 500, "E"},
        {"_Z1f1AIiiES_IS0_S0_E", "S_IS1_S1_E", 90, ""},
        {"_Z1fSt4pairIiiE", "St4pairIS_S_E", 70, ""},
    };
    struct demangled *out = malloc(sizeof(*out));
    struct demangle_time time = {0};

    (void)opaque;
    for (size_t i = 0; out && i < sizeof(bomb) / sizeof(bomb[0]); i++) {
        char *name = repeat(bomb[i].before, bomb[i].middle, bomb[i].count, bomb[i].after);

        if (demangle(&time, name, out))
            assert_true(strlen(out->full) < DEMANGLE_MAX && strlen(out->bare) < DEMANGLE_MAX);
        free(name);
    }
    free(out);
    return NULL;
}

static void test_hostile(void **state)
{
    pthread_attr_t attr;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 64 << 10), 0);
    assert_int_equal(pthread_create(&thread, &attr, hostile, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
}

/* Each argument is a pair of the one before: 2^25 names of some bytes each. */
static void test_unfolds(void **state)
{
    struct hl_names names = {0};
    char name[600] = "_Z1f1PIiiE";
    size_t used = strlen(name);

    (void)state;
    for (unsigned i = 0; i < 25; i++)
        used += (size_t)snprintf(name + used, sizeof(name) - used, "S_IS%c_S%c_E",
                                 i < 9 ? '1' + (int)i : 'A' + (int)i - 9,
                                 i < 9 ? '1' + (int)i : 'A' + (int)i - 9);
    assert_ptr_equal(symbols_names_readable(&names, name), symbols_names_readable(&names, name));
    assert_true(strlen(symbols_names_readable(&names, name)) < DEMANGLE_MAX);
    symbols_names_free(&names);
}

/* A type of 2^60 parts that is written nowhere, in which a pack is looked for. */
static void write_endless(char *text)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char *at = text + sprintf(text, "_ZN1ACI11PI");
    unsigned n = 60;

    for (unsigned i = 0; i < n; i++)
        at += sprintf(at, "S0_I");
    at += sprintf(at, "iiE");
    for (unsigned i = 0; i <= n; i++) {
        char number[3] = {digits[i % 36]};

        if (i >= 35)
            snprintf(number, sizeof(number), "%c%c", digits[(i + 1) / 36], digits[(i + 1) % 36]);
        else
            number[0] = digits[i + 1];
        at += i < n ? sprintf(at, "S%s_E", number) : sprintf(at, "EDpS%s_", number);
    }
}

static void test_endless(void **state)
{
    struct hl_names names = {0};
    char text[1024];

    (void)state;
    write_endless(text);
    assert_string_equal(symbols_names_readable(&names, text), text);
    assert_true(names.time.us >= DEMANGLE_US && names.time.us < 2 * DEMANGLE_US);
    /* Only the first such name of a file costs time. */
    assert_string_equal(symbols_names_readable(&names, good[0].mangled), good[0].mangled);
    symbols_names_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_readable), cmocka_unit_test(test_wanted),
        cmocka_unit_test(test_hostile),  cmocka_unit_test(test_unfolds),
        cmocka_unit_test(test_endless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
