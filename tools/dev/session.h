/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - what `run` and its sisters share: options, the sandbox, its output, its end. */
#ifndef DEV_SESSION_H
#define DEV_SESSION_H

#include <jansson.h>
#include <stdbool.h>

#include <hl/hl.h>

#include "expr.h"
#include "json_write.h"
#include "profile_render.h"
#include "project.h"
#include "safe.h"

/* The time in front of each line of a trace. */
enum stamps { STAMPS_START, STAMPS_DELTA, STAMPS_CLOCK };

struct options {
    const char *target; /* of `core`: the core file */
    const char *guest;  /* hl-dev core: the second word, or NULL */
    const char *host;   /* overrides hl.ini's */
    const char **call;
    size_t call_count;
    size_t heap, stack, input, output, image_max;
    double timeout;
    bool has_timeout;
    unsigned long repeat;
    bool json, quiet, verbose;
    bool safe_output;     /* what the guest prints is escaped */
    const char *core;     /* written when the guest crashes, NULL: none */
    bool restore;         /* the sandbox as it was at the start, before each call */
    bool gdb;             /* serve a debugger ... */
    const char *endpoint; /* ... there; NULL: at a private socket */
    const char *stop_at;  /* NULL: at main() or the first function called */
    bool under_gdb;       /* hl-dev debug: in this terminal; no output of the guest twice */
    bool observed;        /* hl-dev trace, profile: Ctrl-C ends the run in order */
    const char **events;  /* -e LISTs */
    size_t event_count;
    const char *file; /* -o, NULL: none */
    size_t string_max;
    enum stamps stamps;
    bool stack_trace;
    bool stdout_taken; /* for a document: what else would go there goes to stderr */
    bool cpu, memory, mode_given, format_given; /* hl-dev profile */
    unsigned rate;                              /* 0: the default */
    struct profile_options profile;
    const char *diff, *from; /* files, or NULL */
    char **args;             /* what is behind "--": the guest's own, or gdb's */
    int arg_count;
};

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
    struct safe safe[2];     /* --safe-output: stdout, stderr */
    bool mid_line;           /* the guest's last byte on stdout was no newline */
    char *captured;          /* --json: what the guest printed */
    size_t captured_size, captured_room;
    bool captured_cut; /* some of it was dropped */
    /* --json: calls are printed as they come where no debugger can want them again (list.f); the
     * value of the last one is not in the document. */
    struct json_list list;
    struct json_raw raw;
};

/*
 * Parse options common to all subcommands that run a guest.  Returns -1 to go on, or the exit
 * status to end with (help was printed, or an error).
 */
enum options_set {
    OPTIONS_RUN,
    OPTIONS_DEBUG,
    OPTIONS_TRACE,
    OPTIONS_PROFILE,
    OPTIONS_INSPECT,
    OPTIONS_CORE,
    OPTIONS_DOCTOR,
    OPTIONS_PS,
    OPTIONS_ATTACH
};
int options_parse(struct options *options, enum options_set set, int argc, char **argv,
                  const char *help);
void options_free(struct options *options);
/* Sizes from the command line, else from hl.ini, else 0 for the default. */
void options_sizes(const struct options *options, const struct project *project,
                   struct hl_sandbox_config *config);

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

/*
 * Start a sandbox, make the calls, or run main(), and print what comes of it; into document what
 * --json wants.
 */
int session_calls(struct session *session, json_t *document);
/* Times and counts, for --verbose. */
double session_now_ms(void);
void session_print_counts(const struct session *session, double ms);
/* Say why a session could not go on; the status. */
int session_failed(struct session *session, struct hl_error *error, json_t *document);

#endif
