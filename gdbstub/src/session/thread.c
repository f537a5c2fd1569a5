/* SPDX-License-Identifier: Apache-2.0 */
/* session/thread.c - the one thread of the one process, and the ways to name it. */
#include "stub.h"

#include <stdio.h>
#include <string.h>

uint32_t gdb_process(const struct gdb_session *s)
{
    return s->target->process ? s->target->process : 1;
}

void gdb_thread_id(struct gdb_session *s, struct gdb_buf *buf)
{
    if (s->multiprocess)
        gdb_buf_format(buf, "p%x.", (unsigned)gdb_process(s));
    gdb_buf_text(buf, "1");
}

/* -1 (all) and 0 (any) include ours. */
static bool id_match(struct gdb_text *args, uint64_t ours)
{
    uint64_t id;

    if (gdb_text_is(args, '-'))
        return gdb_text_number(args, &id) && id == 1;
    return gdb_text_number(args, &id) && (id == 0 || id == ours);
}

bool gdb_process_match(struct gdb_session *s, struct gdb_text *args)
{
    return id_match(args, gdb_process(s));
}

bool gdb_process_named(struct gdb_session *s, struct gdb_text *args)
{
    uint64_t process;

    if (!gdb_text_number(args, &process) || gdb_text_left(args))
        return false;
    return !s->multiprocess || process == gdb_process(s);
}

bool gdb_thread_match(struct gdb_session *s, struct gdb_text *args)
{
    if (!gdb_text_is(args, 'p'))
        return id_match(args, 1);
    if (!id_match(args, gdb_process(s)))
        return false;
    return !gdb_text_is(args, '.') || id_match(args, 1);
}

enum gdb_result gdb_cmd_current(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    if (!gdb_alive(s))
        return GDB_REPLY;
    gdb_buf_text(&s->reply, "QC");
    gdb_thread_id(s, &s->reply);
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_attached(struct gdb_session *s, struct gdb_text *args)
{
    if (gdb_text_is(args, ':') && !gdb_process_match(s, args))
        return gdb_error(s, "no such process");
    gdb_buf_text(&s->reply, s->target->created ? "0" : "1");
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_threads_first(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    if (!gdb_alive(s)) {
        gdb_buf_byte(&s->reply, 'l');
        return GDB_REPLY;
    }
    gdb_buf_byte(&s->reply, 'm');
    gdb_thread_id(s, &s->reply);
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_threads_next(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    gdb_buf_byte(&s->reply, 'l');
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_thread_extra(struct gdb_session *s, struct gdb_text *args)
{
    const struct gdb_target *t = s->target;
    char text[256] = "";

    if (!gdb_thread_match(s, args) || !gdb_alive(s))
        return gdb_error(s, "no such thread");
    if (!t->ops->thread_extra || t->ops->thread_extra(t->self, text, sizeof(text)))
        snprintf(text, sizeof(text), "%s", t->name ? t->name : "guest");
    gdb_buf_hex(&s->reply, text, strlen(text));
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_thread_alive(struct gdb_session *s, struct gdb_text *args)
{
    if (!gdb_thread_match(s, args) || gdb_text_left(args) || !gdb_alive(s))
        return gdb_error(s, "no such thread");
    return gdb_ok(s);
}

enum gdb_result gdb_cmd_set_thread(struct gdb_session *s, struct gdb_text *args)
{
    if (!gdb_text_is(args, 'g') && !gdb_text_is(args, 'c'))
        return gdb_bad_packet(s);
    if (!gdb_thread_match(s, args) || gdb_text_left(args))
        return gdb_error(s, "no such thread");
    return gdb_ok(s);
}

/* One thread never starts another: there will be no such event, which is what QThreadEvents:1 asks.
 */
enum gdb_result gdb_cmd_thread_events(struct gdb_session *s, struct gdb_text *args)
{
    if ((!gdb_text_is(args, '0') && !gdb_text_is(args, '1')) || gdb_text_left(args))
        return gdb_bad_packet(s);
    return gdb_ok(s);
}
