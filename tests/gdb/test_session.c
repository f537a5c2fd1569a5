/* SPDX-License-Identifier: Apache-2.0 */
/* test_session.c - packet by packet, against a target without a guest. */
#include "kit.h"

static struct gdb_stop stop_of(enum gdb_stop_reason reason)
{
    return (struct gdb_stop){.reason = reason, .signal = GDB_SIGNAL_TRAP};
}

#define REGS "06:" R(07) ";07:" R(08) ";10:" R(11) ";"
#define R(b) #b #b #b #b #b #b #b #b

static void why(void **state)
{
    struct kit *k = *state;

    expect(k, "?", "T05thread:p1.1;" REGS);
    expect(k, "!", "OK");
    expect(k, "qC", "QCp1.1");
    expect(k, "qfThreadInfo", "mp1.1");
    expect(k, "qsThreadInfo", "l");
    expect(k, "Hgp1.1", "OK");
    expect(k, "Hc-1", "OK");
    expect(k, "Hgp0.0", "OK");
    expect(k, "Tp1.1", "OK");
    expect_error(k, "Tp1.2");
    expect_error(k, "Tp2.1");
    expect_error(k, "Hgp1.7");
    expect_error(k, "Hx1");
    expect(k, "qThreadExtraInfo,p1.1", "696e203c6d61696e3e202620636f");
    expect(k, "qOffsets", "Text=400000;Data=400000;Bss=400000");
    expect(k, "qSymbol::", "OK");
    expect(k, "QNonStop:0", "OK");
    expect(k, "QThreadEvents:1", "OK");
    expect(k, "QPassSignals:e;10;14", "OK");
    assert_int_equal(k->fake.pass[1], 0x40);
    expect_error(k, "QPassSignals:e;999");
    expect(k, "vMustReplyEmpty", "");
    expect(k, "vUnknown", "");
    expect(k, "qTStatus", "");
    expect(k, "bs", "");
}

static void one_stop(struct kit *k, struct gdb_stop stop, const char *reply)
{
    feed(k, "vCont;c:p1.-1", 13);
    silent(k);
    fake_stop(&k->fake, stop);
    assert_true(take(k));
    assert_string_equal(k->text, reply);
}

static void stop_reasons(void **state)
{
    struct kit *k = *state;
    struct gdb_stop watch = {.reason = GDB_STOP_WATCH, .point = GDB_WATCH_READ, .address = 0x12345};

    one_stop(k, stop_of(GDB_STOP_STEP), "T05thread:p1.1;" REGS);
    one_stop(k, stop_of(GDB_STOP_SW_BREAK), "T05swbreak:;thread:p1.1;" REGS);
    one_stop(k, stop_of(GDB_STOP_HW_BREAK), "T05hwbreak:;thread:p1.1;" REGS);
    one_stop(k, watch, "T05rwatch:12345;thread:p1.1;" REGS);
    watch.point = GDB_WATCH_ACCESS;
    one_stop(k, watch, "T05awatch:12345;thread:p1.1;" REGS);
    watch.point = GDB_WATCH_WRITE;
    one_stop(k, watch, "T05watch:12345;thread:p1.1;" REGS);
    one_stop(k, (struct gdb_stop){.signal = GDB_SIGNAL_SEGV}, "T0bthread:p1.1;" REGS);
    one_stop(k, (struct gdb_stop){.signal = GDB_SIGNAL_ILL}, "T04thread:p1.1;" REGS);
    one_stop(k, (struct gdb_stop){.reason = GDB_STOP_EXITED, .status = 3}, "W03;process:1");
    expect(k, "?", "W03;process:1");
    expect_error(k, "g");
    expect_error(k, "m10000,4");
    expect_error(k, "vCont;c");
    expect_error(k, "Z0,10000,1");
    expect(k, "qfThreadInfo", "l");
    feed(k, "vRun;", 5);
    assert_true(take(k));
    assert_memory_equal(k->text, "T05", 3);
    one_stop(k, (struct gdb_stop){.reason = GDB_STOP_KILLED, .signal = 6}, "X06;process:1");
}

