/* SPDX-License-Identifier: Apache-2.0 */
/* run/cmd_run.c - hl-dev run: build, start, call, print. */
#include <stdlib.h>

#include "commands.h"
#include "debugger.h"
#include "json.h"
#include "calls.h"
#include "session.h"
#include "ui.h"

static const char help[] =
    "Usage: hl-dev run [TARGET] [--call EXPR]... [-- ARG...]\n"
    "\n"
    "Run a guest in a micro-VM. TARGET is a guest file or a project directory\n"
    "(default: .), which is built first. Without --call, and without `call =` in\n"
    "hl.ini, main() runs.\n"
    "\n"
    "  --call EXPR        call a function: Name(1, 2.5, true, \"text\", x\"00ff\", @FILE)\n"
    "  --host FILE        shared object with host functions (default: that of hl.ini)\n"
    "  --heap SIZE        heap, e.g. 256M (default 64M)\n"
    "  --stack SIZE       stack (default 1M)\n"
    "  --input SIZE       room for one call's arguments (default 1M, or as needed)\n"
    "  --output SIZE      scratch room for results (default 1M)\n"
    "  --image-max SIZE   memory that the guest's file may ask for (default 1G)\n"
    "  --timeout SECONDS  end the guest after that time; status 124\n"
    "  --repeat N         do all calls N times (main: in N sandboxes)\n"
    "  --restore          before each call, put the sandbox back to how it started\n"
    "  --core FILE        write a core file when the guest crashes or its time is up\n"
    "  --gdb[=ENDPOINT]   wait for gdb at stdio, unix:PATH or tcp:[HOST:]PORT\n"
    "                     (default: a private socket); prints the command to type\n"
    "  --stop-at WHERE    with --gdb, where: entry, main, none or a function of the\n"
    "                     guest (default: main, or the first function called)\n"
    "  --safe-output      escape what a terminal would obey in the guest's output\n"
    "  --json             one JSON document on stdout instead of text\n"
    "  --color WHEN       auto, always or never\n"
    "  -q, --quiet        no result lines and no guest log, only the guest's output\n"
    "  -v, --verbose      print times and counts, and make's commands, on stderr\n"
    "  -h, --help, --version\n"
    "\n"
    "Status: 0 fine, 1 the guest reported an error, 64 usage, 100 user or\n"
    "environment, 111 system failure, 124 timeout, 134 the guest crashed; else\n"
    "main()'s own.\n";

static int run_guest(struct session *s, const struct options *options)
{
    double start = session_now_ms();
    json_t *document = json_pack("{s:[]}", "calls");
    struct hl_error error;
    int status;
    if (options->json && !options->gdb && !getenv("HL_GDB"))
        s->list = (struct json_list){.f = stdout, .indent = 2, .name = "calls"};
    if (session_open(s, options, &error))
        status = session_failed(s, &error, document);
    else
        status = session_calls(s, document);
    if (options->verbose && s->sandbox)
        session_print_counts(s, session_now_ms() - start);
    if (!options->json) {
        json_decref(document);
        return ui_finish(status);
    }
    json_object_set_new(document, "output", json_text(s->captured, s->captured_size));
    if (s->captured_cut)
        json_object_set_new(document, "output_truncated", json_true());
    json_object_set_new(document, "status", json_integer(status));
    if (s->list.count)
        return json_print_end(&s->list, document, status);
    return json_print(document, status);
}

int cmd_run(int argc, char **argv)
{
    struct options options;
    struct session session = {.served = debugger_announce};
    int status = options_parse(&options, OPTIONS_RUN, argc, argv, help);
    if (status < 0) {
        status = run_guest(&session, &options);
        session_close(&session);
    }
    options_free(&options);
    return status;
}
