/* SPDX-License-Identifier: Apache-2.0 */
/* session/reply.c - the replies that every packet can have, and sending one. */
#include "stub.h"

#include <stdarg.h>
#include <stdio.h>

void gdb_send(struct gdb_session *s, const struct gdb_buf *body)
{
    gdb_buf_clear(&s->last);
    if (!gdb_encode(&s->last, body->data, body->size) ||
        !gdb_buf_add(&s->out, s->last.data, s->last.size))
        s->closing = true; /* out of memory, or the client does not read: no reply would be right */
}

enum gdb_result gdb_ok(struct gdb_session *s)
{
    gdb_buf_clear(&s->reply);
    gdb_buf_text(&s->reply, "OK");
    return GDB_REPLY;
}

enum gdb_result gdb_error(struct gdb_session *s, const char *format, ...)
{
    char text[512];
    va_list args;

    gdb_buf_clear(&s->reply);
    if (!s->error_text) {
        gdb_buf_text(&s->reply, "E01");
        return GDB_REPLY;
    }
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    gdb_text_plain(text);
    for (char *c = text; *c; c++)
        if (*c == '#' || *c == '$' || *c == '}' || *c == '*')
            *c = '?';
    gdb_buf_format(&s->reply, "E.%s", text);
    return GDB_REPLY;
}

const char *gdb_err_text(int code)
{
    switch (code) {
#define X(name, number, text, hint)                                                                \
    case HL_ERR_##name:                                                                            \
        return text;
        HL_ERRORS(X)
#undef X
    default:
        return "unknown error";
    }
}

enum gdb_result gdb_error_code(struct gdb_session *s, const char *what, int code)
{
    return gdb_error(s, "%s: %s", what, gdb_err_text(code));
}

enum gdb_result gdb_bad_packet(struct gdb_session *s)
{
    return gdb_error(s, "malformed packet");
}
