/* SPDX-License-Identifier: Apache-2.0 */
/* hl-dev's table of commands and options, and what reads it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option_table.h"
#include "options.h"
#include "ui.h"
#include "wrap.h"

#define PARSED COMMAND_COMPLETION /* commands before it go through options_parse() */

/* The command lines that users and their scripts have. */
static const struct {
    enum command command;
    const char *options;
} contract[] = {
    {COMMAND_RUN,
     "--call --host --heap --stack --input --output --image-max --timeout --repeat --restore "
     "--core "
     "--gdb --stop-at --safe-output --json --color -q --quiet -v --verbose -h --help --version"},
    {COMMAND_DEBUG,
     "--call --host --heap --stack --input --output --image-max --timeout --repeat --gdb --stop-at "
     "--color -q --quiet -v --verbose -h --help --version"},
    {COMMAND_TRACE,
     "-e --trace -k --stack-trace -o -r --relative-timestamps -s --string-limit -t "
     "--absolute-timestamps --call --host --heap --stack --input --output --image-max --timeout "
     "--repeat --restore --safe-output --json --color -q --quiet -v --verbose -h --help --version"},
    {COMMAND_PROFILE,
     "--exits --cpu --rate --memory --by --weight --format -o --diff --from --call --host --heap "
     "--stack --input --output --image-max --timeout --repeat --restore --core --safe-output "
     "--json "
     "--color -q --quiet -v --verbose -h --help --version"},
    {COMMAND_PS, "--json --color -h --help --version"},
    {COMMAND_ATTACH, "--color -h --help --version"},
    {COMMAND_INSPECT,
     "--heap --stack --input --output --image-max --json --color -v --verbose -h --help --version"},
    {COMMAND_CORE, "--json --color -v --verbose -h --help --version"},
    {COMMAND_DOCTOR, "--json --color -h --help --version"},
    {COMMAND_COMPLETION, "-h --help --version"},
};

/* The option that is spelled so, "--heap" or "-q", of that command; NULL: it has none. */
static const struct option_row *spelled(const char *word, size_t size, enum command command)
{
    for (enum option_id id = 0; id < OPTIONS; id++) {
        const struct option_spec *spec = option_any(id);
        bool is_long = word[1] == '-' && spec->name && strlen(spec->name) == size - 2 &&
                       strncmp(spec->name, word + 2, size - 2) == 0;
        if (is_long || (size == 2 && spec->letter && spec->letter == word[1]))
            return option_find(id, command);
    }
    return NULL;
}

static void contract_is_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(contract) / sizeof(contract[0]); i++) {
        enum command command = contract[i].command;
        size_t spellings = 0, wanted = 0;
        for (const char *word = contract[i].options; *word; wanted++) {
            size_t size = strcspn(word, " ");
            if (!spelled(word, size, command))
                fail_msg("%s lacks %.*s", command_table[command].name, (int)size, word);
            word += size + strspn(word + size, " ");
        }
        for (enum option_id id = 0; id < OPTIONS; id++)
            if (option_find(id, command))
                spellings += (option_any(id)->letter != 0 && option_any(id)->name != NULL) ? 2 : 1;
        assert_int_equal(spellings, wanted); /* and no more */
    }
}

static void rows_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_rows; i++) {
        const struct option_row *row = &option_table[i];
        const struct option_spec *spec = &row->spec, *first = option_any(row->id);
        assert_true(spec->name || spec->letter);
        assert_int_equal(spec->argument != no_argument, spec->value != NULL);
        assert_int_equal(spec->complete == COMPLETE_WORD || spec->complete == COMPLETE_SOME_WORD,
                         spec->words != NULL);
        assert_int_equal(row->commands >> COMMANDS, 0);
        assert_true(row->commands);
        if (row->commands & ~row->named)
            assert_true(spec->help || spec->complete == COMPLETE_WORD);
        assert_int_equal(spec->letter, first->letter);
        assert_int_equal(spec->argument, first->argument);
        assert_int_equal(spec->complete, first->complete);
        if (spec->name)
            assert_string_equal(spec->name, first->name);
        for (size_t k = 0; k < i; k++) {
            const struct option_row *other = &option_table[k];
            if (other->id == row->id) {
                assert_int_equal(other->commands & row->commands, 0);
                continue;
            }
            assert_true(!spec->letter || spec->letter != other->spec.letter);
            assert_true(!spec->name || !other->spec.name ||
                        strcmp(spec->name, other->spec.name) != 0);
        }
    }
}

