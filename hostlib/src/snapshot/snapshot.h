/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - inside of a snapshot, for hostlib's own files (hl/snapshot.h is the public part). */
#ifndef HL_SNAPSHOT_INTERNAL_H
#define HL_SNAPSHOT_INTERNAL_H

#include <hl/snapshot.h>

#include "machine_state.h"
#include "sandbox.h"

/* Contents of all pages that are not zeros. */
struct snapshot_store {
    const uint8_t *data;
    size_t size;
    int fd;                /* what data is a mapping of, or -1, ... */
    uint64_t offset;       /* ... from here on */
    struct page_run *runs; /* ascending; what lies between two in data is zeros */
    size_t run_count;
};

/* Neighbouring pages of the guest's address space, on neighbouring pages of its memory. */
struct snapshot_mapping {
    hl_gva_t gva;
    hl_gpa_t gpa;
    uint64_t pages;
    uint64_t prot;
};

struct snapshot_mappings {
    struct snapshot_mapping *list; /* by gva */
    size_t count;
};

struct hl_snapshot {
    uint64_t id; /* of no other snapshot in this process */
    const struct hl_image *image;
    const struct backend *backend;     /* the backend of its machine, and of its clones' */
    size_t heap, stack, input, output; /* sizes of the regions */
    size_t image_max;                  /* what its image was bounded by; 0: the default */
    struct snapshot_store store;
    struct snapshot_mappings mappings;
    struct vcpu_state *vcpu;
    const struct personality *personality;
    void *os; /* as it has saved it: personality->saved_size(heap) bytes */
    size_t input_used;
};

/*
 * As hl_snapshot_take() and hl_sandbox_restore(), for whoever owns the sandbox already.  Watched
 * pages and breakpoints must be out of the guest meanwhile.
 */
/* snapshot_take() of one that is NEW, too. */
int snapshot_take_any(struct hl_snapshot **snapshot, struct hl_sandbox *sb, struct hl_error *error);
int snapshot_take(struct hl_snapshot **snapshot, struct hl_sandbox *sb, struct hl_error *error);
int snapshot_restore(struct hl_sandbox *sb, const struct hl_snapshot *snapshot,
                     struct hl_error *error);
/* snapshot/clone.c: hl_sandbox_create_from() with a source (source.h), or NULL. */
int snapshot_clone(struct hl_sandbox **sandbox, const struct hl_snapshot *snapshot,
                   const struct hl_sandbox_config *config, struct source *source,
                   struct hl_error *error);

uint64_t snapshot_next_id(void);
/* Do its pages, mappings and registers fit the machine?  BAD_SNAPSHOT. */
int snapshot_check(const struct hl_snapshot *s, const struct hl_machine *m, struct hl_error *error);
/* The machine is as it was in the snapshot: keep books of what will differ from now on. */
void snapshot_set_base(struct hl_machine *m, const struct hl_snapshot *s);

/* snapshot/memory.c */
int snapshot_store_take(struct snapshot_store *store, struct hl_machine *m, struct hl_error *error);
/* Room for size bytes that clones can map: NULL where there is none. */
uint8_t *snapshot_store_new(struct snapshot_store *store, size_t size, struct hl_error *error);
void snapshot_store_free(struct snapshot_store *store);
/* After machine_track().  base: the machine differs from the store only where it is marked. */
void snapshot_store_restore(const struct snapshot_store *store, struct hl_machine *m, bool base);

/* snapshot/place.c */
/*
 * Give each run its place in a store of our own, of so many pages: true where there are gaps.
 * Before it they are one after the other.
 */
bool snapshot_store_place(struct snapshot_store *store, uint64_t *pages);
uint64_t snapshot_store_pages(const struct snapshot_store *store); /* without gaps */
/* Contents in the order of a file: the next pages, at most so many, that are one piece at *at. */
struct store_walk {
    size_t run;
    uint64_t done; /* of its pages */
};
size_t snapshot_store_next(const struct snapshot_store *store, struct store_walk *walk,
                           size_t pages, uint64_t *at);

/* snapshot/map.c */
int snapshot_mappings_take(struct snapshot_mappings *maps, const struct hl_machine *m,
                           struct hl_error *error);
int snapshot_mappings_restore(const struct snapshot_mappings *maps, struct hl_machine *m,
                              struct hl_error *error);

#endif
