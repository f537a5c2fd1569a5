/* SPDX-License-Identifier: Apache-2.0 */
/* run/cmd_run.c - hl-dev run: build, start, call, print. */
#include <stdlib.h>

#include "commands.h"
#include "debugger.h"
#include "json.h"
#include "calls.h"
#include "session.h"
#include "ui.h"

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
    json_object_set_new(document, "output",
                        json_text(s->console.captured, s->console.captured_size));
    if (s->console.captured_cut)
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
    int status = options_parse(&options, COMMAND_RUN, argc, argv);
    if (status < 0) {
        status = run_guest(&session, &options);
        session_close(&session);
    }
    options_free(&options);
    return status;
}
