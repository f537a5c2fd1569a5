/* SPDX-License-Identifier: Apache-2.0 */
/* profile_output.h - the formats; each prints a view, errors are MEMORY only. */
#ifndef DEV_PROFILE_OUTPUT_H
#define DEV_PROFILE_OUTPUT_H

#include "profile_render.h"
#include "profile_view.h"

#define PROFILE_TOP 30 /* rows of a table */

int profile_table(FILE *out, const struct view *view, const struct profile_options *options,
                  struct hl_error *error);

/* What a table has above and below its rows. */
bool profile_table_head(FILE *out, const struct view *view, bool color);
bool profile_table_tail(FILE *out, const struct view *view, bool color);

int profile_folded(FILE *out, const struct view *view, const struct profile_options *options,
                   struct hl_error *error);
int profile_callgrind(FILE *out, const struct view *view, const struct profile_options *options,
                      struct hl_error *error);
int profile_speedscope(FILE *out, const struct view *view, const struct profile_options *options,
                       struct hl_error *error);

/* old: of --diff, or NULL. */
int profile_svg(FILE *out, const struct view *view, const struct view *old,
                const struct profile_options *options, struct hl_error *error);

/* Formats table and json. */
int profile_diff(FILE *out, const struct view *view, const struct view *old,
                 const struct profile_options *options, struct hl_error *error);

#endif
