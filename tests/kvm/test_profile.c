/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles of a guest whose exits are known: every number is exact, and nothing is made up. */
#include "../wait.h"
#include "box.h"
#include "sandbox.h"

#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <hl/observe.h>
#include <hl/profile.h>
#include <hl/snapshot.h>

struct prof {
    struct box box;
    struct hl_profile *profile;
    json_t *doc;
    int rc; /* of a call in another thread, once it is over */
    atomic_bool over;
};

static int host_tick(void *opaque, const struct hl_value *args, size_t count,
                     struct hl_value *result, struct hl_error *error)
{
    unsigned *ticks = opaque;
    (void)args;
    (void)count;
    (void)result;
    (void)error;
    if (ticks)
        ++*ticks;
    return 0;
}

static uint64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int host_slow(void *opaque, const struct hl_value *args, size_t count,
                     struct hl_value *result, struct hl_error *error)
{
    uint64_t end = now(CLOCK_MONOTONIC) + args[0].u32 * 1000ull;
    (void)opaque;
    (void)count;
    (void)result;
    (void)error;
    while (now(CLOCK_MONOTONIC) < end)
        ;
    return 0;
}

static void open_sandbox(struct prof *p, const char *guest)
{
    box_create(&p->box, guest, (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&p->box, "HostAdd", "i32(i32, i32)", box_host_add, NULL);
    box_register(&p->box, "HostTick", "void()", host_tick, NULL);
    box_register(&p->box, "HostSlow", "void(u32)", host_slow, NULL);
}

static void open_profile(struct prof *p, const char *guest, struct hl_profile_config config)
{
    open_sandbox(p, guest);
    assert_int_equal(hl_profile_create(&p->profile, p->box.image, &config, &p->box.error), 0);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    box_start(&p->box);
}

static void read_profile(struct prof *p)
{
    char *text = NULL;
    json_error_t why;
    assert_int_equal(hl_profile_json(p->profile, &text, &p->box.error), 0);
    json_decref(p->doc);
    p->doc = json_loads(text, 0, &why);
    if (!p->doc)
        fail_msg("%s", why.text);
    free(text);
}

static int prof_setup(void **state)
{
    *state = calloc(1, sizeof(struct prof));
    return *state ? 0 : -1;
}

static int prof_teardown(void **state)
{
    struct prof *p = *state;
    box_close(&p->box);
    hl_profile_destroy(p->profile);
    json_decref(p->doc);
    free(p);
    return 0;
}
#define PROF_TEST(test) cmocka_unit_test_setup_teardown(test, prof_setup, prof_teardown)

/* ---- reading the document ---- */

static json_int_t number(const json_t *o, const char *name)
{
    const json_t *v = json_object_get(o, name);
    if (!json_is_integer(v))
        fail_msg("no number %s", name);
    return json_integer_value(v);
}

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

static const json_t *list(const struct prof *p, const char *name)
{
    const json_t *l = json_object_get(p->doc, name);
    assert_true(json_is_array(l));
    return l;
}

/* A frame of the stack entry, and which entry called it. */
static const json_t *frame_of(const struct prof *p, json_int_t node, json_int_t *parent)
{
    const json_t *pair = json_array_get(list(p, "stacks"), (size_t)node);
    assert_int_equal(json_array_size(pair), 2);
    *parent = json_integer_value(json_array_get(pair, 0));
    assert_true(*parent < node);
    const json_t *frame =
        json_array_get(list(p, "frames"), (size_t)json_integer_value(json_array_get(pair, 1)));
    assert_non_null(frame);
    return frame;
}

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

/* Line of exits.c that has this word behind an @. */
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

static const json_t *find_kind(const struct prof *p, const char *reason, const char *name)
{
    const json_t *kind;
    size_t i;
    json_array_foreach(list(p, "kinds"), i,
                       kind) if (strcmp(text(kind, "reason"), reason) == 0 &&
                                 strcmp(text(kind, "name"), name) == 0) return kind;
    return NULL;
}

static json_int_t count_of(const struct prof *p, const char *reason, const char *name)
{
    const json_t *kind = find_kind(p, reason, name);
    return kind ? number(kind, "count") : 0;
}

static const json_t *call_of(const struct prof *p, const char *name)
{
    const json_t *call;
    size_t i;
    json_array_foreach(list(p, "calls"), i,
                       call) if (strcmp(text(call, "name"), name) == 0) return call;
    fail_msg("no call %s", name);
    return NULL;
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

/* ---- exits ---- */

static void call_all(struct prof *p)
{
    CALL0(&p->box, "Thousand");
    CALL0(&p->box, "Ten");
    CALL0(&p->box, "Five");
    CALL0(&p->box, "Deep");
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

/* ---- samples ---- */

static json_int_t samples_of(const struct prof *p, const char *root, const char *function)
{
    json_int_t sum = 0, parent;
    const json_t *s;
    size_t i;
    json_array_foreach(list(p, "samples"), i, s)
    {
        json_int_t node = number(s, "stack");
        if (strcmp(text(s, "root"), root) != 0)
            continue;
        bool in = !function;
        while (node >= 0 && !in) {
            in = strcmp(text(frame_of(p, node, &parent), "function"), function) == 0;
            node = parent;
        }
        sum += in ? number(s, "count") : 0;
    }
    return sum;
}

static void test_samples(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){.rate_hz = 1000});
    for (unsigned i = 0; i < 5; i++)
        CALL(&p->box, "Spin", value_u64(40000000));
    read_profile(p);
    json_int_t one = samples_of(p, "guest", "spin"), three = samples_of(p, "guest", "spin_more");
    json_int_t all = samples_of(p, "guest", NULL);
    /* A loaded machine loses samples, and says so; of those taken three of four are in spin_more.
     */
    assert_true(all >= 20);
    assert_true(one + three >= all * 9 / 10);
    assert_true(three > one);
    const json_t *totals = json_object_get(p->doc, "totals");
    assert_int_equal(number(totals, "samples"),
                     all + samples_of(p, "host", NULL) + samples_of(p, "vmm", NULL));
    json_int_t due = number(totals, "guest_ns") / 1000000;
    assert_in_range(all + number(totals, "lost"), due * 9 / 10, due * 11 / 10 + 2);
    assert_true(number(totals, "interrupts") >= all);
    assert_int_equal(number(totals, "exits"), 6 + count_of(p, "syscall", "arch_prctl") +
                                                  count_of(p, "syscall", "set_tid_address"));
}

static void test_samples_of_the_host(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){.rate_hz = 1000});
    CALL(&p->box, "Slow", value_u32(100000));
    read_profile(p);
    json_int_t host = samples_of(p, "host", "Slow");
    assert_true(host >= 99);
    assert_int_equal(host, samples_of(p, "host", NULL));
    assert_true(samples_of(p, "guest", NULL) <= host / 2);
}