static void old_client(void **state)
{
    struct kit *k = *state;

    gdb_session_end(&k->s);
    expect(k, "?", "T05thread:1;" REGS);
    feed(k, "c", 1);
    fake_stop(&k->fake, stop_of(GDB_STOP_SW_BREAK));
    assert_true(take(k));
    assert_string_equal(k->text, "T05thread:1;" REGS);
    expect(k, "m1,1", "E01");
    feed(k, "C05", 3);
    assert_int_equal(k->fake.resume.signal, 5);
    fake_stop(&k->fake, (struct gdb_stop){.reason = GDB_STOP_EXITED, .status = 256 + 7});
    assert_true(take(k));
    assert_string_equal(k->text, "W07");
}

/* Breakpoint instructions that the client wrote by itself, or that are the guest's. */
static void own_breakpoints(void **state)
{
    struct kit *k = *state;
    struct gdb_stop trap = {.signal = GDB_SIGNAL_TRAP, .trap = true, .address = 0x123456789abcdef0};

    one_stop(k, trap, "T05swbreak:;thread:p1.1;06:" R(07) ";07:" R(08) ";10:f0debc9a78563412;");
    expect(k, "?", "T05swbreak:;thread:p1.1;06:" R(07) ";07:" R(08) ";10:f0debc9a78563412;");
    memset(k->fake.registers[GDB_AMD64_RIP], 0x11, 8);
    gdb_session_end(&k->s);
    expect(k, "?", "T05thread:1;" REGS);
    feed(k, "c", 1);
    fake_stop(&k->fake, trap);
    assert_true(take(k));
    assert_string_equal(k->text, "T05thread:1;" REGS); /* it subtracts the instruction itself */
}

static void catch_syscalls(void **state)
{
    struct kit *k = *state;
    struct gdb_stop entry = {.reason = GDB_STOP_SYSCALL_ENTRY, .syscall = 0x3c},
                    back = {.reason = GDB_STOP_SYSCALL_RETURN, .syscall = 0xe7};

    expect(k, "QCatchSyscalls:1;1;3c;75bcd15", "OK");
    assert_int_equal(k->fake.catch.count, 3);
    assert_false(k->fake.catch.all);
    assert_int_equal(k->fake.catch.numbers[2], 123456789);
    one_stop(k, entry, "T05syscall_entry:3c;thread:p1.1;" REGS);
    one_stop(k, back, "T05syscall_return:e7;thread:p1.1;" REGS);
    expect(k, "QCatchSyscalls:1", "OK");
    assert_true(k->fake.catch.all && !k->fake.catch.count);
    expect(k, "QCatchSyscalls:0", "OK");
    assert_false(k->fake.catch.all || k->fake.catch.count);
    expect_error(k, "QCatchSyscalls:2");
    expect_error(k, "QCatchSyscalls:0;1");
    expect_error(k, "QCatchSyscalls:1;");
    expect_error(k, "QCatchSyscalls:1;1x");
    assert_false(k->fake.catch.all || k->fake.catch.count); /* no half of a list */
    expect(k, "QCatchSyscalls:1;2", "OK");
    feed(k, "vRun;", 5);
    assert_true(take(k));
    assert_int_equal(k->fake.catch.count, 0);
}

/* GDB that does not know our process by its number calls it 42000. */
static void processes(void **state)
{
    struct kit *k = *state;

    expect_error(k, "vKill;a410");
    expect_error(k, "vKill;0");
    expect_error(k, "vKill;-1");
    expect_error(k, "vAttach;a410");
    assert_int_equal(k->fake.kills, 0);
    expect(k, "vKill;1", "OK");
    assert_int_equal(k->fake.kills, 1);
    gdb_session_end(&k->s);
    expect(k, "?", "T05thread:1;" REGS);
    expect(k, "vAttach;7", "T05thread:1;" REGS);
    expect(k, "vKill;x", "E01");
    expect(k, "vKill;", "E01");
    expect(k, "vKill;a410", "OK");
    assert_int_equal(k->fake.kills, 2);
}

