/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h.  Long options of ld may begin with one dash or two. */
#include "options.h"

#include <string.h>

#define WRITABLE_CODE "it puts code and data in one writable segment"
#define UNALIGNED "it leaves segments unaligned in the file"
#define ONE_MAPPING "the host maps each page of a guest once, with one protection"

static const struct refused refused[] = {
    {"-shared", "a guest is a static program", "for a host plug-in use cc", NULL},
    {"-Bshareable", "a guest is a static program", "for a host plug-in use cc", NULL},
    {"-N", WRITABLE_CODE, ONE_MAPPING, "-no-omagic"},
    {"-omagic", WRITABLE_CODE, ONE_MAPPING, "-no-omagic"},
    {"-n", UNALIGNED, "guests are mapped page by page", "-no-nmagic"},
    {"-nmagic", UNALIGNED, "guests are mapped page by page", "-no-nmagic"},
    {"-z execstack", "the stack of a guest is never executable",
     "gcc -Wtrampolines finds nested functions whose address is taken", "-z noexecstack"},
};

/* Options whose argument is a word of its own, and would be taken for an option. */
static const char *const with_argument[] = {
    "-o",
    "-T",
    "-L",
    "-l",
    "-e",
    "-u",
    "-m",
    "-z",
    "-h",
    "-R",
    "-y",
    "-Y",
    "-a",
    "-A",
    "-b",
    "-c",
    "-f",
    "-F",
    "-I",
    "-output",
    "-script",
    "-entry",
    "-undefined",
    "-plugin",
    "-plugin-opt",
    "-defsym",
    "-Map",
    "-soname",
    "-rpath",
    "-dynamic-linker",
    "-version-script",
    "-dynamic-list",
    "-section-start",
    "-Ttext",
    "-Tdata",
    "-Tbss",
    "-wrap",
    "-trace-symbol",
};

/* Is it the option NAME (with one dash)?  Single letters have no form with two dashes. */
static bool is(const char *word, const char *name)
{
    return strcmp(word, name) == 0 ||
           (name[1] && name[2] && word[0] == '-' && strcmp(word + 1, name) == 0);
}

/* The value of NAME: from the word itself (NAME=VALUE, and for one letter -oVALUE) or the next. */
static const char *value_of(const char *word, const char *next, const char *letter,
                            const char *name)
{
    if (strcmp(word, letter) == 0 || is(word, name))
        return next;
    const char *text = word + (word[0] == '-' && word[1] == '-');
    size_t n = strlen(name);
    if (strncmp(text, name, n) == 0 && text[n] == '=')
        return text + n + 1;
    return NULL;
}

/* Is it OPTION: a name, or "-z KEYWORD", which may be one word or two? */
static bool matches(const char *word, const char *next, const char *option)
{
    if (strncmp(option, "-z ", 3) != 0)
        return is(word, option);
    if (strcmp(word, "-z") == 0)
        return next && strcmp(next, option + 3) == 0;
    return strncmp(word, "-z", 2) == 0 && strcmp(word + 2, option + 3) == 0;
}

/* The last of an option and of what takes it back counts, as it does for the linker. */
static void read_refused(struct options *options, const char *word, const char *next)
{
    if (options->refused && options->refused->undo && matches(word, next, options->refused->undo))
        options->refused = NULL;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]) && !options->refused; i++)
        if (matches(word, next, refused[i].option)) {
            options->refused = &refused[i];
            options->refused_word = word[1] == 'z' ? refused[i].option : word;
        }
}

static void read_word(struct options *options, const char *word, const char *next)
{
    const char *value;
    if ((value = value_of(word, next, "-o", "-output")))
        options->output = value;
    else if (word[0] == '-' && word[1] == 'o' && word[2] && strncmp(word, "-omagic", 7) != 0 &&
             strncmp(word, "-output", 7) != 0)
        options->output = word + 2;
    if ((value = value_of(word, next, "-T", "-script")))
        options->script = value;
    else if (strncmp(word, "-T", 2) == 0 && word[2] && strncmp(word, "-Ttext", 6) != 0 &&
             strncmp(word, "-Tdata", 6) != 0 && strncmp(word, "-Tbss", 5) != 0 &&
             strncmp(word, "-Trodata", 8) != 0 && strncmp(word, "-Tldata", 7) != 0)
        options->script = word + 2;
    if (is(word, "-pie") || is(word, "-pic-executable"))
        options->pie = true;
    else if (is(word, "-no-pie"))
        options->pie = false;
    if (is(word, "-r") || is(word, "-i") || is(word, "-Ur") || is(word, "-relocatable"))
        options->relocatable = true;
    if (is(word, "-version") || is(word, "-help"))
        options->query = true;
    read_refused(options, word, next);
}

void options_read(struct options *options, const struct words *words)
{
    /* `ld -v FILE...` links; alone it does not. */
    *options = (struct options){.output = "a.out", .query = words->count < 2};
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->word[i];
        if (word[0] != '-')
            continue;
        read_word(options, word, words->word[i + 1]);
        for (size_t k = 0; k < sizeof(with_argument) / sizeof(with_argument[0]); k++)
            if (is(word, with_argument[k])) {
                i++;
                break;
            }
    }
}
