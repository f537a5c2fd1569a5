/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux_pages.h - the pages of the heap region: which of them mmap or brk gave out, and which are
 * there.
 *
 * A page that was given out and may not be touched (PROT_NONE) has no page-table entry until
 * mprotect() lets the guest in: it is zeros then, as nobody has written to it.  So reserving costs
 * a bit a page, and what follows costs as much as there are pages with an entry.
 */
#ifndef HL_LINUX_PAGES_H
#define HL_LINUX_PAGES_H

#include "sandbox.h"

struct linux_run {
    size_t page, count;
};

static inline struct hl_region *linux_region(struct hl_sandbox *sb)
{
    return &sb->region[REGION_HEAP];
}

static inline hl_gva_t linux_page_gva(struct hl_sandbox *sb, size_t page)
{
    return linux_region(sb)->start + page * PAGE_SIZE;
}

/* The page range [address, address + length) when it lies in the heap region. */
bool linux_in_heap(struct hl_sandbox *sb, uint64_t address, uint64_t length, size_t *page,
                   size_t *count);

/* Given out by mmap or brk. */
bool linux_used(const struct linux_state *os, size_t page);
void linux_set_used(struct linux_state *os, size_t page, size_t count, bool used);
/* How many pages from page on, at most count, are used, or are not. */
size_t linux_same_use(const struct linux_state *os, size_t page, size_t count, bool used);
/* The highest run of count unused pages in [low, high). */
bool linux_find_unused(const struct linux_state *os, size_t low, size_t high, size_t count,
                       size_t *page);

/* The next pages with an entry, at or above run->page + run->count and below end. */
bool linux_next_present(struct hl_sandbox *sb, struct linux_run *run, size_t end);
bool linux_present(struct hl_sandbox *sb, size_t page);

int linux_map_pages(struct hl_sandbox *sb, size_t page, size_t count, unsigned prot);
void linux_zero_pages(struct hl_sandbox *sb, size_t page, size_t count);
/* No entries any more, and zeros for the next owner. */
void linux_drop_pages(struct hl_sandbox *sb, size_t page, size_t count);

#endif
