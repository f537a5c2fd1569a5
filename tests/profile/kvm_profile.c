/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of a guest whose exits are known: every number is exact, and nothing is made up. */
#include "document.h"

/* "Thousand < hl_thunk_Thousand < ...", without what the SDK itself does below. */
static void chain(const struct prof *p, json_int_t node, char *out, size_t size)
{
    *out = 0;
    while (node >= 0) {
        const json_t *f = frame_of(p, node, &node);
        size_t n = strlen(out);
        if (!json_object_get(f, "runtime"))
            snprintf(out + n, size - n, "%s%s%s", n ? " < " : "", text(f, "function"),
                     json_object_get(f, "inlined") ? "*" : "");
    }
}

/* Line of exits.c that has this word after an @. */
static int line_of(const char *word)
{
    char path[512], line[256], mark[64];
    snprintf(path, sizeof(path), "%s/guest/exits.c", TEST_SOURCE);
    snprintf(mark, sizeof(mark), "/* @%s */", word);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    int n = 0, found = 0;
    while (!found && fgets(line, sizeof(line), f)) {
        n++;
        found = strstr(line, mark) ? n : 0;
    }
    fclose(f);
    assert_int_not_equal(found, 0);
    return found;
}

static const json_t *kind_of(const struct prof *p, const json_t *exit)
{
    return json_array_get(list(p, "kinds"), (size_t)number(exit, "kind"));
}

/* How many exits of this kind the line is blamed for; *stacks: by how many different stacks. */
static json_int_t blamed(const struct prof *p, const char *kind, const char *word, unsigned *stacks)
{
    json_int_t count = 0, parent;
    const json_t *exit;
    size_t i;
    *stacks = 0;
    json_array_foreach(list(p, "exits"), i, exit)
    {
        if (strcmp(text(kind_of(p, exit), "name"), kind) != 0)
            continue;
        const json_t *f = frame_of(p, number(exit, "site"), &parent);
        if (number(f, "line") != line_of(word))
            continue;
        assert_non_null(strstr(text(f, "file"), "exits.c"));
        count += number(exit, "count");
        ++*stacks;
    }
    return count;
}

static void expect_blamed(const struct prof *p, const char *kind, const char *word,
                          json_int_t count, unsigned stacks)
{
    unsigned seen;
    assert_int_equal(blamed(p, kind, word, &seen), count);
    assert_int_equal(seen, stacks);
}

/* The stacks of a line's exits, each once. */
static void expect_chain(const struct prof *p, const char *kind, const char *wanted,
                         json_int_t count)
{
    json_int_t seen = 0;
    const json_t *exit;
    char have[1024];
    size_t i;
    json_array_foreach(list(p, "exits"), i, exit)
    {
        chain(p, number(exit, "stack"), have, sizeof(have));
        if (strcmp(text(kind_of(p, exit), "name"), kind) == 0 && strcmp(have, wanted) == 0)
            seen += number(exit, "count");
    }
    if (seen != count)
        fail_msg("%s of %s: %lld times, not %lld", kind, wanted, (long long)seen, (long long)count);
}

static void check_exact(struct prof *p)
{
    call_all(p);
    read_profile(p);
    expect_blamed(p, "HostAdd", "thousand", 1000, 1);
    expect_blamed(p, "HostTick", "inlined", 10, 2);
    expect_blamed(p, "getpid", "syscalls", 5, 1);
    expect_blamed(p, "HostTick", "deep", 1, 1);
    expect_chain(p, "HostAdd", "HostAdd* < Thousand < hl_thunk_Thousand", 1000);
    expect_chain(p, "HostTick", "HostTick* < tick_five_times* < left < Ten < hl_thunk_Ten", 5);
    expect_chain(p, "HostTick", "HostTick* < tick_five_times* < right < Ten < hl_thunk_Ten", 5);
    expect_chain(p, "HostTick", "HostTick* < down < down < down < down < Deep < hl_thunk_Deep", 1);
    assert_int_equal(count_of(p, "host", "HostAdd"), 1000);
    assert_int_equal(count_of(p, "host", "HostTick"), 11);
    assert_int_equal(count_of(p, "syscall", "getpid"), 5);
    assert_int_equal(count_of(p, "result", "result"), 5); /* READY, four results */
    assert_int_equal(number(call_of(p, "Thousand"), "exits"), 1001);
    assert_int_equal(number(call_of(p, "Ten"), "exits"), 11);
    assert_int_equal(number(call_of(p, "Five"), "exits"), 6);
    assert_int_equal(number(call_of(p, "Deep"), "exits"), 2);
    struct hl_counts counts;
    hl_sandbox_counts(p->box.sb, &counts);
    const json_t *totals = json_object_get(p->doc, "totals");
    assert_int_equal(number(totals, "exits"), counts.exits - counts.interrupts);
    assert_int_equal(number(totals, "runs"), 5);
    assert_int_equal(number(totals, "stacks_dropped"), 0);
}

