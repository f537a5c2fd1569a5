/* SPDX-License-Identifier: Apache-2.0 */
/* run/cmd_attach.c - hl-dev attach: gdb on a sandbox that runs in another process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hl/attach.h>

#include "attachable.h"
#include "commands.h"
#include "gdb.h"
#include "ui.h"

static int several(const struct hl_attachable *list, size_t count, const char *id)
{
    char text[1024] = "", one[32];
    size_t n = 0;
    for (size_t i = 0; i < count && n + sizeof(one) < sizeof(text); i++) {
        if (id && atoi(id) != list[i].pid)
            continue;
        attachable_id(list, count, i, one, sizeof(one));
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "", one);
    }
    if (id)
        ui_error(0, "process %s has several sandboxes", id);
    else
        ui_error(0, "there are several sandboxes");
    ui_hint("choose one: %s (`hl-dev ps` says more)", text);
    return EXIT_USER;
}

static int none(const char *id)
{
    if (id)
        ui_error(0, "no sandbox %s", id);
    else
        ui_error(0, "there are no sandboxes to attach to");
    ui_hint(id ? "`hl-dev ps` lists them"
               : "start one: `hl-dev run --gdb`, or HL_GDB=auto for any program with libhl");
    return EXIT_USER;
}

static int start_gdb(const struct hl_attachable *a, const struct options *o)
{
    struct hl_error error;
    char *program, command[sizeof(a->remote) + 32];
    if (!a->remote[0]) {
        ui_error(0, "sandbox %d-%u talks to its debugger on standard input and output", a->pid,
                 a->number);
        return EXIT_USER;
    }
    if (gdb_find(&program, &error))
        return ui_library_error(&error);
    snprintf(command, sizeof(command), "target remote %s", a->remote);
    char **argv = gdb_arguments(program, access(a->guest, R_OK) ? NULL : a->guest, gdb_helpers(),
                                command, o->args, o->arg_count);
    if (!argv)
        return ui_error(EXIT_SYSTEM, "out of memory");
    execv(program, argv);
    return ui_error(EXIT_USER, "cannot start %s: %s", program, strerror(errno));
}

static int attach(const struct options *o)
{
    struct hl_attachable *list;
    struct hl_error error;
    size_t count;
    if (hl_attachable_list(&list, &count, &error))
        return ui_library_error(&error);
    long i = o->target    ? attachable_find(list, count, o->target)
             : count == 1 ? 0
             : count      ? ATTACHABLE_SEVERAL
                          : ATTACHABLE_NONE;
    int status = i == ATTACHABLE_SEVERAL ? several(list, count, o->target)
                 : i < 0                 ? none(o->target)
                                         : start_gdb(&list[i], o);
    hl_attachable_free(list);
    return status;
}

int cmd_attach(int argc, char **argv)
{
    struct options options;
    int status = options_parse(&options, COMMAND_ATTACH, argc, argv);
    if (status < 0)
        status = attach(&options);
    options_free(&options);
    return status;
}
