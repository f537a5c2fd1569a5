/* SPDX-License-Identifier: Apache-2.0 */
/* ptrace_run.c - the tracer's loop: run, wait, find out why, report. */
#include "ptrace_target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* The result of a wait, in short. */
enum outcome { ENDED, STOPPED };

static void child(struct pt *t, int out)
{
    personality(ADDR_NO_RANDOMIZE);
    if (out >= 0)
        dup2(out, STDOUT_FILENO);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    execv(t->argv[0], t->argv);
    _exit(127);
}

void pt_start(struct pt *t)
{
    int out[2] = {-1, -1}, status;
    char name[64];

    if (t->out_fd >= 0)
        close(t->out_fd);
    t->out_fd = -1;
    if (t->capture && pipe2(out, O_CLOEXEC))
        abort();
    t->pid = fork();
    if (!t->pid)
        child(t, out[1]);
    if (out[1] >= 0)
        close(out[1]);
    t->out_fd = out[0];
    if (waitpid(t->pid, &status, 0) != t->pid || !WIFSTOPPED(status))
        abort();
    ptrace(PTRACE_SETOPTIONS, t->pid, NULL, PTRACE_O_EXITKILL);
    if (t->mem_fd >= 0)
        close(t->mem_fd);
    snprintf(name, sizeof(name), "/proc/%d/mem", (int)t->pid);
    t->mem_fd = open(name, O_RDWR | O_CLOEXEC);
    t->stop_sent = false;
    t->point_count = 0;
    memset(t->slots, 0, sizeof(t->slots));
    t->stop = (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_TRAP};
}

/* What the guest has printed so far is sent before the stop that follows it. */
static void drain(struct pt *t)
{
    struct pollfd p = {t->out_fd, POLLIN, 0};
    char text[4096];
    ssize_t n;

    while (t->out_fd >= 0 && poll(&p, 1, 0) > 0 && (n = read(t->out_fd, text, sizeof(text))) > 0)
        t->hooks.console(t->hooks.opaque, text, (size_t)n);
}

static enum outcome wait_for(struct pt *t, int *signal)
{
    int status = 0;

    while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    pthread_mutex_lock(&t->hook_lock);
    if (t->bound)
        drain(t);
    pthread_mutex_unlock(&t->hook_lock);
    if (WIFSTOPPED(status)) {
        *signal = WSTOPSIG(status);
        return STOPPED;
    }
    t->stop = (struct gdb_stop){.reason = WIFEXITED(status) ? GDB_STOP_EXITED : GDB_STOP_KILLED,
                                .status = WEXITSTATUS(status),
                                .signal = pt_gdb_signal(WTERMSIG(status))};
    pthread_mutex_lock(&t->lock); /* kill(0, ...) would hit everybody */
    t->pid = 0;
    pthread_mutex_unlock(&t->lock);
    return ENDED;
}

static void go(struct pt *t, bool step, int signal)
{
    ptrace(step ? PTRACE_SINGLESTEP : PTRACE_CONT, t->pid, NULL, (long)signal);
}

/* The point at pc, which must not be there while its own instruction is executed. */
static bool lift(struct pt *t, uint64_t pc, bool up)
{
    static const uint8_t trap = 0xcc;
    struct pt_point *p = pt_find(t, GDB_SW_BREAK, pc);
    bool found = p;

    if (p)
        pt_raw(t, pc, up ? &p->under : (uint8_t *)(uintptr_t)&trap, 1, true);
    for (unsigned i = 0; i < PT_SLOTS; i++) {
        if (t->slots[i].users && !t->slots[i].kind && t->slots[i].address == pc) {
            t->slots[i].size = up ? 0 : 1;
            pt_debug_registers(t, 0, NULL, 0);
            found = true;
        }
    }
    return found;
}

/* Why it stopped with SIGTRAP; false: nobody's business, go on. */
static bool trapped(struct pt *t, bool stepped, bool own)
{
    uint64_t pc = pt_get_pc(t);
    enum pt_hit hit;
    bool reported;

    pthread_mutex_lock(&t->lock);
    hit = pt_debug_hit(t, &t->stop);
    if (hit != PT_HIT && !stepped && pt_find(t, GDB_SW_BREAK, pc - 1)) {
        pt_set_pc(t, pc - 1);
        t->stop.reason = GDB_STOP_SW_BREAK;
        t->stop.address = pc - 1;
        hit = PT_HIT;
    }
    pthread_mutex_unlock(&t->lock);
    if (hit == PT_HIT) {
        pthread_mutex_lock(&t->hook_lock);
        reported = t->bound && t->hooks.report(t->hooks.opaque, &t->stop);
        pthread_mutex_unlock(&t->hook_lock);
        return reported;
    }
    t->stop.reason = stepped ? GDB_STOP_STEP : GDB_STOP_SIGNAL;
    t->stop.signal = GDB_SIGNAL_TRAP;
    t->stop.address = pc - 1;
    t->stop.trap = own;
    return stepped || hit == PT_NO_HIT;
}

/* The guest's own int3 below a point is not executed again: that hit has been seen. */
static bool pass_own_trap(struct pt *t, uint64_t pc)
{
    struct pt_point *p = pt_find(t, GDB_SW_BREAK, pc);

    if (!p || p->under != 0xcc)
        return false;
    pt_set_pc(t, pc + 1);
    t->stop = (struct gdb_stop){.reason = GDB_STOP_STEP};
    return true;
}