/* Host functions do not see the signal: their system calls are not broken. */
static int host_sleep(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    const struct timespec t = {.tv_nsec = args[0].u32 * 1000l};
    int *broken = opaque;
    (void)count;
    (void)result;
    (void)error;
    *broken += nanosleep(&t, NULL) != 0;
    return 0;
}

static void test_no_signal_in_host_functions(void **state)
{
    struct prof *p = *state;
    const struct hl_profile_config config = {.rate_hz = 1000};
    sigset_t before, after;
    int broken = 0;
    box_create(&p->box, "exits", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&p->box, "HostSlow", "void(u32)", host_sleep, &broken);
    assert_int_equal(hl_profile_create(&p->profile, p->box.image, &config, &p->box.error), 0);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    box_start(&p->box);
    for (unsigned i = 0; i < 5; i++)
        CALL(&p->box, "Slow", value_u32(20000));
    assert_int_equal(broken, 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(sigismember(&before, hl_kick_signal()), 0);
    assert_int_equal(sigismember(&after, hl_kick_signal()), 0);
}

static int host_block(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    sigset_t set;
    (void)opaque;
    (void)args;
    (void)count;
    (void)result;
    (void)error;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    return 0;
}

/* What a host function does to its thread's signals stays done, as it does without a profile. */
static void test_signal_mask_of_host_functions(void **state)
{
    struct prof *p = *state;
    const struct hl_profile_config config = {.rate_hz = 1000};
    sigset_t mask;
    box_create(&p->box, "exits", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&p->box, "HostTick", "void()", host_block, NULL);
    assert_int_equal(hl_profile_create(&p->profile, p->box.image, &config, &p->box.error), 0);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    box_start(&p->box);
    CALL0(&p->box, "Ten");
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_int_equal(sigismember(&mask, SIGUSR2), 1);
    assert_int_equal(sigismember(&mask, hl_kick_signal()), 0);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    pthread_sigmask(SIG_UNBLOCK, &mask, NULL);
}

static void *spin(void *opaque)
{
    struct prof *p = opaque;
    const struct hl_value turns = value_u64(1ull << 60);
    p->rc = hl_sandbox_call(p->box.sb, "Spin", &turns, 1, NULL, NULL);
    atomic_store(&p->over, true);
    return NULL;
}

static bool is_sampled(struct prof *p)
{
    read_profile(p);
    return samples_of(p, "guest", "spin") > 10;
}

/* Ticks are no stop requests, and stop requests are no ticks. */
static void test_interrupt_while_sampled(void **state)
{
    struct prof *p = *state;
    pthread_t thread;
    open_profile(p, "exits", (struct hl_profile_config){.rate_hz = 10000});
    assert_int_equal(pthread_create(&thread, NULL, spin, p), 0);
    WAIT_FOR(is_sampled(p));
    WAIT_FOR((hl_sandbox_interrupt(p->box.sb), atomic_load(&p->over)));
    pthread_join(thread, NULL);
    assert_int_equal(p->rc, HL_ERR_INTERRUPTED);
    read_profile(p);
    assert_true(samples_of(p, "guest", "spin") > 10);
}

/* ---- memory, KVM ---- */

static void test_memory(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){.pages = true});
    CALL(&p->box, "Grow", value_u32(400));
    CALL(&p->box, "Stack", value_u32(64));
    CALL0(&p->box, "Ten");
    read_profile(p);
    const json_t *m = json_object_get(p->doc, "memory");
    assert_int_equal(number(m, "heap_size"), HL_HEAP_DEFAULT);
    assert_in_range(number(m, "heap_high"), 400 << 10, 420 << 10);
    assert_in_range(number(m, "stack_high"), 64 << 10, 80 << 10);
    const json_t *grow = json_object_get(call_of(p, "Grow"), "pages_dirtied");
    assert_in_range(number(grow, "max"), 100, 110);
    const json_t *stack = json_object_get(call_of(p, "Stack"), "pages_dirtied");
    assert_in_range(number(stack, "max"), 16, 24);
    const json_t *ten = json_object_get(call_of(p, "Ten"), "pages_touched");
    assert_in_range(number(ten, "max"), 3, 20);
    assert_true(number(m, "pages_dirtied") <= number(m, "pages_touched"));
}

