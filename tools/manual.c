/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manual.c - the tables of commands and options in mdoc(7).
 *
 * A manual from standard input goes to standard output.  In it what stands between
 *     .\" table: NAME [COMMAND]
 *     .\" end of table
 * is what the table has.  `make man` runs this over docs/man, `make man-check` compares.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "new_options.h"
#include "option_table.h"

#define START ".\\\" table: "
#define END ".\\\" end of table"
#define LISTED_MAX 3 /* more options than that are `option ...` in the synopsis */

static void put_small(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        putchar(tolower((unsigned char)text[i]));
}

static void put_choice(const char *words, size_t size, char between)
{
    for (size_t i = 0; i < size; i++)
        if (words[i] == between)
            fputs(" | ", stdout);
        else
            putchar(words[i]);
}

/* `Cm auto | always | never`, or `Ar when`. */
static void print_value(const struct option_spec *spec)
{
    bool fixed = spec->complete == COMPLETE_WORD;
    fputs(fixed ? "Cm " : "Ar ", stdout);
    if (fixed)
        put_choice(spec->words, strlen(spec->words), ' ');
    else
        put_small(spec->value, strlen(spec->value));
}

static void print_argument(const struct option_spec *spec)
{
    if (spec->argument == no_argument)
        return;
    fputs(spec->argument == optional_argument ? " Ns Op = Ns " : " ", stdout);
    print_value(spec);
}

static void print_option(const struct option_spec *spec)
{
    fputs(".It Fl ", stdout);
    if (spec->letter)
        printf("%c%s", spec->letter, spec->name ? " , " : "");
    if (spec->name)
        printf("-%s", spec->name);
    print_argument(spec);
    printf("\n%s", spec->manual);
}

static enum command lowest(unsigned set)
{
    return (enum command)__builtin_ctz(set);
}

/* Those that the manual describes in the section of that command. */
static void print_options(enum command command)
{
    for (size_t i = 0; i < option_rows; i++)
        if (option_table[i].spec.manual && lowest(option_table[i].commands) == command)
            print_option(&option_table[i].spec);
}

static void print_new_options(enum command command)
{
    (void)command;
    for (size_t i = 0; i < NEW_OPTIONS; i++)
        print_option(&new_option_table[i]);
}

/* `.Fl -json ,`, `.Fl -verbose`, `and`, `.Fl -color .`: the set of options, then end. */
static void print_set(const bool set[static OPTIONS], const char *end)
{
    size_t left = 0;
    for (enum option_id id = 0; id < OPTIONS; id++)
        left += set[id];
    bool several = left > 1;
    for (enum option_id id = 0; id < OPTIONS; id++) {
        const struct option_spec *spec = option_any(id);
        if (!set[id])
            continue;
        if (several && left == 1)
            puts("and");
        if (spec->name)
            printf(".Fl -%s", spec->name);
        else
            printf(".Fl %c", spec->letter);
        puts(--left > 1 ? " ," : left ? "" : end);
    }
}

/* How the options differ from those of run. */
static void print_lacks(enum command command)
{
    bool lacks[OPTIONS] = {0}, own = false;
    for (enum option_id id = 0; id < OPTIONS; id++) {
        lacks[id] = option_find(id, COMMAND_RUN) && !option_find(id, command);
        own = own || (!option_find(id, COMMAND_RUN) && option_find(id, command));
    }
    puts("It takes the options of\n.Cm run\nbut for");
    print_set(lacks, own ? " ," : " .");
    if (own)
        puts("and these:");
}

/* The options that are not everywhere; returns how many. */
static size_t own_options(enum command command, bool takes[static OPTIONS])
{
    size_t count = 0;
    for (enum option_id id = 0; id < OPTIONS; id++) {
        takes[id] = id != OPTION_HELP && id != OPTION_VERSION && option_find(id, command);
        count += takes[id];
    }
    return count;
}

static bool is_like_run(enum command command)
{
    return option_find(OPTION_CALL, command);
}

static void print_commands(enum command command)
{
    bool takes[OPTIONS];
    for (command = 0; command < COMMANDS; command++) {
        if (!command_table[command].manual)
            continue;
        printf(".It Cm %s\n%s", command_table[command].name, command_table[command].manual);
        if (is_like_run(command) || !own_options(command, takes))
            continue;
        puts("Takes");
        print_set(takes, "\nas below.");
    }
}

static void print_synopsis_options(enum command command)
{
    bool takes[OPTIONS];
    size_t count = own_options(command, takes);
    if (count > LISTED_MAX)
        puts(".Op Ar option ...");
    for (enum option_id id = 0; id < OPTIONS && count <= LISTED_MAX; id++) {
        const struct option_spec *spec = option_any(id);
        if (!takes[id])
            continue;
        if (spec->letter)
            printf(".Op Fl %c", spec->letter);
        else
            printf(".Op Fl -%s", spec->name);
        print_argument(spec);
        putchar('\n');
    }
}

/* One of `[TARGET]`, `[--call EXPR]...`, `[-- ARG...]`, `FILE`, `bash|zsh`. */
static void print_word(const char *word, size_t size)
{
    const char *name = word + (*word == '[');
    if (memchr(word, '|', size)) {
        fputs(".Cm ", stdout);
        put_choice(word, size, '|');
        putchar('\n');
        return;
    }
    fputs(*word == '[' ? ".Op " : ".", stdout);
    if (strncmp(name, "--", 2) == 0) {
        size_t end = strcspn(name, " ");
        printf("Fl %.*s ", (int)end - 1, name + 1);
        name += end + 1;
    }
    size_t end = strcspn(name, "]. ");
    fputs("Ar ", stdout);
    put_small(name, end);
    puts(name[end] == '.' ? " ..." : "");
    if (word[size - 1] == '.')
        puts(".Ar ...");
}

static void print_arguments(enum command command)
{
    const char *word = command_table[command].arguments;
    bool done = false;
    while (*word) {
        size_t size = strcspn(word, *word == '[' ? "]" : " ");
        size += strcspn(word + size, " ");
        if (strncmp(word, "[-- ", 4) == 0) {
            print_synopsis_options(command);
            done = true;
        }
        print_word(word, size);
        word += size + strspn(word + size, " ");
    }
    if (!done)
        print_synopsis_options(command);
}

static void print_synopsis(enum command command)
{
    for (command = 0; command < COMMANDS; command++) {
        if (!command_table[command].manual)
            continue;
        printf(".Nm\n.Cm %s\n", command_table[command].name);
        print_arguments(command);
    }
}

static const struct {
    const char *name;
    void (*print)(enum command command);
} tables[] = {
    {"synopsis", print_synopsis}, {"commands", print_commands},          {"options", print_options},
    {"lacks", print_lacks},       {"hl-new options", print_new_options},
};

static bool print_table(const char *name)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        size_t size = strlen(tables[i].name);
        if (strcmp(name, tables[i].name) == 0)
            return tables[i].print(0), true;
        if (strncmp(name, tables[i].name, size) != 0 || name[size] != ' ')
            continue;
        for (enum command c = 0; c < COMMANDS; c++)
            if (strcmp(name + size + 1, command_table[c].name) == 0)
                return tables[i].print(c), true;
    }
    fprintf(stderr, "manual: no such table: %s\n", name);
    return false;
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    bool inside = false, good = true;
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        inside = inside && strcmp(line, END) != 0;
        if (!inside)
            puts(line);
        if (strncmp(line, START, strlen(START)) != 0)
            continue;
        good = print_table(line + strlen(START)) && good;
        inside = true;
    }
    free(line);
    if (inside)
        fputs("manual: a table has no end\n", stderr);
    return good && !inside && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
