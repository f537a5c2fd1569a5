/* SPDX-License-Identifier: Apache-2.0 */
/* command/run.c - the packets that resume and stop the guest. */
#include "stub.h"

enum gdb_result gdb_cmd_why(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    if (s->non_stop) {
        if (gdb_running(s)) /* no thread stands */
            return gdb_ok(s);
        s->notified = true; /* the client goes on with vStopped */
        s->stop_due = false;
    }
    if (s->state == GDB_FREE) /* an extended client between two guests */
        gdb_buf_text(&s->reply, "W00");
    else
        gdb_stop_reply(s);
    return GDB_REPLY;
}

static enum gdb_result resume(struct gdb_session *s, const struct gdb_resume *how)
{
    int rc;

    if (s->non_stop && gdb_running(s)) /* nothing to do for a thread that runs */
        return gdb_ok(s);
    s->resumed = *how;
    rc = gdb_resume_again(s);
    if (rc)
        return gdb_error_code(s, "cannot resume", rc);
    gdb_session_console(s);
    return s->non_stop ? gdb_ok(s) : GDB_SILENT;
}

/* The old packets: [SIGNAL][;][ADDRESS].  An address would mean writing pc, which GDB does itself.
 */
static enum gdb_result old_resume(struct gdb_session *s, struct gdb_text *args,
                                  enum gdb_resume_how how, bool with_signal)
{
    struct gdb_resume r = {.how = how};
    uint64_t signal = 0;

    if (with_signal && (!gdb_text_number(args, &signal) || signal >= GDB_SIGNALS))
        return gdb_bad_packet(s);
    if (gdb_text_left(args))
        return gdb_error(s, "resuming at another address: write pc instead");
    r.signal = (int)signal;
    return resume(s, &r);
}

enum gdb_result gdb_cmd_continue(struct gdb_session *s, struct gdb_text *args)
{
    return old_resume(s, args, GDB_CONTINUE, false);
}

enum gdb_result gdb_cmd_continue_signal(struct gdb_session *s, struct gdb_text *args)
{
    return old_resume(s, args, GDB_CONTINUE, true);
}

enum gdb_result gdb_cmd_step(struct gdb_session *s, struct gdb_text *args)
{
    return old_resume(s, args, GDB_STEP, false);
}

enum gdb_result gdb_cmd_step_signal(struct gdb_session *s, struct gdb_text *args)
{
    return old_resume(s, args, GDB_STEP, true);
}

enum gdb_result gdb_cmd_vcont_query(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    gdb_buf_text(&s->reply, "vCont;c;C;s;S;t");
    if (s->target->range_step)
        gdb_buf_text(&s->reply, ";r");
    return GDB_REPLY;
}

/* One action without its thread; *stop for `t`. */
static bool parse_action(struct gdb_session *s, struct gdb_text *text, struct gdb_resume *r,
                         bool *stop)
{
    uint64_t signal = 0;
    char verb;

    if (!gdb_text_left(text))
        return false;
    verb = (char)*text->at++;
    *r = (struct gdb_resume){.how = verb == 's' || verb == 'S' ? GDB_STEP : GDB_CONTINUE};
    *stop = verb == 't';
    switch (verb) {
    case 'c':
    case 's':
    case 't':
        break;
    case 'C':
    case 'S':
        if (!gdb_text_number(text, &signal) || signal >= GDB_SIGNALS)
            return false;
        r->signal = (int)signal;
        break;
    case 'r':
        r->how = GDB_RANGE_STEP;
        if (!s->target->range_step || !gdb_text_pair(text, &r->start, &r->end))
            return false;
        break;
    default:
        return false;
    }
    return !gdb_text_left(text);
}

/* The leftmost action that names our thread counts; a packet with any malformed one does nothing.
 */
enum gdb_result gdb_cmd_vcont(struct gdb_session *s, struct gdb_text *args)
{
    struct gdb_resume chosen = {0};
    bool found = false, halt = false;

    do {
        struct gdb_text action = gdb_text_until(args, ';');
        struct gdb_text verb = gdb_text_until(&action, ':');
        bool bare = action.at == verb.end, ours = true, stop;
        struct gdb_resume r;

        if (!parse_action(s, &verb, &r, &stop))
            return gdb_bad_packet(s);
        if (!bare)
            ours = gdb_thread_match(s, &action);
        if (!bare && ours && gdb_text_left(&action))
            return gdb_bad_packet(s);
        if (ours && !found) {
            chosen = r;
            halt = stop;
            found = true;
        }
    } while (gdb_text_left(args));
    if (!found)
        return gdb_error(s, "no such thread");
    if (halt && s->non_stop)
        return gdb_nonstop_halt(s);
    if (halt) /* it is stopped already */
        return gdb_cmd_why(s, args);
    return resume(s, &chosen);
}

/*
 * A break-in that comes while the guest is held has crossed a stop on the wire, and that stop
 * answers it - but for the end of a step: a client that steps by itself (GDB for a software
 * watchpoint) steps on and would never be stopped.  It is then due at the next resume.
 */
void gdb_break_in(struct gdb_session *s)
{
    if (s->paused) {
        s->break_in = true; /* made when the pause is over */
    } else if (s->state == GDB_RUNNING) {
        s->break_in = true;
        s->target->ops->interrupt(s->target->self);
    } else if (s->state == GDB_HELD && s->stop.reason == GDB_STOP_STEP) {
        s->break_in = true;
    }
}

enum gdb_result gdb_cmd_interrupt(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    gdb_break_in(s);
    return gdb_ok(s);
}
