/* SPDX-License-Identifier: Apache-2.0 */
/* profile_render.h - the profile document (docs/profile-format.md) as output. */
#ifndef DEV_PROFILE_RENDER_H
#define DEV_PROFILE_RENDER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include <hl/error.h>

enum profile_format {
    PROFILE_TABLE,
    PROFILE_JSON,
    PROFILE_FOLDED,
    PROFILE_SVG,
    PROFILE_CALLGRIND,
    PROFILE_SPEEDSCOPE
};

/*
 * What the rows of a table are; the default is lines for exits and functions for samples.  In the
 * formats with stacks `line` distinguishes calls from different lines, `reason` puts the kind of
 * the exit outermost, and `host` does so too and leaves out all but host functions and system
 * calls.
 */
enum profile_by {
    PROFILE_BY_DEFAULT,
    PROFILE_BY_REASON,
    PROFILE_BY_HOST,
    PROFILE_BY_FUNCTION,
    PROFILE_BY_LINE
};

/* What is sorted by, and how wide a frame is. */
enum profile_weight { PROFILE_COUNT, PROFILE_TIME };

struct profile_options {
    enum profile_format format;
    enum profile_by by;
    enum profile_weight weight;
    const json_t *old; /* --diff, or NULL; formats table, json and svg only */
    bool color;        /* as ui.h decides: *ui_bold(out) is not 0 */
};

/* The words of the command line; false for any other. */
bool profile_parse_format(const char *text, enum profile_format *format);
bool profile_parse_by(const char *text, enum profile_by *by);
bool profile_parse_weight(const char *text, enum profile_weight *weight);

/*
 * Read a document, which json_decref() releases.  That it is a profile is found out when it is
 * rendered.  Errors: FILE, LIMIT, MEMORY.
 */
int profile_load(json_t **document, const char *path, struct hl_error *error);

/*
 * Print the document.  Nothing in it is believed: where it is damaged nothing is printed.
 * Errors: ARGUMENT (of the options), FILE (the document, or the old one), MEMORY, SYSTEM (writing).
 */
int profile_render(FILE *out, const json_t *document, const struct profile_options *options,
                   struct hl_error *error);

#endif
