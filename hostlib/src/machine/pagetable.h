/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pagetable.h - four-level page tables inside the guest's memory, written by the host alone.
 *
 * Tables are only ever added, never freed: a leaf entry is all that a later change touches, so a
 * processor's paging-structure caches stay true.
 */
#ifndef HL_PAGETABLE_H
#define HL_PAGETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/image.h>

#include "page.h"

/* Bit sets over the pages of memory, kept while pagetable.use points here. */
struct pagetable_use {
    uint64_t *read, *written;
    size_t pages;
};

struct pagetable {
    uint8_t *memory; /* host address of GPA 0 */
    size_t memory_size;
    hl_gpa_t root;
    hl_gpa_t next, end;        /* pages left for tables */
    hl_gpa_t spare, spare_end; /* more of them, when those are used up */
    uint64_t generation;       /* grows whenever an address may lead to another page than before */
    struct pagetable_use *use; /* NULL: nobody wants to know */
};

enum { PAGE_SUPERVISOR = 0x100 }; /* beside HL_PROT_*: not for ring 3 */

/* Pool of tables is [pool, pool + size), zeroed; the root is taken from it.  size >= one page. */
void pagetable_init(struct pagetable *pt, void *memory, size_t memory_size, hl_gpa_t pool,
                    size_t size);

/* Tables that mapping `bytes` in `regions` separate pieces can need. */
size_t pagetable_pool_size(size_t bytes, size_t regions);

/* Set one page's entry; false when the pool is used up.  Replaces what was there. */
bool pagetable_set(struct pagetable *pt, hl_gva_t gva, hl_gpa_t gpa, unsigned prot);

/* Change an entry that exists (mapped, even with HL_PROT_NONE); false where there is none. */
bool pagetable_protect(struct pagetable *pt, hl_gva_t gva, unsigned prot);
void pagetable_clear(struct pagetable *pt, hl_gva_t gva);

/*
 * Withhold from the processor what a watchpoint wants to see: HL_PROT_WRITE, or HL_PROT_READ for
 * every access; 0 gives it back.  Lookups go on telling what the page allows, and a page that is
 * mapped anew stays watched.  False where nothing was ever mapped.
 */
bool pagetable_watch(struct pagetable *pt, hl_gva_t gva, unsigned watch);

/* False where nothing is mapped; gpa gets the page's address plus the offset into it. */
bool pagetable_lookup(const struct pagetable *pt, hl_gva_t gva, hl_gpa_t *gpa, unsigned *prot);

/*
 * Host address of as much of [gva, gva + *size) as lies in one page and, from there, of what ring 3
 * may do `need` with; NULL where that is none of it, or not memory.
 */
uint8_t *pagetable_page(const struct pagetable *pt, hl_gva_t gva, size_t *size, unsigned need);
/* Copy from there, over any number of pages: how many bytes, up to the first that cannot be. */
size_t pagetable_read(const struct pagetable *pt, hl_gva_t gva, void *buf, size_t size,
                      unsigned need);

/*
 * Accessed and dirty bits are otherwise set ahead, so that nobody ever writes to a table.  Between
 * begin and end they are the processor's to set, and what they say is collected in *use, of pages
 * that are unmapped meanwhile, too.  Whoever begins makes the processor forget all translations.
 */
void pagetable_use_begin(struct pagetable *pt, struct pagetable_use *use);
void pagetable_use_end(struct pagetable *pt);

/* Move on to the first page mapped at or above *gva in the lower half; false: there is none. */
bool pagetable_next(const struct pagetable *pt, hl_gva_t *gva, hl_gpa_t *gpa, unsigned *prot);
/* ... but below end; where no table is, a whole table's addresses cost one step. */
bool pagetable_next_below(const struct pagetable *pt, hl_gva_t *gva, hl_gva_t end, hl_gpa_t *gpa,
                          unsigned *prot);

#endif
