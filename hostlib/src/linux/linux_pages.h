/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux_pages.h - the pages of the heap region: which ones mmap or brk allocated, and which ones
 * are present.
 *
 * An allocated page without access (PROT_NONE) has no page-table entry until mprotect() allows
 * access: it is zeros then, as nothing has written to it.  So reserving costs one bit per page, and
 * later work is in proportion to the number of pages with an entry.
 */
#ifndef HL_LINUX_PAGES_H
#define HL_LINUX_PAGES_H

#include "linux_state.h"
#include "sandbox.h"

struct linux_run {
    size_t page, count;
};

static inline const struct hl_region *linux_region(const struct hl_sandbox *sb)
{
    return &sb->region[REGION_HEAP];
}

static inline hl_gva_t linux_page_gva(const struct hl_sandbox *sb, size_t page)
{
    return linux_region(sb)->start + page * PAGE_SIZE;
}

/* The page range of [address, address + length) if it is in the heap region. */
bool linux_in_heap(struct hl_sandbox *sb, uint64_t address, uint64_t length, size_t *page,
                   size_t *count);

/* `used` has one bit per page: the number of its words. */
#define LINUX_WORD 64u
static inline size_t linux_words(size_t pages)
{
    return pages / LINUX_WORD + 1;
}

/* Allocated by mmap or brk. */
bool linux_used(const struct linux_state *os, size_t page);
void linux_set_used(struct linux_state *os, size_t page, size_t count, bool used);
/* The number of pages from page on, at most count, that are used, or that are not. */
size_t linux_same_use(const struct linux_state *os, size_t page, size_t count, bool used);
/* The number of pages below page and not below low that are unused. */
size_t linux_unused_below(const struct linux_state *os, size_t page, size_t low);

/*
 * Search for the highest run of count unused pages in [low, s->page), beginning with run 0, and
 * continuing where the last step ended.  FOUND: the run begins at s->page.
 */
struct linux_search {
    size_t page, run;
};
enum linux_found { LINUX_SEARCHING, LINUX_FOUND, LINUX_NONE };
enum linux_found linux_find_unused(const struct linux_state *os, struct linux_search *s, size_t low,
                                   size_t count);

/* The next pages with an entry, at or above run->page + run->count and below end. */
bool linux_next_present(struct hl_sandbox *sb, struct linux_run *run, size_t end);

/*
 * The functions below work in steps, and end early when the call in progress is interrupted.  Then
 * they return LINUX_AGAIN, or false.
 */
/* -ENOMEM: out of page tables. */
int64_t linux_map_pages(struct hl_sandbox *sb, size_t page, size_t count, unsigned prot);
/*
 * Change the entries of pages that have one; make entries for the others if any access is allowed.
 */
int64_t linux_protect_pages(struct hl_sandbox *sb, size_t page, size_t count, unsigned prot);
/* again: also end early for a debugger; the guest then repeats the call, with less left to do. */
bool linux_zero_pages(struct hl_sandbox *sb, size_t page, size_t count, bool again);
/* Remove the entries, and zero the pages for their next owner. */
bool linux_drop_pages(struct hl_sandbox *sb, size_t page, size_t count, bool again);
/* Copy contents to pages that are zeros, unless they are also among the `count` pages at `from`. */
bool linux_move_pages(struct hl_sandbox *sb, size_t from, size_t count, size_t to);

#endif
