/* SPDX-License-Identifier: Apache-2.0 */
/* The events of observers: their order, their contents, when they come, and when not. */
#include "gdb_box.h"

#include <errno.h>
#include <sys/syscall.h>

#include <hl/observe.h>
#include <hl/snapshot.h>

/* A letter an event: a run is "B...E", a host call "xHhs", printing "xCs", the end of a call "xs".
 */
static const char letters[] = {
    [HL_EVENT_BEGIN] = 'B',    [HL_EVENT_EXIT] = 'x',    [HL_EVENT_HOST] = 'H',
    [HL_EVENT_HOST_END] = 'h', [HL_EVENT_CONSOLE] = 'C', [HL_EVENT_LOG] = 'L',
    [HL_EVENT_SERVED] = 's',   [HL_EVENT_END] = 'E',     [HL_EVENT_RESTORE] = 'R',
    [HL_EVENT_DESTROY] = 'D',
};

/* The last event of each kind, with what it points to copied. */
struct seen {
    struct hl_observer observer;
    char order[512];
    size_t count;
    struct hl_event last[COUNT(letters)];
    struct hl_exit exit;
    struct {
        uint64_t number, arg[6];
    } syscall;
    int64_t answer;
    struct hl_value args[4], result;
    char text[768]; /* of the failure, the error, the log line, the output */
    uint64_t time;  /* of the event before */
    int busy;       /* what observing from within gave */
    bool asks, interrupts;
};

static void in_order(struct seen *s, uint64_t first, uint64_t second)
{
    assert_true(first >= s->time);
    assert_true(second >= first);
    s->time = second;
}

static void see_exit(struct seen *s, struct hl_sandbox *sb, const struct hl_event *e)
{
    struct hl_regs regs;
    s->exit = *e->exit.exit;
    if (s->exit.kind == HL_EXIT_SYSCALL) {
        s->syscall.number = s->exit.syscall.number;
        memcpy(s->syscall.arg, s->exit.syscall.arg, sizeof(s->syscall.arg));
    }
    in_order(s, e->exit.entered, e->exit.left);
    assert_int_equal(hl_machine_get_regs(hl_sandbox_machine(sb), &regs, NULL), 0);
    if (s->asks)
        s->busy = hl_sandbox_observe(sb, &(struct hl_observer){.event = s->observer.event}, NULL);
    if (s->interrupts)
        hl_sandbox_interrupt(sb);
}

static void see(void *opaque, struct hl_sandbox *sb, const struct hl_event *e)
{
    struct seen *s = opaque;
    assert_true(e->kind < COUNT(letters));
    assert_true(s->count < sizeof(s->order) - 1);
    s->order[s->count++] = letters[e->kind];
    s->last[e->kind] = *e;
    switch (e->kind) {
    case HL_EVENT_BEGIN:
        for (size_t i = 0; i < e->begin.count && i < COUNT(s->args); i++)
            s->args[i] = e->begin.args[i];
        break;
    case HL_EVENT_EXIT:
        see_exit(s, sb, e);
        break;
    case HL_EVENT_HOST:
        s->args[0] = e->host.args[0];
        break;
    case HL_EVENT_HOST_END:
        if (e->host_end.result)
            s->result = *e->host_end.result;
        snprintf(s->text, sizeof(s->text), "%s", e->host_end.failure ? e->host_end.failure : "");
        break;
    case HL_EVENT_CONSOLE:
        snprintf(s->text, sizeof(s->text), "%.*s", (int)e->console.size,
                 (const char *)e->console.data);
        break;
    case HL_EVENT_LOG:
        snprintf(s->text, sizeof(s->text), "%s", e->log.text);
        break;
    case HL_EVENT_SERVED:
        in_order(s, e->served.began, e->served.ended);
        assert_int_equal(e->served.exit->kind, s->exit.kind);
        assert_int_equal(e->served.answered && s->exit.kind != HL_EXIT_SYSCALL, 0);
        if (e->served.answered)
            s->answer = e->served.result;
        break;
    case HL_EVENT_END:
        assert_true(e->end.ended >= s->time && e->end.ended >= e->end.began);
        if (e->end.result)
            s->result = *e->end.result;
        snprintf(s->text, sizeof(s->text), "%s", e->end.error ? e->end.error->text : "");
        break;
    case HL_EVENT_RESTORE:
    default:
        break;
    }
}

/* Observers live until the sandbox is destroyed, which is after the test: they are static. */
static void watch(struct box *box, struct seen *s, unsigned kinds)
{
    *s = (struct seen){.observer = {.event = see, .opaque = s, .kinds = kinds}};
    if (hl_sandbox_observe(box->sb, &s->observer, &box->error))
        fail_msg("%s", box->error.text);
}

