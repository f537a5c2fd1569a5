/* SPDX-License-Identifier: Apache-2.0 */
/* Faults and signals, as a debugger meets them. */
#include "data_rig.h"

/* ---- signals ---- */

static const struct {
    unsigned vector;
    int gdb, host, code;
} signals[] = {
    {0, GDB_SIGNAL_FPE, SIGFPE, FPE_INTDIV},     {1, GDB_SIGNAL_TRAP, SIGTRAP, TRAP_TRACE},
    {2, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},    {3, GDB_SIGNAL_TRAP, SIGTRAP, TRAP_BRKPT},
    {4, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},    {5, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},
    {6, GDB_SIGNAL_ILL, SIGILL, ILL_ILLOPN},     {7, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},
    {8, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},    {9, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},
    {10, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},   {11, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},
    {12, GDB_SIGNAL_BUS, SIGBUS, SI_KERNEL},     {13, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},
    {14, GDB_SIGNAL_SEGV, SIGSEGV, SEGV_MAPERR}, {16, GDB_SIGNAL_FPE, SIGFPE, FPE_FLTINV},
    {17, GDB_SIGNAL_BUS, SIGBUS, BUS_ADRALN},    {18, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},
    {19, GDB_SIGNAL_FPE, SIGFPE, FPE_FLTINV},    {20, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},
    {21, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},   {31, GDB_SIGNAL_SEGV, SIGSEGV, SI_KERNEL},
};

static siginfo_t siginfo(struct rig *r)
{
    const void *data;
    size_t size;
    siginfo_t info;
    assert_int_equal(debug_ops.object(r->d, GDB_OBJECT_SIGINFO, &data, &size), 0);
    assert_int_equal(size, sizeof(info));
    memcpy(&info, data, sizeof(info));
    return info;
}

/* Every vector: its signal, its siginfo; taken back by signal 0 the instruction is tried again. */
static void test_every_fault(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    for (size_t i = 0; i < COUNT(signals); i++) {
        bool trap = signals[i].vector == VECTOR_BREAKPOINT;
        entered_at(r, r->text);
        CODE_AT(r, 0, trap ? 0xcc : 0x90); /* without one it would be a hit that comes late */
        play_fault(r, r->text + trap, signals[i].vector, signals[i].vector == 14 ? 4 : 0, 0x1234);
        expect_signal(r, signals[i].gdb);
        siginfo_t info = siginfo(r);
        assert_int_equal(info.si_signo, signals[i].host);
        assert_int_equal(info.si_code, signals[i].code);
        hl_gva_t at = signals[i].vector == 14 ? 0x1234 : r->text + trap;
        assert_ptr_equal(info.si_addr, signals[i].code == SI_KERNEL ? NULL : (void *)at);
        set_reg(r, GDB_AMD64_RIP, r->text);
        CONTINUE(r);
    }
    entered_at(r, r->text);
    play_fault(r, r->text, 14, 7, r->text);
    expect_signal(r, GDB_SIGNAL_SEGV);
    assert_int_equal(siginfo(r).si_code, SEGV_ACCERR);
    CONTINUE(r);
    entered_at(r, r->text);
    call_end(r);
}

/* Delivered, it ends the call; what it was stays. */
static void test_deliver(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    play_fault(r, r->text + 3, 0, 0, 0);
    expect_signal(r, GDB_SIGNAL_FPE);
    resume_how(r, GDB_CONTINUE, GDB_SIGNAL_FPE);
    call_over(r, HL_ERR_FAULT);
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, GDB_STOP_KILLED);
    assert_int_equal(stop.signal, GDB_SIGNAL_FPE);
    assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_POISONED);
    assert_int_equal(hl_sandbox_fault(r->sb)->rip, r->text + 3);
    assert_int_equal(debug_ops.attach(r->d), 0);
    expect_signal(r, GDB_SIGNAL_FPE);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 3);
    assert_int_equal(siginfo(r).si_signo, SIGFPE);
}

/* Signals that are ignored by default are not delivered. */
static void test_harmless_signal(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    play_fault(r, r->text + 3, 0, 0, 0);
    expect_signal(r, GDB_SIGNAL_FPE);
    resume_how(r, GDB_CONTINUE, 20); /* CHLD */
    entered_at(r, r->text + 3);
    call_end(r);
}

/* Those that the debugger lets pass end the call without a word. */
static void test_pass_signals(void **state)
{
    struct rig *r = *state;
    uint8_t pass[GDB_SIGNALS / 8] = {0};

    begin_attached(r);
    pass[GDB_SIGNAL_SEGV / 8] = 1u << GDB_SIGNAL_SEGV % 8;
    assert_int_equal(debug_ops.pass_signals(r->d, pass), 0);
    play_fault(r, r->text, 13, 0, 0);
    call_over(r, HL_ERR_FAULT);
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, GDB_STOP_KILLED);
    assert_int_equal(stop.signal, GDB_SIGNAL_SEGV);
}

/* `signal SIGUSR1` where the guest stands for another reason: there is no handler to run. */
static void test_struck(void **state)
{
    struct rig *r = *state;

    stand(r);
    unsigned before = entries(r);
    resume_how(r, GDB_STEP, 20); /* CHLD is ignored */
    entered_again(r, before);
    play_step(r, r->text + 1);
    expect_step(r, r->text + 1);
    resume_how(r, GDB_CONTINUE, 30);
    call_over(r, HL_ERR_GUEST_ABORT);
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, GDB_STOP_KILLED);
    assert_int_equal(stop.signal, 30);
    assert_int_equal(hl_sandbox_state(r->sb), HL_SANDBOX_POISONED);
    assert_int_equal(r->sb->killed_by, SIGUSR1);
}

