/* SPDX-License-Identifier: Apache-2.0 */
#include "options_profile.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include <hl/profile.h>

#include "ui.h"

typedef int bad_fn(const char *option, const char *value, const char *wanted);

static int take_rate(struct options *o, bad_fn *bad)
{
    char *end;
    errno = 0;
    unsigned long n = strtoul(optarg, &end, 10);
    if (*optarg < '0' || *optarg > '9' || *end || errno || !n || n > HL_PROFILE_RATE_MAX)
        return bad("rate", optarg, "samples a second, 1 to 10000");
    o->rate = (unsigned)n;
    return -1;
}

static int take_mode(struct options *o, int c)
{
    if (o->cpu == (c == OPT_CPU) || !o->mode_given) {
        o->cpu = c == OPT_CPU;
        o->mode_given = true;
        return -1;
    }
    ui_error(0, "--exits and --cpu at once");
    ui_hint("run it twice: sampling does not look at each exit");
    return EXIT_USAGE;
}

int options_take_profile(struct options *o, int c, bad_fn *bad)
{
    switch (c) {
    case OPT_EXITS:
    case OPT_CPU:
        return take_mode(o, c);
    case OPT_RATE:
        return take_rate(o, bad);
    case OPT_MEMORY:
        o->memory = true;
        return -1;
    case OPT_BY:
        return profile_parse_by(optarg, &o->profile.by)
                   ? -1
                   : bad("by", optarg, "reason, host, function or line");
    case OPT_WEIGHT:
        return profile_parse_weight(optarg, &o->profile.weight)
                   ? -1
                   : bad("weight", optarg, "count or time");
    case OPT_FORMAT:
        o->format_given = true;
        return profile_parse_format(optarg, &o->profile.format)
                   ? -1
                   : bad("format", optarg, "table, json, folded, svg, callgrind or speedscope");
    case OPT_DIFF:
        o->diff = optarg;
        return *optarg ? -1 : bad("diff", optarg, "a profile written by --format json");
    case OPT_FROM:
        o->from = optarg;
        return *optarg ? -1 : bad("from", optarg, "a profile written by --format json");
    default:
        return EXIT_USAGE;
    }
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
        ui_hint("each exit is looked at, unless --cpu samples");
        return EXIT_USAGE;
    }
    if (o->json)
        o->profile.format = PROFILE_JSON;
    o->json = false; /* that of run is another document */
    o->stdout_taken = !o->file && o->profile.format != PROFILE_TABLE;
    return o->from ? no_run(o, has_target) : -1;
}
