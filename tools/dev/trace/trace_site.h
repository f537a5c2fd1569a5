/* SPDX-License-Identifier: Apache-2.0 */
/* trace_site.h - where in its source a guest is, at every exit: names are looked up once. */
#ifndef DEV_TRACE_SITE_H
#define DEV_TRACE_SITE_H

#include <stdbool.h>

#include <hl/symbols.h>

#include "frames.h"

struct trace_sites;

struct trace_stack {
    struct hl_frame frame[FRAMES_MAX];
    size_t count;
    size_t site; /* the author's own line among them */
};

/* The image must outlive it; one serves all sandboxes of the image.  NULL: out of memory. */
struct trace_sites *trace_sites_open(const struct hl_image *image);
void trace_sites_close(struct trace_sites *sites);

/*
 * Where the guest is.  past: rip is past the instruction, as for hl_symbols_walk(); import: the
 * host function it calls, or NULL; whole: all of the stack is wanted, else as much as it takes to
 * find the site.
 */
void trace_sites_find(struct trace_sites *sites, struct hl_machine *machine, bool past,
                      const char *import, bool whole, struct trace_stack *stack);

#endif
