/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_run.c - hl-dev run: build, start, call, print. */
#include <string.h>
#include <time.h>

#include "commands.h"
#include "crash.h"
#include "json.h"
#include "session.h"
#include "ui.h"

static const char help[] =
    "Usage: hl-dev run [TARGET] [--call EXPR]... [-- ARG...]\n"
    "\n"
    "Run a guest in a micro-VM: TARGET is a guest file or a project directory (default: .),\n"
    "which is built first. Without --call, and without `call =` in hl.ini, main() runs.\n"
    "\n"
    "  --call EXPR        call a function: Name(1, 2.5, true, \"text\", x\"00ff\", @FILE)\n"
    "  --host FILE        shared object with host functions (default: `host =` of hl.ini)\n"
    "  --heap SIZE        heap, e.g. 256M (default 64M)\n"
    "  --stack SIZE       stack (default 1M)\n"
    "  --input SIZE       room for one call's arguments (default 1M, or what the calls need)\n"
    "  --output SIZE      scratch room for results (default 1M)\n"
    "  --timeout SECONDS  end the guest after that time; status 124\n"
    "  --repeat N         do all calls N times (main: in N sandboxes)\n"
    "  --json             one JSON document on stdout instead of text\n"
    "  --color WHEN       auto, always or never\n"
    "  -q, --quiet        print no result lines and no guest log, only the guest's output\n"
    "  -v, --verbose      print times and counts, and make's commands, on stderr\n"
    "  --help, --version\n"
    "\n"
    "Status: 0 fine, 1 the guest reported an error, 64 usage, 100 user or environment,\n"
    "111 system failure, 124 timeout, 134 the guest crashed; else main()'s own.\n";

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* A call's or the whole run's end: what is printed of it in either form. */
static int failed(struct session *s, struct hl_error *error, json_t *into)
{
    int status = ui_status(error->code);
    /* Stopped in its tracks, by itself or by the clock: where was it? */
    bool stopped = s->sandbox && hl_sandbox_state(s->sandbox) == HL_SANDBOX_POISONED;
    if (error->code == HL_ERR_ARGUMENT)
        status = EXIT_USAGE; /* hl.ini and expressions are part of the command line, so to speak */
    if (session_timed_out(s)) {
        status = EXIT_TIMEOUT;
        hl_error_set(error, HL_ERR_INTERRUPTED, "time limit reached, the guest was interrupted");
    }
    /* exit() in a constructor is how a program can end, too. */
    if (error->code == HL_ERR_EXITED && !s->expr_count)
        status = hl_sandbox_exit_status(s->sandbox);
    json_object_set_new(into, "error", json_error(error));
    if (stopped)
        json_object_set_new(into, "crash", crash_json(s->sandbox, error->code));
    ui_error(0, "%s", error->text);
    if (stopped)
        crash_print(s->sandbox, error->code, s->options->verbose);
    if (error->hint[0])
        ui_hint("%s", error->hint);
    return status;
}

static void print_call(struct session *s, size_t i, const struct hl_value *value)
{
    if (s->options->json || s->options->quiet)
        return;
    /* A result is a line of its own, also behind output that ended without one. */
    printf("%s%s = ", s->mid_line ? "\n" : "", s->text[i]);
    s->mid_line = false;
    expr_print(stdout, value);
    putchar('\n');
    fflush(stdout);
}

static int do_call(struct session *s, size_t i, json_t *into)
{
    struct hl_value value;
    struct hl_error error;
    const struct expr *e = &s->expr[i];
    const struct hl_function *f = hl_image_function(s->image, e->function);
    double start = now_ms();
    json_object_set_new(into, "call", json_text(s->text[i], strlen(s->text[i])));
    json_object_set_new(into, "function", json_string(f->name));
    int rc = hl_sandbox_call_index(s->sandbox, e->function, e->value, e->count, &value, &error);
    double took = now_ms() - start;
    if (rc)
        return failed(s, &error, into);
    json_object_set_new(into, "type", json_string(hl_type_name(value.type)));
    json_object_set_new(into, "value", json_value(&value));
    json_object_set_new(into, "ms", json_real(took));
    print_call(s, i, &value);
    if (s->options->verbose)
        fprintf(stderr, "%s: %.3f ms\n", s->text[i], took);
    return EXIT_FINE;
}

static int do_calls(struct session *s, json_t *calls)
{
    int status = EXIT_FINE;
    for (unsigned long n = 0; n < s->options->repeat && status == EXIT_FINE; n++)
        for (size_t i = 0; i < s->expr_count && status == EXIT_FINE; i++) {
            json_t *into = json_object();
            status = do_call(s, i, into);
            if (s->options->json)
                json_array_append(calls, into);
            json_decref(into);
        }
    return status;
}

static int do_main(struct session *s, json_t *document)
{
    struct hl_error error;
    int exit_status = 0;
    for (unsigned long n = 0; n < s->options->repeat && !exit_status; n++) {
        if (n && session_start(s, &error))
            return failed(s, &error, document);
        if (hl_sandbox_main(s->sandbox, &exit_status, &error))
            return failed(s, &error, document);
    }
    json_object_set_new(document, "exit_status", json_integer(exit_status));
    return exit_status;
}

static void print_counts(const struct session *s, double ms)
{
    struct hl_counts c;
    hl_sandbox_counts(s->sandbox, &c);
    fprintf(stderr,
            "%.3f ms; %llu exits: %llu calls, %llu host calls, %llu system calls (%llu unknown), "
            "%llu log lines, %llu faults, %llu interrupts\n",
            ms, (unsigned long long)c.exits, (unsigned long long)c.calls,
            (unsigned long long)c.host_calls, (unsigned long long)c.syscalls,
            (unsigned long long)c.unknown_syscalls, (unsigned long long)c.logs,
            (unsigned long long)c.faults, (unsigned long long)c.interrupts);
}

static int run(struct session *s, const struct options *options)
{
    double start = now_ms();
    json_t *document = json_object(), *calls = json_array();
    struct hl_error error;
    int status;
    if (session_open(s, options, &error) || session_start(s, &error))
        status = failed(s, &error, document);
    else
        status = s->expr_count ? do_calls(s, calls) : do_main(s, document);
    if (s->options->verbose && s->sandbox)
        print_counts(s, now_ms() - start);
    if (!s->options->json) {
        json_decref(calls);
        json_decref(document);
        return ui_finish(status);
    }
    json_object_set_new(document, "calls", calls);
    json_object_set_new(document, "output", json_text(s->captured, s->captured_size));
    if (s->captured_cut)
        json_object_set_new(document, "output_truncated", json_true());
    json_object_set_new(document, "status", json_integer(status));
    return json_print(document, status);
}

int cmd_run(int argc, char **argv)
{
    struct options options;
    struct session session;
    int status = options_parse(&options, OPTIONS_RUN, argc, argv, help);
    if (status < 0) {
        status = run(&session, &options);
        session_close(&session);
    }
    options_free(&options);
    return status;
}
