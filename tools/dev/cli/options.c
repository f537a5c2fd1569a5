/* SPDX-License-Identifier: Apache-2.0 */
/* cli/options.c - the options of every subcommand that runs a guest. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "options_profile.h"
#include "ui.h"

#define STRING_MAX 32 /* as strace has it */
#define STRING_LIMIT (16u << 20)

enum {
    OPT_CALL = 256,
    OPT_HOST,
    OPT_HEAP,
    OPT_STACK,
    OPT_INPUT,
    OPT_OUTPUT,
    OPT_IMAGE_MAX,
    OPT_TIMEOUT,
    OPT_REPEAT,
    OPT_JSON,
    OPT_COLOR,
    OPT_GDB,
    OPT_STOP_AT,
    OPT_CORE,
    OPT_RESTORE,
    OPT_SAFE_OUTPUT,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"call", required_argument, NULL, OPT_CALL},
    {"host", required_argument, NULL, OPT_HOST},
    {"heap", required_argument, NULL, OPT_HEAP},
    {"stack", required_argument, NULL, OPT_STACK},
    {"input", required_argument, NULL, OPT_INPUT},
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"image-max", required_argument, NULL, OPT_IMAGE_MAX},
    {"timeout", required_argument, NULL, OPT_TIMEOUT},
    {"repeat", required_argument, NULL, OPT_REPEAT},
    {"json", no_argument, NULL, OPT_JSON},
    {"color", required_argument, NULL, OPT_COLOR},
    {"gdb", optional_argument, NULL, OPT_GDB},
    {"stop-at", required_argument, NULL, OPT_STOP_AT},
    {"core", required_argument, NULL, OPT_CORE},
    {"restore", no_argument, NULL, OPT_RESTORE},
    {"safe-output", no_argument, NULL, OPT_SAFE_OUTPUT},
    {"trace", required_argument, NULL, 'e'},
    {"stack-trace", no_argument, NULL, 'k'},
    {"relative-timestamps", no_argument, NULL, 'r'},
    {"string-limit", required_argument, NULL, 's'},
    {"absolute-timestamps", no_argument, NULL, 't'},
    PROFILE_LONG_OPTIONS,
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static bool runs(enum options_set set)
{
    return set == OPTIONS_RUN || set == OPTIONS_DEBUG || set == OPTIONS_TRACE ||
           set == OPTIONS_PROFILE;
}

/* What a subcommand has no use for it refuses: an option without effect would be a lie. */
static bool serves(enum options_set set, int c)
{
    switch (c) {
    case OPT_COLOR:
    case 'h':
    case OPT_VERSION:
        return true;
    case OPT_JSON:
        return set != OPTIONS_DEBUG && set != OPTIONS_ATTACH;
    case 'v':
        return runs(set) || set == OPTIONS_INSPECT || set == OPTIONS_CORE;
    case OPT_HEAP:
    case OPT_STACK:
    case OPT_INPUT:
    case OPT_OUTPUT:
    case OPT_IMAGE_MAX:
        return runs(set) || set == OPTIONS_INSPECT;
    case OPT_CORE:
        return set == OPTIONS_RUN || set == OPTIONS_PROFILE;
    case OPT_RESTORE:
    case OPT_SAFE_OUTPUT:
        return set == OPTIONS_RUN || set == OPTIONS_TRACE || set == OPTIONS_PROFILE;
    case OPT_GDB:
    case OPT_STOP_AT:
        return set == OPTIONS_RUN || set == OPTIONS_DEBUG;
    case 'e':
    case 'k':
    case 'r':
    case 's':
    case 't':
        return set == OPTIONS_TRACE;
    case 'o':
        return set == OPTIONS_TRACE || set == OPTIONS_PROFILE;
    default:
        if (c >= OPT_EXITS && c < OPT_PROFILE_END)
            return set == OPTIONS_PROFILE;
        return runs(set);
    }
}

static int bad_value(const char *option, const char *value, const char *wanted)
{
    ui_error(0, "bad value for --%s: %s", option, value);
    ui_hint("%s", wanted);
    return EXIT_USAGE;
}

static int take_size(const char *option, size_t *size)
{
    return project_parse_size(optarg, size)
               ? -1
               : bad_value(option, optarg, "a size in bytes, optionally followed by K, M or G");
}

static int take_repeat(struct options *o)
{
    char *end;
    errno = 0;
    o->repeat = strtoul(optarg, &end, 10);
    return *optarg >= '1' && *optarg <= '9' && !*end && !errno
               ? -1
               : bad_value("repeat", optarg, "a number of times, 1 or more");
}