static void expect(struct seen *s, const char *order)
{
    assert_string_equal(s->order, order);
    memset(s->order, 0, sizeof(s->order));
    s->count = 0;
}

static int host_hook(void *opaque, const struct hl_value *args, size_t count,
                     struct hl_value *result, struct hl_error *error)
{
    (void)opaque;
    (void)count;
    usleep(1000);
    result->i32 = 2 * args[0].i32;
    return args[0].i32 < 0 ? hl_error_set(error, 9, "negative"), 9 : 0;
}

static void create(struct box *box)
{
    box_create(box, "trouble", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "HostHook", "i32(i32)", host_hook, NULL);
}

static void open_box(struct box *box)
{
    create(box);
    box_start(box);
}

static void test_start(void **state)
{
    struct box *box = *state;
    static struct seen s;
    create(box);
    watch(box, &s, HL_EVENTS_ALL);
    box_start(box);
    assert_int_equal(s.order[0], 'B');
    assert_int_equal(s.order[s.count - 1], 'E');
    assert_null(strpbrk(s.order, "HhCLR"));
    assert_int_equal(s.last[HL_EVENT_BEGIN].begin.what, HL_RUN_START);
    assert_string_equal(s.last[HL_EVENT_BEGIN].begin.name, "start");
    assert_int_equal(s.last[HL_EVENT_END].end.what, HL_RUN_START);
    assert_int_equal(s.last[HL_EVENT_END].end.rc, 0);
}

static void test_call(void **state)
{
    struct box *box = *state;
    static struct seen s;
    open_box(box);
    watch(box, &s, HL_EVENTS_ALL);
    CALL0(box, "Count");
    expect(&s, "BxsE");
    assert_string_equal(s.last[HL_EVENT_BEGIN].begin.name, "Count");
    assert_int_equal(s.last[HL_EVENT_BEGIN].begin.what, HL_RUN_CALL);
    assert_int_equal(s.last[HL_EVENT_BEGIN].begin.count, 0);
    assert_int_equal(s.exit.kind, HL_EXIT_IO);
    assert_int_equal(s.exit.io.port, HL_PORT_WAIT);
    assert_int_equal(s.last[HL_EVENT_SERVED].served.rc, 0);
    assert_false(s.last[HL_EVENT_SERVED].served.answered);
    assert_string_equal(s.last[HL_EVENT_END].end.name, "Count");
    assert_int_equal(s.result.i32, 1);
}

static void test_host_function(void **state)
{
    struct box *box = *state;
    static struct seen s;
    open_box(box);
    watch(box, &s, HL_EVENTS_ALL);
    assert_int_equal(CALL(box, "CallHook", value_i32(21))->i32, 42);
    expect(&s, "BxHhsxsE");
    assert_string_equal(s.last[HL_EVENT_HOST].host.function->name, "HostHook");
    assert_true(s.last[HL_EVENT_HOST].host.registered);
    assert_int_equal(s.args[0].i32, 21);
    assert_int_equal(s.result.i32, 42);
    assert_true(s.last[HL_EVENT_HOST_END].host_end.took >= 1000000);
}

/* The guest gets an error value; the call goes on. */
static void test_failing_host_function(void **state)
{
    struct box *box = *state;
    static struct seen s;
    open_box(box);
    watch(box, &s, HL_EVENTS_ALL & ~HL_EVENT_BIT(HL_EVENT_END));
    CALL(box, "CallHook", value_i32(-1));
    expect(&s, "BxHhsxs");
    assert_null(s.last[HL_EVENT_HOST_END].host_end.result);
    assert_int_equal(s.last[HL_EVENT_HOST_END].host_end.code, 9);
    assert_string_equal(s.text, "negative");
}

static void test_missing_host_function(void **state)
{
    struct box *box = *state;
    static struct seen s;
    box_open(box, "trouble");
    watch(box, &s, HL_EVENT_BIT(HL_EVENT_HOST) | HL_EVENT_BIT(HL_EVENT_HOST_END));
    CALL(box, "CallHook", value_i32(1));
    expect(&s, "Hh");
    assert_false(s.last[HL_EVENT_HOST].host.registered);
    assert_int_equal(s.last[HL_EVENT_HOST_END].host_end.took, 0);
    assert_string_equal(s.text, "host function HostHook is not registered");
}

static void test_console_and_log(void **state)
{
    struct box *box = *state;
    static struct seen s;
    open_box(box);
    watch(box, &s, HL_EVENTS_ALL & ~HL_EVENT_BIT(HL_EVENT_END));
    CALL(box, "PrintError", value_string("some words"));
    expect(&s, "BxCsxs");
    assert_int_equal(s.last[HL_EVENT_CONSOLE].console.fd, 2);
    assert_string_equal(s.text, "some words");
    CALL(box, "Log", value_i32(HL_LOG_WARN), value_string("a line"));
    expect(&s, "BxLsxs");
    assert_int_equal(s.last[HL_EVENT_LOG].log.level, HL_LOG_WARN);
    assert_string_equal(s.text, "a line");
    assert_string_equal(box->log, "a line");
}