static void test_stack_with_a_hole(void **state)
{
    struct prof *p = *state;
    const struct hl_sandbox_config config = {.stack = 32 << 20};
    box_create(&p->box, "exits", config);
    assert_int_equal(hl_profile_create(&p->profile, p->box.image, NULL, &p->box.error), 0);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    box_start(&p->box);
    CALL(&p->box, "Hole", value_u32(4000));
    read_profile(p);
    assert_in_range(number(json_object_get(p->doc, "memory"), "stack_high"), 4000 << 10,
                    4010 << 10);
    CALL(&p->box, "Hole", value_u32(20000));
    CALL(&p->box, "Hole", value_u32(10));
    read_profile(p);
    assert_in_range(number(json_object_get(p->doc, "memory"), "stack_high"), 20000 << 10,
                    20010 << 10);
}

static void test_pages_do_not_disturb_restore(void **state)
{
    struct prof *p = *state;
    struct hl_snapshot *snapshot = NULL;
    open_profile(p, "exits", (struct hl_profile_config){.pages = true});
    assert_int_equal(hl_snapshot_take(&snapshot, p->box.sb, &p->box.error), 0);
    for (unsigned i = 0; i < 3; i++) {
        CALL(&p->box, "Grow", value_u32(64));
        assert_int_equal(CALL0(&p->box, "Deep")->i32, 4);
        assert_int_equal(hl_sandbox_restore(p->box.sb, snapshot, &p->box.error), 0);
    }
    hl_snapshot_destroy(snapshot);
}

static json_int_t counter(const struct prof *p, const char *name)
{
    const json_t *c;
    size_t i;
    json_array_foreach(list(p, "kvm"), i,
                       c) if (strcmp(text(c, "name"), name) == 0) return number(c, "value");
    return 0;
}

static void test_kvm_counters(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){0});
    call_all(p);
    read_profile(p);
    if (!json_array_size(list(p, "kvm"))) {
        print_message("# this KVM has no KVM_GET_STATS_FD\n");
        skip();
    }
    json_int_t exits = number(json_object_get(p->doc, "totals"), "exits");
    assert_true(counter(p, "exits") >= exits);
    read_profile(p); /* they are not counted twice */
    assert_true(counter(p, "exits") >= exits);
    assert_true(counter(p, "exits") < 100 * exits);
}