static void points(void **state)
{
    struct kit *k = *state;

    expect(k, "Z0,10000,1", "OK");
    expect(k, "Z0,10000,1", "OK");
    assert_int_equal(k->fake.inserts, 1);
    expect(k, "Z1,10000,1", "OK");
    expect(k, "Z2,10000,1000", "OK");
    expect(k, "Z3,10001,3", "OK");
    expect(k, "Z4,10001,8", "OK");
    expect(k, "Z5,10000,1", "");
    expect_error(k, "Z2,10000,0");
    expect_error(k, "Z2,ffffffffffffffff,2");
    expect_error(k, "Z0,10000");
    expect_error(k, "Z0,10000,1;X");
    expect_error(k, "Z0,10000,1;X5,2200");
    expect_error(k, "Z0,10000,1;Xffffffffffffffff,22");
    expect_error(k, "Z0,10000,1;cmds:");
    expect_error(k, "Z0,10000,1junk");
    expect(k, "z0,10000,1", "OK");
    expect(k, "z0,10000,1", "OK");
    assert_int_equal(k->fake.removes, 1);
    k->fake.fail = HL_ERR_LIMIT;
    expect(k, "Z0,10000,1", "E.cannot insert it: too large");
    k->fake.fail = 0;
    expect(k, "D;1", "OK");
    assert_int_equal(k->fake.point_count, 0);
    assert_true(k->s.closing);
}

static bool hit(struct kit *k, enum gdb_stop_reason reason, enum gdb_point point, uint64_t address)
{
    struct gdb_stop stop = {.reason = reason, .point = point, .address = address};

    return k->fake.hooks.report(k->fake.hooks.opaque, &stop);
}

static void conditions(void **state)
{
    struct kit *k = *state;

    /* reg 0 == 0x0101010101010101, as 64-bit constant */
    expect(k, "Z0,10000,1;Xd,2600002501010101010101011327", "E.malformed packet");
    expect(k, "Z0,10000,1;Xe,2600002501010101010101011327", "OK");
    assert_true(hit(k, GDB_STOP_SW_BREAK, 0, 0x10000));
    k->fake.registers[0][0] = 2;
    assert_false(hit(k, GDB_STOP_SW_BREAK, 0, 0x10000));
    assert_true(hit(k, GDB_STOP_HW_BREAK, 0, 0x10000)); /* not that point */
    assert_true(hit(k, GDB_STOP_SW_BREAK, 0, 0x10001)); /* not ours: the debugger decides */
    /* any of two; a broken one stops; none stops */
    expect(k, "Z0,10000,1;X3,220027X3,220127", "OK");
    assert_true(hit(k, GDB_STOP_SW_BREAK, 0, 0x10000));
    expect(k, "Z0,10000,1;X3,220027;X3,220027", "OK");
    assert_false(hit(k, GDB_STOP_SW_BREAK, 0, 0x10000));
    expect(k, "Z0,10000,1;X1,ff", "OK");
    assert_true(hit(k, GDB_STOP_SW_BREAK, 0, 0x10000));
    expect(k, "Z0,10000,1", "OK");
    assert_true(hit(k, GDB_STOP_SW_BREAK, 0, 0x10000));
    assert_int_equal(k->fake.inserts, 1);
    /* a watch hit somewhere in its range */
    expect(k, "Z2,10010,8;X3,220027", "OK");
    assert_false(hit(k, GDB_STOP_WATCH, GDB_WATCH_WRITE, 0x10017));
    assert_true(hit(k, GDB_STOP_WATCH, GDB_WATCH_WRITE, 0x10018));
    /* with the debugger gone nobody wants to know */
    gdb_session_end(&k->s);
    assert_false(hit(k, GDB_STOP_SW_BREAK, 0, 0x10000));
}

