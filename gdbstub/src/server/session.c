/* SPDX-License-Identifier: Apache-2.0 */
/* server/session.c - the life of a session: bytes in, events in, frames out. */
#include "stub.h"

#include <string.h>
#include <unistd.h>

static void console_hook(void *opaque, const void *data, size_t size)
{
    struct gdb_session *s = opaque;
    enum gdb_state state = s->state;

    if (state != GDB_FREE && state != GDB_GONE)
        gdb_console_add(&s->console, data, size);
}

static bool report_hook(void *opaque, const struct gdb_stop *stop)
{
    struct gdb_session *s = opaque;

    return gdb_points_report(&s->points, stop);
}

int gdb_session_init(struct gdb_session *s, const struct gdb_target *target)
{
    struct gdb_hooks hooks = {report_hook, console_hook, s};
    int rc;

    memset(s, 0, sizeof(*s));
    s->target = target;
    s->console.wake = -1;
    s->parser.body.max = GDB_PACKET_SIZE;
    s->reply.max = 2 * GDB_PACKET_SIZE;
    s->pending.max = s->out.max = GDB_QUEUE_MAX;
    s->last.max = 2 * GDB_PACKET_SIZE + 16;
    s->description.max = s->object.max = GDB_XFER_MAX;
    s->object_name.max = GDB_PACKET_SIZE;
    s->catch_numbers.max = GDB_CATCH_MAX;
    s->console.text.max = GDB_CONSOLE_MAX;
    if (pthread_mutex_init(&s->console.lock, NULL))
        return HL_ERR_SYSTEM;
    rc = gdb_points_init(&s->points, target, console_hook, s);
    if (rc)
        goto no_points;
    rc = gdb_describe(s);
    if (!rc)
        rc = target->ops->bind(target->self, &hooks);
    if (!rc)
        return 0;
    gdb_points_free(&s->points);
no_points:
    pthread_mutex_destroy(&s->console.lock);
    gdb_buf_free(&s->description);
    return rc;
}

void gdb_session_forget(struct gdb_session *s)
{
    struct gdb_buf *buffers[] = {&s->parser.body, &s->reply,       &s->last,
                                 &s->pending,     &s->out,         &s->object,
                                 &s->object_name, &s->description, &s->console.text};

    gdb_points_free(&s->points);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        gdb_buf_free(buffers[i]);
}

void gdb_session_free(struct gdb_session *s)
{
    gdb_let_go(s);
    s->target->ops->bind(s->target->self, NULL);
    pthread_mutex_destroy(&s->console.lock);
    gdb_session_forget(s);
}

void gdb_session_end(struct gdb_session *s)
{
    struct gdb_buf *buffers[] = {&s->reply, &s->last, &s->pending, &s->out, &s->object_name};

    gdb_let_go(s);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(*buffers); i++)
        gdb_buf_free(buffers[i]);
    gdb_buf_free(&s->parser.body);
    gdb_buf_free(&s->object);
    s->parser.state = GDB_OUTSIDE;
    s->noise = 0;
    s->spoken = s->closing = s->no_ack = s->no_ack_next = s->extended = false;
    s->multiprocess = s->swbreak = s->hwbreak = s->non_stop = s->notified = false;
    s->described = s->lldb = false;
    s->error_text = s->error_message = false;
    gdb_files_close(s);
    pthread_mutex_lock(&s->console.lock);
    gdb_buf_clear(&s->console.text);
    s->console.dropped = 0;
    pthread_mutex_unlock(&s->console.lock);
}

/* The first whole packet, not the connection, is what stops the guest. */
static void begin(struct gdb_session *s)
{
    int rc;

    s->spoken = true;
    rc = gdb_attach(s);
    if (!rc)
        return;
    s->error_text = true;
    gdb_buf_clear(&s->reply);
    gdb_error_code(s, "cannot attach", rc);
    gdb_send(s, &s->reply);
    s->closing = true;
}

static bool ready(const struct gdb_session *s)
{
    return s->state == GDB_HELD || !gdb_alive(s);
}

static void run_pending(struct gdb_session *s)
{
    uint32_t size;

    while (!s->closing && s->pending.size >= sizeof(size)) {
        memcpy(&size, s->pending.data, sizeof(size));
        if (!ready(s) && size && !gdb_command_anytime(s, s->pending.data + sizeof(size), size))
            break;
        if (size)
            gdb_dispatch(s, s->pending.data + sizeof(size), size);
        else
            gdb_break_in(s);
        gdb_buf_drop(&s->pending, sizeof(size) + size);
    }
    if (s->pending.size)
        gdb_nonstop_pause(s);
}

