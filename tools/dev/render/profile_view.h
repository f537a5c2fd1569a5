/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_view.h - the profile document, checked, as what renderers work on.
 *
 * All text in it is clean (profile_text.h).  Nothing refers to the document afterwards.
 */
#ifndef DEV_PROFILE_VIEW_H
#define DEV_PROFILE_VIEW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>

#define PROFILE_DEPTH_MAX 1024 /* frames of a stack */

enum profile_root { PROFILE_GUEST, PROFILE_HOST, PROFILE_VMM, PROFILE_ROOTS };
extern const char *const profile_root_name[PROFILE_ROOTS];

/*
 * A name is a function's, or an address, or "[unknown]"; what was guessed ends in "?", so that it
 * is never the same function as one that is certain.
 */
struct view_frame {
    const char *name;
    const char *file;  /* "" where it is not known */
    const char *place; /* "file:line", else the address, else "" */
    unsigned long line;
    bool inlined, uncertain, runtime;
    uint32_t function, line_id; /* the same for the same name and file; and place */
};

struct profile_stack {
    long parent; /* -1: outermost */
    uint32_t frame, depth;
};

struct view_kind {
    const char *reason, *name;
    const char *label; /* "[host HostAdd]", "[io out 0x3f8]" */
    uint64_t count, ns, min_ns, p50_ns, p99_ns, max_ns, failed, function_ns;
    uint64_t histogram[64]; /* times of 2^k to 2^(k+1)-1 ns */
};

/* An exit or a sample. */
struct profile_row {
    enum profile_root root; /* of an exit: guest */
    long kind;              /* -1: none */
    long stack, site;       /* -1: unknown */
    uint64_t count, ns;
};

struct profile_range {
    bool known;
    double min, mean, max;
};

struct view_call {
    const char *name;
    uint64_t count, failed, interrupted, exits, ns, guest_ns, host_ns, vmm_ns, min_ns, p50_ns,
        p99_ns, max_ns;
    struct profile_range dirtied, touched;
};

struct profile_step {
    const char *name;
    uint64_t ns, count; /* count 0: once */
};

struct view_counter {
    const char *scope, *name;
    double value;
};

struct profile_totals {
    uint64_t runs, exits, interrupts, wall_ns, guest_ns, host_ns, vmm_ns, observer_ns;
    uint64_t samples, lost, stacks_dropped;
};

struct profile_memory {
    bool known, dirtied_known, touched_known;
    uint64_t heap_size, heap_high, stack_size, stack_high, dirtied, touched;
};

struct view {
    bool cpu; /* rows are samples */
    const char *guest, *hl;
    uint64_t rate_hz;
    struct profile_totals totals;
    struct profile_memory memory;
    /* Counts of each; frame[frame_count] is the unknown one. */
    size_t frame_count, stack_count, kind_count, row_count, call_count, step_count, counter_count;
    struct view_frame *frame;
    struct profile_stack *stack;
    struct view_kind *kind;
    struct profile_row *row;
    struct view_call *call;
    struct profile_step *step;
    struct view_counter *counter;
    size_t functions, lines; /* how many different ones */
    uint64_t count, ns;      /* of all rows */
    struct profile_words *words;
};

/* view_free() in any case.  Errors: FILE, MEMORY. */
int view_make(struct view *view, const json_t *document, struct hl_error *error);
void view_free(struct view *view);

/* The frame of a stack's entry; the unknown one for -1. */
const struct view_frame *profile_frame(const struct view *view, long stack);

/* The one to blame: the site, else the innermost. */
const struct view_frame *profile_site(const struct view *view, const struct profile_row *row);

/* From the outermost to the innermost; the unknown one alone where the stack is unknown. */
size_t profile_frames(const struct view *view, const struct profile_row *row,
                      const struct view_frame *frame[PROFILE_DEPTH_MAX]);

#endif
