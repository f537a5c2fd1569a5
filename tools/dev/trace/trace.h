/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - hl-dev trace: from the events of an observer to lines that people or programs read.
 *
 * trace/trace.c makes a struct trace_line of each event that the filter lets pass, and gives it to
 * the writer: begin() when the guest has exited (it may take until the guest resumes), end() when
 * the outcome is known.
 */
#ifndef DEV_TRACE_H
#define DEV_TRACE_H

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>

#include <hl/observe.h>

#include "session.h"
#include "trace_args.h"
#include "trace_filter.h"
#include "trace_site.h"

enum trace_phase { TRACE_BEGIN, TRACE_RETURN, TRACE_RESTORE };

/* What a class has no use for is zero.  Pointers are good until end() returns. */
struct trace_line {
    enum trace_class class;
    uint64_t time, took; /* ns, of CLOCK_MONOTONIC */
    bool timed;
    const char *name; /* of the function, host function, system call, exception, log level */
    struct trace_stack stack;
    const struct hl_value *args; /* host, result */
    size_t count;
    const struct hl_value *result;
    const char *failure; /* NULL: none */
    int code;            /* of the failure, of main() */
    bool has_code;
    const struct hl_exit *exit; /* syscall, fault, io, mmio */
    bool answered;
    int64_t answer;
    enum trace_phase phase; /* result */
    enum hl_run run;
    const void *data; /* log, output */
    size_t size;
};

struct trace;
struct trace_writer {
    void (*begin)(struct trace *trace, const struct trace_line *line);
    void (*end)(struct trace *trace, const struct trace_line *line);
    /* The line that has begun will not be ended: the program ends.  Any thread. */
    void (*abandon)(struct trace *trace);
};
extern const struct trace_writer trace_text, trace_json;

struct trace {
    struct session *session;
    const struct trace_writer *writer;
    struct trace_filter filter;
    struct trace_sites *sites;
    struct hl_observer observer;
    struct hl_sandbox *sandbox; /* the one observed, or NULL */
    FILE *out;
    uint64_t start, previous; /* ns: of the trace, of its last line */
    uint64_t own;             /* ns that this run would have been shorter without us */
    uint64_t left;            /* when the guest last came out */
    int64_t wall;             /* to be added for the time of day */
    const char *call;         /* the guest's function in progress, NULL: none */
    struct trace_line line;   /* in progress */
    bool open;                /* it has begun */
    bool reported;            /* something of this exit has been shown */
    bool aborting;            /* line says where; the end of the run says why */

    /* The writer's own; what is shared with other threads is under lock. */
    pthread_mutex_t lock;
    char *text; /* of the line, until it is written */
    size_t text_size;
    FILE *memory; /* ... which grows there */
    struct trace_args args;
    const char *bold, *red, *plain;
    unsigned width;     /* of the column of sites */
    bool shown;         /* the line's head is out, its end is not */
    bool broken;        /* and something else followed it */
    bool *mid_line;     /* what came last on the terminal did not end its line; may be NULL */
    bool shares_stdout; /* the trace is where standard output is, too */
    json_t *object;
};

/* Names must have passed the filter's; out, mid_line are the caller's. */
int trace_open(struct trace *trace, struct session *session, struct hl_error *error);
/* Watch the session's sandbox, which has not started. */
int trace_attach(struct trace *trace, struct hl_error *error);
void trace_detach(struct trace *trace);
void trace_close(struct trace *trace);

/* Something else is about to be written where the trace goes.  Any thread. */
void trace_text_interrupt(struct trace *trace);
/* The last line of --json. */
void trace_json_end(struct trace *trace, int status, json_t *error);

#endif
