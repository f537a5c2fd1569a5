/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger that comes, breaks in, goes, kills, starts afresh: in each state of a sandbox.  A life
 * is a row of words, and a word is a step of the debugger's, the guest's or the program's, or what
 * must then be so: see the table of words.  An address is an offset into the guest's text.
 */
#include "life_rig.h"

#define TWICE(words) words words
#define THRICE(words) words words words

static const struct life {
    const char *name, *words;
} lives[] = {
    {"attach_running", "free attach sig=0 pc=0 attach! continue at=0 attach! end"},
    {"attach_idle", "idle call waits outside stack continue enter end nothing "
                    "call enter stop continue end"}, /* the session outlives the call */
    {"attach_in_host", "free host attach sig=0 pc=1 point=1 host-over parked outside "
                       "continue at=1 int3=1 hit=1"},
    {"attach_poisoned", "free fault over=FAULT poisoned attach sig=SEGV pc=7 bytes "
                        "continue killed=SEGV nothing continue! call over=STATE"},
    {"attach_dead", "free exit=7 attach exited=7 continue!"},
    {"exit_while_attached", "attached exit=3 exited=3 nothing"},

    {"break_in", "attached " THRICE("stop break nothing continue at=0 ") "end"},
    {"break_in_twice", "attached break break sig=INT continue at=0 nothing end"},
    {"break_in_while_idle", "idle continue nothing stop continue call enter end"},
    {"break_in_in_host", "attached host stop pc=1 continue nothing host-over at=1 nothing"},
    {"break_in_during_a_step", "attached stop range=100 at=0 stepped=1 at=1 stop pc=1 own-flags "
                               "continue at=1 runs"}, /* the range is forgotten */

    {"detach_held", "attached stop points detach at=0 clean end attach sig=0"},
    {"detach_running", "attached stop points continue at=0 count detach again clean nothing end"},
    {"detach_idle", "idle points continue detach call enter clean end"},
    {"detach_while_a_call_waits", "idle points call waits detach enter clean end"},
    {"detach_in_host", "attached stop points continue at=0 host detach host-over at=1 clean end"},
    {"detach_stepping", "attached stop step at=0 count detach again runs end"},
    {"detach_cancels", "free attach detach enter nothing attach event detach nothing enter end"},
    {"detach_and_attach", "attached stop points continue at=0 detach attach sig=0 "
                          "continue at=0 clean"},

    {"kill_running", "attached kill over=INTERRUPTED says-killed poisoned wish=KILLED nothing "
                     "call over=STATE"},
    {"kill_held", "attached stop points count kill over=INTERRUPTED not-again"},
    {"kill_idle", "idle count kill poisoned call over=STATE not-again"},
    {"kill_while_a_call_waits", "idle call waits kill over=INTERRUPTED poisoned"},
    {"kill_in_host", "attached host count kill host-over over=INTERRUPTED not-again"},
    {"kill_new", "count held attach sig=TRAP kill over=INTERRUPTED not-again"},

    {"restart_idle", "idle set-pc=0 restart fresh restart fresh afresh"},
    {"restart_while_a_call_waits", "idle call waits restart over=INTERRUPTED fresh afresh"},
    {"restart_after_the_end", "attached exit=0 exited=0 restart fresh afresh "
                              "kill restart fresh afresh"},
    /* Before the start there is nothing for the program to do again, ... */
    {"restart_new", "held attach entry " THRICE(
                        "set-pc=0 restart entry ") "continue ready over=0 wish=NOTHING call end"},
    /* ... and a start that runs is run again within the same call of the program's. */
    {"restart_in_the_start",
     "starting " THRICE("at=entry restart entry point=1 continue ") "at=entry int3=1 hit=1 restart "
                                                                    "entry continue ready over=0 "
                                                                    "wish=NOTHING call end"},
    {"restart_after_a_kill_in_the_start", /* GDB's `run` kills first */
     "starting enter kill over=INTERRUPTED wish=KILLED restart fresh afresh"},
    {"restart_after_a_crash_in_the_start",
     "starting " TWICE("enter fault sig=SEGV pass=SEGV over=FAULT killed=SEGV restart fresh "
                       "continue call ") "ready end"},

    /* hl_sandbox_interrupt() ends a call, held or not; what is left can be looked at. */
    {"interrupted_while_held", "attached stop interrupt over=INTERRUPTED poisoned pc=0 nothing "
                               "continue killed=0"},
    {"interrupted_while_running", "attached interrupt over=INTERRUPTED sig=TERM pc=0"},
    {"interrupted_while_it_waits", "idle call waits interrupt over=INTERRUPTED usable "
                                   "continue call enter end"},
};

