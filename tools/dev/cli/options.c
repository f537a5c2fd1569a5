/* SPDX-License-Identifier: Apache-2.0 */
/* cli/options.c - the command line of every subcommand that deals with a guest. */
#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "option_table.h"
#include "options_take.h"
#include "ui.h"

#define STRING_MAX 32 /* as strace has it */
#define LONG_CODE 256 /* of an option without a letter: this and its id */

/* All options, of whatever command: one that this command lacks is not an unknown one. */
struct getopt_table {
    struct option row[OPTIONS + 1];
    char letters[3 * OPTIONS + 2];
};

static void fill_getopt_table(struct getopt_table *table)
{
    struct option *row = table->row;
    strcpy(table->letters, ":");
    for (enum option_id id = 0; id < OPTIONS; id++) {
        const struct option_spec *spec = option_any(id);
        if (spec->name)
            *row++ = option_getopt(spec, LONG_CODE + (int)id);
        option_getopt_letter(spec, table->letters);
    }
    *row = (struct option){0};
}

static enum option_id option_of_code(int code)
{
    enum option_id id = 0;
    if (code >= LONG_CODE)
        return (enum option_id)(code - LONG_CODE);
    while (option_any(id)->letter != code)
        id++;
    return id;
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

/* What a command has no use for it refuses: an option without effect would be a lie. */
static int useless(char *const *argv, const struct option_spec *spec, bool is_long)
{
    if (is_long)
        ui_error(0, "%s has no option --%s", argv[0], spec->name);
    else
        ui_error(0, "%s has no option -%c", argv[0], spec->letter);
    ui_hint("`hl-dev %s --help` lists the options", argv[0]);
    return EXIT_USAGE;
}

static int useless_word(char *const *argv, const char *word)
{
    ui_error(0, "%s takes no argument: %s", argv[0], word);
    ui_hint("`hl-dev %s --help` says more", argv[0]);
    return EXIT_USAGE;
}

static int too_many(enum command command, const char *word)
{
    if (command == COMMAND_CORE) {
        ui_error(0, "one core file and one guest: %s", word);
        ui_hint("hl-dev core FILE [GUEST]");
        return EXIT_USAGE;
    }
    ui_error(0, "one target at a time: %s", word);
    if (command_table[command].rest)
        ui_hint("%s arguments go after --", command_table[command].rest);
    else
        ui_hint("`hl-dev %s --help` says more", command_table[command].name);
    return EXIT_USAGE;
}

static int take_words(struct options *o, enum command command, char **word, int count)
{
    int most = command == COMMAND_CORE ? 2 : 1;
    if (count > most)
        return too_many(command, word[most]);
    if (count > 0)
        o->target = word[0];
    if (count > 1)
        o->guest = word[1];
    if (command != COMMAND_CORE || count)
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
        ui_hint("without a debugger, nothing would resume the guest");
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

static int take_option(struct options *o, enum command command, char **argv, int code, bool is_long)
{
    enum option_id id = option_of_code(code);
    const struct option_row *row = option_find(id, command);
    if (!row)
        return useless(argv, option_any(id), is_long);
    return option_take(o, command, row);
}

static int take_options(struct options *o, enum command command, int argc, char **argv)
{
    struct getopt_table table;
    int code, index = -1, status;
    fill_getopt_table(&table);
    optind = 0; /* start anew: GNU getopt keeps state */
    opterr = 0;
    for (; (code = getopt_long(argc, argv, table.letters, table.row, &index)) != -1; index = -1) {
        if (code == '?' || code == ':')
            return unknown(code, argv);
        status = take_option(o, command, argv, code, index >= 0);
        if (status >= 0)
            return status;
    }
    return -1;
}

/* Cut off what follows "--"; returns how many words are left. */
static int split_rest(struct options *o, int argc, char **argv)
{
    int end = 1;
    while (end < argc && strcmp(argv[end], "--") != 0)
        end++;
    if (end < argc) {
        o->args = argv + end + 1;
        o->arg_count = argc - end - 1;
        argv[end] = NULL;
    }
    return end;
}

int options_parse(struct options *o, enum command command, int argc, char **argv)
{
    const struct command_row *row = &command_table[command];
    *o = (struct options){.repeat = 1, .string_max = STRING_MAX};
    if (command != COMMAND_ATTACH)
        o->target = ".";
    o->gdb = o->under_gdb = command == COMMAND_DEBUG;
    o->observed = command == COMMAND_TRACE || command == COMMAND_PROFILE;
    int end = split_rest(o, argc, argv);
    o->call = calloc((size_t)end + 1, sizeof(*o->call));
    o->events = calloc((size_t)end + 1, sizeof(*o->events));
    if (!o->call || !o->events)
        return ui_error(EXIT_SYSTEM, "out of memory");
    int status = take_options(o, command, end, argv);
    if (status >= 0)
        return status;
    if (row->words == WORDS_NONE && optind < end)
        return useless_word(argv, argv[optind]);
    if (!row->rest && o->arg_count)
        return useless_word(argv, o->args[0]);
    status = take_words(o, command, argv + optind, end - optind);
    if (status >= 0)
        return status;
    if (command == COMMAND_PROFILE)
        return options_check_profile(o, optind < end);
    return command == COMMAND_RUN || command == COMMAND_DEBUG ? contradiction(o) : -1;
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
