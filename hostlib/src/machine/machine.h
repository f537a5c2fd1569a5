/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - a machine, for hostlib's other rooms (hl/machine.h is the public part).
 *
 * What it is made of is in machine_impl.h, for this room alone.  machine_cpu.h has its processor's
 * state, machine_debug.h one step, machine_dirty.h what has changed, machine_state.h snapshots.
 */
#ifndef HL_MACHINE_INTERNAL_H
#define HL_MACHINE_INTERNAL_H

#include <hl/machine.h>

#include "page.h"
#include "backend.h"

/* Neighbouring pages of a machine's memory; their contents are pages [at, at + count) elsewhere. */
struct page_run {
    uint64_t page, count, at;
};

/* What a machine's memory holds from the start: what is in no run is zeros. */
struct machine_contents {
    const uint8_t *data;
    int fd;          /* the same, to be mapped, from offset on; or -1 */
    uint64_t offset; /* a multiple of the page size */
    const struct page_run *runs;
    size_t run_count; /* ascending */
    bool spaced;      /* data is zeros between runs, too: a mapping may span several of them */
    bool log;         /* the backend logs what the guest writes to, from the start */
    bool few;         /* the runs have a bound of their own: MACHINE_FILL_MAX does not apply */
};

/*
 * Runs as far from each other there as here are mapped as one, with the zeros between them: of so
 * many pages or more, and so many of them.  The rest is copied.
 */
#define MACHINE_MAP_MIN 16u
#define MACHINE_FILL_MAX 24u

/* The largest of numbers, MACHINE_FILL_MAX of them at most: which are they? */
struct machine_largest {
    uint64_t list[MACHINE_FILL_MAX]; /* descending; 0: none */
    uint64_t least;
    unsigned ties; /* how many as large as the least one belong to them */
};
void machine_largest_see(struct machine_largest *l, uint64_t number);
void machine_largest_done(struct machine_largest *l, unsigned count);
/* Asked once of each, in any order. */
bool machine_largest_is(struct machine_largest *l, uint64_t number);

/*
 * hl_machine_create() on a backend of the caller's choice.  contents may be NULL.
 */
int machine_create(struct hl_machine **machine, const struct hl_machine_config *config,
                   const struct backend *backend, const struct machine_contents *contents,
                   struct hl_error *error);
/* Can it be had at all?  ARGUMENT, LIMIT: more than this host has. */
int machine_check(const struct hl_machine_config *config, struct hl_error *error);
/* Where hl_machine_alloc() will begin. */
hl_gpa_t machine_first(const struct hl_machine_config *config);
/* machine/contents.c: BAD_SNAPSHOT where a run is not in the memory that alloc gives out. */
int machine_fill(struct hl_machine *m, const struct machine_contents *contents,
                 struct hl_error *error);

/* hl_machine_memory() for a caller that answers for its writes with machine_touch(). */
void *machine_memory(const struct hl_machine *m, hl_gpa_t gpa, size_t size);

/* Where in its memory things are: page tables and what else is the host's come before `first`. */
struct machine_extent {
    hl_gpa_t first, end;         /* what hl_machine_alloc() has given out */
    hl_gpa_t shared, shared_end; /* room for what hl/share.h maps: to the end of the memory */
};
struct machine_extent machine_extent(const struct hl_machine *m);

/*
 * hl_machine_write() for the library's own rooms, whose writes follow from what the guest does: no
 * notice of it.
 */
size_t machine_write(struct hl_machine *m, hl_gva_t gva, const void *buf, size_t size,
                     unsigned need);
/* Call back after each hl_machine_write(), with what was written; NULL: no more. */
void machine_on_write(struct hl_machine *m,
                      void (*written)(void *opaque, hl_gva_t gva, size_t size), void *opaque);

/*
 * Move on to the first page mapped at or above *gva in the lower half, and below end: a page is
 * mapped even with HL_PROT_NONE.  false: there are no more.
 */
bool machine_next(const struct hl_machine *m, hl_gva_t *gva, hl_gpa_t *gpa, unsigned *prot);
bool machine_next_below(const struct hl_machine *m, hl_gva_t *gva, hl_gva_t end, hl_gpa_t *gpa,
                        unsigned *prot);
/* It grows whenever an address may lead to another page than before. */
uint64_t machine_generation(const struct hl_machine *m);
/* It grows with each map, protect and unmap. */
uint64_t machine_map_changes(const struct hl_machine *m);

/* What it runs on. */
const struct backend *machine_backend(const struct hl_machine *m);

#endif