static void test_system_call(void **state)
{
    struct box *box = *state;
    const struct hl_value number = {.type = HL_I64, .i64 = SYS_lseek};
    static struct seen s;
    open_box(box);
    watch(box, &s, HL_EVENTS_ALL);
    assert_int_equal(CALL(box, "Syscall", number, value_u64(1), value_u64(2), value_u64(3))->i32,
                     -ESPIPE);
    expect(&s, "BxsxsE");
    assert_int_equal(s.syscall.number, SYS_lseek);
    assert_int_equal(s.syscall.arg[0], 1);
    assert_int_equal(s.syscall.arg[2], 3);
    assert_int_equal(s.answer, -ESPIPE);
}

static void test_interrupt(void **state)
{
    struct box *box = *state;
    static struct seen s;
    open_box(box);
    watch(box, &s, HL_EVENTS_ALL);
    s.interrupts = true;
    assert_int_equal(TRY0(box, "Spin"), HL_ERR_INTERRUPTED);
    expect(&s, "BxHhsE"); /* HostHook is served, and the guest is not entered again */
    assert_int_equal(s.last[HL_EVENT_END].end.rc, HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
}

static void test_fault(void **state)
{
    struct box *box = *state;
    static struct seen s;
    open_box(box);
    watch(box, &s, HL_EVENTS_ALL);
    assert_int_equal(TRY(box, "Write", value_u64(0x10)), HL_ERR_FAULT);
    expect(&s, "BxsE");
    assert_int_equal(s.exit.kind, HL_EXIT_FAULT);
    assert_int_equal(s.exit.fault.address, 0x10);
    assert_int_equal(s.last[HL_EVENT_SERVED].served.rc, HL_ERR_FAULT);
    assert_int_equal(s.last[HL_EVENT_END].end.rc, HL_ERR_FAULT);
    assert_null(s.last[HL_EVENT_END].end.result);
    assert_string_equal(s.text, box->error.text);
}

static void test_abort_and_exit(void **state)
{
    struct box *box = *state;
    static struct seen s;
    open_box(box);
    watch(box, &s, HL_EVENTS_ALL);
    assert_int_equal(TRY(box, "Abort", value_i32(3), value_string("why")), HL_ERR_GUEST_ABORT);
    expect(&s, "BxsE");
    assert_int_equal(s.last[HL_EVENT_SERVED].served.rc, HL_ERR_GUEST_ABORT);
    box_close(box);
    open_box(box);
    watch(box, &s, HL_EVENTS_ALL);
    assert_int_equal(TRY(box, "Exit", value_i32(3)), HL_ERR_EXITED);
    assert_int_equal(s.order[s.count - 1], 'E');
    assert_int_equal(s.exit.kind, HL_EXIT_SYSCALL);
    assert_false(s.last[HL_EVENT_SERVED].served.answered);
    assert_int_equal(s.last[HL_EVENT_END].end.rc, HL_ERR_EXITED);
}

static void test_main(void **state)
{
    struct box *box = *state;
    const char *const argv[] = {"program", "7", NULL};
    static struct seen s;
    int status = 0;
    box_create(box, "with_main", (struct hl_sandbox_config){.argv = argv});
    box_start(box);
    watch(box, &s, HL_EVENT_BIT(HL_EVENT_BEGIN) | HL_EVENT_BIT(HL_EVENT_END));
    assert_int_equal(hl_sandbox_main(box->sb, &status, &box->error), 0);
    expect(&s, "BE");
    assert_int_equal(s.last[HL_EVENT_BEGIN].begin.what, HL_RUN_MAIN);
    assert_int_equal(s.last[HL_EVENT_END].end.rc, 0);
    assert_null(s.last[HL_EVENT_END].end.result);
    assert_int_equal(hl_sandbox_exit_status(box->sb), 7);
}

/* The last one; an observer may be gone after it, and its neighbours hear of it nevertheless. */
static void test_destroy(void **state)
{
    struct box *box = *state;
    static struct seen first, second, other;
    open_box(box);
    watch(box, &first, HL_EVENTS_ALL);
    watch(box, &other, HL_EVENT_BIT(HL_EVENT_BEGIN));
    watch(box, &second, HL_EVENT_BIT(HL_EVENT_DESTROY));
    box_close(box);
    expect(&first, "D");
    expect(&second, "D");
    expect(&other, "");
}

/* What is refused before the guest runs is no run. */
static void test_refused_call(void **state)
{
    struct box *box = *state;
    static struct seen s;
    open_box(box);
    watch(box, &s, HL_EVENTS_ALL);
    assert_int_equal(TRY0(box, "CallHook"), HL_ERR_SIGNATURE);
    assert_int_equal(TRY0(box, "NoSuch"), HL_ERR_NO_FUNCTION);
    expect(&s, "");
}

static void test_kinds(void **state)
{
    struct box *box = *state;
    open_box(box);
    for (unsigned kind = 0; kind < COUNT(letters); kind++) {
        static const char *const wanted[] = {"B", "xx", "H", "h", "", "", "ss", "E", "", ""};
        struct seen s;
        watch(box, &s, HL_EVENT_BIT(kind));
        CALL(box, "CallHook", value_i32(1));
        expect(&s, wanted[kind]);
        assert_int_equal(hl_sandbox_unobserve(box->sb, &s.observer, &box->error), 0);
    }
}

/* In the order they came; each by itself. */
static void test_two_observers(void **state)
{
    struct box *box = *state;
    static struct seen first, second;
    open_box(box);
    watch(box, &first, HL_EVENTS_ALL);
    watch(box, &second, HL_EVENT_BIT(HL_EVENT_BEGIN) | HL_EVENT_BIT(HL_EVENT_END));
    CALL0(box, "Count");
    expect(&first, "BxsE");
    expect(&second, "BE");
    assert_int_equal(hl_sandbox_unobserve(box->sb, &first.observer, &box->error), 0);
    CALL0(box, "Count");
    expect(&first, "");
    expect(&second, "BE");
    assert_int_equal(hl_sandbox_unobserve(box->sb, &second.observer, &box->error), 0);
    assert_int_equal(hl_sandbox_unobserve(box->sb, &second.observer, &box->error), 0);
    CALL0(box, "Count");
    expect(&second, "");
}

static void test_wrong_use(void **state)
{
    struct box *box = *state;
    struct hl_observer nothing = {.kinds = HL_EVENTS_ALL};
    static struct seen s;
    open_box(box);
    assert_int_equal(hl_sandbox_observe(box->sb, &nothing, &box->error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_observe(box->sb, NULL, &box->error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_observe(NULL, &nothing, &box->error), HL_ERR_ARGUMENT);
    assert_int_equal(hl_sandbox_unobserve(box->sb, NULL, &box->error), HL_ERR_ARGUMENT);
    watch(box, &s, HL_EVENTS_ALL);
    assert_int_equal(hl_sandbox_observe(box->sb, &s.observer, &box->error), HL_ERR_ARGUMENT);
    s.asks = true;
    CALL0(box, "Count");
    assert_int_equal(s.busy, HL_ERR_BUSY);
    expect(&s, "BxsE");
}

static void test_restore(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *snapshot;
    static struct seen s;
    open_box(box);
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    watch(box, &s, HL_EVENTS_ALL);
    CALL0(box, "Count");
    assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
    CALL0(box, "Count");
    expect(&s, "BxsERBxsE");
    assert_true(s.last[HL_EVENT_RESTORE].restore.took > 0);
    assert_int_equal(s.result.i32, 1);
    assert_int_equal(TRY0(box, "Divide"), HL_ERR_FAULT);
    assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
    expect(&s, "BxsER"); /* also of one that is poisoned */
    hl_snapshot_destroy(snapshot);
}

/* The debugger is an observer itself; its own stops are not exits of the guest's. */
static void test_with_a_debugger(void **state)
{
    struct gdb_box *g = *state;
    static struct seen s;
    gdb_box_open(g);
    watch(&g->box, &s, HL_EVENTS_ALL);
    uint64_t at = where(g, "tick");
    expect(&s, "BxsE");
    attach_idle(g);
    insert(g, GDB_SW_BREAK, at, 1);
    CONTINUE(g);
    BEGIN(g, "Tick", value_i32(1));
    expect_break(g, GDB_STOP_SW_BREAK, at);
    drop(g, GDB_SW_BREAK, at, 1);
    step(g);
    CONTINUE(g);
    call_end(g, 1);
    expect(&s, "BxsE");
    assert_int_equal(s.result.i32, 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        BOX_TEST(test_start),
        BOX_TEST(test_call),
        BOX_TEST(test_host_function),
        BOX_TEST(test_failing_host_function),
        BOX_TEST(test_missing_host_function),
        BOX_TEST(test_console_and_log),
        BOX_TEST(test_system_call),
        BOX_TEST(test_fault),
        BOX_TEST(test_abort_and_exit),
        BOX_TEST(test_main),
        BOX_TEST(test_destroy),
        BOX_TEST(test_refused_call),
        BOX_TEST(test_kinds),
        BOX_TEST(test_two_observers),
        BOX_TEST(test_wrong_use),
        BOX_TEST(test_interrupt),
        BOX_TEST(test_restore),
        GDB_TEST(test_with_a_debugger),
    };
    watchdog(55);
    return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}
