/* SPDX-License-Identifier: Apache-2.0 */
/* What the host does for a guest ends with the call, takes bounded memory, and gives it back. */
#include "box.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <hl/observe.h>
#include <hl/snapshot.h>

#include "machine_impl.h"
#include "sandbox.h"

#define MIB ((size_t)1 << 20)
#define HEAP (128 * MIB)
#define LARGE (64 * MIB) /* of a message */

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static size_t resident(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    unsigned long size, pages;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &size, &pages), 2);
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int host_somebody(void *opaque, const struct hl_value *args, size_t count,
                         struct hl_value *result, struct hl_error *error)
{
    unsigned *calls = opaque;
    (void)args;
    (void)count;
    (void)result;
    (void)error;
    ++*calls;
    return 0;
}

/* ---- interrupted when the guest has come out, and before anything is done for it ---- */

struct hit {
    struct hl_observer observer;
    long number; /* of the system call, or -1: a message on... */
    uint16_t port;
    bool at_begin; /* before the arguments are copied */
    unsigned hits, answers, writes;
};

static bool is_it(const struct hit *h, const struct hl_exit *exit)
{
    if (h->number >= 0)
        return exit->kind == HL_EXIT_SYSCALL && exit->syscall.number == (uint64_t)h->number;
    return !h->at_begin && exit->kind == HL_EXIT_IO && exit->io.port == h->port;
}

static void on_event(void *opaque, struct hl_sandbox *sb, const struct hl_event *e)
{
    struct hit *h = opaque;
    bool hit = e->kind == HL_EVENT_EXIT ? is_it(h, e->exit.exit) : e->kind == HL_EVENT_BEGIN;
    if (e->kind == HL_EVENT_SERVED) {
        h->answers += is_it(h, e->served.exit) && e->served.answered;
    } else if (e->kind == HL_EVENT_CONSOLE) {
        h->writes++;
        hl_sandbox_interrupt(sb);
    } else if (hit && (e->kind == HL_EVENT_EXIT || h->at_begin)) {
        h->hits++;
        hl_sandbox_interrupt(sb);
    }
}

static void watch(struct box *box, struct hit *h)
{
    h->observer = (struct hl_observer){
        .event = on_event,
        .opaque = h,
        .kinds = HL_EVENT_BIT(HL_EVENT_EXIT) | HL_EVENT_BIT(HL_EVENT_SERVED) |
                 HL_EVENT_BIT(HL_EVENT_BEGIN) | HL_EVENT_BIT(HL_EVENT_CONSOLE)};
    assert_int_equal(hl_sandbox_observe(box->sb, &h->observer, &box->error), 0);
}

static void open_guest(struct box *box, unsigned *calls)
{
    box_create(box, "bounded",
               (struct hl_sandbox_config){.heap = HEAP, .input = LARGE + MIB, .no_debugger = true});
    box_register(
        box, "Somebody",
        "void(bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, "
        "bytes, bytes, bytes, bytes, bytes)",
        host_somebody, calls);
    box_start(box);
}

static void prepare(struct box *box, const char *how)
{
    if (strcmp(how, "Block") == 0)
        CALL0(box, "Block");
    else if (strcmp(how, "Grow") == 0)
        CALL0(box, "Grow");
    else if (*how)
        CALL(box, "Prepare", value_u64(strcmp(how, "holes") == 0 ? 2 : 0));
}