/* Nobody attached: the call fails as ever. */
static void test_fault_alone(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    unsigned before = entries(r);
    debug_ops.detach(r->d);
    entered_again(r, before);
    play_fault(r, r->text, 13, 0, 0);
    call_over(r, HL_ERR_FAULT);
    expect_nothing(r);
}

/* abort() and raise(), in GDB's numbers; taken back they return. */
static void test_raise(void **state)
{
    static const struct {
        int host, gdb;
    } raised[] = {{SIGABRT, GDB_SIGNAL_ABRT},
                  {SIGTERM, GDB_SIGNAL_TERM},
                  {SIGBUS, GDB_SIGNAL_BUS},
                  {SIGUSR1, 30},
                  {SIGUSR2, 31},
                  {SIGKILL, GDB_SIGNAL_KILL}};
    struct rig *r = *state;

    begin_attached(r);
    CODE_AT(r, 0, 0x0f, 0x05, NOP);
    for (size_t i = 0; i < COUNT(raised); i++) {
        entered_at(r, r->text);
        r->v->regs.rdi = 1;
        r->v->regs.rsi = (uint64_t)raised[i].host;
        play_syscall(r, r->text, 200); /* tkill */
        expect_signal(r, raised[i].gdb);
        assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 2);
        assert_int_equal(siginfo(r).si_signo, raised[i].host);
        CONTINUE(r);
        entered_at(r, r->text + 2);
        assert_int_equal(r->v->regs.rax, 0);
        debug_ops.interrupt(r->d);
        expect_signal(r, GDB_SIGNAL_INT);
        set_reg(r, GDB_AMD64_RIP, r->text);
        CONTINUE(r);
    }
    entered_at(r, r->text);
    r->v->regs.rdi = 1;
    r->v->regs.rsi = SIGABRT;
    play_syscall(r, r->text, 200);
    expect_signal(r, GDB_SIGNAL_ABRT);
    resume_how(r, GDB_CONTINUE, GDB_SIGNAL_ABRT);
    call_over(r, HL_ERR_GUEST_ABORT);
    assert_int_equal(take(r).reason, GDB_STOP_KILLED);
}

static void test_hl_abort(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    CODE_AT(r, 0, 0xee, NOP);
    r->sb->output->message = (struct hl_message){.kind = HL_MSG_ABORT,
                                                 .code = 42,
                                                 .count = 1,
                                                 .slot[0] = {.type = HL_STRING, .bits = r->data}};
    play_out(r, r->text, HL_PORT_ABORT);
    expect_signal(r, GDB_SIGNAL_ABRT);
    assert_int_equal(reg(r, GDB_AMD64_RIP), r->text + 1);
    assert_int_equal(siginfo(r).si_signo, SIGABRT);
    resume_how(r, GDB_CONTINUE, GDB_SIGNAL_ABRT);
    call_over(r, HL_ERR_GUEST_ABORT);
    assert_int_equal(take(r).signal, GDB_SIGNAL_ABRT);
}

/* The vCPU is beyond use: it can be looked at, not resumed. */
static void test_shutdown(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    r->v->regs.rbx = 0x1234;
    scripted_leave(r->v,
                   &(struct hl_exit){.kind = HL_EXIT_SHUTDOWN, .shutdown.why = "triple fault"});
    expect_signal(r, GDB_SIGNAL_SEGV);
    assert_int_equal(reg(r, GDB_AMD64_RBX), 0x1234);
    expect_byte(r, r->text, seen(r, r->text));
    CONTINUE(r);
    call_over(r, HL_ERR_FAULT);
    assert_int_equal(take(r).reason, GDB_STOP_KILLED);
}

/* A guest that breaks the ABI. */
static void test_protocol(void **state)
{
    struct rig *r = *state;

    begin_attached(r);
    CODE_AT(r, 0, 0xee, NOP);
    r->sb->output->message.kind = HL_MSG_READY;
    play_out(r, r->text, HL_PORT_CALL);
    expect_signal(r, GDB_SIGNAL_SYS);
    CONTINUE(r);
    call_over(r, HL_ERR_PROTOCOL);
    assert_int_equal(take(r).reason, GDB_STOP_KILLED);
}

static void test_siginfo_of_stops(void **state)
{
    struct rig *r = *state;
    const void *data;
    size_t size;

    rig_open(r);
    attach_idle(r);
    assert_int_equal(debug_ops.object(r->d, GDB_OBJECT_SIGINFO, &data, &size), HL_ERR_STATE);
    set_reg(r, GDB_AMD64_RIP, r->text);
    STEP(r);
    call_begin(r);
    entered_at(r, r->text);
    play_step(r, r->text + 1);
    expect_step(r, r->text + 1);
    assert_int_equal(siginfo(r).si_signo, SIGTRAP);
    assert_int_equal(siginfo(r).si_code, TRAP_TRACE);
    CONTINUE(r);
    entered_at(r, r->text + 1);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
    assert_int_equal(siginfo(r).si_signo, SIGINT);
}

int main(void)
{
    watchdog(120);
    const struct CMUnitTest tests[] = {
        ON_ALL_ROADS(test_every_fault),
        ON_ALL_ROADS(test_deliver),
        ON_ALL_ROADS(test_harmless_signal),
        ON_ALL_ROADS(test_pass_signals),
        ON_ALL_ROADS(test_struck),
        ON_ALL_ROADS(test_fault_alone),
        ON_ALL_ROADS(test_raise),
        ON_ALL_ROADS(test_hl_abort),
        ON_ALL_ROADS(test_shutdown),
        ON_ALL_ROADS(test_protocol),
        ON_ALL_ROADS(test_siginfo_of_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
