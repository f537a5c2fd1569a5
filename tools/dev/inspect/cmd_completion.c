/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect/cmd_completion.c - hl-dev completion bash|zsh: a script to source, made of the tables of
 * commands and options.  What the two shells say differently is in struct shell.
 */
#include <stdio.h>
#include <string.h>

#include <hl/hl.h>

#include "commands.h"
#include "option_table.h"
#include "ui.h"

/* The first line of ps is a heading. */
#define SANDBOXES "hl-dev ps 2>/dev/null | awk 'NR > 1 { print $1 }'"
#define BASH_OFFER(what) "COMPREPLY=($(compgen " what " -- \"$cur\"))"

struct shell {
    const char *name;
    const char *start, *end;
    const char *before, *at;   /* the word before the cursor's, and that one */
    const char *command;       /* the subcommand */
    const char *is_command;    /* a condition: the subcommand itself is typed */
    const char *offer, *after; /* around the words that are offered */
    const char *files, *sandboxes;
};

/*
 * bash splits words at `:` and `=`; our options take their values as a word of their own, but for
 * --gdb.
 */
static const struct shell shells[] = {
    {
        .name = "bash",
        .start = "_hl_dev() {\n"
                 "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n",
        .end = "}\n"
               "complete -o filenames -F _hl_dev hl-dev\n",
        .before = "$prev",
        .at = "$cur",
        .command = "${COMP_WORDS[1]}",
        .is_command = "[ \"$COMP_CWORD\" = 1 ]",
        .offer = "COMPREPLY=($(compgen -W '",
        .after = "' -- \"$cur\"))",
        .files = BASH_OFFER("-f"),
        .sandboxes = BASH_OFFER("-W \"$(" SANDBOXES ")\""),
    },
    {
        .name = "zsh",
        .start = "#compdef hl-dev\n"
                 "_hl_dev() {\n",
        .end = "}\n"
               "compdef _hl_dev hl-dev\n",
        .before = "$words[CURRENT-1]",
        .at = "$words[CURRENT]",
        .command = "$words[2]",
        .is_command = "(( CURRENT == 2 ))",
        .offer = "compadd -- ",
        .after = "",
        .files = "_files",
        .sandboxes = "compadd -- ${(f)\"$(" SANDBOXES ")\"}",
    },
};

static void print_commands(const struct shell *shell)
{
    fputs(shell->offer, stdout);
    for (enum command c = 0; c < COMMANDS; c++)
        printf("%s ", command_table[c].name);
    printf("--help --version%s", shell->after);
}

static void print_spellings(const struct option_spec *spec, const char *between, const char *end)
{
    if (spec->letter)
        printf("-%c%s", spec->letter, spec->name ? between : "");
    if (spec->name)
        printf("--%s", spec->name);
    fputs(end, stdout);
}

static void print_words(const struct shell *shell, const char *words)
{
    printf("%s%s%s", shell->offer, words, shell->after);
}

/* An option's value, when the option is the word before. */
static void print_values(const struct shell *shell)
{
    printf("    case %s in\n", shell->before);
    for (enum option_id id = 0; id < OPTIONS; id++) {
        const struct option_spec *spec = option_any(id);
        if (spec->argument != required_argument)
            continue;
        fputs("    ", stdout);
        print_spellings(spec, "|", ") ");
        if (spec->words)
            print_words(shell, spec->words);
        else if (spec->complete == COMPLETE_FILE)
            fputs(shell->files, stdout);
        puts(spec->words || spec->complete == COMPLETE_FILE ? "; return ;;" : "return ;;");
    }
    puts("    esac");
}

static void print_options(const struct shell *shell, enum command command)
{
    printf("    %s:-*) %s", command_table[command].name, shell->offer);
    for (size_t i = 0; i < option_rows; i++)
        if (option_table[i].commands & 1u << command)
            print_spellings(&option_table[i].spec, " ", " ");
    printf("%s ;;\n", shell->after);
}

static void print_arguments(const struct shell *shell, enum command command)
{
    printf("    %s:*) ", command_table[command].name);
    switch (command_table[command].words) {
    case WORDS_FILE:
        fputs(shell->files, stdout);
        break;
    case WORDS_SANDBOX:
        fputs(shell->sandboxes, stdout);
        break;
    case WORDS_SHELL:
        print_words(shell, "bash zsh");
        break;
    case WORDS_COMMAND:
        print_commands(shell);
        break;
    case WORDS_NONE:
    default:
        break;
    }
    puts(" ;;");
}

static void print_script(const struct shell *shell)
{
    fputs(shell->start, stdout);
    print_values(shell);
    printf("    if %s; then\n        ", shell->is_command);
    print_commands(shell);
    printf("\n        return\n    fi\n    case %s:%s in\n", shell->command, shell->at);
    for (enum command c = 0; c < COMMANDS; c++) {
        print_options(shell, c);
        print_arguments(shell, c);
    }
    printf("    *) %s ;;\n    esac\n%s", shell->files, shell->end);
}

static const struct shell *find_shell(const char *name)
{
    for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
        if (strcmp(shells[i].name, name) == 0)
            return &shells[i];
    return NULL;
}

int cmd_completion(int argc, char **argv)
{
    const char *name = argc == 2 ? argv[1] : "";
    const struct shell *shell = find_shell(name);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        command_print_help(stdout, COMMAND_COMPLETION);
    else if (strcmp(name, "--version") == 0)
        printf("hl-dev %s\n", hl_version());
    else if (shell)
        print_script(shell);
    else {
        ui_error(0, "%s%s", *name ? "no completion for " : "which shell?", name);
        ui_hint("hl-dev completion bash, or hl-dev completion zsh");
        return EXIT_USAGE;
    }
    return ui_finish(EXIT_FINE);
}
