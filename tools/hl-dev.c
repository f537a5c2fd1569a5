/* SPDX-License-Identifier: Apache-2.0 */
/* hl-dev.c - the guest author's tool: one subcommand a file in dev/. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hl/hl.h>

#include "dev/commands.h"
#include "dev/ui.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"run", cmd_run, "run a guest in a micro-VM and print what its functions return"},
    {"debug", cmd_debug, "run a guest under gdb in this terminal"},
    {"profile", cmd_profile, "tell where a guest's exits and time go"},
    {"trace", cmd_trace, "run a guest and show what it asks of the host, like strace"},
    {"ps", cmd_ps, "list the running guests that gdb can attach to"},
    {"attach", cmd_attach, "start gdb on one of them"},
    {"inspect", cmd_inspect, "show a guest's functions, segments and memory map"},
    {"core", cmd_core, "show what is in a guest's core file"},
    {"doctor", cmd_doctor, "show what this machine offers to guests"},
    {"completion", cmd_completion, "print a completion script for bash or zsh"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static int print_help(void)
{
    puts("Usage: hl-dev COMMAND [ARG...]\n");
    for (unsigned i = 0; i < COMMANDS; i++)
        printf("  %-11s %s\n", commands[i].name, commands[i].what);
    puts("\n`hl-dev COMMAND --help` tells more.");
    return ui_finish(EXIT_FINE);
}

static int unknown(const char *name)
{
    if (name)
        ui_error(0, "unknown command %s", name);
    else
        ui_error(0, "no command given");
    ui_hint("`hl-dev help` lists the commands");
    return EXIT_USAGE;
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
    const char *name = argc > 1 ? argv[1] : NULL;
    for (unsigned i = 0; name && i < COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (name && (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)) {
        printf("hl-dev %s\n", hl_version());
        return ui_finish(EXIT_FINE);
    }
    if (name &&
        (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)) {
        /* `hl-dev help run` */
        for (unsigned i = 0; argc > 2 && i < COMMANDS; i++)
            if (strcmp(argv[2], commands[i].name) == 0) {
                char *ask[] = {argv[2], (char *)"--help", NULL};
                return commands[i].run(2, ask);
            }
        return argc > 2 ? unknown(argv[2]) : print_help();
    }
    return unknown(name);
}
