/* SPDX-License-Identifier: Apache-2.0 */
/*
 * new.h - the parts of hl-new: templates are found, one is rendered into a plan in memory, and the
 * plan is written in one go.
 *
 * Functions that return a status give 0 or one of NEW_*, and have then said on stderr what is
 * wrong.
 */
#ifndef HL_NEW_H
#define HL_NEW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    NEW_USAGE = 64,   /* the command line is wrong */
    NEW_USER = 100,   /* so is a file, a name, a permission */
    NEW_SYSTEM = 111, /* the machine failed */
};

/* message.c: "hl-new: error: ..." without control characters; both errors return the status. */
int new_error(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same with ": " and what errno says, which also decides the status. */
int new_error_errno(const char *format, ...) __attribute__((format(printf, 1, 2)));
void new_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* text.c: bytes that grow.  Start with {0}; a NUL, which len does not count, follows the last. */
struct new_text {
    char *data;
    size_t len, size;
};
int new_text_add(struct new_text *text, const void *data, size_t len);
int new_text_puts(struct new_text *text, const char *string);
/* Appends a regular file of at most max bytes. */
int new_text_read(struct new_text *text, const char *path, size_t max);
void new_text_free(struct new_text *text);

/* render.c: what {{name}} stands for. */
struct new_variable {
    const char *name;
    const char *value;
};
/*
 * Appends the source with every {{identifier}} replaced; variables end with a NULL name.  `where`
 * names the source in errors.
 */
int new_render(struct new_text *out, const struct new_variable *variables, const char *where,
               const char *source, size_t len);

/* template.c */
#define NEW_TEMPLATE_INI "template.ini" /* makes a directory a template; not copied */

struct new_template {
    char *name;
    char *about; /* one line, for --list */
};
struct new_templates {
    char *directory;
    struct new_template *items; /* sorted by name, not empty */
    size_t count;
};
/* HL_TEMPLATES, or ../share/hl/templates as seen from bindir. */
int new_templates_open(struct new_templates *templates, const char *bindir);
void new_templates_free(struct new_templates *templates);
/* The template's own directory, to be freed. */
int new_templates_find(const struct new_templates *templates, const char *name, char **directory);

/* plan.c: everything a project consists of, directories before what is in them. */
struct new_entry {
    char *path; /* relative to the project */
    mode_t mode;
    struct new_text text; /* nothing for a directory */
};
struct new_plan {
    struct new_entry *entries;
    size_t count, size, bytes;
};
int new_plan_read(struct new_plan *plan, const char *directory,
                  const struct new_variable *variables);
void new_plan_free(struct new_plan *plan);

/* write.c: the checks that writing makes first, for --dry-run; and all of it, or nothing. */
int new_target_check(const char *target, const char *parent);
int new_plan_write(const struct new_plan *plan, const char *target, const char *parent);

#endif
