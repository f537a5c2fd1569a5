/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - a guest from its file to its end, as `run` and its sisters have it. */
#ifndef DEV_SESSION_H
#define DEV_SESSION_H

#include <stdbool.h>

#include <hl/hl.h>

#include "console.h"
#include "expr.h"
#include "json_write.h"
#include "options.h"
#include "project.h"

struct session {
    const struct options *options;
    struct project project;
    struct hl_image *image;
    struct hl_sandbox *sandbox;
    struct hl_snapshot *snapshot; /* --restore: of the sandbox when it had started */
    struct expr *expr;
    const char **text; /* of each expr */
    size_t expr_count;
    void *plugin; /* dlopen() handle */
    bool warned;  /* of missing host functions, once for all sandboxes */
    struct watchdog *watchdog;
    /* For a subcommand that watches each sandbox: it has not run, it will not run again. */
    int (*created)(struct session *session, struct hl_error *error);
    void (*ending)(struct session *session);
    int debug_in, debug_out; /* --gdb=stdio: what were the standard streams; else -1 */
    /* The debugger is served, the guest has not yet run. */
    int (*served)(struct session *session, struct hl_error *error);
    struct gdb_run *gdb_run; /* hl-dev debug */
    bool seen;               /* by gdb in this terminal: how the run ended */
    struct console console;
    /* --json: calls are printed as they come where no debugger can want them again (list.f); the
     * value of the last one is not in the document. */
    struct json_list list;
    struct json_raw raw;
};

/*
 * Build, open, parse the calls, in a session that is zero but for its hooks and gdb_run.  Nothing
 * is printed of an error; session_close() in any case.
 */
int session_open(struct session *session, const struct options *options, struct hl_error *error);
/* Start a sandbox; also again, for another one of the same guest. */
int session_start(struct session *session, struct hl_error *error);
/* For --restore: of the sandbox as it is when it has started. */
int session_take_snapshot(struct session *session, struct hl_error *error);
/* The sandbox's end, which a debugger hears of. */
void session_end(struct session *session);
void session_close(struct session *session);

#endif
