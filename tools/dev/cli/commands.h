/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commands.h - hl-dev's subcommands: described once, for help, completion and the manual; and the
 * functions that are them.
 */
#ifndef DEV_COMMANDS_H
#define DEV_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

/* In the order of `hl-dev help`. */
enum command {
    COMMAND_RUN,
    COMMAND_DEBUG,
    COMMAND_PROFILE,
    COMMAND_TRACE,
    COMMAND_PS,
    COMMAND_ATTACH,
    COMMAND_INSPECT,
    COMMAND_CORE,
    COMMAND_DOCTOR,
    COMMAND_COMPLETION,
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMANDS
};

/* What the words are that are no options. */
enum command_words { WORDS_NONE, WORDS_FILE, WORDS_SANDBOX, WORDS_SHELL, WORDS_COMMAND };

struct command_row {
    const char *name, *summary;
    const char *arguments; /* of the usage line */
    enum command_words words;
    const char *rest;  /* whose arguments follow "--", or NULL */
    const char *about; /* of --help, before and after the options; lines with their ends */
    const char *after;
    const char *manual; /* mdoc(7), each line with its end; NULL: not described there */
};

extern const struct command_row command_table[COMMANDS];

/* The help of one command, options and all. */
void command_print_help(FILE *f, enum command command);

/* argv[0] is the subcommand's name. */
int cmd_run(int argc, char **argv);
int cmd_debug(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_attach(int argc, char **argv);
int cmd_core(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_completion(int argc, char **argv);

#endif