static void test_exact(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){0});
    check_exact(p);
}

static void test_exact_in_a_pie(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits_pie", (struct hl_profile_config){0});
    check_exact(p);
}

/* Lines 1 to 3 deep in one call, by two sandboxes one after the other: sums. */
static void test_two_sandboxes(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){0});
    CALL0(&p->box, "All");
    hl_sandbox_destroy(p->box.sb);
    open_sandbox(p, "exits");
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    box_start(&p->box);
    CALL0(&p->box, "All");
    read_profile(p);
    expect_blamed(p, "HostAdd", "all", 2000, 1);
    expect_blamed(p, "HostTick", "inlined", 20, 2);
    expect_blamed(p, "HostTick", "deep", 2, 1);
    expect_chain(p, "HostTick", "HostTick* < down < down < down < All < hl_thunk_All", 2);
    assert_int_equal(number(call_of(p, "All"), "count"), 2);
    assert_int_equal(number(call_of(p, "start"), "count"), 2);
}

/* A call with no name that is certain may name nothing but what is really there. */
static void expect_nothing_false(const struct prof *p, const char *const *truth)
{
    const json_t *exit;
    size_t i;
    json_array_foreach(list(p, "exits"), i, exit)
    {
        if (strcmp(text(kind_of(p, exit), "reason"), "host") != 0)
            continue;
        for (json_int_t node = number(exit, "stack"); node >= 0;) {
            const json_t *f = frame_of(p, node, &node);
            const char *name = text(f, "function");
            bool known = !*name || json_object_get(f, "uncertain");
            for (size_t k = 0; truth[k] && !known; k++)
                known = strcmp(truth[k], name) == 0;
            if (!known)
                fail_msg("%s is not on this stack", name);
        }
    }
}

static void check_degraded(struct prof *p)
{
    const char *const truth[] = {"hl_detail_call",
                                 "HostAdd",
                                 "HostTick",
                                 "Thousand",
                                 "Ten",
                                 "Deep",
                                 "left",
                                 "right",
                                 "down",
                                 "hl_serve",
                                 "run_function",
                                 "crt0_serve",
                                 "tick_five_times",
                                 "hl_thunk_Thousand",
                                 "hl_thunk_Ten",
                                 "hl_thunk_Deep",
                                 NULL};
    call_all(p);
    read_profile(p);
    assert_int_equal(count_of(p, "host", "HostAdd"), 1000);
    assert_int_equal(count_of(p, "host", "HostTick"), 11);
    assert_int_equal(count_of(p, "syscall", "getpid"), 5);
    expect_nothing_false(p, truth);
}

static void test_without_unwind_tables(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits_bare", (struct hl_profile_config){0});
    check_degraded(p);
}

static void test_with_frame_pointers_alone(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits_frames", (struct hl_profile_config){0});
    check_degraded(p);
}

static void test_stripped(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits_stripped", (struct hl_profile_config){0});
    check_degraded(p);
    const json_t *frame;
    size_t i;
    json_array_foreach(list(p, "frames"), i, frame)
        assert_true(json_is_null(json_object_get(frame, "function")) &&
                    json_is_string(json_object_get(frame, "address")));
}

static void test_corrupt_stack(void **state)
{
    struct prof *p = *state;
    const char *const truth[] = {"hl_detail_call", "HostTick",     "Corrupt",    "hl_thunk_Corrupt",
                                 "hl_serve",       "run_function", "crt0_serve", NULL};
    open_profile(p, "exits", (struct hl_profile_config){0});
    CALL0(&p->box, "Corrupt");
    read_profile(p);
    expect_blamed(p, "HostTick", "corrupt", 1, 1);
    expect_nothing_false(p, truth);
}

/* More kinds than there is room for: those without one are together, and none is missing. */
static void test_too_many_kinds(void **state)
{
    struct prof *p = *state;
    json_int_t count = 0, kinds = 0;
    const json_t *o;
    size_t i;
    open_profile(p, "exits", (struct hl_profile_config){0});
    CALL(&p->box, "Unknown", value_u32(5000));
    CALL0(&p->box, "Ten");
    read_profile(p);
    json_int_t exits = number(json_object_get(p->doc, "totals"), "exits");
    json_array_foreach(list(p, "exits"), i, o) count += number(o, "count");
    json_array_foreach(list(p, "kinds"), i, o) kinds += number(o, "count");
    assert_true(exits > 5010);
    assert_int_equal(count, exits);
    assert_int_equal(kinds, exits);
    assert_true(count_of(p, "syscall", "others") > 900);
    assert_int_equal(count_of(p, "host", "others"), 10);
    expect_blamed(p, "others", "unknown", count_of(p, "syscall", "others"), 1);
}

