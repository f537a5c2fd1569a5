/* SPDX-License-Identifier: Apache-2.0 */
/* trace/cmd_trace.c - hl-dev trace: run a guest and show each of its exits. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "calls.h"
#include "session.h"
#include "trace.h"
#include "trace_stream.h"
#include "ui.h"

/* The session's hooks and the end of the program know no other way to it. */
static struct trace trace;

static pid_t process; /* that traces; 0: none any more */

/* A host function does not return, and hl-dev ends without it; or it calls exit(). */
static void abandon(void)
{
    if (process != getpid())
        return;
    trace.writer->abandon(&trace);
}

/* Last, when nothing else can fail: a failure creates no file and does not touch an old one. */
static int open_output(const struct session *s, struct hl_error *error)
{
    const char *file = s->options->file;
    if (trace.out)
        return 0;
    if (!file && trace.writer == &trace_text)
        return trace_stream_take(&trace, error);
    trace.out = file ? fopen(file, "we") : stdout;
    return trace.out
               ? 0
               : hl_error_set(error, HL_ERR_FILE, "cannot write %s: %s", file, strerror(errno));
}

static int on_created(struct session *s, struct hl_error *error)
{
    int rc = open_output(s, error);
    return rc ? rc : trace_attach(&trace, error);
}

static void on_ending(struct session *s)
{
    (void)s;
    trace_detach(&trace);
}

/* Standard output is checked at the end of the program. */
static int close_output(const struct options *o, int status)
{
    if (!trace.out || trace.out == stdout)
        return status;
    if (!o->file) {
        /* Who reads standard error cannot be informed, but a script can. */
        return trace_stream_give_back()
                   ? status
                   : ui_error(EXIT_SYSTEM, "cannot write the trace to standard error");
    }
    bool failed = ferror(trace.out);
    if ((fclose(trace.out) || failed) && status != EXIT_SYSTEM)
        status = ui_error(EXIT_SYSTEM, "cannot write %s: %s", o->file, strerror(errno));
    return status;
}

static int trace_guest(struct session *s, const struct options *o)
{
    json_t *document = json_pack("{s:[]}", "calls");
    struct hl_error error;
    int status;
    double start = session_now_ms();
    if (session_open(s, o, &error) || trace_open(&trace, s, &error))
        status = session_failed(s, &error, document);
    else
        status = session_calls(s, document);
    if (o->verbose && s->sandbox)
        session_print_counts(s, session_now_ms() - start);
    session_end(s);
    if (trace.writer == &trace_json && (trace.out || !o->file)) {
        trace.out = trace.out ? trace.out : stdout;
        trace_json_end(&trace, status, json_object_get(document, "error"));
    }
    json_decref(document);
    process = 0;
    status = close_output(o, status);
    trace_close(&trace);
    return ui_finish(status);
}

int cmd_trace(int argc, char **argv)
{
    struct options options;
    struct session session = {.created = on_created, .ending = on_ending};
    int status = options_parse(&options, COMMAND_TRACE, argc, argv);
    if (status < 0) {
        trace.writer = options.json ? &trace_json : &trace_text;
        /* In a file the trace leaves standard output to the guest and its results. */
        options.json = options.json && !options.file;
        process = getpid();
        at_quick_exit(abandon);
        atexit(abandon);
        status = trace_guest(&session, &options);
        session_close(&session);
    }
    options_free(&options);
    return status;
}
