/* SPDX-License-Identifier: Apache-2.0 */
/* options_take.h - what an option does; inside of cli/options.c. */
#ifndef DEV_OPTIONS_TAKE_H
#define DEV_OPTIONS_TAKE_H

#include "option_table.h"
#include "options.h"

/* The option that getopt has read, its argument in optarg; -1 to go on, or the status to end with.
 */
int option_take(struct options *options, enum command command, const struct option_row *row);

/* One of hl-dev profile's own. */
int option_take_profile(struct options *options, const struct option_row *row);

/* A number of decimal digits, at most max; false if optarg is not one. */
bool option_number(unsigned long max, unsigned long *number);

/* Refuse optarg; wanted is the hint, NULL: the words that the table has. */
int option_bad_value(const struct option_row *row, const char *wanted);

/* Options of hl-dev profile that make no sense together; and what follows from those that do. */
int options_check_profile(struct options *options, bool has_target);

#endif