/*
 * One turn; true: t->stop is to be reported.  over: past the point at pc, whose hit was not wanted.
 * Otherwise a point at pc is hit at once: GDB takes it out when it means to go past it.
 */
static bool turn(struct pt *t, bool step, bool over, int *signal)
{
    uint64_t pc = pt_get_pc(t);
    bool lifted, stepped, reported;
    int host = 0;

    if (over && pass_own_trap(t, pc))
        return step;
    lifted = over && lift(t, pc, true);
    stepped = step || lifted;
    pt_note_watched(t);
    go(t, stepped, *signal);
    *signal = 0;
    if (wait_for(t, &host) == ENDED)
        return true;
    if (lifted)
        lift(t, pc, false);
    t->stop = (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = pt_gdb_signal(host)};
    if (host == SIGTRAP) {
        siginfo_t info = {0};
        ptrace(PTRACE_GETSIGINFO, t->pid, NULL, &info);
        /* The guest's own int3, stepped: SI_KERNEL, not a trace trap. */
        reported = trapped(t, stepped && info.si_code != SI_KERNEL, info.si_code == SI_KERNEL);
        return reported && (step || t->stop.reason != GDB_STOP_STEP);
    }
    if (host == SIGSTOP && t->stop_sent) {
        pthread_mutex_lock(&t->lock);
        t->stop_sent = false;
        reported = t->want_stop;
        pthread_mutex_unlock(&t->lock);
        t->stop.signal = GDB_SIGNAL_INT;
        return reported;
    }
    /* A point where nothing may be executed (GDB's, on the stack) is hit by the fault. */
    if (!t->debugged || ((t->pass[t->stop.signal / 8] >> t->stop.signal % 8 & 1) &&
                         !pt_find(t, GDB_SW_BREAK, pt_get_pc(t)))) {
        *signal = host;
        return false;
    }
    return true;
}

/* Run until there is something to report. */
static void run(struct pt *t, const struct gdb_resume *how)
{
    int signal = pt_host_signal(how->signal);
    bool step = how->how != GDB_CONTINUE, reported, over = false;

    do {
        reported = turn(t, step, over, &signal);
        over = !reported &&
               (t->stop.reason == GDB_STOP_SW_BREAK || t->stop.reason == GDB_STOP_HW_BREAK);
        if (t->pid && reported && how->how == GDB_RANGE_STEP && t->stop.reason == GDB_STOP_STEP) {
            uint64_t pc = pt_get_pc(t);
            pthread_mutex_lock(&t->lock);
            /* A break-in has sent a SIGSTOP, which ends the next step. */
            reported = pc < how->start || pc >= how->end || pt_find(t, GDB_SW_BREAK, pc) ||
                       pt_find(t, GDB_HW_BREAK, pc);
            pthread_mutex_unlock(&t->lock);
        }
    } while (t->pid && !reported);
}

static void announce_event(struct pt *t)
{
    uint64_t one = 1;

    t->want_stop = t->event_due = false;
    t->event = true;
    (void)!write(t->event_fd, &one, sizeof(one));
}

static void serve_request(struct pt *t)
{
    int (*request)(struct pt *, unsigned, void *, size_t) = t->request;
    int rc;

    pthread_mutex_unlock(&t->lock);
    rc = t->pid ? request(t, t->request_number, t->request_data, t->request_size) : HL_ERR_STATE;
    pthread_mutex_lock(&t->lock);
    t->request_result = rc;
    t->request = NULL;
    t->request_done = true;
    pthread_cond_broadcast(&t->changed);
}

/* Those of a debugger that has gone. */
static void drop_points(struct pt *t)
{
    t->drop = false;
    pthread_mutex_unlock(&t->lock);
    if (t->pid)
        pt_remove_all(t);
    pthread_mutex_lock(&t->lock);
}

/* Held, or ended: until asked to run, start or quit. */
static void hold(struct pt *t)
{
    t->held = true;
    while (t->drop || (!t->want_run && !t->want_start && !t->quit)) {
        if (t->drop)
            drop_points(t);
        else if (t->request)
            serve_request(t);
        else if (t->event_due)
            announce_event(t);
        else
            pthread_cond_wait(&t->changed, &t->lock);
    }
    t->held = false;
}

static void end_process(struct pt *t)
{
    if (t->pid) {
        kill(t->pid, SIGKILL);
        waitpid(t->pid, NULL, __WALL);
        t->pid = 0;
    }
}

void pt_run(struct pt *t)
{
    struct gdb_resume how;
    bool free_run;

    t->tracer = pthread_self();
    pthread_mutex_lock(&t->lock);
    pt_start(t);
    while (!t->quit) {
        hold(t);
        if (t->want_start) {
            t->want_start = false;
            end_process(t);
            pt_start(t);
            continue;
        }
        how = t->resume;
        t->want_run = false;
        if (t->quit || !t->pid)
            continue;
        free_run = !t->debugged;
        if (free_run)
            t->want_stop = false;
        pthread_mutex_unlock(&t->lock);
        run(t, &how);
        pthread_mutex_lock(&t->lock);
        if (!t->debugged && t->pid && !t->want_run && !t->event_due) {
            /* Stopped only because a debugger came and went: on. */
            t->want_run = true;
            t->resume = (struct gdb_resume){.how = GDB_CONTINUE};
        }
    }
    end_process(t);
    pthread_mutex_unlock(&t->lock);
}
