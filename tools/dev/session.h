/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - what `run` and its sisters share: options, the sandbox, its output, its end. */
#ifndef DEV_SESSION_H
#define DEV_SESSION_H

#include <stdbool.h>

#include <hl/hl.h>

#include "expr.h"
#include "project.h"

struct options {
    const char *target;
    const char *host; /* overrides hl.ini's */
    const char **call;
    size_t call_count;
    size_t heap, stack, input, output;
    double timeout;
    bool has_timeout;
    unsigned long repeat;
    bool json, quiet, verbose;
    char **args; /* the guest's own, behind "--" */
    int arg_count;
};

struct session {
    const struct options *options;
    struct project project;
    struct hl_image *image;
    struct hl_sandbox *sandbox;
    struct expr *expr;
    const char **text; /* of each expr */
    size_t expr_count;
    void *plugin; /* dlopen() handle */
    bool warned;  /* of missing host functions, once for all sandboxes */
    struct watchdog *watchdog;
    bool mid_line;  /* the guest's last byte on stdout was no newline */
    char *captured; /* --json: what the guest printed */
    size_t captured_size, captured_room;
    bool captured_cut; /* some of it was dropped */
};

/*
 * Parse options common to all subcommands that run a guest.  Returns -1 to go on, or the exit
 * status to end with (help was printed, or an error).
 */
enum options_set { OPTIONS_RUN, OPTIONS_INSPECT, OPTIONS_DOCTOR };
int options_parse(struct options *options, enum options_set set, int argc, char **argv,
                  const char *help);
void options_free(struct options *options);
/* Sizes from the command line, else from hl.ini, else 0 for the default. */
void options_sizes(const struct options *options, const struct project *project,
                   struct hl_sandbox_config *config);

/* Build, open, parse the calls.  Nothing is printed of an error; session_close() in any case. */
int session_open(struct session *session, const struct options *options, struct hl_error *error);
/* Start a sandbox; also again, for another one of the same guest. */
int session_start(struct session *session, struct hl_error *error);
void session_close(struct session *session);

/* Has the time limit passed?  Then every call fails with HL_ERR_INTERRUPTED. */
bool session_timed_out(const struct session *session);

#endif