static void commands(void **state)
{
    struct kit *k = *state;

    /* printf("v=%d\n", 7) as GDB 13 sends it: arg, channel 0, function 0 */
    expect(k,
           "Z0,10000,1;cmds:1,X12,2207220022003401000776"
           "3d25645c6e0027",
           "OK");
    feed(k, "vCont;c", 7);
    silent(k);
    assert_false(hit(k, GDB_STOP_SW_BREAK, 0, 0x10000));
    gdb_session_console(&k->s);
    assert_true(take(k));
    assert_string_equal(k->text, "O763d370a");
    k->fake.hooks.console(k->fake.hooks.opaque, "hi", 2);
    fake_stop(&k->fake, stop_of(GDB_STOP_STEP));
    assert_true(take(k)); /* what was printed before the stop comes before it */
    assert_string_equal(k->text, "O6869");
    assert_true(take(k));
    /* while the client does not wait for a stop, text waits */
    k->fake.hooks.console(k->fake.hooks.opaque, "later", 5);
    gdb_session_console(&k->s);
    silent(k);
    feed(k, "vCont;c", 7);
    assert_true(take(k));
    assert_string_equal(k->text, "O6c61746572");
}

static void resuming(void **state)
{
    struct kit *k = *state;
    struct gdb_resume *r = &k->fake.resume;

    k->fake.instant = true;
    expect(k, "vCont?", "vCont;c;C;s;S;t;r");
    ask(k, "vCont;s:p1.1;c");
    assert_int_equal(r->how, GDB_STEP);
    ask(k, "vCont;s:p2.1;C0b:1;c");
    assert_int_equal(r->how, GDB_CONTINUE);
    assert_int_equal(r->signal, 11);
    ask(k, "vCont;r401000,401010:p1.1;c:p1.-1");
    assert_int_equal(r->how, GDB_RANGE_STEP);
    assert_int_equal(r->end, 0x401010);
    ask(k, "s");
    assert_int_equal(r->how, GDB_STEP);
    ask(k, "S06");
    assert_int_equal(r->signal, 6);
    k->fake.resumes = 0;
    ask(k, "vCont;t");
    expect_error(k, "vCont;");
    expect_error(k, "vCont;q");
    expect_error(k, "vCont;C");
    expect_error(k, "vCont;Cfff");
    expect_error(k, "vCont;r1");
    expect_error(k, "vCont;r1,2,3");
    expect_error(k, "vCont;s:p9.1");
    expect_error(k, "vCont;s:p1.1zz");
    expect_error(k, "vCont;c;junk");
    expect_error(k, "c401000");
    expect_error(k, "S");
    assert_int_equal(k->fake.resumes, 0);
    k->fake.fail = HL_ERR_BUSY;
    expect(k, "c", "E.cannot resume: the sandbox is in use");
    k->fake.fail = 0;
    ask(k, "c");
}

static void say(struct kit *k, const char *bytes)
{
    gdb_session_input(&k->s, (const uint8_t *)bytes, strlen(bytes));
}

static void interrupts(void **state)
{
    struct kit *k = *state;

    say(k, "\003"); /* crossed a stop on the wire: nothing to do, no reply owed */
    silent(k);
    assert_int_equal(k->fake.interrupts, 0);
    feed(k, "c", 1);
    say(k, "\003");
    assert_true(take(k));
    assert_memory_equal(k->text, "T02", 3);
    silent(k);
    /* packets that do not belong there wait; an interrupt does not wait for them */
    feed(k, "c", 1);
    feed(k, "qC", 2);
    feed(k, "m10000,1", 8);
    silent(k);
    say(k, "\003");
    assert_true(take(k));
    assert_memory_equal(k->text, "T02", 3);
    assert_true(take(k));
    assert_true(take(k));
    feed(k, "c", 1);
    expect(k, "vCtrlC", "OK");
    assert_true(take(k));
    assert_memory_equal(k->text, "T02", 3);
}

