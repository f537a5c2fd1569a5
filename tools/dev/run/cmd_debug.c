/* SPDX-License-Identifier: Apache-2.0 */
/* run/cmd_debug.c - hl-dev debug: a guest under gdb, in this terminal. */
#include "commands.h"
#include "gdb.h"
#include "calls.h"
#include "session.h"
#include "ui.h"

/* What gdb has seen is no failure of ours; what happened after it had let the guest go is. */
static int finish(struct session *s, int status)
{
    int of_gdb = gdb_run_wait(s->gdb_run);
    return of_gdb < 0 || (of_gdb == 0 && !s->seen) ? status : of_gdb;
}

static int debug(struct session *s, const struct options *options)
{
    json_t *document = json_pack("{s:[]}", "calls");
    struct hl_error error;
    int status;
    if (session_open(s, options, &error))
        status = session_failed(s, &error, document);
    else
        status = session_calls(s, document);
    json_decref(document);
    session_end(s);
    return ui_finish(finish(s, status));
}

int cmd_debug(int argc, char **argv)
{
    struct options options;
    struct session session = {.served = gdb_run_start};
    struct hl_error error;
    int status = options_parse(&options, COMMAND_DEBUG, argc, argv);
    if (status < 0 && gdb_run_prepare(&session.gdb_run, &error)) {
        status = ui_library_error(&error);
    } else if (status < 0) {
        struct gdb_run *run = session.gdb_run;
        status = debug(&session, &options);
        session_close(&session);
        gdb_run_free(run);
    }
    options_free(&options);
    return status;
}
