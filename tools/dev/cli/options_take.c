/* SPDX-License-Identifier: Apache-2.0 */
#include "options_take.h"

#include <string.h>

#include "ui.h"

#define STRING_LIMIT (16u << 20)

/* Only opening it can show what is wrong with an address. */
static int take_endpoint(struct options *o, enum command command, const struct option_row *row)
{
    o->gdb = true;
    o->endpoint = optarg;
    if (!optarg || strncmp(optarg, "unix:", 5) == 0 || strncmp(optarg, "tcp:", 4) == 0 ||
        (strcmp(optarg, "stdio") == 0 && command == COMMAND_RUN))
        return -1;
    return option_bad_value(row, command == COMMAND_RUN ? "stdio, unix:PATH or tcp:[HOST:]PORT"
                                                        : "unix:PATH or tcp:[HOST:]PORT");
}

static int take_call(struct options *o, enum command command, const struct option_row *row)
{
    (void)command, (void)row;
    o->call[o->call_count++] = optarg;
    return -1;
}

static int take_events(struct options *o, enum command command, const struct option_row *row)
{
    (void)command, (void)row;
    o->events[o->event_count++] = optarg;
    return -1;
}

static int take_timeout(struct options *o, enum command command, const struct option_row *row)
{
    (void)command;
    o->has_timeout = true;
    return project_parse_seconds(optarg, &o->timeout)
               ? -1
               : option_bad_value(row, "a number of seconds, such as 2 or 0.5");
}

static int take_repeat(struct options *o, enum command command, const struct option_row *row)
{
    (void)command;
    return option_number(-1ul, &o->repeat) && *optarg >= '1'
               ? -1
               : option_bad_value(row, "a number of times, 1 or more");
}

static int take_string_limit(struct options *o, enum command command, const struct option_row *row)
{
    (void)command;
    return option_number(STRING_LIMIT, &o->string_max)
               ? -1
               : option_bad_value(row, "a number of bytes, at most 16777216");
}

static int take_file(struct options *o, enum command command, const struct option_row *row)
{
    (void)command, (void)row;
    o->file = optarg;
    return *optarg ? -1 : ui_error(EXIT_USAGE, "-o needs the name of a file");
}

static int take_stamps(struct options *o, enum command command, const struct option_row *row)
{
    (void)command;
    o->stamps = row->id == OPTION_STAMPS_DELTA ? STAMPS_DELTA : STAMPS_CLOCK;
    return -1;
}

static int take_color(struct options *o, enum command command, const struct option_row *row)
{
    (void)o, (void)command;
    return ui_parse_color(optarg) ? -1 : option_bad_value(row, NULL);
}

static int show_help(struct options *o, enum command command, const struct option_row *row)
{
    (void)o, (void)row;
    command_print_help(stdout, command);
    return ui_finish(EXIT_FINE);
}

static int show_version(struct options *o, enum command command, const struct option_row *row)
{
    (void)o, (void)command, (void)row;
    printf("hl-dev %s\n", hl_version());
    return ui_finish(EXIT_FINE);
}

static int take_profile(struct options *o, enum command command, const struct option_row *row)
{
    (void)command;
    return option_take_profile(o, row);
}

typedef int take_fn(struct options *o, enum command command, const struct option_row *row);

/* Where the value goes; or, for more than that, the function that takes it. */
enum value_kind { VALUE_TAKEN, VALUE_FLAG, VALUE_TEXT, VALUE_NAME, VALUE_SIZE };

#define AT(member) offsetof(struct options, member)

static const struct {
    take_fn *take;
    enum value_kind kind;
    size_t at;
    const char *wanted;
} values[OPTIONS] = {
    [OPTION_CALL] = {take_call},
    [OPTION_HOST] = {.kind = VALUE_TEXT, .at = AT(host)},
    [OPTION_HEAP] = {.kind = VALUE_SIZE, .at = AT(heap)},
    [OPTION_STACK] = {.kind = VALUE_SIZE, .at = AT(stack)},
    [OPTION_INPUT] = {.kind = VALUE_SIZE, .at = AT(input)},
    [OPTION_OUTPUT] = {.kind = VALUE_SIZE, .at = AT(output)},
    [OPTION_IMAGE_MAX] = {.kind = VALUE_SIZE, .at = AT(image_max)},
    [OPTION_TIMEOUT] = {take_timeout},
    [OPTION_REPEAT] = {take_repeat},
    [OPTION_RESTORE] = {.kind = VALUE_FLAG, .at = AT(restore)},
    [OPTION_CORE] = {NULL, VALUE_NAME, AT(core), "the name of a file to be written"},
    [OPTION_GDB] = {take_endpoint},
    [OPTION_STOP_AT] = {NULL, VALUE_NAME, AT(stop_at), "entry, main, none or a function"},
    [OPTION_SAFE_OUTPUT] = {.kind = VALUE_FLAG, .at = AT(safe_output)},
    [OPTION_JSON] = {.kind = VALUE_FLAG, .at = AT(json)},
    [OPTION_EVENTS] = {take_events},
    [OPTION_STACK_TRACE] = {.kind = VALUE_FLAG, .at = AT(stack_trace)},
    [OPTION_STAMPS_DELTA] = {take_stamps},
    [OPTION_STRING_LIMIT] = {take_string_limit},
    [OPTION_STAMPS_CLOCK] = {take_stamps},
    [OPTION_EXITS] = {take_profile},
    [OPTION_CPU] = {take_profile},
    [OPTION_RATE] = {take_profile},
    [OPTION_MEMORY] = {.kind = VALUE_FLAG, .at = AT(memory)},
    [OPTION_BY] = {take_profile},
    [OPTION_WEIGHT] = {take_profile},
    [OPTION_FORMAT] = {take_profile},
    [OPTION_FILE] = {take_file},
    [OPTION_DIFF] = {NULL, VALUE_NAME, AT(diff), "a profile written by --format json"},
    [OPTION_FROM] = {NULL, VALUE_NAME, AT(from), "a profile written by --format json"},
    [OPTION_COLOR] = {take_color},
    [OPTION_QUIET] = {.kind = VALUE_FLAG, .at = AT(quiet)},
    [OPTION_VERBOSE] = {.kind = VALUE_FLAG, .at = AT(verbose)},
    [OPTION_HELP] = {show_help},
    [OPTION_VERSION] = {show_version},
};

int option_take(struct options *o, enum command command, const struct option_row *row)
{
    void *to = (char *)o + values[row->id].at;
    switch (values[row->id].kind) {
    case VALUE_FLAG:
        *(bool *)to = true;
        return -1;
    case VALUE_TEXT:
        *(const char **)to = optarg;
        return -1;
    case VALUE_NAME:
        *(const char **)to = optarg;
        return *optarg ? -1 : option_bad_value(row, values[row->id].wanted);
    case VALUE_SIZE:
        return project_parse_size(optarg, to)
                   ? -1
                   : option_bad_value(row, "a size in bytes, optionally followed by K, M or G");
    case VALUE_TAKEN:
    default:
        return values[row->id].take(o, command, row);
    }
}