/* ---- values of words ---- */

static int value_of(const char *name)
{
    static const struct {
        const char *name;
        int value;
    } values[] = {
        {"INT", GDB_SIGNAL_INT},
        {"TRAP", GDB_SIGNAL_TRAP},
        {"SEGV", GDB_SIGNAL_SEGV},
        {"TERM", GDB_SIGNAL_TERM},
        {"FAULT", HL_ERR_FAULT},
        {"STATE", HL_ERR_STATE},
        {"INTERRUPTED", HL_ERR_INTERRUPTED},
        {"NOTHING", HL_DEBUG_NOTHING},
        {"KILLED", HL_DEBUG_KILLED},
    };
    for (size_t i = 0; i < COUNT(values); i++)
        if (strcmp(values[i].name, name) == 0)
            return values[i].value;
    assert_true(*name >= '0' && *name <= '9');
    return atoi(name);
}

static hl_gva_t address_of(struct rig *r, const char *name)
{
    return strcmp(name, "entry") == 0 ? hl_image_entry(r->image)
                                      : r->text + (hl_gva_t)value_of(name);
}

/* ---- steps that are more than a line ---- */

static void start_held(struct rig *r)
{
    rig_create(r, &(struct hl_debug_config){.hold = HL_HOLD_ENTRY});
    call_start(r);
    WAIT_FOR(is_waiting(r));
}

static void start_attached(struct rig *r)
{
    rig_create(r, NULL);
    attach_idle(r);
    CONTINUE(r);
    call_start(r);
}

static void open_attached(struct rig *r)
{
    rig_open(r);
    attach_idle(r);
}

static void expect_end(struct rig *r, enum gdb_stop_reason reason, int value)
{
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, reason);
    if (reason == GDB_STOP_EXITED)
        assert_int_equal(stop.status, value);
    else if (value)
        assert_int_equal(stop.signal, value);
}

static void refuse_to_resume(struct rig *r)
{
    const struct gdb_resume resume = {.how = GDB_CONTINUE};
    assert_int_equal(debug_ops.resume(r->d, &resume), HL_ERR_STATE);
}

/* ---- the words ---- */

static unsigned counted; /* entries of the guest, at `count` */

