/* SPDX-License-Identifier: Apache-2.0 */
/* command/xfer.c - qXfer: objects read in chunks. */
#include "stub.h"

#include <string.h>

#include "quote.h"

static int object(struct gdb_session *s, enum gdb_object which)
{
    const struct gdb_target *t = s->target;
    const void *data = NULL;
    size_t size = 0;
    int rc;

    if (!t->ops->object || !(t->objects & 1u << which))
        return HL_ERR_ARGUMENT;
    if (!gdb_alive(s))
        return HL_ERR_STATE;
    rc = t->ops->object(t->self, which, &data, &size);
    if (rc)
        return rc;
    return gdb_buf_add(&s->object, data, size) ? 0 : HL_ERR_LIMIT;
}

static int make_features(struct gdb_session *s, const struct gdb_text *annex)
{
    struct gdb_text name = *annex;

    if (!gdb_text_word(&name, "target.xml") || gdb_text_left(&name))
        return HL_ERR_FILE;
    s->described = true;
    gdb_buf_add(&s->object, s->description.data, s->description.size);
    return 0;
}

static void xml_text(struct gdb_buf *buf, const char *text)
{
    for (; *text; text++) {
        const char *name = quote_xml(*text);
        if (name)
            gdb_buf_text(buf, name);
        else
            gdb_buf_byte(buf, (uint8_t)*text);
    }
}

static int make_threads(struct gdb_session *s, const struct gdb_text *annex)
{
    const struct gdb_target *t = s->target;
    char extra[256] = "";

    (void)annex;
    gdb_buf_text(&s->object, "<?xml version=\"1.0\"?>\n<threads>\n");
    if (gdb_alive(s)) {
        gdb_buf_text(&s->object, "<thread id=\"");
        gdb_thread_id(s, &s->object);
        if (t->name) {
            gdb_buf_text(&s->object, "\" name=\"");
            xml_text(&s->object, t->name);
        }
        gdb_buf_text(&s->object, "\">");
        if (t->ops->thread_extra && !t->ops->thread_extra(t->self, extra, sizeof(extra)))
            xml_text(&s->object, extra);
        gdb_buf_text(&s->object, "</thread>\n");
    }
    gdb_buf_text(&s->object, "</threads>\n");
    return 0;
}

static int make_exec_file(struct gdb_session *s, const struct gdb_text *annex)
{
    const struct gdb_target *t = s->target;
    struct gdb_file file;
    int rc;

    (void)annex; /* a process id: there is one */
    if (!t->ops->file)
        return HL_ERR_ARGUMENT;
    rc = t->ops->file(t->self, &file);
    if (!rc)
        gdb_buf_text(&s->object, file.path);
    return rc;
}

static int make_memory_map(struct gdb_session *s, const struct gdb_text *annex)
{
    (void)annex;
    return object(s, GDB_OBJECT_MEMORY_MAP);
}

static int make_auxv(struct gdb_session *s, const struct gdb_text *annex)
{
    (void)annex;
    return object(s, GDB_OBJECT_AUXV);
}

static int make_siginfo(struct gdb_session *s, const struct gdb_text *annex)
{
    (void)annex;
    return object(s, GDB_OBJECT_SIGINFO);
}

static const struct source {
    const char *name;
    int (*make)(struct gdb_session *s, const struct gdb_text *annex);
} sources[] = {
    {"features", make_features},     {"threads", make_threads}, {"exec-file", make_exec_file},
    {"memory-map", make_memory_map}, {"auxv", make_auxv},       {"siginfo", make_siginfo},
};

/*
 * The object is made when its start is asked for and kept for the chunks that follow, so that they
 * fit together; "name:annex" identifies it.
 */
static int refresh(struct gdb_session *s, const struct gdb_text *name, const struct source *source,
                   const struct gdb_text *annex, bool start)
{
    size_t size = (size_t)(annex->end - name->at);
    int rc;

    if (!start && s->object_name.size == size && !memcmp(s->object_name.data, name->at, size))
        return 0;
    gdb_buf_clear(&s->object);
    gdb_buf_clear(&s->object_name);
    rc = source->make(s, annex);
    if (!rc && s->object.failed)
        rc = HL_ERR_LIMIT;
    if (!rc)
        gdb_buf_add(&s->object_name, name->at, size);
    return rc;
}

static enum gdb_result send_chunk(struct gdb_session *s, uint64_t offset, uint64_t length)
{
    size_t left, n;

    if (offset > s->object.size)
        return gdb_error(s, "offset beyond the end");
    left = s->object.size - (size_t)offset;
    n = length < left ? (size_t)length : left;
    gdb_buf_byte(&s->reply, 'm');
    n = gdb_buf_binary(&s->reply, s->object.data + offset, n, GDB_PACKET_SIZE - 1);
    if (!s->reply.failed && n == left)
        s->reply.data[0] = 'l';
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_xfer(struct gdb_session *s, struct gdb_text *args)
{
    struct gdb_text name = gdb_text_until(args, ':');
    struct gdb_text verb = gdb_text_until(args, ':');
    struct gdb_text annex = gdb_text_until(args, ':');
    uint64_t offset, length;
    int rc;

    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
        struct gdb_text word = name;
        if (!gdb_text_word(&word, sources[i].name) || gdb_text_left(&word))
            continue;
        if (!gdb_text_word(&verb, "read") || gdb_text_left(&verb))
            return GDB_REPLY;
        if (!gdb_text_pair(args, &offset, &length) || gdb_text_left(args))
            return gdb_bad_packet(s);
        rc = refresh(s, &name, &sources[i], &annex, !offset);
        if (rc == HL_ERR_FILE) {
            gdb_buf_text(&s->reply, "E00"); /* the protocol's own: no such annex */
            return GDB_REPLY;
        }
        return rc ? gdb_error_code(s, "no such object now", rc) : send_chunk(s, offset, length);
    }
    return GDB_REPLY;
}
