/* SPDX-License-Identifier: Apache-2.0 */
#include "trace_filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syscall_names.h"

static const char *const classes[] = {
    [TRACE_HOST] = "host",     [TRACE_SYSCALL] = "syscall", [TRACE_FAULT] = "fault",
    [TRACE_LOG] = "log",       [TRACE_RESULT] = "result",   [TRACE_ABORT] = "abort",
    [TRACE_IO] = "io",         [TRACE_MMIO] = "mmio",       [TRACE_INTERRUPT] = "interrupt",
    [TRACE_OUTPUT] = "output", [TRACE_END] = "end",
};

const char *trace_class_name(enum trace_class class)
{
    return classes[class];
}

static int class_called(const char *name)
{
    for (int i = 0; i < TRACE_FILTERED; i++)
        if (strcmp(classes[i], name) == 0)
            return i;
    return -1;
}

static void set_class(struct trace_filter *f, int class, bool shown)
{
    f->shown[class] = shown;
    if (class == TRACE_SYSCALL)
        memset(f->syscall, shown, sizeof(f->syscall));
    if (class == TRACE_HOST)
        memset(f->host, shown, hl_image_import_count(f->image));
}

static void set_all(struct trace_filter *f, bool shown)
{
    for (int i = 0; i < TRACE_FILTERED; i++)
        set_class(f, i, shown);
}

/* A host function may well be called as a system call is: then it is both. */
static bool set_named(struct trace_filter *f, const char *name, bool shown)
{
    int number = syscall_number(name), class = class_called(name);
    bool found = number >= 0 || class >= 0;
    if (class >= 0)
        set_class(f, class, shown);
    else if (number >= 0)
        f->syscall[number] = shown;
    for (size_t i = 0; i < hl_image_import_count(f->image); i++)
        if (strcmp(hl_image_import(f->image, i)->name, name) == 0) {
            f->host[i] = shown;
            found = true;
        }
    return found;
}

static int unknown(const struct trace_filter *f, const char *name, struct hl_error *error)
{
    char text[sizeof(error->hint)] = "";
    size_t used = 0, count = hl_image_import_count(f->image), i;
    for (i = 0; i < count && used < sizeof(text) / 2; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? ", " : "",
                                 hl_image_import(f->image, i)->name);
    hl_error_set(error, HL_ERR_ARGUMENT, "-e: no class, host function or system call \"%s\"", name);
    hl_error_hint(error,
                  "classes: host, syscall, fault, log, result, abort, interrupt, io, mmio, all; "
                  "system calls such as write; host functions of this guest: %s%s",
                  count ? text : "none", i < count ? ", ..." : "");
    return HL_ERR_ARGUMENT;
}

/* One word, without the spaces around it; `not`: it stands in a list that begins with `!`. */
static int take_word(struct trace_filter *f, char *word, bool not, bool *first,
                     struct hl_error *error)
{
    word += strspn(word, " \t");
    if (*word == '!') {
        not = true;
        word += 1 + strspn(word + 1, " \t");
    }
    word[strcspn(word, " \t")] = 0;
    if (*first)
        set_all(f, not );
    *first = false;
    if (strcmp(word, "all") == 0)
        set_all(f, !not );
    else if (!set_named(f, word, !not ))
        return unknown(f, word, error);
    return 0;
}

static int take_list(struct trace_filter *f, const char *list, bool *first, struct hl_error *error)
{
    static const char strace[] = "trace="; /* accept strace's spelling too */
    if (strncmp(list, strace, sizeof(strace) - 1) == 0)
        list += sizeof(strace) - 1;
    char *copy = strdup(list), *at = copy, *word;
    bool not = list[strspn(list, " \t")] == '!';
    int rc = copy ? 0 : hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    while (!rc && (word = strsep(&at, ",")))
        rc = take_word(f, word, not, first, error);
    free(copy);
    return rc;
}

int trace_filter_make(struct trace_filter *f, const struct hl_image *image, const char *const *list,
                      size_t count, struct hl_error *error)
{
    bool first = true;
    *f = (struct trace_filter){.image = image};
    f->host = calloc(hl_image_import_count(image) + 1, sizeof(*f->host));
    if (!f->host)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    set_all(f, true);
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++)
        rc = take_list(f, list[i], &first, error);
    return rc;
}

void trace_filter_free(struct trace_filter *f)
{
    free(f->host);
}

bool trace_shows_syscall(const struct trace_filter *f, uint64_t number)
{
    return number < TRACE_SYSCALLS ? f->syscall[number] : f->shown[TRACE_SYSCALL];
}

/* Imports are an array. */
bool trace_shows_host(const struct trace_filter *f, const struct hl_function *import)
{
    return f->host[import - hl_image_import(f->image, 0)];
}
