/* SPDX-License-Identifier: Apache-2.0 */
/* options_profile.h - the options of hl-dev profile alone; inside of cli/options.c. */
#ifndef DEV_OPTIONS_PROFILE_H
#define DEV_OPTIONS_PROFILE_H

#include "options.h"

enum {
    OPT_EXITS = 300,
    OPT_CPU,
    OPT_RATE,
    OPT_MEMORY,
    OPT_BY,
    OPT_WEIGHT,
    OPT_FORMAT,
    OPT_DIFF,
    OPT_FROM,
    OPT_PROFILE_END
};

#define PROFILE_LONG_OPTIONS                                                                       \
    {"exits", no_argument, NULL, OPT_EXITS}, {"cpu", no_argument, NULL, OPT_CPU},                  \
        {"rate", required_argument, NULL, OPT_RATE}, {"memory", no_argument, NULL, OPT_MEMORY},    \
        {"by", required_argument, NULL, OPT_BY}, {"weight", required_argument, NULL, OPT_WEIGHT},  \
        {"format", required_argument, NULL, OPT_FORMAT},                                           \
        {"diff", required_argument, NULL, OPT_DIFF},                                               \
    {                                                                                              \
        "from", required_argument, NULL, OPT_FROM                                                  \
    }

/* One option; -1 to go on, or the status to end with.  bad says so of a value. */
int options_take_profile(struct options *options, int c,
                         int (*bad)(const char *option, const char *value, const char *wanted));

/* Options that make no sense together; and what follows from those that do. */
int options_check_profile(struct options *options, bool has_target);

#endif
