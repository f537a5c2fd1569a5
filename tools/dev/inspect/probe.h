/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h - what this machine's KVM really does, found out by running tiny guests. */
#ifndef DEV_PROBE_H
#define DEV_PROBE_H

#include <hl/error.h>

struct probe {
    int (*run)(char *text, unsigned size, struct hl_error *error); /* 0: works; text: a figure */
    const char *name, *what;
};

/* Can KVM's device be opened?  The error and its hint where it cannot. */
int probe_device(struct hl_error *error);

extern const struct probe probes[];
extern const unsigned probe_count;

#endif
