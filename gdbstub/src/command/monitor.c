/* SPDX-License-Identifier: Apache-2.0 */
/* command/monitor.c - qRcmd: the target's table of commands, and `help`. */
#include "stub.h"

#include <stdio.h>
#include <string.h>

#define COMMAND_ROOM 4096
#define CHUNK 4096 /* of text in one O packet */

struct printer {
    struct gdb_printer base;
    struct gdb_session *s;
};

static void print(struct gdb_printer *base, const char *text, size_t size)
{
    struct gdb_session *s = ((struct printer *)base)->s;

    while (size) {
        size_t n = size < CHUNK ? size : CHUNK;
        gdb_buf_clear(&s->reply);
        gdb_buf_byte(&s->reply, 'O');
        gdb_buf_hex(&s->reply, text, n);
        gdb_send(s, &s->reply);
        text += n;
        size -= n;
    }
}

static void line(struct printer *p, const char *name, const char *args, const char *help)
{
    char left[128], text[512];
    int n;

    snprintf(left, sizeof(left), "%s%s%s", name, args ? " " : "", args ? args : "");
    n = snprintf(text, sizeof(text), "  %-28s %s\n", left, help ? help : "");
    print(&p->base, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void help(struct printer *p)
{
    const struct gdb_target *t = p->s->target;

    line(p, "help", NULL, "this list");
    for (unsigned i = 0; i < t->monitor_count; i++)
        line(p, t->monitors[i].name, t->monitors[i].args, t->monitors[i].help);
}

/* Length of name when command is it, alone or with arguments. */
static size_t named(const char *command, const char *name)
{
    size_t n = strlen(name);

    return !strncmp(command, name, n) && (!command[n] || command[n] == ' ') ? n : 0;
}

static const struct gdb_monitor *find(const struct gdb_target *t, const char *command, size_t *size)
{
    const struct gdb_monitor *best = NULL;

    *size = 0;
    for (unsigned i = 0; i < t->monitor_count; i++) {
        size_t n = named(command, t->monitors[i].name);
        if (n > *size) {
            *size = n;
            best = &t->monitors[i];
        }
    }
    return best;
}

/* GDB shows an error reply to qRcmd as a bare number: say it in words first. */
static enum gdb_result complain(struct printer *p, const char *what, const char *why)
{
    char text[256], plain[101];
    int n;

    snprintf(plain, sizeof(plain), "%s", what);
    gdb_text_plain(plain);
    n = why ? snprintf(text, sizeof(text), "%s: %s\n", plain, why) : 0;
    print(&p->base, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
    gdb_buf_clear(&p->s->reply);
    gdb_buf_text(&p->s->reply, "E01");
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_monitor(struct gdb_session *s, struct gdb_text *args)
{
    struct printer p = {{print}, s};
    const struct gdb_monitor *monitor;
    char text[COMMAND_ROOM], *command = text;
    size_t n;
    int rc;

    if (!gdb_text_hex_string(args, text, sizeof(text)))
        return gdb_bad_packet(s);
    command += strspn(command, " \t");
    monitor = find(s->target, command, &n);
    if (!monitor && (!*command || named(command, "help"))) {
        help(&p);
        return gdb_ok(s);
    }
    if (!monitor)
        return complain(&p, command, "no such monitor command; `monitor help` lists them");
    if (s->state == GDB_FREE)
        return complain(&p, monitor->name, "not attached");
    command += n;
    command += strspn(command, " \t");
    rc = monitor->run(s->target->self, command, &p.base);
    return rc ? complain(&p, monitor->name, rc < 0 ? gdb_err_text(rc) : NULL) : gdb_ok(s);
}
