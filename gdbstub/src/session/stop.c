/* SPDX-License-Identifier: Apache-2.0 */
/* session/stop.c - why the guest has stopped, as the client reads it, and resuming it as before. */
#include "stub.h"

/*
 * A client that supports `swbreak` expects a breakpoint for every breakpoint instruction, with pc
 * at the instruction, and steps past the guest's own by itself.  Any other client gets the signal,
 * and moves pc back if it wrote the instruction.
 */
void gdb_stop_translate(struct gdb_session *s, struct gdb_stop *stop)
{
    const struct gdb_target *t = s->target;
    uint8_t pc[sizeof(stop->address)];

    if (stop->reason != GDB_STOP_SIGNAL || !stop->trap || !s->swbreak)
        return;
    for (size_t i = 0; i < sizeof(pc); i++)
        pc[i] = (uint8_t)(stop->address >> 8 * i);
    if (!t->ops->write_register(t->self, t->description->pc, pc, sizeof(pc)))
        stop->reason = GDB_STOP_SW_BREAK;
}

static void add_address(struct gdb_session *s, const char *what, uint64_t address)
{
    gdb_buf_format(&s->reply, "%s:%llx;", what, (unsigned long long)address);
}

/* "07:HEX;": what a client looks at after every stop comes along with it. */
static void add_registers(struct gdb_session *s)
{
    const struct gdb_description *d = s->target->description;

    for (unsigned i = 0; i < d->expedite_count; i++) {
        gdb_buf_format(&s->reply, "%02x:", d->expedite[i]);
        gdb_register_hex(s, d->expedite[i]);
        gdb_buf_byte(&s->reply, ';');
    }
}

static void add_reason(struct gdb_session *s)
{
    static const char *const watch[] = {
        [GDB_WATCH_WRITE] = "watch", [GDB_WATCH_READ] = "rwatch", [GDB_WATCH_ACCESS] = "awatch"};

    switch (s->stop.reason) {
    case GDB_STOP_SW_BREAK:
        if (s->swbreak)
            gdb_buf_text(&s->reply, "swbreak:;");
        break;
    case GDB_STOP_HW_BREAK:
        if (s->hwbreak)
            gdb_buf_text(&s->reply, "hwbreak:;");
        break;
    case GDB_STOP_WATCH:
        if (s->stop.point >= GDB_WATCH_WRITE && s->stop.point <= GDB_WATCH_ACCESS)
            add_address(s, watch[s->stop.point], s->stop.address);
        break;
    case GDB_STOP_SYSCALL_ENTRY:
        add_address(s, "syscall_entry", s->stop.syscall);
        break;
    case GDB_STOP_SYSCALL_RETURN:
        add_address(s, "syscall_return", s->stop.syscall);
        break;
    default:
        break;
    }
}

static void add_process(struct gdb_session *s)
{
    if (s->multiprocess)
        gdb_buf_format(&s->reply, ";process:%x", (unsigned)gdb_process(s));
}

void gdb_stop_reply(struct gdb_session *s)
{
    int signal = GDB_SIGNAL_TRAP;

    switch (s->stop.reason) {
    case GDB_STOP_EXITED:
        gdb_buf_format(&s->reply, "W%02x", (unsigned)s->stop.status & 0xff);
        add_process(s);
        return;
    case GDB_STOP_KILLED:
        gdb_buf_format(&s->reply, "X%02x", (unsigned)s->stop.signal & 0xff);
        add_process(s);
        return;
    case GDB_STOP_SIGNAL:
        signal = s->stop.signal;
        break;
    default:
        break;
    }
    gdb_buf_format(&s->reply, "T%02x", (unsigned)signal & 0xff);
    add_reason(s);
    gdb_buf_text(&s->reply, "thread:");
    gdb_thread_id(s, &s->reply);
    gdb_buf_byte(&s->reply, ';');
    add_registers(s);
}

int gdb_resume_again(struct gdb_session *s)
{
    const struct gdb_target *t = s->target;
    int rc;

    s->state = GDB_RUNNING;
    s->stop_due = true;
    rc = t->ops->resume(t->self, &s->resumed);
    if (rc) {
        s->state = GDB_HELD;
        s->stop_due = false;
    } else if (s->break_in || s->halt_due) {
        t->ops->interrupt(t->self);
    }
    return rc;
}