/* A client that steps by itself must be stopped by a break-in between two steps. */
static void interrupted_steps(void **state)
{
    struct kit *k = *state;

    k->fake.instant = true;
    assert_memory_equal(ask(k, "s"), "T05", 3);
    say(k, "\003");
    silent(k);
    assert_memory_equal(ask(k, "s"), "T02", 3);
    assert_memory_equal(ask(k, "s"), "T05", 3);
    /* the step ended before the break-in was seen */
    feed(k, "s", 1);
    say(k, "\003");
    assert_true(take(k));
    assert_memory_equal(k->text, "T02", 3);
    silent(k);
    assert_memory_equal(ask(k, "s"), "T05", 3);
    say(k, "\003");
    expect(k, "D;1", "OK");
    gdb_session_end(&k->s);
    assert_memory_equal(ask(k, "?"), "T05", 3);
    assert_memory_equal(ask(k, "s"), "T05", 3);
}

static void out_of_order(void **state)
{
    struct kit *k = *state;

    feed(k, "c", 1);
    feed(k, "qC", 2);
    silent(k);
    say(k, "\003");
    assert_true(take(k));
    assert_memory_equal(k->text, "T02", 3);
    assert_true(take(k));
    assert_string_equal(k->text, "QCp1.1");
    feed(k, "c", 1);
    for (int i = 0; i < 100000 && !k->s.closing; i++)
        feed(k, "m10000,1000000000000000000000000000000000000000000000000", 50);
    assert_true(k->s.closing);
    assert_true(k->s.pending.size <= GDB_QUEUE_MAX);
}

static void idle_guest(void **state)
{
    struct kit *k = *state;

    feed(k, "c", 1); /* and nothing comes, for as long as nobody calls the guest */
    silent(k);
    silent(k);
    say(k, "\003");
    assert_true(take(k));
    assert_memory_equal(k->text, "T02", 3);
}

static void lives(void **state)
{
    struct kit *k = *state;

    expect(k, "!", "OK");
    expect(k, "D;1", "OK");
    assert_false(k->s.closing);
    assert_int_equal(k->fake.detaches, 1);
    expect(k, "?", "W00");
    expect_error(k, "g");
    expect_error(k, "vAttach;7");
    assert_memory_equal(ask(k, "vAttach;1"), "T05", 3);
    assert_int_equal(k->fake.attaches, 2);
    expect(k, "Z0,10000,1", "OK");
    expect(k, "vKill;1", "OK");
    assert_int_equal(k->fake.kills, 1);
    assert_memory_equal(ask(k, "vRun;2f62696e;61"), "T05", 3);
    assert_int_equal(k->s.points.count, 0);
    expect(k, "D", "OK");
    assert_memory_equal(ask(k, "vRun;"), "T05", 3); /* after a detach */
    assert_int_equal(k->fake.restarts, 2);
    expect_error(k, "vRun;zz");
    expect_error(k, "vRun;2f62;6");
    assert_int_equal(k->fake.restarts, 2);
    feed(k, "R00", 3);
    silent(k);
    assert_int_equal(k->fake.restarts, 3);
    assert_memory_equal(ask(k, "?"), "T05", 3);
    feed(k, "c", 1);
    feed(k, "k", 1); /* also while it runs */
    silent(k);
    assert_int_equal(k->fake.kills, 2);
    assert_false(k->s.closing);
    k->fake.attach_stop = (struct gdb_stop){.reason = GDB_STOP_EXITED, .status = 4};
    gdb_session_end(&k->s);
    expect(k, "?", "W04"); /* the next debugger finds it so */
    k->fake.fail = HL_ERR_STATE;
    feed(k, "vRun;", 5);
    assert_true(take(k));
    assert_string_equal(k->text, "E01");
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(why),        T(stop_reasons),   T(old_client), T(own_breakpoints),
        T(processes),  T(catch_syscalls), T(points),     T(conditions),
        T(commands),   T(resuming),       T(interrupts), T(interrupted_steps),
        T(idle_guest), T(out_of_order),   T(lives),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
