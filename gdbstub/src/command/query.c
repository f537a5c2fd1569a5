/* SPDX-License-Identifier: Apache-2.0 */
/* command/query.c - what the stub and the client agree on, and small questions. */
#include "stub.h"

#include <string.h>

/* "i386,arm": architectures whose descriptions the client reads; ours is "i386:x86-64". */
static bool names_us(const struct gdb_session *s, struct gdb_text *list)
{
    const char *ours = s->target->description->architecture;
    size_t size = strcspn(ours, ":");

    while (gdb_text_left(list)) {
        struct gdb_text name = gdb_text_until(list, ',');
        if (gdb_text_left(&name) == size && !memcmp(name.at, ours, size))
            return true;
    }
    return false;
}

static void client_features(struct gdb_session *s, struct gdb_text *args)
{
    static const struct {
        const char *name;
        size_t flag;
    } known[] = {
        {"multiprocess+", offsetof(struct gdb_session, multiprocess)},
        {"swbreak+", offsetof(struct gdb_session, swbreak)},
        {"hwbreak+", offsetof(struct gdb_session, hwbreak)},
        {"error-message+", offsetof(struct gdb_session, error_message)},
    };

    gdb_text_is(args, ':');
    while (gdb_text_left(args)) {
        struct gdb_text feature = gdb_text_until(args, ';'), list = feature;
        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
            struct gdb_text word = feature;
            if (gdb_text_word(&word, known[i].name) && !gdb_text_left(&word))
                *((bool *)s + known[i].flag) = true;
        }
        if (gdb_text_word(&list, "xmlRegisters="))
            s->described |= names_us(s, &list);
    }
    /* A GDB new enough for swbreak has read "E.text" as an error nearly everywhere. */
    s->error_text |= s->swbreak || s->error_message;
}

static void offer(struct gdb_session *s, bool yes, const char *feature)
{
    if (yes)
        gdb_buf_format(&s->reply, ";%s+", feature);
}

enum gdb_result gdb_cmd_supported(struct gdb_session *s, struct gdb_text *args)
{
    const struct gdb_target *t = s->target;
    const struct gdb_target_ops *ops = t->ops;
    unsigned objects = ops->object ? t->objects : 0;

    client_features(s, args);
    gdb_buf_format(&s->reply, "PacketSize=%x", GDB_PACKET_SIZE);
    offer(s, true, "QStartNoAckMode");
    offer(s, true, "multiprocess");
    offer(s, t->points & GDB_POINT_BIT(GDB_SW_BREAK), "swbreak");
    offer(s, t->points & GDB_POINT_BIT(GDB_HW_BREAK), "hwbreak");
    offer(s, true, "vContSupported");
    offer(s, t->points, "ConditionalBreakpoints");
    offer(s, t->points, "BreakpointCommands");
    offer(s, true, "qXfer:features:read");
    offer(s, true, "qXfer:threads:read");
    offer(s, objects & 1u << GDB_OBJECT_MEMORY_MAP, "qXfer:memory-map:read");
    offer(s, objects & 1u << GDB_OBJECT_AUXV, "qXfer:auxv:read");
    offer(s, objects & 1u << GDB_OBJECT_SIGINFO, "qXfer:siginfo:read");
    offer(s, ops->file, "qXfer:exec-file:read");
    offer(s, ops->pass_signals, "QPassSignals");
    offer(s, ops->pass_signals, "QProgramSignals");
    offer(s, true, "QNonStop");
    offer(s, ops->catch_syscalls, "QCatchSyscalls");
    offer(s, true, "QThreadEvents");
    /* A guest never forks; this is for GDB to accept `catch fork`, which is then never hit. */
    offer(s, true, "fork-events");
    offer(s, true, "vfork-events");
    offer(s, true, "exec-events");
    offer(s, true, "binary-upload");
    offer(s, true, "error-message");
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_no_ack(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    s->no_ack_next = true;
    return gdb_ok(s);
}

/* GDB offers to look up symbols for us; there are none we need. */
enum gdb_result gdb_cmd_symbol(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    return gdb_ok(s);
}

enum gdb_result gdb_cmd_offsets(struct gdb_session *s, struct gdb_text *args)
{
    const struct gdb_target *t = s->target;
    unsigned long long offset;
    uint64_t value = 0;
    int rc;

    (void)args;
    if (!t->ops->load_offset)
        return GDB_REPLY;
    rc = t->ops->load_offset(t->self, &value);
    if (rc)
        return gdb_error_code(s, "no load address", rc);
    offset = value;
    gdb_buf_format(&s->reply, "Text=%llx;Data=%llx;Bss=%llx", offset, offset, offset);
    return GDB_REPLY;
}

/* "e;10;14": numbers in hex. */
static bool parse_signals(struct gdb_text *args, uint8_t pass[GDB_SIGNALS / 8])
{
    uint64_t signal;

    memset(pass, 0, GDB_SIGNALS / 8);
    while (gdb_text_left(args)) {
        if (!gdb_text_number(args, &signal) || signal >= GDB_SIGNALS)
            return false;
        pass[signal / 8] |= (uint8_t)(1u << signal % 8);
        if (!gdb_text_is(args, ';') && gdb_text_left(args))
            return false;
    }
    return true;
}

enum gdb_result gdb_cmd_pass_signals(struct gdb_session *s, struct gdb_text *args)
{
    const struct gdb_target *t = s->target;
    uint8_t pass[GDB_SIGNALS / 8];
    int rc;

    if (!t->ops->pass_signals)
        return GDB_REPLY;
    if (!parse_signals(args, pass))
        return gdb_bad_packet(s);
    rc = t->ops->pass_signals(t->self, pass);
    return rc ? gdb_error_code(s, "cannot pass signals", rc) : gdb_ok(s);
}

/* Which signals a detached guest may get: all that a resume asks for; nothing to remember. */
enum gdb_result gdb_cmd_program_signals(struct gdb_session *s, struct gdb_text *args)
{
    uint8_t pass[GDB_SIGNALS / 8];

    if (!s->target->ops->pass_signals)
        return GDB_REPLY;
    return parse_signals(args, pass) ? gdb_ok(s) : gdb_bad_packet(s);
}

/* GDB's probe for stubs that answer what they do not know. */
enum gdb_result gdb_cmd_must_reply(struct gdb_session *s, struct gdb_text *args)
{
    (void)s;
    (void)args;
    return GDB_REPLY;
}
