/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine.h - a machine, for hostlib's other rooms (hl/machine.h is the public part).
 *
 * Its parts are in machine_impl.h, for this room only.  machine_cpu.h has the state of its
 * processor, machine_debug.h single steps, machine_dirty.h changed pages, machine_state.h
 * snapshots.
 */
#ifndef HL_MACHINE_INTERNAL_H
#define HL_MACHINE_INTERNAL_H

#include <hl/machine.h>

#include "page.h"
#include "backend.h"

/* Adjacent pages of a machine's memory; their contents are pages [at, at + count) elsewhere. */
struct page_run {
    uint64_t page, count, at;
};

/* The initial contents of a machine's memory; pages in no run are zeros. */
struct machine_contents {
    const uint8_t *data;
    int fd;          /* a file with the same bytes from offset on, to be mapped; or -1 */
    uint64_t offset; /* a multiple of the page size */
    const struct page_run *runs;
    size_t run_count; /* ascending */
    bool spaced;      /* data has zeros between runs, too: a mapping may span several */
    bool log;         /* the backend logs the guest's writes from the start */
    bool few;         /* the number of runs is bounded: MACHINE_FILL_MAX does not apply */
};

/*
 * Runs with the same distance there as here are mapped as one, with the zeros between them, if they
 * have at least this many pages, and at most this many of them.  The rest is copied.
 */
#define MACHINE_MAP_MIN 16u
#define MACHINE_FILL_MAX 24u

/* Select the largest numbers, at most MACHINE_FILL_MAX of them. */
struct machine_largest {
    uint64_t list[MACHINE_FILL_MAX]; /* descending; 0: none */
    uint64_t least;
    unsigned ties; /* how many that equal the smallest belong to them */
};
void machine_largest_see(struct machine_largest *l, uint64_t number);
void machine_largest_done(struct machine_largest *l, unsigned count);
/* To be called once for each number, in any order. */
bool machine_largest_is(struct machine_largest *l, uint64_t number);

/* hl_machine_create() on a backend that the caller chooses.  contents may be NULL. */
int machine_create(struct hl_machine **machine, const struct hl_machine_config *config,
                   const struct backend *backend, const struct machine_contents *contents,
                   struct hl_error *error);
/* Is a machine of this size possible at all?  ARGUMENT, LIMIT: more than this host has. */
int machine_check(const struct hl_machine_config *config, struct hl_error *error);
/* The first address that hl_machine_alloc() will return. */
hl_gpa_t machine_first(const struct hl_machine_config *config);
/* machine/contents.c: BAD_SNAPSHOT if a run is outside the memory that alloc returns. */
int machine_fill(struct hl_machine *m, const struct machine_contents *contents,
                 struct hl_error *error);

/* hl_machine_memory() for a caller that reports its writes with machine_touch(). */
void *machine_memory(const struct hl_machine *m, hl_gpa_t gpa, size_t size);

/* The layout of its memory: page tables and other pages of the host come before `first`. */
struct machine_extent {
    hl_gpa_t first, end;         /* allocated by hl_machine_alloc() */
    hl_gpa_t shared, shared_end; /* room for hl/share.h, at the end of the memory */
};
struct machine_extent machine_extent(const struct hl_machine *m);

/*
 * hl_machine_write() for the library's own rooms, whose writes follow from what the guest does:
 * without a notice.
 */
size_t machine_write(struct hl_machine *m, hl_gva_t gva, const void *buf, size_t size,
                     unsigned need);
/* Call back after each hl_machine_write(), with the range written; NULL: stop. */
void machine_on_write(struct hl_machine *m,
                      void (*written)(void *opaque, hl_gva_t gva, size_t size), void *opaque);

/*
 * Advance *gva to the first mapped page at or above it in the lower half, and below end.  A page
 * with HL_PROT_NONE counts as mapped.  False: there are no more.
 */
bool machine_next(const struct hl_machine *m, hl_gva_t *gva, hl_gpa_t *gpa, unsigned *prot);
bool machine_next_below(const struct hl_machine *m, hl_gva_t *gva, hl_gva_t end, hl_gpa_t *gpa,
                        unsigned *prot);
/* Incremented whenever an address may lead to another page than before. */
uint64_t machine_generation(const struct hl_machine *m);
/* Incremented by each map, protect and unmap. */
uint64_t machine_map_changes(const struct hl_machine *m);

/* Its backend. */
const struct backend *machine_backend(const struct hl_machine *m);

#endif