/* Not a page is done of it; once restored it can be done as if nothing had been. */
static void test_system_calls_end_with_the_call(void **state)
{
    static const struct {
        const char *before, *function;
        long number;
    } list[] = {
        {"", "MapAll", SYS_mmap},           {"", "MapAnywhere", SYS_mmap},
        {"all", "MapAll", SYS_mmap},        {"all", "UnmapAll", SYS_munmap},
        {"holes", "UnmapAll", SYS_munmap},  {"all", "Close", SYS_mprotect},
        {"all", "Open", SYS_mprotect},      {"all", "DontNeed", SYS_madvise},
        {"holes", "DontNeed", SYS_madvise}, {"", "Grow", SYS_brk},
        {"Grow", "Shrink", SYS_brk},        {"Block", "Move", SYS_mremap},
    };
    struct box *box = *state;
    unsigned calls = 0;
    open_guest(box, &calls);
    for (size_t i = 0; i < COUNT(list); i++) {
        struct hl_snapshot *s;
        struct hit h = {.number = list[i].number};
        prepare(box, list[i].before);
        assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
        int64_t right = CALL0(box, list[i].function)->i64;
        assert_int_equal(hl_sandbox_restore(box->sb, s, &box->error), 0);
        uint64_t changes = box->sb->machine->map_changes;
        watch(box, &h);
        assert_int_equal(TRY0(box, list[i].function), HL_ERR_INTERRUPTED);
        assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
        assert_int_equal(hl_sandbox_unobserve(box->sb, &h.observer, &box->error), 0);
        if (h.hits != 1 || h.answers || box->sb->machine->map_changes != changes)
            fail_msg("%s after %s: %u hits, %u answers, %llu changes", list[i].function,
                     list[i].before, h.hits, h.answers,
                     (unsigned long long)(box->sb->machine->map_changes - changes));
        assert_int_equal(hl_sandbox_restore(box->sb, s, &box->error), 0);
        assert_int_equal(CALL0(box, list[i].function)->i64, right);
        assert_int_equal(hl_sandbox_restore(box->sb, s, &box->error), 0);
        CALL0(box, "UnmapAll");
        hl_snapshot_destroy(s);
        hl_sandbox_destroy(box->sb);
        open_guest(box, &calls);
    }
}

/* A write() to the console, with a console that interrupts: it gets one piece, not 256. */
static void test_writing_ends_with_the_call(void **state)
{
    struct box *box = *state;
    struct hit h = {.number = -1};
    unsigned calls = 0;
    open_guest(box, &calls);
    watch(box, &h);
    assert_int_equal(TRY0(box, "Print"), HL_ERR_INTERRUPTED);
    assert_int_equal(h.writes, 1);
}

static void test_messages_end_with_the_call(void **state)
{
    struct box *box = *state;
    unsigned calls = 0;
    struct hit result = {.number = -1, .port = HL_PORT_WAIT};
    struct hit args = {.number = -1, .port = HL_PORT_CALL};
    open_guest(box, &calls);
    watch(box, &result);
    assert_int_equal(TRY0(box, "Result"), HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
    hl_sandbox_destroy(box->sb);
    open_guest(box, &calls);
    watch(box, &args);
    assert_int_equal(TRY0(box, "AskSomebody"), HL_ERR_INTERRUPTED);
    assert_int_equal(args.hits, 1);
    assert_int_equal(calls, 0);
}

/* What the host passes in is not copied for a call that is over. */
static void test_arguments_end_with_the_call(void **state)
{
    struct box *box = *state;
    struct hit h = {.number = -1, .at_begin = true};
    unsigned calls = 0;
    uint8_t *data = malloc(LARGE), last = 1;
    assert_non_null(data);
    memset(data, 1, LARGE);
    open_guest(box, &calls);
    watch(box, &h);
    struct hl_value v = {.type = HL_BYTES, .data = (const void *)data, .len = LARGE};
    assert_int_equal(TRY(box, "Take", v), HL_ERR_INTERRUPTED);
    hl_gva_t at = hl_sandbox_region(box->sb, REGION_INPUT)->start + LARGE;
    assert_int_equal(hl_machine_read(box->sb->machine, at, &last, 1, 0), 1);
    assert_int_equal(last, 0);
    free(data);
}

/* The same from the time's own thread, in the middle of it. */
static void test_a_limit_in_system_calls(void **state)
{
    struct box *box = *state;
    unsigned calls = 0;
    open_guest(box, &calls);
    CALL(box, "Prepare", value_u64(2));
    const struct hl_limits limits = {.wall_ns = 50000000};
    assert_int_equal(hl_sandbox_limit(box->sb, &limits, &box->error), 0);
    double began = now(CLOCK_MONOTONIC);
    assert_int_equal(TRY0(box, "OpenAndClose"), HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_WALL);
    assert_true(now(CLOCK_MONOTONIC) - began < 1 * slow());
}

/* The result is a part of the call: its copying is in the call's time. */
static void test_a_limit_in_the_result(void **state)
{
    struct box *box = *state;
    struct hit h = {.number = -1, .port = HL_PORT_WAIT};
    unsigned calls = 0;
    open_guest(box, &calls);
    const struct hl_limits limits = {.wall_ns = 1000000000000};
    assert_int_equal(hl_sandbox_limit(box->sb, &limits, &box->error), 0);
    watch(box, &h);
    assert_int_equal(TRY0(box, "Result"), HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_NONE);
}

/* ---- how long it takes ---- */

static double shortest(struct box *box, uint64_t period)
{
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        CALL(box, "Prepare", value_u64(period));
        double began = now(CLOCK_THREAD_CPUTIME_ID);
        assert_int_equal(CALL0(box, "UnmapAll")->i64, 0);
        double took = now(CLOCK_THREAD_CPUTIME_ID) - began;
        best = took < best ? took : best;
    }
    return best;
}

