/* SPDX-License-Identifier: Apache-2.0 */
#include "options_take.h"

#include "number.h"
#include "ui.h"

bool option_number(unsigned long max, unsigned long *number)
{
    uint64_t n = 0;
    bool good = number_is(optarg, 10, max, &n);
    *number = n;
    return good;
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
