/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/nonstop.c - GDB's non-stop mode: the client goes on talking while the guest runs.
 *
 * A resume is answered at once; a stop comes as the notification `%Stop`, which the client answers
 * with vStopped until it hears OK ("Remote Non-Stop").  What needs a held guest, such as memory or
 * a breakpoint, is done in a pause: the guest is broken into, all that waits is answered, and the
 * guest goes on as it was resumed.  The client does not see the pause.
 */
#include "stub.h"

enum gdb_result gdb_cmd_non_stop(struct gdb_session *s, struct gdb_text *args)
{
    bool on = gdb_text_is(args, '1');

    if ((!on && !gdb_text_is(args, '0')) || gdb_text_left(args))
        return gdb_bad_packet(s);
    s->non_stop = on;
    s->notified = false;
    return gdb_ok(s);
}

/* The client has one notification at a time to answer: another stop waits for its vStopped. */
void gdb_nonstop_report(struct gdb_session *s)
{
    if (s->notified)
        return;
    s->stop_due = false;
    s->notified = true;
    gdb_buf_clear(&s->reply);
    gdb_buf_text(&s->reply, "Stop:");
    gdb_stop_reply(s);
    if (!gdb_encode_notification(&s->out, s->reply.data, s->reply.size))
        s->closing = true;
}

enum gdb_result gdb_cmd_stopped(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    if (s->notified && s->stop_due && !gdb_running(s)) {
        s->stop_due = false;
        gdb_stop_reply(s);
        return GDB_REPLY;
    }
    s->notified = false;
    return gdb_ok(s);
}

/* vCont;t: a stop with signal 0, which no signal of the guest's is taken for. */
enum gdb_result gdb_nonstop_halt(struct gdb_session *s)
{
    if (gdb_running(s)) {
        s->halt_due = true;
        if (s->state == GDB_RUNNING)
            s->target->ops->interrupt(s->target->self);
    }
    return gdb_ok(s);
}

/* Packets wait that need a held guest. */
void gdb_nonstop_pause(struct gdb_session *s)
{
    if (!s->non_stop || s->state != GDB_RUNNING || s->pausing)
        return;
    s->pausing = true;
    s->target->ops->interrupt(s->target->self);
}

/* Is this event the pause we asked for?  A stop of the guest's own that came first is not. */
bool gdb_nonstop_paused(struct gdb_session *s, const struct gdb_stop *stop)
{
    bool ours = s->pausing && !s->break_in && !s->halt_due && stop->reason == GDB_STOP_SIGNAL &&
                stop->signal == GDB_SIGNAL_INT;

    s->pausing = false;
    s->paused = ours;
    if (ours)
        s->state = GDB_HELD;
    return ours;
}

/* A step that the pause cut short has not been made. */
void gdb_nonstop_go_on(struct gdb_session *s)
{
    bool still = s->paused && s->state == GDB_HELD;

    s->paused = false;
    if (still && gdb_resume_again(s)) { /* it cannot go on: it stands, and the client learns it */
        s->stop = (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_0};
        gdb_nonstop_report(s);
    }
}