static void commands_are_whole(void **state)
{
    (void)state;
    for (enum command c = 0; c < COMMANDS; c++) {
        assert_non_null(command_table[c].name);
        assert_non_null(command_table[c].summary);
        assert_non_null(command_table[c].arguments);
        assert_int_equal(c <= COMMAND_COMPLETION, command_table[c].about != NULL);
    }
}

/* What went to the standard streams while options_parse() ran. */
static char printed[8192];

static int parse(struct options *o, enum command command, const char *const *words)
{
    char *argv[8] = {(char *)command_table[command].name};
    int argc = 1, was_out = dup(STDOUT_FILENO), was_err = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(NULL);
    dup2(fileno(file), STDOUT_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    for (; *words; words++)
        argv[argc++] = (char *)*words;
    int status = options_parse(o, command, argc, argv);
    fflush(NULL);
    dup2(was_out, STDOUT_FILENO);
    dup2(was_err, STDERR_FILENO);
    close(was_out);
    close(was_err);
    rewind(file);
    printed[fread(printed, 1, sizeof(printed) - 1, file)] = 0;
    fclose(file);
    return status;
}

static int parse_once(enum command command, const char *word, const char *value)
{
    struct options o;
    const char *target = command == COMMAND_CORE ? "file" : NULL;
    int status =
        parse(&o, command,
              (const char *const[]){word, value ? value : target, value ? target : NULL, NULL});
    options_free(&o);
    return status;
}

/* A value that the option takes. */
static const char *sample(const struct option_spec *spec)
{
    static char word[32];
    if (spec->argument != required_argument)
        return NULL;
    if (!spec->words)
        return "1";
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(spec->words, " "), spec->words);
    return word;
}

static void each_option_is_taken_or_refused(void **state)
{
    (void)state;
    for (enum command command = 0; command < PARSED; command++)
        for (enum option_id id = 0; id < OPTIONS; id++) {
            const struct option_spec *spec = option_any(id);
            char word[64], error[128];
            snprintf(word, sizeof(word), spec->name ? "--%s" : "-o", spec->name);
            int status = parse_once(command, word, sample(spec));
            snprintf(error, sizeof(error),
                     "hl-dev: error: %s has no option %s\nhint: `hl-dev %s --help` lists",
                     command_table[command].name, word, command_table[command].name);
            bool refused = strncmp(printed, error, strlen(error)) == 0;
            if (refused != !option_find(id, command))
                fail_msg("%s %s: %s", command_table[command].name, word, printed);
            if (refused)
                assert_int_equal(status, EXIT_USAGE);
            else if (id == OPTION_HELP || id == OPTION_VERSION)
                assert_int_equal(status, EXIT_FINE);
        }
}

static void values_go_where_they_belong(void **state)
{
    struct options o;
    (void)state;
    assert_int_equal(
        parse(&o, COMMAND_RUN,
              (const char *const[]){"--heap", "2M", "--stack=3", "-q", "--core", "c", "t", NULL}),
        -1);
    assert_int_equal(o.heap, 2 << 20);
    assert_int_equal(o.stack, 3);
    assert_true(o.quiet && !o.verbose && !o.json);
    assert_string_equal(o.core, "c");
    assert_string_equal(o.target, "t");
    options_free(&o);
    assert_int_equal(
        parse(&o, COMMAND_TRACE, (const char *const[]){"-ehost", "-rk", "-s", "7", "--json", NULL}),
        -1);
    assert_string_equal(o.events[0], "host");
    assert_int_equal(o.event_count, 1);
    assert_int_equal(o.string_max, 7);
    assert_int_equal(o.stamps, STAMPS_DELTA);
    assert_true(o.stack_trace && o.json);
    options_free(&o);
    assert_int_equal(parse(&o, COMMAND_PROFILE,
                           (const char *const[]){"--cpu", "--rate", "5", "--format", "svg", NULL}),
                     -1);
    assert_true(o.cpu && o.rate == 5 && o.profile.format == PROFILE_SVG && o.stdout_taken);
    options_free(&o);
}

