/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - the file of -o: made sure of before the work, there as a whole after it. */
#ifndef DEV_OUTPUT_H
#define DEV_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include <hl/error.h>

struct output {
    FILE *file;
    const char *path; /* NULL: standard output */
    char *temporary;  /* NULL: written in place (a device, a fifo, standard output) */
};

/* path NULL: standard output.  Errors: FILE, MEMORY. */
int output_open(struct output *output, const char *path, struct hl_error *error);
/* Close it: as what it was to be, or with no trace.  Errors: FILE. */
int output_close(struct output *output, bool keep, struct hl_error *error);

#endif
