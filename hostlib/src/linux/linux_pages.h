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

/* The page range [address, address + length) when it lies in the heap region. */
bool linux_in_heap(struct hl_sandbox *sb, uint64_t address, uint64_t length, size_t *page,
                   size_t *count);

/* `used` has one bit a page: in so many words. */
#define LINUX_WORD 64u
static inline size_t linux_words(size_t pages)
{
    return pages / LINUX_WORD + 1;
}

/* Given out by mmap or brk. */
bool linux_used(const struct linux_state *os, size_t page);
void linux_set_used(struct linux_state *os, size_t page, size_t count, bool used);
/* How many pages from page on, at most count, are used, or are not. */
size_t linux_same_use(const struct linux_state *os, size_t page, size_t count, bool used);
/* How many pages below page, none of them below low, are unused. */
size_t linux_unused_below(const struct linux_state *os, size_t page, size_t low);

/*
 * The highest run of count unused pages in [low, s->page), for a search that begins there with run
 * 0, and goes on from where the last step has left it.  FOUND: it begins at s->page.
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
 * What follows works in steps: it ends early when the call in progress is interrupted.  Then it is
 * LINUX_AGAIN, or false.
 */
/* -ENOMEM: no page tables left. */
int64_t linux_map_pages(struct hl_sandbox *sb, size_t page, size_t count, unsigned prot);
/* Pages with an entry change it; those without one get it, if there is anything to be allowed. */
int64_t linux_protect_pages(struct hl_sandbox *sb, size_t page, size_t count, unsigned prot);
/* again: a debugger ends it early, too: the guest makes the call again, with less to do then. */
bool linux_zero_pages(struct hl_sandbox *sb, size_t page, size_t count, bool again);
/* No entries any more, and zeros for the next owner. */
bool linux_drop_pages(struct hl_sandbox *sb, size_t page, size_t count, bool again);
/* Contents, to pages that are zeros where they are not `count` pages from `from` on as well. */
bool linux_move_pages(struct hl_sandbox *sb, size_t from, size_t count, size_t to);

#endif
