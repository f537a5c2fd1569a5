/* SPDX-License-Identifier: Apache-2.0 */
/* command/life.c - the guest's beginnings and ends: run, restart, attach, detach, kill. */
#include "stub.h"

enum gdb_result gdb_cmd_extended(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    s->extended = true;
    return gdb_ok(s);
}

int gdb_attach(struct gdb_session *s)
{
    const struct gdb_target *t = s->target;
    int rc;

    gdb_points_reset(&s->points, true);
    s->state = GDB_STARTING;
    rc = t->ops->attach(t->self);
    if (!rc)
        return 0;
    gdb_points_reset(&s->points, false);
    s->state = GDB_FREE;
    return rc;
}

int gdb_restart(struct gdb_session *s)
{
    enum gdb_state before = s->state;
    int rc;

    gdb_catch_none(s);
    s->state = GDB_STARTING;
    rc = s->target->ops->restart(s->target->self);
    if (rc)
        s->state = before;
    else
        gdb_points_reset(&s->points, true);
    return rc;
}

enum gdb_result gdb_cmd_detach(struct gdb_session *s, struct gdb_text *args)
{
    if (gdb_text_is(args, ';') && !gdb_process_match(s, args))
        return gdb_error(s, "no such process");
    if (gdb_text_left(args))
        return gdb_bad_packet(s);
    gdb_let_go(s);
    s->closing = !s->extended;
    return gdb_ok(s);
}

static void kill_guest(struct gdb_session *s)
{
    if (!gdb_alive(s))
        return;
    gdb_points_reset(&s->points, true);
    s->target->ops->kill(s->target->self);
    gdb_buf_free(&s->catch_numbers);
    s->state = GDB_GONE;
    s->stop_due = s->attach_due = s->restart_due = false;
    s->halt_due = s->pausing = s->paused = false;
    s->stop = (struct gdb_stop){.reason = GDB_STOP_KILLED, .signal = GDB_SIGNAL_KILL};
}

/* GDB waits for no reply, and would take one for the next packet's; LLDB does wait. */
enum gdb_result gdb_cmd_kill(struct gdb_session *s, struct gdb_text *args)
{
    bool live = gdb_alive(s);

    (void)args;
    kill_guest(s);
    s->closing = !s->extended;
    if (!live || !s->lldb)
        return GDB_SILENT;
    gdb_stop_reply(s);
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_vkill(struct gdb_session *s, struct gdb_text *args)
{
    if (!gdb_process_named(s, args))
        return gdb_error(s, "no such process");
    kill_guest(s);
    return gdb_ok(s);
}

/* "HEX;HEX": the packet's bytes are ours to decode in. */
static bool are_hex_strings(struct gdb_text *args)
{
    while (gdb_text_left(args)) {
        struct gdb_text word = gdb_text_until(args, ';');
        size_t digits = gdb_text_left(&word);

        if (digits % 2 || !gdb_text_hex(&word, (uint8_t *)(uintptr_t)word.at, digits / 2))
            return false;
    }
    return true;
}

/* The program and its arguments are the target's affair: GDB's are accepted and not used. */
enum gdb_result gdb_cmd_vrun(struct gdb_session *s, struct gdb_text *args)
{
    int rc;

    if (!s->target->ops->restart)
        return GDB_REPLY;
    if (!are_hex_strings(args)) /* else a damaged packet would end the guest */
        return gdb_bad_packet(s);
    s->restart_due = s->state == GDB_FREE;
    rc = s->restart_due ? gdb_attach(s) : gdb_restart(s);
    if (rc) {
        s->restart_due = false;
        return gdb_error_code(s, "cannot run", rc);
    }
    s->stop_due = true;
    return GDB_SILENT;
}

/* R has no reply. */
enum gdb_result gdb_cmd_restart(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    if (!s->target->ops->restart)
        return GDB_REPLY;
    s->restart_due = s->state == GDB_FREE;
    if (s->restart_due ? gdb_attach(s) : gdb_restart(s))
        s->restart_due = false;
    return GDB_SILENT;
}

/* There is one process; the client's first packet has attached to it, unless it was detached since.
 */
enum gdb_result gdb_cmd_vattach(struct gdb_session *s, struct gdb_text *args)
{
    int rc;

    if (!gdb_process_named(s, args) || s->state == GDB_GONE)
        return gdb_error(s, "no such process; this server has process %u", gdb_process(s));
    if (s->state == GDB_HELD) {
        gdb_stop_reply(s);
        return GDB_REPLY;
    }
    rc = gdb_attach(s);
    if (rc)
        return gdb_error_code(s, "cannot attach", rc);
    s->stop_due = s->attach_due = true;
    return s->non_stop ? gdb_ok(s) : GDB_SILENT;
}
