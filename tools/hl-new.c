/* SPDX-License-Identifier: Apache-2.0 */
/* hl-new: makes a guest project from a template. */
#include "new/new.h"
#include "new_options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_LENGTH_MAX 64

struct options {
    const char *template_name;
    const char *name; /* as typed: may be a path */
    bool list, dry_run, quiet;
};

/* A project and the paths it touches. */
struct project {
    char target[PATH_MAX]; /* without a trailing slash */
    char parent[PATH_MAX];
    char ident[NAME_LENGTH_MAX + 1];
    const char *name; /* last component of target */
};

#define HELP_COLUMN 27

static void print_help(void)
{
    puts("Usage: hl-new NAME [-t TEMPLATE]\n"
         "Makes the directory NAME with a guest project from a template.");
    for (size_t i = 0; i < NEW_OPTIONS; i++)
        option_print_help(stdout, &new_option_table[i], HELP_COLUMN);
    puts("NAME may be a path; its last part names the project.\n"
         "Environment: HL_TEMPLATES, a directory of templates to use instead of the\n"
         "installed ones.\n"
         "Exit status: 0, 64 wrong usage, 100 wrong name, template or place, 111 system\n"
         "failure.");
}

static int bad_option(char **argv, int option)
{
    const char *word = argv[optind - 1]; /* what getopt read last */
    bool is_long = !strncmp(word, "--", 2);
    int status;
    if (option == ':' && is_long)
        status = new_error(NEW_USAGE, "option '%s' needs an argument", word);
    else if (option == ':')
        status = new_error(NEW_USAGE, "option '-%c' needs an argument", optopt);
    else if (is_long)
        status = new_error(NEW_USAGE, "unknown option or wrong use of it: '%s'", word);
    else /* one letter, maybe of a cluster such as -qx */
        status = new_error(NEW_USAGE, "unknown option '-%c'", optopt);
    new_hint("hl-new --help");
    return status;
}

