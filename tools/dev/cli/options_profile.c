/* SPDX-License-Identifier: Apache-2.0 */
/* cli/options_profile.c - the options of hl-dev profile alone. */
#include "options_take.h"

#include <hl/profile.h>

#include "ui.h"

static int take_rate(struct options *o, const struct option_row *row)
{
    unsigned long n;
    if (!option_number(HL_PROFILE_RATE_MAX, &n) || !n)
        return option_bad_value(row, "samples per second, 1 to 10000");
    o->rate = (unsigned)n;
    return -1;
}

static int take_mode(struct options *o, bool cpu)
{
    if (o->cpu == cpu || !o->mode_given) {
        o->cpu = cpu;
        o->mode_given = true;
        return -1;
    }
    ui_error(0, "--exits and --cpu at once");
    ui_hint("run it twice: sampling does not record each exit");
    return EXIT_USAGE;
}

static bool take_word(struct options *o, enum option_id id)
{
    switch (id) {
    case OPTION_BY:
        return profile_parse_by(optarg, &o->profile.by);
    case OPTION_WEIGHT:
        return profile_parse_weight(optarg, &o->profile.weight);
    case OPTION_FORMAT:
        o->format_given = true;
        return profile_parse_format(optarg, &o->profile.format);
    default:
        return false;
    }
}

int option_take_profile(struct options *o, const struct option_row *row)
{
    if (row->id == OPTION_EXITS || row->id == OPTION_CPU)
        return take_mode(o, row->id == OPTION_CPU);
    if (row->id == OPTION_RATE)
        return take_rate(o, row);
    return take_word(o, row->id) ? -1 : option_bad_value(row, NULL);
}

static int no_run(const struct options *o, bool has_target)
{
    const char *what = has_target      ? "a target"
                       : o->call_count ? "--call"
                       : o->mode_given ? o->cpu ? "--cpu" : "--exits"
                       : o->memory     ? "--memory"
                       : o->arg_count  ? "arguments"
                                       : NULL;
    if (!what)
        return -1;
    ui_error(0, "%s with --from, which runs no guest", what);
    ui_hint("--from FILE shows a profile that was written by --format json");
    return EXIT_USAGE;
}

int options_check_profile(struct options *o, bool has_target)
{
    if (o->json && o->format_given && o->profile.format != PROFILE_JSON) {
        ui_error(0, "--json and another --format");
        ui_hint("--json is --format json");
        return EXIT_USAGE;
    }
    if (o->rate && !o->cpu) {
        ui_error(0, "--rate without --cpu");
        ui_hint("each exit is recorded, unless --cpu takes samples");
        return EXIT_USAGE;
    }
    if (o->json)
        o->profile.format = PROFILE_JSON;
    o->json = false; /* that of run is another document */
    o->stdout_taken = !o->file && o->profile.format != PROFILE_TABLE;
    return o->from ? no_run(o, has_target) : -1;
}
