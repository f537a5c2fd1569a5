/* SPDX-License-Identifier: Apache-2.0 */
#include "options_take.h"

#include <errno.h>
#include <stdlib.h>

#include "ui.h"

bool option_number(unsigned long max, unsigned long *number)
{
    char *end;
    errno = 0;
    *number = strtoul(optarg, &end, 10);
    return *optarg >= '0' && *optarg <= '9' && !*end && !errno && *number <= max;
}

int option_bad_value(const struct option_row *row, const char *wanted)
{
    char words[OPTION_HINT];
    ui_error(0, "bad value for --%s: %s", row->spec.name, optarg);
    if (!wanted)
        option_words(&row->spec, words);
    ui_hint("%s", wanted ? wanted : words);
    return EXIT_USAGE;
}