/* Only opening it can show what is wrong with an address. */
static int take_endpoint(struct options *o, enum options_set set)
{
    o->gdb = true;
    o->endpoint = optarg;
    if (!optarg || strncmp(optarg, "unix:", 5) == 0 || strncmp(optarg, "tcp:", 4) == 0 ||
        (strcmp(optarg, "stdio") == 0 && set == OPTIONS_RUN))
        return -1;
    return bad_value("gdb", optarg,
                     set == OPTIONS_RUN ? "stdio, unix:PATH or tcp:[HOST:]PORT"
                                        : "unix:PATH or tcp:[HOST:]PORT");
}

static int take_count(size_t *count)
{
    char *end;
    errno = 0;
    *count = strtoul(optarg, &end, 10);
    return *optarg >= '0' && *optarg <= '9' && !*end && !errno && *count <= STRING_LIMIT
               ? -1
               : bad_value("string-limit", optarg, "a number of bytes, at most 16777216");
}

/* -e and its sisters: what a trace shows, and where. */
static int take_traced(struct options *o, int c)
{
    switch (c) {
    case 'e':
        o->events[o->event_count++] = optarg;
        return -1;
    case 'k':
        o->stack_trace = true;
        return -1;
    case 'o':
        o->file = optarg;
        return *optarg ? -1 : ui_error(EXIT_USAGE, "-o needs the name of a file");
    case 'r':
        o->stamps = STAMPS_DELTA;
        return -1;
    case 's':
        return take_count(&o->string_max);
    case 't':
        o->stamps = STAMPS_CLOCK;
        return -1;
    default:
        return EXIT_USAGE;
    }
}

static int take(struct options *o, enum options_set set, int c, const char *help)
{
    switch (c) {
    case OPT_CALL:
        o->call[o->call_count++] = optarg;
        return -1;
    case OPT_HOST:
        o->host = optarg;
        return -1;
    case OPT_HEAP:
        return take_size("heap", &o->heap);
    case OPT_STACK:
        return take_size("stack", &o->stack);
    case OPT_INPUT:
        return take_size("input", &o->input);
    case OPT_OUTPUT:
        return take_size("output", &o->output);
    case OPT_IMAGE_MAX:
        return take_size("image-max", &o->image_max);
    case OPT_TIMEOUT:
        o->has_timeout = true;
        return project_parse_seconds(optarg, &o->timeout)
                   ? -1
                   : bad_value("timeout", optarg, "a number of seconds, such as 2 or 0.5");
    case OPT_REPEAT:
        return take_repeat(o);
    case OPT_JSON:
        o->json = true;
        return -1;
    case OPT_COLOR:
        return ui_parse_color(optarg) ? -1 : bad_value("color", optarg, "auto, always or never");
    case OPT_GDB:
        return take_endpoint(o, set);
    case OPT_STOP_AT:
        o->stop_at = optarg;
        return *optarg ? -1 : bad_value("stop-at", optarg, "entry, main, none or a function");
    case OPT_CORE:
        o->core = optarg;
        return *optarg ? -1 : bad_value("core", optarg, "the name of a file to be written");
    case OPT_RESTORE:
        o->restore = true;
        return -1;
    case 'q':
        o->quiet = true;
        return -1;
    case 'v':
        o->verbose = true;
        return -1;
    case OPT_SAFE_OUTPUT:
        o->safe_output = true;
        return -1;
    case 'h':
        fputs(help, stdout);
        return ui_finish(EXIT_FINE);
    case OPT_VERSION:
        printf("hl-dev %s\n", hl_version());
        return ui_finish(EXIT_FINE);
    default:
        return c < OPT_EXITS ? take_traced(o, c) : options_take_profile(o, c, bad_value);
    }
}

/* getopt's own messages lack our form: say which option it was. */
static int unknown(int c, char *const *argv)
{
    if (c == ':')
        ui_error(0, "option %s needs a value", argv[optind - 1]);
    else if (optopt > 0 && optopt < 256)
        ui_error(0, "unknown option -%c", optopt);
    else
        ui_error(0, "unknown option %s", argv[optind - 1]);
    ui_hint("`hl-dev %s --help` lists the options", argv[0]);
    return EXIT_USAGE;
}

static int useless(char *const *argv, int c, int index)
{
    if (index >= 0)
        ui_error(0, "%s has no option --%s", argv[0], long_options[index].name);
    else
        ui_error(0, "%s has no option -%c", argv[0], c);
    ui_hint("`hl-dev %s --help` lists the options", argv[0]);
    return EXIT_USAGE;
}

static int useless_word(char *const *argv, const char *word)
{
    ui_error(0, "%s takes no argument: %s", argv[0], word);
    ui_hint("`hl-dev %s --help` says more", argv[0]);
    return EXIT_USAGE;
}

