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

static const char help[] =
    "Usage: hl-dev trace [TARGET] [--call EXPR]... [-- ARG...]\n"
    "\n"
    "Run a guest as `hl-dev run` does, and print a line on stderr for each of its\n"
    "exits, like strace: time, place in the guest's source, host function or system\n"
    "call with its arguments and result, duration.\n"
    "\n"
    "  -e LIST            show only these, or with `!` before them all but these:\n"
    "                     host, syscall, fault, log, result, abort, interrupt, io,\n"
    "                     mmio, all, and host functions and system calls by name; may\n"
    "                     be repeated\n"
    "  -k, --stack-trace  print the guest's call stack below each line\n"
    "  -o FILE            write the trace to FILE\n"
    "  -r                 time since the line before (default: since the start)\n"
    "  -s SIZE            bytes of strings that are shown (default 32)\n"
    "  -t                 time of day\n"
    "  --json             a JSON object a line; on stdout, unless -o names a file\n"
    "\n"
    "  --call EXPR        call a function: Name(1, 2.5, true, \"text\", x\"00ff\", @FILE)\n"
    "  --host FILE        shared object with host functions (default: that of hl.ini)\n"
    "  --heap SIZE, --stack SIZE, --input SIZE, --output SIZE,\n"
    "  --image-max SIZE   sizes, as for `hl-dev run`\n"
    "  --timeout SECONDS  end the guest after that time; status 124\n"
    "  --repeat N         do all calls N times (main: in N sandboxes)\n"
    "  --restore          before each call, put the sandbox back to how it started\n"
    "  --safe-output      escape what a terminal would obey in the guest's output\n"
    "  --color WHEN       auto, always or never\n"
    "  -q, --quiet        print no result lines and no guest log besides the trace\n"
    "  -v, --verbose      print times and counts, and make's commands, on stderr\n"
    "  -h, --help, --version\n"
    "\n"
    "Status: that of `hl-dev run`.\n";

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

/* When all else is fine: what fails leaves no file behind, and none of the old one's lost. */
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

/* Standard output is checked by whoever ends the program. */
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
    int status = options_parse(&options, OPTIONS_TRACE, argc, argv, help);
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