static void test_faults(void **state)
{
    struct prof *p = *state;
    unsigned stacks;
    open_profile(p, "exits", (struct hl_profile_config){0});
    assert_int_equal(TRY0(&p->box, "Crash"), HL_ERR_FAULT);
    read_profile(p);
    assert_int_equal(count_of(p, "fault", "#PF"), 1);
    assert_int_equal(blamed(p, "#PF", "crash", &stacks), 1);
    assert_int_equal(number(call_of(p, "Crash"), "failed"), 1);
}

/* ---- time ---- */

static void test_host_time(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){0});
    /* So many short ones, because a busy machine takes its time with some. */
    const uint32_t us[] = {1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 20000};
    for (size_t n = 0; n < COUNT(us); n++)
        CALL(&p->box, "Slow", value_u32(us[n]));
    read_profile(p);
    const json_t *kind = find_kind(p, "host", "HostSlow");
    size_t i;
    assert_int_equal(number(kind, "count"), COUNT(us));
    assert_true(number(kind, "min_ns") >= 1000000);
    assert_true(number(kind, "p50_ns") >= number(kind, "min_ns"));
    assert_true(number(kind, "p50_ns") < 20000000);
    assert_true(number(kind, "p99_ns") >= 20000000);
    assert_true(number(kind, "max_ns") >= number(kind, "p99_ns"));
    assert_true(number(kind, "function_ns") >= 30000000);
    assert_true(number(kind, "ns") >= number(kind, "function_ns"));
    json_int_t in_octaves = 0;
    const json_t *octave;
    json_array_foreach(json_object_get(kind, "histogram"), i, octave) in_octaves +=
        json_integer_value(json_array_get(octave, 1));
    assert_int_equal(in_octaves, COUNT(us));
    const json_t *call = call_of(p, "Slow");
    assert_true(number(call, "host_ns") >= 30000000);
    assert_true(number(call, "host_ns") + number(call, "guest_ns") + number(call, "vmm_ns") <=
                number(call, "ns"));
}

static void test_parts_are_the_whole(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){0});
    call_all(p);
    read_profile(p);
    const json_t *t = json_object_get(p->doc, "totals");
    json_int_t parts = number(t, "guest_ns") + number(t, "host_ns") + number(t, "vmm_ns") +
                       number(t, "observer_ns");
    assert_true(parts >= number(t, "wall_ns"));
    assert_true(parts - number(t, "wall_ns") <= number(t, "observer_ns"));
}

static void test_start_up(void **state)
{
    struct prof *p = *state;
    struct hl_snapshot *snapshot = NULL;
    const char *const steps[] = {"load", "create", "first instruction", "first result", "restore"};
    open_profile(p, "exits", (struct hl_profile_config){0});
    assert_int_equal(hl_snapshot_take(&snapshot, p->box.sb, &p->box.error), 0);
    CALL0(&p->box, "Ten");
    assert_int_equal(hl_sandbox_restore(p->box.sb, snapshot, &p->box.error), 0);
    CALL0(&p->box, "Ten");
    hl_snapshot_destroy(snapshot);
    read_profile(p);
    assert_int_equal(json_array_size(list(p, "startup")), COUNT(steps));
    for (size_t i = 0; i < COUNT(steps); i++) {
        const json_t *step = json_array_get(list(p, "startup"), i);
        assert_string_equal(text(step, "step"), steps[i]);
        assert_int_equal(number(step, "count"), 1);
        assert_true(number(step, "ns") > 0);
    }
}

int main(void)
{
    watchdog(120);
    const struct CMUnitTest tests[] = {
        PROF_TEST(test_exact),
        PROF_TEST(test_exact_in_a_pie),
        PROF_TEST(test_two_sandboxes),
        PROF_TEST(test_without_unwind_tables),
        PROF_TEST(test_with_frame_pointers_alone),
        PROF_TEST(test_stripped),
        PROF_TEST(test_corrupt_stack),
        PROF_TEST(test_too_many_kinds),
        PROF_TEST(test_faults),
        PROF_TEST(test_host_time),
        PROF_TEST(test_parts_are_the_whole),
        PROF_TEST(test_start_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
