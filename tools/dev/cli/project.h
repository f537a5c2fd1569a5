/* SPDX-License-Identifier: Apache-2.0 */
/* project.h - a TARGET: a guest file, or a project directory with its hl.ini. */
#ifndef DEV_PROJECT_H
#define DEV_PROJECT_H

#include <stdbool.h>
#include <stddef.h>

#include <hl/error.h>

struct project {
    char *directory;                              /* of hl.ini; NULL for a bare guest file */
    char *guest, *host;                           /* paths as hl-dev opens them; host may be NULL */
    size_t heap, stack, input, output, image_max; /* 0: default */
    double timeout;                               /* seconds, 0: none */
    char **call;
    unsigned *call_line; /* of hl.ini */
    size_t call_count;
};

/*
 * Find out what target is; a directory's hl.ini is read.  Errors: FILE, ARGUMENT (hl.ini).
 * Free with project_free(), also after an error.
 */
int project_open(struct project *project, const char *target, struct hl_error *error);
void project_free(struct project *project);

/* Run the project's own make, its output on stderr; nothing to do for a bare file. */
int project_build(const struct project *project, bool quiet, struct hl_error *error);

/* "64M", "1G", "4096"; false where it is no size. */
bool project_parse_size(const char *text, size_t *size);
bool project_parse_seconds(const char *text, double *seconds);

/* Say of an error in the project's call that it is there in hl.ini; returns its code. */
int project_blame(const struct project *project, size_t call, struct hl_error *error);

#endif
