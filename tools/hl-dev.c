/* SPDX-License-Identifier: Apache-2.0 */
/* hl-dev.c - the guest author's tool: one subcommand a file in the rooms of dev/. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hl/hl.h>

#include "commands.h"
#include "ui.h"

/* NULL: this file has it itself. */
static int (*const run_command[COMMANDS])(int argc, char **argv) = {
    [COMMAND_RUN] = cmd_run,         [COMMAND_DEBUG] = cmd_debug,
    [COMMAND_PROFILE] = cmd_profile, [COMMAND_TRACE] = cmd_trace,
    [COMMAND_PS] = cmd_ps,           [COMMAND_ATTACH] = cmd_attach,
    [COMMAND_INSPECT] = cmd_inspect, [COMMAND_CORE] = cmd_core,
    [COMMAND_DOCTOR] = cmd_doctor,   [COMMAND_COMPLETION] = cmd_completion,
};

static int print_help(void)
{
    puts("Usage: hl-dev COMMAND [ARG...]\n");
    for (enum command c = 0; c < COMMANDS; c++)
        printf("  %-11s %s\n", command_table[c].name, command_table[c].summary);
    puts("\n`hl-dev COMMAND --help` says more.");
    return ui_finish(EXIT_FINE);
}

static int print_version(void)
{
    printf("hl-dev %s\n", hl_version());
    return ui_finish(EXIT_FINE);
}

enum { WORD_MAX = 16 };

/* How many letters are to be inserted, left out or replaced (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(b), row[WORD_MAX + 1];
    if (strlen(a) > WORD_MAX || n > WORD_MAX)
        return WORD_MAX;
    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0]++;
        for (size_t k = 1; k <= n; k++) {
            size_t best = corner + (a[i] != b[k - 1]);
            corner = row[k];
            best = row[k] + 1 < best ? row[k] + 1 : best;
            row[k] = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
        }
    }
    return row[n];
}

static int unknown(const char *name)
{
    const char *near = NULL;
    size_t best = 3; /* further away it is another word */
    for (enum command c = 0; c < COMMANDS && run_command[c]; c++) {
        size_t d = distance(name, command_table[c].name);
        near = d < best && d < strlen(name) ? command_table[c].name : near;
        best = d < best ? d : best;
    }
    ui_error(0, "unknown command %s", name);
    if (near)
        ui_hint("did you mean %s? `hl-dev help` lists the commands", near);
    else
        ui_hint("`hl-dev help` lists the commands");
    return EXIT_USAGE;
}

static int no_command(void)
{
    ui_error(0, "no command given");
    ui_hint("`hl-dev help` lists the commands");
    return EXIT_USAGE;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static bool asks_help(const char *word)
{
    return is_one_of(word, "help", "--help", "-h");
}

/* NULL where there is no such command. */
static int (*find(const char *name))(int argc, char **argv)
{
    for (enum command c = 0; c < COMMANDS; c++)
        if (strcmp(name, command_table[c].name) == 0)
            return run_command[c];
    return NULL;
}

/* `hl-dev help run`; `help help` and `help --help` are `help`. */
static int help(char *name)
{
    char *ask[] = {name, (char *)"--help", NULL};
    if (!name || asks_help(name))
        return print_help();
    if (strcmp(name, "version") == 0)
        return print_version();
    return find(name) ? find(name)(2, ask) : unknown(name);
}

/*
 * A closed standard stream would be the next file that is opened: the guest, or KVM itself.  One
 * that can only be read makes writing to it an error, as it should be.
 */
static void open_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) != fd)
            _exit(EXIT_SYSTEM);
}

/* Not SIG_IGN, which GDB and other programs we start would inherit. */
static void on_file_limit(int signal_number)
{
    (void)signal_number; /* a file size limit is an error like any other, not a death */
}

int main(int argc, char **argv)
{
    signal(SIGXFSZ, on_file_limit);
    setvbuf(stderr, NULL, _IOLBF, 0); /* a line is one write, also where it is put together */
    open_streams();
    if (argc < 2)
        return no_command();
    if (find(argv[1]))
        return find(argv[1])(argc - 1, argv + 1);
    if (is_one_of(argv[1], "version", "--version", "-V"))
        return print_version();
    return asks_help(argv[1]) ? help(argv[2]) : unknown(argv[1]);
}
