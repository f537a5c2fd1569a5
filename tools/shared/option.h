/* SPDX-License-Identifier: Apache-2.0 */
/*
 * option.h - an option of a command line, described once: what getopt_long takes, what --help
 * prints, what a shell completes and what the manual says are made of it.
 */
#ifndef TOOLS_OPTION_H
#define TOOLS_OPTION_H

#include <getopt.h>
#include <stdio.h>

/* What a shell offers for the argument. */
enum option_complete {
    COMPLETE_NOTHING,
    COMPLETE_FILE,
    COMPLETE_WORD,     /* one of the words, and nothing else is right */
    COMPLETE_SOME_WORD /* one of the words, or something else */
};

struct option_spec {
    const char *name;  /* without its dashes; NULL: a letter only */
    char letter;       /* 0: a name only */
    int argument;      /* no_argument, required_argument, optional_argument */
    const char *value; /* the argument's name, as in --help; NULL: no argument */
    enum option_complete complete;
    const char *words;  /* with spaces between */
    const char *help;   /* follows the words, of COMPLETE_WORD, in --help */
    const char *manual; /* mdoc(7), each line with its end; NULL: not described there */
};

enum { OPTION_WIDTH = 80, OPTION_LABEL = 64, OPTION_HINT = 128 };

/* The row for getopt_long(), which returns the letter, or code where there is no letter. */
struct option option_getopt(const struct option_spec *spec, int code);

/* Append to the short options of getopt_long(), which have room for three bytes more. */
void option_getopt_letter(const struct option_spec *spec, char *letters);

/* "-e, --trace LIST" */
void option_label(const struct option_spec *spec, char label[static OPTION_LABEL]);

/* "auto, always or never": of the words. */
void option_words(const struct option_spec *spec, char text[static OPTION_HINT]);

/* What --help says, its text from that column on. */
void option_print_help(FILE *f, const struct option_spec *spec, unsigned column);

#endif
