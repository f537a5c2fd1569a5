/* SPDX-License-Identifier: Apache-2.0 */
/* scenario.h - what is done while a call fails, and what it has opened. */
#ifndef TESTS_FAULT_SCENARIO_H
#define TESTS_FAULT_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

#include <hl/hl.h>

extern const char *guest;
extern char file[128]; /* for snapshots and cores */

/* What a scenario has opened; all of it is destroyed after the first error. */
struct play {
    struct hl_image *image;
    struct hl_sandbox *sb, *clone;
    struct hl_snapshot *snapshot, *loaded;
    struct hl_symbols *symbols;
    struct hl_profile *profile;
    struct hl_observer observer;
    char *text; /* a profile with so many members: */
    size_t members;
    int fd; /* to be mapped; 0: none */
    struct hl_error error;
    bool silent;       /* nobody wants to hear of it: `error` is not passed */
    const char *wrong; /* what should not be */
};

extern const struct scenario {
    const char *name;
    int (*play)(struct play *p);
} scenarios[]; /* the last one has no name */

/* A profile is complete, or was not written. */
void check_profile(struct play *p);
/* Destroys all that it has opened. */
void clean(struct play *p);

#endif