/* Size 0 stands for an interrupt. */
static void enqueue(struct gdb_session *s, const void *data, uint32_t size)
{
    if (!gdb_buf_add(&s->pending, &size, sizeof(size)) || !gdb_buf_add(&s->pending, data, size))
        s->closing = true;
    run_pending(s);
}

static void packet(struct gdb_session *s)
{
    struct gdb_buf *body = &s->parser.body;

    if (!s->no_ack)
        gdb_buf_byte(&s->out, '+');
    if (!s->spoken)
        begin(s);
    if (s->closing)
        return;
    if (!body->size) { /* the empty packet asks nothing and is not supported */
        gdb_buf_clear(&s->reply);
        gdb_send(s, &s->reply);
    } else if (ready(s) && !s->pending.size) {
        gdb_dispatch(s, body->data, body->size);
    } else {
        enqueue(s, body->data, (uint32_t)body->size);
    }
}

/* With acks the client sends it again; without, it must not wait for a reply that never comes. */
static void bad_packet(struct gdb_session *s, bool too_long)
{
    if (!s->no_ack)
        gdb_buf_byte(&s->out, too_long ? '+' : '-');
    if (!s->no_ack && !too_long)
        return;
    gdb_buf_clear(&s->reply);
    gdb_error(s, too_long ? "packet too long" : "wrong checksum");
    gdb_send(s, &s->reply);
}

static void interrupt(struct gdb_session *s)
{
    if (s->state != GDB_RUNNING && s->pending.size)
        enqueue(s, NULL, 0);
    else
        gdb_break_in(s);
}

/*
 * A debugger's first byte begins a packet, or is an ack or a break-in.  Anything else
 * is another protocol, such as a browser's POST, whose body may contain packets.
 */
static void byte_in(struct gdb_session *s, uint8_t byte)
{
    switch (gdb_parse(&s->parser, byte)) {
    case GDB_FRAME_MORE:
        break;
    case GDB_FRAME_PACKET:
        packet(s);
        break;
    case GDB_FRAME_BAD:
        bad_packet(s, false);
        break;
    case GDB_FRAME_LONG:
        bad_packet(s, true);
        break;
    case GDB_FRAME_INTERRUPT:
        interrupt(s);
        break;
    case GDB_FRAME_ACK:
        break;
    case GDB_FRAME_NAK:
        if (!s->no_ack && !gdb_buf_add(&s->out, s->last.data, s->last.size))
            s->closing = true;
        break;
    case GDB_FRAME_NOISE:
        if (++s->noise > GDB_NOISE_MAX || !s->spoken)
            s->closing = true;
        break;
    }
}

void gdb_session_input(struct gdb_session *s, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && !s->closing; i++)
        byte_in(s, data[i]);
}

void gdb_session_event(struct gdb_session *s)
{
    const struct gdb_target *t = s->target;
    struct gdb_stop stop = {0};
    bool starting = s->state == GDB_STARTING;

    if (t->ops->take_stop(t->self, &stop) != 1)
        return;
    if (!starting && s->state != GDB_RUNNING)
        return;
    gdb_session_console(s);
    if (gdb_nonstop_paused(s, &stop)) {
        run_pending(s);
        gdb_nonstop_go_on(s);
        return;
    }
    if (s->break_in && stop.reason == GDB_STOP_STEP) /* the step ended before it took effect */
        stop = (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_INT};
    if (s->halt_due && stop.reason == GDB_STOP_SIGNAL && stop.signal == GDB_SIGNAL_INT &&
        !s->break_in)
        stop.signal = GDB_SIGNAL_0;
    s->break_in = s->halt_due = false;
    gdb_stop_translate(s, &stop);
    s->stop = stop;
    s->state =
        stop.reason == GDB_STOP_EXITED || stop.reason == GDB_STOP_KILLED ? GDB_GONE : GDB_HELD;
    if (s->restart_due) {
        s->restart_due = false;
        if (!gdb_restart(s))
            return;
    }
    if (s->stop_due && s->non_stop && (!starting || s->attach_due)) {
        s->attach_due = false;
        gdb_nonstop_report(s);
    } else if (s->stop_due) {
        gdb_buf_clear(&s->reply);
        if (s->attach_due && s->state == GDB_GONE)
            gdb_error(s, "the guest has ended");
        else
            gdb_stop_reply(s);
        s->stop_due = s->attach_due = false;
        gdb_send(s, &s->reply);
    }
    run_pending(s);
}
