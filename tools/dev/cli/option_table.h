/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option_table.h - every option of hl-dev, described once: getopt_long's rows, each --help, both
 * completions and the lists of docs/man/hl-dev.1 are made of it.
 */
#ifndef DEV_OPTION_TABLE_H
#define DEV_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "commands.h"
#include "option.h"

enum option_id {
    OPTION_CALL,
    OPTION_HOST,
    OPTION_HEAP,
    OPTION_STACK,
    OPTION_INPUT,
    OPTION_OUTPUT,
    OPTION_IMAGE_MAX,
    OPTION_TIMEOUT,
    OPTION_REPEAT,
    OPTION_RESTORE,
    OPTION_CORE,
    OPTION_GDB,
    OPTION_STOP_AT,
    OPTION_SAFE_OUTPUT,
    OPTION_JSON,
    OPTION_EVENTS,
    OPTION_STACK_TRACE,
    OPTION_STAMPS_DELTA,
    OPTION_STRING_LIMIT,
    OPTION_STAMPS_CLOCK,
    OPTION_EXITS,
    OPTION_CPU,
    OPTION_RATE,
    OPTION_MEMORY,
    OPTION_BY,
    OPTION_WEIGHT,
    OPTION_FORMAT,
    OPTION_FILE,
    OPTION_DIFF,
    OPTION_FROM,
    OPTION_COLOR,
    OPTION_QUIET,
    OPTION_VERBOSE,
    OPTION_HELP,
    OPTION_VERSION,
    OPTIONS
};

/* An option that means something else to another command has another row. */
struct option_row {
    enum option_id id;
    unsigned commands; /* that take it: a set of 1 << enum command */
    unsigned named;    /* those of them whose --help names it without its text */
    struct option_spec spec;
};

extern const struct option_row option_table[];
extern const size_t option_rows;

/* What the command knows as that option, or NULL. */
const struct option_row *option_find(enum option_id id, enum command command);

/* What some command knows as that option. */
const struct option_spec *option_any(enum option_id id);

#endif
