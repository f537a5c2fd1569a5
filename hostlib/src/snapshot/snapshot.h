/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - the inside of a snapshot, for hostlib's own files (hl/snapshot.h is the public
 * part).
 */
#ifndef HL_SNAPSHOT_INTERNAL_H
#define HL_SNAPSHOT_INTERNAL_H

#include <hl/snapshot.h>

#include "machine_state.h"
#include "sandbox.h"

/* Contents of all pages that are not zeros. */
struct snapshot_store {
    const uint8_t *data;
    size_t size;
    int fd;                /* the file that data maps, or -1, ... */
    uint64_t offset;       /* ... from this offset */
    struct page_run *runs; /* ascending; between two of them data is zeros */
    size_t run_count;
};

/* Adjacent pages of the guest's address space, on adjacent pages of its memory. */
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
    uint64_t id; /* unique in this process */
    const struct hl_image *image;
    const struct backend *backend;     /* the backend of its machine, and of its clones' */
    size_t heap, stack, input, output; /* sizes of the regions */
    size_t image_max;                  /* the limit of its image; 0: the default */
    struct snapshot_store store;
    struct snapshot_mappings mappings;
    struct vcpu_state *vcpu;
    const struct personality *personality;
    void *os; /* saved by the personality: its saved_size(heap) bytes */
    size_t input_used;
};

/*
 * As hl_snapshot_take() and hl_sandbox_restore(), for a caller that already owns the sandbox.  The
 * caller must have removed watches and breakpoints from the guest.
 */
/* Also of a sandbox that is NEW. */
int snapshot_take_any(struct hl_snapshot **snapshot, struct hl_sandbox *sb, struct hl_error *error);
int snapshot_restore(struct hl_sandbox *sb, const struct hl_snapshot *snapshot,
                     struct hl_error *error);
/* snapshot/clone.c: hl_sandbox_create_from() with a source (source.h), or NULL. */
int snapshot_clone(struct hl_sandbox **sandbox, const struct hl_snapshot *snapshot,
                   const struct hl_sandbox_config *config, struct source *source,
                   struct hl_error *error);

uint64_t snapshot_next_id(void);
/* BAD_SNAPSHOT if its pages, mappings and registers do not fit the machine. */
int snapshot_check(const struct hl_snapshot *s, const struct hl_machine *m, struct hl_error *error);
/* The machine is now in the snapshot's state: track what changes from now on. */
void snapshot_set_base(struct hl_machine *m, const struct hl_snapshot *s);

/* snapshot/memory.c */
int snapshot_store_take(struct snapshot_store *store, struct hl_machine *m, struct hl_error *error);
/* Memory of size bytes that clones can map; NULL if it cannot be allocated. */
uint8_t *snapshot_store_new(struct snapshot_store *store, size_t size, struct hl_error *error);
void snapshot_store_free(struct snapshot_store *store);
/* After machine_track().  base: the machine differs from the store only in marked pages. */
void snapshot_store_restore(const struct snapshot_store *store, struct hl_machine *m, bool base);

/* snapshot/place.c */
/*
 * Give each run its place in a store of our own, of the given number of pages; true if the store
 * has gaps.  Before the call the runs follow each other.
 */
bool snapshot_store_place(struct snapshot_store *store, uint64_t *pages);
uint64_t snapshot_store_pages(const struct snapshot_store *store); /* without gaps */
/* Contents in the order of a file: the next pages, at most the given number, contiguous at *at. */
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