static void unknown_ones_are_refused(void **state)
{
    static const struct {
        const char *word, *error;
    } cases[] = {
        {"--walk", "hl-dev: error: unknown option --walk\n"},
        {"--st=1", "hl-dev: error: unknown option --st=1\n"}, /* several begin so */
        {"-w", "hl-dev: error: unknown option -w\n"},
        {"-qw", "hl-dev: error: unknown option -w\n"},
        {"--json=x", "hl-dev: error: unknown option --json=x\n"},
        {"--heap", "hl-dev: error: option --heap needs a value\n"},
        {"-k", "hl-dev: error: run has no option -k\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char all[256];
        snprintf(all, sizeof(all), "%shint: `hl-dev run --help` lists the options\n",
                 cases[i].error);
        assert_int_equal(parse_once(COMMAND_RUN, cases[i].word, NULL), EXIT_USAGE);
        assert_string_equal(printed, all);
    }
}

/* What completion offers and the hint says is what is taken. */
static void words_are_those_taken(void **state)
{
    (void)state;
    for (size_t i = 0; i < option_rows; i++) {
        const struct option_spec *spec = &option_table[i].spec;
        enum command command = (enum command)__builtin_ctz(option_table[i].commands);
        char option[32], word[32], hint[OPTION_HINT], all[512];
        snprintf(option, sizeof(option), "--%s", spec->name ? spec->name : "");
        for (const char *at = spec->words; at && *at; at += strspn(at, " ")) {
            size_t size = strcspn(at, " ");
            snprintf(word, sizeof(word), "%.*s", (int)size, at);
            if (parse_once(command, option, word) == EXIT_USAGE && command != COMMAND_RUN)
                fail_msg("%s %s: %s", option, word, printed);
            at += size;
        }
        if (spec->complete != COMPLETE_WORD)
            continue;
        option_words(spec, hint);
        snprintf(all, sizeof(all), "hl-dev: error: bad value for %s: nosuch\nhint: %s\n", option,
                 hint);
        assert_int_equal(parse_once(command, option, "nosuch"), EXIT_USAGE);
        assert_string_equal(printed, all);
    }
}

static void help_has_each_option(void **state)
{
    (void)state;
    for (enum command command = 0; command <= COMMAND_COMPLETION; command++) {
        char *text, *line, label[OPTION_LABEL];
        size_t size;
        FILE *f = open_memstream(&text, &size);
        command_print_help(f, command);
        fclose(f);
        for (enum option_id id = 0; id < OPTIONS; id++) {
            option_label(option_any(id), label);
            bool there = strstr(text, label);
            if (option_find(id, command) && !there)
                fail_msg("%s --help lacks %s", command_table[command].name, label);
        }
        for (char *rest = text; (line = strsep(&rest, "\n"));)
            if (strlen(line) > OPTION_WIDTH)
                fail_msg("%s --help: %s", command_table[command].name, line);
        free(text);
    }
}

static void print_wrapped(const char *text, unsigned width, unsigned indent, unsigned column,
                          const char *wanted)
{
    char *got;
    size_t size;
    FILE *f = open_memstream(&got, &size);
    struct wrap wrap = {.file = f, .width = width, .indent = indent, .column = column};
    wrap_text(&wrap, text);
    fclose(f);
    assert_string_equal(got, wanted);
    free(got);
}

static void words_are_wrapped(void **state)
{
    (void)state;
    print_wrapped("one two three", 10, 2, 1, " one two\n  three");
    print_wrapped("one two", 9, 2, 1, " one two");
    print_wrapped("one two", 8, 2, 1, " one\n  two");
    print_wrapped("", 10, 2, 1, "");
    print_wrapped("longer-than-the-width", 10, 2, 1, " longer-than-the-width");
    print_wrapped("a longer-than-the-width b", 10, 2, 1, " a\n  longer-than-the-width\n  b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contract_is_kept),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(commands_are_whole),
        cmocka_unit_test(each_option_is_taken_or_refused),
        cmocka_unit_test(values_go_where_they_belong),
        cmocka_unit_test(unknown_ones_are_refused),
        cmocka_unit_test(words_are_those_taken),
        cmocka_unit_test(help_has_each_option),
        cmocka_unit_test(words_are_wrapped),
    };
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