/* KVM must not be asked for anything that it answers only when the guest comes out. */
static void test_json_while_the_guest_spins(void **state)
{
    struct prof *p = *state;
    pthread_t thread;
    open_profile(p, "exits", (struct hl_profile_config){0});
    assert_int_equal(pthread_create(&thread, NULL, spin, p), 0);
    WAIT_FOR(atomic_load(&p->box.sb->call_state) == CALL_RUNNING);
    for (unsigned i = 0; i < 50; i++)
        read_profile(p);
    hl_sandbox_interrupt(p->box.sb);
    pthread_join(thread, NULL);
}

/* ---- the interface ---- */

static void test_arguments(void **state)
{
    struct prof *p = *state;
    struct hl_profile *other = NULL;
    struct hl_image *image = NULL;
    const struct hl_profile_config fast = {.rate_hz = HL_PROFILE_RATE_MAX + 1};
    char *json;
    open_profile(p, "exits", (struct hl_profile_config){0});
    assert_int_equal(hl_profile_create(NULL, p->box.image, NULL, &p->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_create(&other, NULL, NULL, &p->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_create(&other, p->box.image, &fast, &p->box.error),
                     HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_attach(NULL, p->box.sb, &p->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_json(NULL, &json, &p->box.error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_profile_write(p->profile, "/nowhere/profile", &p->box.error), HL_ERR_FILE);
    assert_int_equal(hl_image_open(&image, TEST_BUILD "/tests/guest/plain", &p->box.error), 0);
    assert_int_equal(hl_profile_create(&other, image, NULL, &p->box.error), 0);
    assert_int_equal(hl_profile_attach(other, p->box.sb, &p->box.error), HL_ERR_ARGUMENT);
    hl_profile_destroy(other);
    hl_image_close(image);
    hl_profile_destroy(NULL);
}

static void test_detach(void **state)
{
    struct prof *p = *state;
    open_profile(p, "exits", (struct hl_profile_config){0});
    CALL0(&p->box, "Ten");
    assert_int_equal(hl_profile_detach(p->profile, p->box.sb, &p->box.error), 0);
    CALL0(&p->box, "Ten");
    assert_int_equal(hl_profile_detach(p->profile, p->box.sb, &p->box.error), HL_ERR_ARGUMENT);
    read_profile(p);
    assert_int_equal(count_of(p, "host", "HostTick"), 10);
    assert_int_equal(hl_profile_attach(p->profile, p->box.sb, &p->box.error), 0);
    CALL0(&p->box, "Ten");
    read_profile(p);
    assert_int_equal(count_of(p, "host", "HostTick"), 20);
}

struct worker {
    struct prof *p;
    struct hl_sandbox *sb;
    int rc;
};

static void *work(void *opaque)
{
    struct worker *w = opaque;
    for (unsigned i = 0; i < 20 && !w->rc; i++)
        w->rc = hl_sandbox_call(w->sb, "Ten", NULL, 0, NULL, NULL);
    return NULL;
}

static void test_threads(void **state)
{
    struct prof *p = *state;
    struct worker w[4];
    pthread_t thread[COUNT(w)];
    open_profile(p, "exits", (struct hl_profile_config){0});
    for (size_t i = 0; i < COUNT(w); i++) {
        w[i] = (struct worker){.p = p};
        assert_int_equal(hl_sandbox_create(&w[i].sb, p->box.image, NULL, &p->box.error), 0);
        assert_int_equal(hl_sandbox_register(w[i].sb, "HostTick", "void()", host_tick, NULL, NULL),
                         0);
        assert_int_equal(hl_profile_attach(p->profile, w[i].sb, &p->box.error), 0);
        assert_int_equal(hl_sandbox_start(w[i].sb, &p->box.error), 0);
        assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
    }
    for (unsigned i = 0; i < 20; i++)
        read_profile(p);
    for (size_t i = 0; i < COUNT(w); i++) {
        pthread_join(thread[i], NULL);
        assert_int_equal(w[i].rc, 0);
        hl_sandbox_destroy(w[i].sb);
    }
    read_profile(p);
    assert_int_equal(count_of(p, "host", "HostTick"), 20 * 10 * (json_int_t)COUNT(w));
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
        PROF_TEST(test_samples),
        PROF_TEST(test_samples_of_the_host),
        PROF_TEST(test_no_signal_in_host_functions),
        PROF_TEST(test_signal_mask_of_host_functions),
        PROF_TEST(test_interrupt_while_sampled),
        PROF_TEST(test_memory),
        PROF_TEST(test_stack_with_a_hole),
        PROF_TEST(test_pages_do_not_disturb_restore),
        PROF_TEST(test_kvm_counters),
        PROF_TEST(test_json_while_the_guest_spins),
        PROF_TEST(test_arguments),
        PROF_TEST(test_detach),
        PROF_TEST(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
