/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pagetable.h - four-level page tables in the guest's memory, which only the host writes.
 *
 * Tables are added but never freed, and later changes affect only leaf entries, so that a
 * processor's paging-structure caches stay valid.
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
    hl_gpa_t next, end;        /* free pages for tables */
    hl_gpa_t spare, spare_end; /* more, once those are used up */
    uint64_t generation;       /* incremented whenever an address may lead to another page */
    struct pagetable_use *use; /* NULL: not collected */
};

enum { PAGE_SUPERVISOR = 0x100 }; /* in addition to HL_PROT_*: not for ring 3 */

/*
 * The pool of tables is [pool, pool + size), zeroed; the root is taken from it.  size >= one page.
 */
void pagetable_init(struct pagetable *pt, void *memory, size_t memory_size, hl_gpa_t pool,
                    size_t size);

/* The tables that mapping `bytes` in `regions` separate pieces can need. */
size_t pagetable_pool_size(size_t bytes, size_t regions);

/* Set one page's entry, replacing the old one; false if the pool is used up. */
bool pagetable_set(struct pagetable *pt, hl_gva_t gva, hl_gpa_t gpa, unsigned prot);

/* Change an existing entry (mapped, even with HL_PROT_NONE); false if it does not exist. */
bool pagetable_protect(struct pagetable *pt, hl_gva_t gva, unsigned prot);
void pagetable_clear(struct pagetable *pt, hl_gva_t gva);

/*
 * Withhold from the processor what a watchpoint needs to see: HL_PROT_WRITE, or HL_PROT_READ for
 * every access; 0 gives it back.  Lookups still return the access that the page allows, and a page
 * that is mapped again stays watched.  False if nothing was ever mapped there.
 */
bool pagetable_watch(struct pagetable *pt, hl_gva_t gva, unsigned watch);

/* False if nothing is mapped; *gpa is the page's address plus the offset in it. */
bool pagetable_lookup(const struct pagetable *pt, hl_gva_t gva, hl_gpa_t *gpa, unsigned *prot);

/*
 * Host address of the part of [gva, gva + *size) that is in the first page and that ring 3 may
 * access with `need`; NULL if that is nothing, or not memory.
 */
uint8_t *pagetable_page(const struct pagetable *pt, hl_gva_t gva, size_t *size, unsigned need);
/*
 * Copy from there, across any number of pages; returns the bytes before the first that is refused.
 */
size_t pagetable_read(const struct pagetable *pt, hl_gva_t gva, void *buf, size_t size,
                      unsigned need);

/*
 * Accessed and dirty bits are normally set in advance, so that the processor never writes to a
 * table.  Between begin and end the processor sets them, and they are collected in *use, also for
 * pages that are unmapped meanwhile.  The caller of begin must make the processor flush all
 * translations.
 */
void pagetable_use_begin(struct pagetable *pt, struct pagetable_use *use);
void pagetable_use_end(struct pagetable *pt);

/* Advance *gva to the first mapped page at or above it in the lower half; false: no more pages. */
bool pagetable_next(const struct pagetable *pt, hl_gva_t *gva, hl_gpa_t *gpa, unsigned *prot);
/* ... but below end; a missing table is skipped in one step. */
bool pagetable_next_below(const struct pagetable *pt, hl_gva_t *gva, hl_gva_t end, hl_gpa_t *gpa,
                          unsigned *prot);

#endif