#define WORDS(X)                                                                                   \
    /* how it begins */                                                                            \
    X("free", begin_free(r))         /* in a call, in the guest, nobody attached */                \
    X("idle", open_attached(r))      /* attached and held, no call */                              \
    X("attached", begin_attached(r)) /* ... in a call, in the guest, resumed */                    \
    X("held", start_held(r))         /* waits for a debugger before its start */                   \
    X("starting", start_attached(r)) /* in its start, attached and resumed */                      \
    /* the debugger */                                                                             \
    X("attach", assert_int_equal(debug_ops.attach(r->d), 0))                                       \
    X("attach!", assert_int_equal(debug_ops.attach(r->d), HL_ERR_STATE))                           \
    X("break", debug_ops.interrupt(r->d))                                                          \
    X("stop", break_in(r))                                                                         \
    X("continue", CONTINUE(r))                                                                     \
    X("continue!", refuse_to_resume(r))                                                            \
    X("pass", resume_how(r, GDB_CONTINUE, value_of(arg)))                                          \
    X("step", STEP(r))                                                                             \
    X("range", resume_range(r, r->text, address_of(r, arg)))                                       \
    X("detach", debug_ops.detach(r->d))                                                            \
    X("kill", debug_ops.kill(r->d))                                                                \
    X("restart", assert_int_equal(debug_ops.restart(r->d), 0))                                     \
    X("point", insert(r, GDB_SW_BREAK, address_of(r, arg), 1))                                     \
    X("points", insert_all(r)) /* of each kind one */                                              \
    X("set-pc", set_reg(r, GDB_AMD64_RIP, address_of(r, arg)))                                     \
    /* what it sees */                                                                             \
    X("sig", expect_signal(r, value_of(arg)))                                                      \
    X("hit", expect_break(r, GDB_STOP_SW_BREAK, address_of(r, arg)))                               \
    X("exited", expect_end(r, GDB_STOP_EXITED, value_of(arg)))                                     \
    X("killed", expect_end(r, GDB_STOP_KILLED, value_of(arg)))                                     \
    X("nothing", expect_nothing(r))                                                                \
    X("event", WAIT_FOR(has_event(r))) /* and it does not take it */                               \
    X("pc", assert_int_equal(reg(r, GDB_AMD64_RIP), address_of(r, arg)))                           \
    X("stack", assert_int_not_equal(reg(r, GDB_AMD64_RSP), 0))                                     \
    X("own-flags", assert_int_equal(reg(r, GDB_AMD64_EFLAGS) & TF, 0))                             \
    X("bytes", expect_byte(r, r->text, seen(r, r->text)))                                          \
    X("entry", expect_entry(r))                                                                    \
    X("fresh", expect_fresh(r))                                                                    \
    /* the guest */                                                                                \
    X("enter", assert_true(scripted_enter(r->v)))                                                  \
    X("at", entered_at(r, address_of(r, arg)))                                                     \
    X("stepped", play_step(r, address_of(r, arg)))                                                 \
    X("int3", play_int3(r, address_of(r, arg)))                                                    \
    X("fault", play_fault(r, r->text + 7, VECTOR_PAGE_FAULT, 4, 0x10))                             \
    X("exit", die(r, value_of(arg)))                                                               \
    X("host", begin_in_host(r))   /* calls a host function, which goes on ... */                   \
    X("host-over", leave_host(r)) /* ... until here */                                             \
    X("ready", play_start(r))                                                                      \
    X("runs", assert_false(is_stepping(r)))                                                        \
    X("clean", expect_no_trace(r)) /* of any breakpoint or watchpoint */                           \
    X("outside", assert_false(scripted_inside(r->v)))                                              \
    X("count", counted = r->v ? entries(r) : 0)                                                    \
    X("again", entered_again(r, counted))                                                          \
    X("not-again", assert_int_equal(entries(r), counted))                                          \
    /* the program */                                                                              \
    X("call", call_begin(r))                                                                       \
    X("waits", WAIT_FOR(is_waiting(r)))                                                            \
    X("parked", WAIT_FOR(is_parked(r)))                                                            \
    X("end", call_end(r))                                                                          \
    X("over", call_over(r, value_of(arg)))                                                         \
    X("interrupt", hl_sandbox_interrupt(r->sb))                                                    \
    X("afresh", call_afresh(r))                                                                    \
    X("says-killed", assert_non_null(strstr(r->call_error.text, "killed")))                        \
    X("wish", assert_int_equal(hl_sandbox_debug_wish(r->sb), value_of(arg)))                       \
    X("usable", assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_READY))                       \
    X("poisoned", assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_POISONED))

static void play_word(struct rig *r, const char *word, const char *arg)
{
#define TRY_WORD(name, step)                                                                       \
    if (strcmp(word, name) == 0) {                                                                 \
        step;                                                                                      \
        return;                                                                                    \
    }
    WORDS(TRY_WORD)
    fail_msg("no word %s", word);
}

/* ---- each life on each route ---- */

static struct run {
    const struct life *life;
    const struct route *route;
    char name[80];
} runs[COUNT(lives)][3];
static const struct run *now;
static char doing[32]; /* the word, until the last one is done */

static int life_setup(void **state)
{
    now = *state;
    *state = (void *)now->route;
    return rig_setup(state);
}

static void live(void **state)
{
    char words[512], *rest;
    assert_true(strlen(now->life->words) < sizeof(words));
    strcpy(words, now->life->words);
    for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(w, '=');
        snprintf(doing, sizeof(doing), "%s", w);
        if (value)
            *value++ = 0;
        play_word(*state, w, value ? value : "");
    }
    doing[0] = 0;
}

static int life_teardown(void **state)
{
    if (doing[0])
        printf("# it failed at `%s' of: %s\n", doing, now->life->words);
    doing[0] = 0;
    return rig_teardown(state);
}

int main(void)
{
    static const struct route *const routes[] = {&route_exit, &route_mixed, &route_shim};
    static struct CMUnitTest tests[COUNT(lives) * COUNT(routes)];
    watchdog(120);
    for (size_t i = 0; i < COUNT(tests); i++) {
        struct run *run = &runs[i / COUNT(routes)][i % COUNT(routes)];
        run->life = &lives[i / COUNT(routes)];
        run->route = routes[i % COUNT(routes)];
        snprintf(run->name, sizeof(run->name), "%s (%s)", run->life->name, run->route->name);
        tests[i] = (struct CMUnitTest){run->name, live, life_setup, life_teardown, run};
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