static int too_many(enum options_set set, const char *word)
{
    if (set == OPTIONS_CORE) {
        ui_error(0, "one core file and one guest: %s", word);
        ui_hint("hl-dev core FILE [GUEST]");
        return EXIT_USAGE;
    }
    ui_error(0, "one target at a time: %s", word);
    ui_hint(set == OPTIONS_RUN || set == OPTIONS_TRACE ? "the guest's own arguments go after --"
                                                       : "gdb's own arguments go after --");
    return EXIT_USAGE;
}

static int take_words(struct options *o, enum options_set set, char **word, int count)
{
    int most = set == OPTIONS_CORE ? 2 : 1;
    if (count > most)
        return too_many(set, word[most]);
    if (count > 0)
        o->target = word[0];
    if (count > 1)
        o->guest = word[1];
    if (set != OPTIONS_CORE || count)
        return -1;
    ui_error(0, "which core file?");
    ui_hint("hl-dev core FILE [GUEST]");
    return EXIT_USAGE;
}

/* Combinations that cannot be meant. */
static int contradiction(const struct options *o)
{
    bool stdio = o->gdb && o->endpoint && strcmp(o->endpoint, "stdio") == 0;
    if (stdio && o->json) {
        ui_error(0, "--json needs the standard output, which --gdb=stdio takes");
        ui_hint("use --gdb without a value");
        return EXIT_USAGE;
    }
    if (stdio && o->safe_output) {
        ui_error(0, "--safe-output with --gdb=stdio: gdb prints what the guest writes");
        ui_hint("use --gdb without a value");
        return EXIT_USAGE;
    }
    if (o->stop_at && !o->gdb) {
        ui_error(0, "--stop-at without --gdb");
        ui_hint("without a debugger nothing would make the guest go on");
        return EXIT_USAGE;
    }
    if (o->gdb && !o->endpoint &&
        (strncmp(o->target, "unix:", 5) == 0 || strncmp(o->target, "tcp:", 4) == 0 ||
         strcmp(o->target, "stdio") == 0)) {
        ui_error(0, "%s is not a target", o->target);
        ui_hint("the endpoint of --gdb follows an equals sign: --gdb=%s", o->target);
        return EXIT_USAGE;
    }
    return -1;
}

static bool takes_target(enum options_set set)
{
    return set != OPTIONS_DOCTOR && set != OPTIONS_PS;
}

static bool takes_args(enum options_set set)
{
    return runs(set) || set == OPTIONS_ATTACH;
}

int options_parse(struct options *o, enum options_set set, int argc, char **argv, const char *help)
{
    int end = 1, status, c, index = -1;
    *o = (struct options){.repeat = 1, .string_max = STRING_MAX};
    if (set != OPTIONS_ATTACH)
        o->target = ".";
    o->gdb = o->under_gdb = set == OPTIONS_DEBUG;
    o->observed = set == OPTIONS_TRACE || set == OPTIONS_PROFILE;
    while (end < argc && strcmp(argv[end], "--") != 0)
        end++;
    if (end < argc) {
        o->args = argv + end + 1;
        o->arg_count = argc - end - 1;
        argv[end] = NULL;
    }
    o->call = calloc((size_t)end + 1, sizeof(*o->call));
    o->events = calloc((size_t)end + 1, sizeof(*o->events));
    if (!o->call || !o->events)
        return ui_error(EXIT_SYSTEM, "out of memory");
    optind = 0; /* start anew: GNU getopt keeps state */
    opterr = 0;
    for (; (c = getopt_long(end, argv, ":hqve:ko:rs:t", long_options, &index)) != -1; index = -1) {
        if (c == '?' || c == ':')
            return unknown(c, argv);
        status = serves(set, c) ? take(o, set, c, help) : useless(argv, c, index);
        if (status >= 0)
            return status;
    }
    if (!takes_target(set) && optind < end)
        return useless_word(argv, argv[optind]);
    if (!takes_args(set) && o->arg_count)
        return useless_word(argv, o->args[0]);
    status = take_words(o, set, argv + optind, end - optind);
    if (status >= 0)
        return status;
    if (set == OPTIONS_PROFILE)
        return options_check_profile(o, optind < end);
    return set == OPTIONS_RUN || set == OPTIONS_DEBUG ? contradiction(o) : -1;
}

static size_t first(size_t a, size_t b)
{
    return a ? a : b;
}

void options_sizes(const struct options *o, const struct project *p,
                   struct hl_sandbox_config *config)
{
    config->heap = first(o->heap, p->heap);
    config->stack = first(o->stack, p->stack);
    config->input = first(o->input, p->input);
    config->output = first(o->output, p->output);
    config->image_max = first(o->image_max, p->image_max);
}

void options_free(struct options *o)
{
    free(o->call);
    free(o->events);
}