/* 0 to go on, -1 when all is done, or a status. */
static int parse(int argc, char **argv, struct options *options)
{
    struct option longs[NEW_OPTIONS + 1] = {{0}};
    char letters[3 * NEW_OPTIONS + 2] = ":";

    for (size_t i = 0; i < NEW_OPTIONS; i++) {
        longs[i] = option_getopt(&new_option_table[i], 0);
        option_getopt_letter(&new_option_table[i], letters);
    }
    for (int c; (c = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        switch (c) {
        case 't':
            options->template_name = optarg;
            break;
        case 'l':
            options->list = true;
            break;
        case 'n':
            options->dry_run = true;
            break;
        case 'q':
            options->quiet = true;
            break;
        case 'h':
            print_help();
            return -1;
        case 'V':
            puts("hl-new " HL_VERSION);
            return -1;
        default:
            return bad_option(argv, c);
        }
    }
    options->name = options->list ? NULL : argv[optind];
    if (argc - optind == (options->list ? 0 : 1))
        return 0;
    if (options->list)
        new_error(NEW_USAGE, "--list takes no name");
    else
        new_error(NEW_USAGE, options->name ? "one name at a time" : "a name is missing");
    new_hint(options->list ? "hl-new --list" : "hl-new NAME [-t TEMPLATE], or hl-new --help");
    return NEW_USAGE;
}

static bool valid_name(const char *name)
{
    size_t len = strlen(name);
    if (!isalpha((unsigned char)*name) || len > NAME_LENGTH_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
            return false;
    return true;
}

static int locate(struct project *project, const char *path)
{
    size_t len = strlen(path);
    const char *slash;
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len >= sizeof(project->target))
        return new_error(NEW_USAGE, "the name is too long");
    memcpy(project->target, path, len);
    slash = strrchr(project->target, '/');
    project->name = slash ? slash + 1 : project->target;
    if (!valid_name(project->name)) {
        new_error(NEW_USAGE, "'%s' is not a name for a project", project->name);
        new_hint("a letter, then letters, digits, - and _, at most %d: hl-new my-guest",
                 NAME_LENGTH_MAX);
        return NEW_USAGE;
    }
    strcpy(project->parent, ".");
    if (slash)
        memcpy(project->parent, path, (size_t)(slash - project->target));
    if (slash == project->target)
        strcpy(project->parent, "/");
    strcpy(project->ident, project->name);
    for (char *c = project->ident; *c; c++)
        if (*c == '-')
            *c = '_';
    return 0;
}

/* Where this program lies; the tools and the templates are found from there. */
static int find_bindir(char bindir[PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", bindir, PATH_MAX - 1);
    char *slash;
    if (len < 0)
        return new_error(NEW_SYSTEM, "cannot read /proc/self/exe: %s", strerror(errno));
    bindir[len] = '\0';
    slash = strrchr(bindir, '/');
    if (slash)
        *slash = '\0';
    for (const char *c = bindir; *c; c++) {
        if ((unsigned char)*c >= ' ' && *c != 0x7f && !strchr("\"'`$#\\", *c))
            continue;
        new_error(NEW_USER, "the toolkit lies in %s, which no Makefile can name", bindir);
        new_hint("install it in a place without quotes, $, # and backslashes");
        return NEW_USER;
    }
    return 0;
}

static bool on_path(const char *program)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t len = strcspn(path, ":");
        char file[PATH_MAX];
        if (len &&
            snprintf(file, sizeof(file), "%.*s/%s", (int)len, path, program) < (int)sizeof(file) &&
            !access(file, X_OK))
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

/* A word for sh. */
static void print_word(const char *word)
{
    bool plain = true;
    for (const char *c = word; *c; c++)
        plain = plain && (isalnum((unsigned char)*c) || strchr("_-+./,:@%", *c));
    if (*word == '-')
        fputs("./", stdout);
    if (plain) {
        fputs(word, stdout);
        return;
    }
    putchar('\'');
    for (const char *c = word; *c; c++) {
        if (*c == '\'')
            fputs("'\\'", stdout);
        putchar(*c);
    }
    putchar('\'');
}

static void print_next(const struct options *options, const struct project *project,
                       const char *bindir)
{
    printf("created %s from the template %s; next:\n  cd ", project->target,
           options->template_name);
    print_word(project->target);
    printf("\n  make\n  make test\n  ");
    if (!on_path("hl-dev")) {
        char file[PATH_MAX + 16];
        snprintf(file, sizeof(file), "%s/hl-dev", bindir);
        print_word(file);
        printf(" run\n");
    } else {
        printf("hl-dev run\n");
    }
}

static void print_list(const struct new_templates *templates)
{
    int width = 0;
    for (size_t i = 0; i < templates->count; i++)
        if ((int)strlen(templates->items[i].name) > width)
            width = (int)strlen(templates->items[i].name);
    for (size_t i = 0; i < templates->count; i++)
        printf("%-*s  %s\n", width, templates->items[i].name, templates->items[i].about);
}

static void print_plan(const struct new_plan *plan, const struct project *project)
{
    for (size_t i = 0; i < plan->count; i++)
        if (S_ISREG(plan->entries[i].mode))
            printf("%s/%s\n", project->target, plan->entries[i].path);
}

static int create(const struct options *options, const struct new_templates *templates,
                  const char *bindir)
{
    struct project project = {0};
    struct new_plan plan = {0};
    char *directory = NULL;
    int status = locate(&project, options->name);
    const struct new_variable variables[] = {
        {"name", project.name},
        {"NAME_IDENT", project.ident},
        {"version", HL_VERSION},
        {"bindir", bindir},
        {NULL, NULL},
    };

    if (!status)
        status = new_templates_find(templates, options->template_name, &directory);
    if (!status)
        status = new_target_check(project.target, project.parent);
    if (!status)
        status = new_plan_read(&plan, directory, variables);
    if (!status && !options->dry_run)
        status = new_plan_write(&plan, project.target, project.parent);
    if (!status && options->dry_run)
        print_plan(&plan, &project);
    else if (!status && !options->quiet)
        print_next(options, &project, bindir);
    new_plan_free(&plan);
    free(directory);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.template_name = NEW_DEFAULT_TEMPLATE};
    struct new_templates templates = {0};
    char bindir[PATH_MAX];
    int status = parse(argc, argv, &options);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is an error like any other, not a death */
    if (!status)
        status = find_bindir(bindir);
    if (!status)
        status = new_templates_open(&templates, bindir);
    if (!status && options.list)
        print_list(&templates);
    else if (!status)
        status = create(&options, &templates, bindir);
    new_templates_free(&templates);
    if (status < 0)
        status = 0;
    if (!status && (fflush(stdout) || ferror(stdout)))
        status = new_error(NEW_SYSTEM, "cannot write to standard output: %s", strerror(errno));
    return status;
}