/* Every other page costs about what all of them do; page by page it is 400 times as much. */
static void test_holes_cost_nothing(void **state)
{
    struct box *box = *state;
    unsigned calls = 0;
    open_guest(box, &calls);
    double whole = shortest(box, 0), holes = shortest(box, 2);
    if (holes > 50 * whole + 0.02 * slow())
        fail_msg("%.1f ms for every other page, %.1f ms for all", holes * 1e3, whole * 1e3);
}

/* ---- memory ---- */

#define SLACK (16 * MIB) /* of the C library, and of what the tests do */

static void expect_resident(const char *what, size_t before, size_t more)
{
    size_t is = resident();
    if (is > before + more + SLACK)
        fail_msg("%s: %zu MiB more than before", what, (is - before) / MIB);
}

static void test_memory_of_messages(void **state)
{
    SKIP_IF(UNDER_TSAN, "ThreadSanitizer's own memory grows with what is touched");
    struct box *box = *state;
    struct hl_snapshot *s;
    unsigned calls = 0;
    open_guest(box, &calls);
    assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
    CALL0(box, "Result"); /* the guest's own pages of it are there now */
    assert_int_equal(hl_sandbox_restore(box->sb, s, &box->error), 0);
    size_t before = resident();
    CALL0(box, "AskNobody");
    expect_resident("arguments for nobody", before, 0);
    CALL0(box, "AskSomebody");
    assert_int_equal(calls, 1);
    expect_resident("arguments, after the call", before, 0);
    const struct hl_value *v = CALL0(box, "Result");
    assert_int_equal(v->len, LARGE);
    expect_resident("the last result", before, LARGE);
    CALL(box, "Prepare", value_u64(0));
    expect_resident("the result, after a call that has none", before, 0);
    CALL0(box, "Result");
    assert_int_equal(hl_sandbox_restore(box->sb, s, &box->error), 0);
    expect_resident("the result, after a restore", before, 0);
    hl_snapshot_destroy(s);
}

static int host_interrupts(void *opaque, const struct hl_value *args, size_t count,
                           struct hl_value *result, struct hl_error *error)
{
    struct box *box = opaque;
    (void)args;
    (void)count;
    (void)result;
    (void)error;
    hl_sandbox_interrupt(box->sb);
    return 0;
}

/* Giving memory back takes time, too: what an interrupted call holds goes with the restore. */
static void test_memory_of_an_interrupted_call(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *s;
    box_create(box, "bounded", (struct hl_sandbox_config){.heap = HEAP, .no_debugger = true});
    box_register(box, "Somebody",
                 "void(bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, "
                 "bytes, bytes, bytes, bytes, bytes, bytes)",
                 host_interrupts, box);
    box_start(box);
    assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
    assert_int_equal(TRY0(box, "AskSomebody"), HL_ERR_INTERRUPTED);
    assert_true(box->sb->host_args.size >= LARGE);
    size_t before = resident();
    assert_int_equal(hl_sandbox_restore(box->sb, s, &box->error), 0);
    assert_int_equal(box->sb->host_args.size, 0);
    assert_true(resident() + LARGE < before + SLACK);
    hl_snapshot_destroy(s);
}

/* Pages that nobody has written to need not be there once they have moved. */
static void test_memory_of_a_move(void **state)
{
    SKIP_IF(UNDER_TSAN, "ThreadSanitizer's own memory grows with what is touched");
    struct box *box = *state;
    unsigned calls = 0;
    open_guest(box, &calls);
    CALL0(box, "Block");
    size_t before = resident();
    assert_int_equal(CALL0(box, "Move")->i64, 0);
    expect_resident("a moved block", before, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_system_calls_end_with_the_call),
        BOX_TEST(test_writing_ends_with_the_call),
        BOX_TEST(test_messages_end_with_the_call),
        BOX_TEST(test_arguments_end_with_the_call),
        BOX_TEST(test_a_limit_in_system_calls),
        BOX_TEST(test_a_limit_in_the_result),
        BOX_TEST(test_holes_cost_nothing),
        BOX_TEST(test_memory_of_messages),
        BOX_TEST(test_memory_of_an_interrupted_call),
        BOX_TEST(test_memory_of_a_move),
    };

    watchdog(110);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
