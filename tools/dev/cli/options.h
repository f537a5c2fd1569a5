/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - the command line of the subcommands that deal with a guest. */
#ifndef DEV_OPTIONS_H
#define DEV_OPTIONS_H

#include <stdbool.h>

#include <hl/hl.h>

#include "commands.h"
#include "profile_render.h"
#include "project.h"

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
    char **args;             /* what follows "--": the guest's own, or gdb's */
    int arg_count;
};

/*
 * Parse the command line of a command that is not completion, help or version.  Returns -1 to go
 * on, or the exit status to end with (help was printed, or an error).
 */
int options_parse(struct options *options, enum command command, int argc, char **argv);
void options_free(struct options *options);
/* Sizes from the command line, else from hl.ini, else 0 for the default. */
void options_sizes(const struct options *options, const struct project *project,
                   struct hl_sandbox_config *config);

#endif
