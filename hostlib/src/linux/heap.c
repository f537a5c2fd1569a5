/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux/heap.c - brk grows up from the start of the heap region, mmap takes the highest free pages.
 *
 * Each page of the region has a fixed place in the machine's memory, so only the right to use it is
 * allocated: mapping creates page-table entries, and none for PROT_NONE (see linux_pages.h). Freed
 * pages are zeroed when they are freed, so that their next owner finds zeros, as Linux promises.
 */
#include "linux_heap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "linux.h"
#include "linux_pages.h"
#include "machine_dirty.h"

/* Pages of brk, rounded up. */
static size_t brk_pages(struct hl_sandbox *sb)
{
    return (linux_of(sb)->brk - linux_region(sb)->start + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* Free the pages of [page, page + count) that mmap has not allocated, run by run. */
static bool free_unused(struct hl_sandbox *sb, size_t page, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t run = linux_same_use(sb->os, page + done, count - done, false);
        if (!linux_drop_pages(sb, page + done, run, false))
            return false;
        done += run;
        done += linux_same_use(sb->os, page + done, count - done, true);
    }
    return true;
}

/* 0 or LINUX_AGAIN. */
static int64_t release(struct hl_sandbox *sb, size_t page, size_t count)
{
    struct linux_state *os = sb->os;
    if (!linux_drop_pages(sb, page, count, true))
        return LINUX_AGAIN;
    linux_set_used(os, page, count, false);
    if (page + count > os->top)
        os->top = page + count;
    return 0;
}

/* Linux leaves one free page between brk and what is mapped above it. */
static int64_t grow_brk(struct hl_sandbox *sb, size_t page, size_t count)
{
    struct linux_state *os = sb->os;
    size_t room = count < os->pages - page ? count + 1 : count;
    if (linux_same_use(os, page, room, false) < room)
        return -ENOMEM;
    int64_t rc = linux_map_pages(sb, page, count, HL_PROT_READ | HL_PROT_WRITE);
    if (!rc)
        linux_set_used(os, page, count, true);
    return rc;
}

/* Mappings over brk's pages are removed, too; if nothing is left to free, Linux refuses. */
static int64_t shrink_brk(struct hl_sandbox *sb, size_t page, size_t count)
{
    if (linux_same_use(sb->os, page, count, false) == count)
        return -EINVAL;
    return release(sb, page, count);
}

int64_t linux_brk(struct hl_sandbox *sb, const uint64_t a[6])
{
    struct linux_state *os = sb->os;
    const struct hl_region *h = linux_region(sb);
    if (a[0] < h->start || a[0] > h->start + h->size)
        return (int64_t)os->brk;
    size_t before = brk_pages(sb), after = (a[0] - h->start + PAGE_SIZE - 1) / PAGE_SIZE;
    int64_t rc = after > before   ? grow_brk(sb, before, after - before)
                 : after < before ? shrink_brk(sb, after, before - after)
                                  : 0;
    if (rc == LINUX_AGAIN)
        return rc;
    if (!rc)
        os->brk = a[0];
    return (int64_t)os->brk;
}

/* Linux's protection bits; with W^X, code that was written cannot be executed. */
static int64_t decode_prot(uint64_t prot, unsigned *out)
{
    if (prot & ~(uint64_t)(PROT_READ | PROT_WRITE | PROT_EXEC))
        return -EINVAL;
    if (prot & PROT_EXEC)
        return -EACCES;
    *out = (prot & PROT_READ ? HL_PROT_READ : 0) |
           (prot & PROT_WRITE ? HL_PROT_READ | HL_PROT_WRITE : 0);
    return 0;
}

/* The highest run of count free pages above brk. */
static int64_t find_free(struct hl_sandbox *sb, size_t count, size_t *page)
{
    struct linux_search s = {.page = linux_of(sb)->top};
    enum linux_found found;
    do
        found = linux_find_unused(sb->os, &s, brk_pages(sb), count);
    while (found == LINUX_SEARCHING && !sandbox_is_interrupted(sb));
    *page = s.page;
    return found == LINUX_FOUND ? 0 : found == LINUX_NONE ? -ENOMEM : LINUX_AGAIN;
}

/* After pages at the very top were taken, the search can start lower. */
static void lower_top(struct linux_state *os)
{
    while (os->top && linux_used(os, os->top - 1))
        os->top -= os->top % LINUX_WORD == 0 && os->used[os->top / LINUX_WORD - 1] == UINT64_MAX
                       ? LINUX_WORD
                       : 1;
}

/* The checks of an address or a length for which Linux returns EINVAL before all others. */
static bool is_odd(uint64_t address, uint64_t length)
{
    return address % PAGE_SIZE || !length;
}

static int64_t place_at(struct hl_sandbox *sb, const uint64_t a[6], size_t *page, size_t *count)
{
    struct linux_state *os = sb->os;
    if (a[0] % PAGE_SIZE)
        return -EINVAL;
    if (!linux_in_heap(sb, a[0], a[1], page, count))
        return -ENOMEM;
    if (!(a[3] & MAP_FIXED_NOREPLACE))
        return 0;
    return linux_same_use(os, *page, *count, false) < *count ? -EEXIST : 0;
}

/* A mapping of /dev/zero is anonymous memory; other files cannot be mapped. */
static int64_t check_file(struct hl_sandbox *sb, const uint64_t a[6])
{
    if (a[3] & MAP_ANONYMOUS)
        return 0;
    const struct linux_file *f = linux_file(sb, a[4]);
    return !f ? -EBADF : f->kind != FILE_ZERO ? -ENODEV : 0;
}

int64_t linux_mmap(struct hl_sandbox *sb, const uint64_t a[6])
{
    struct linux_state *os = sb->os;
    unsigned prot;
    size_t page, count;
    int64_t rc = decode_prot(a[2], &prot);
    if (!rc)
        rc = a[1] ? check_file(sb, a) : -EINVAL;
    if (rc)
        return rc;
    if (a[1] > linux_region(sb)->size)
        return -ENOMEM;
    count = (a[1] + PAGE_SIZE - 1) / PAGE_SIZE;
    if (a[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE))
        rc = place_at(sb, a, &page, &count);
    else
        rc = find_free(sb, count, &page);
    if (rc)
        return rc;
    if (!linux_drop_pages(sb, page, count, true))
        return LINUX_AGAIN;
    rc = prot ? linux_map_pages(sb, page, count, prot) : 0;
    if (rc)
        return rc;
    linux_set_used(os, page, count, true);
    lower_top(os);
    return (int64_t)linux_page_gva(sb, page);
}

int64_t linux_munmap(struct hl_sandbox *sb, const uint64_t a[6])
{
    size_t page, count;
    if (!linux_in_heap(sb, a[0], a[1], &page, &count))
        return -EINVAL;
    return release(sb, page, count);
}

int64_t linux_mprotect(struct hl_sandbox *sb, const uint64_t a[6])
{
    unsigned prot;
    size_t page, count;
    int64_t rc = decode_prot(a[2], &prot);
    if (rc || a[0] % PAGE_SIZE)
        return rc ? rc : -EINVAL;
    if (!a[1])
        return 0;
    if (!linux_in_heap(sb, a[0], a[1], &page, &count))
        return -ENOMEM;
    /* Linux, too, changes the pages before a hole. */
    size_t good = linux_same_use(sb->os, page, count, true);
    rc = good ? linux_protect_pages(sb, page, good, prot) : 0;
    return rc ? rc : good < count ? -ENOMEM : 0;
}

/* The free pages around [page, page + count): how far the block can grow in place. */
static void find_room(struct hl_sandbox *sb, size_t page, size_t count, size_t *low, size_t *high)
{
    const struct linux_state *os = sb->os;
    *low = page - linux_unused_below(os, page, brk_pages(sb));
    *high = page + count;
    *high += linux_same_use(os, *high, os->pages - *high, false);
}

/* Move the contents of a block to its new place, which may overlap the old one. */
static bool move_contents(struct hl_sandbox *sb, size_t from, size_t old, size_t to, size_t count)
{
    if (!linux_move_pages(sb, from, old, to))
        return false;
    linux_set_used(sb->os, from, old, false);
    linux_set_used(sb->os, to, count, true); /* before the rest is freed */
    if (!free_unused(sb, from, old))         /* the part outside the new place */
        return false;
    /* If it moved down over itself, the added pages come after it and must be zeros. */
    return to >= from || to + count <= from || linux_zero_pages(sb, to + old, count - old, false);
}

/* Allocate [to, to + count) for the block at [from, from + old). */
static int64_t move_pages(struct hl_sandbox *sb, size_t from, size_t old, size_t to, size_t count,
                          unsigned prot)
{
    struct linux_state *os = sb->os;
    size_t kept = to == from ? old : 0;
    struct linux_run run = {from, 0};
    bool contents = !kept && linux_next_present(sb, &run, from + old);
    int64_t rc = prot || contents ? linux_map_pages(sb, to + kept, count - kept, prot) : 0;
    if (!rc && contents && !move_contents(sb, from, old, to, count))
        rc = LINUX_AGAIN;
    if (rc)
        return rc;
    if (!contents && !kept)
        linux_set_used(os, from, old, false);
    linux_set_used(os, to, count, true);
    os->top = os->pages;
    lower_top(os);
    return (int64_t)linux_page_gva(sb, to);
}

static int64_t shrink(struct hl_sandbox *sb, size_t page, size_t old, size_t count)
{
    int64_t rc = release(sb, page + count, old - count);
    return rc ? rc : (int64_t)linux_page_gva(sb, page);
}

/*
 * The image, the stack and the buffers are mapped permanently: they can neither grow nor move.
 * musl finds the size of main's stack by calling this for page after page, until it is not ENOMEM.
 */
static int64_t remap_elsewhere(struct hl_sandbox *sb, const uint64_t a[6])
{
    if (hl_machine_lookup(sb->machine, a[0], NULL, NULL))
        return -EFAULT;
    return a[2] == a[1] ? (int64_t)a[0] : -ENOMEM;
}

/* Also 0 for a reserved page. */
static unsigned prot_of(struct hl_sandbox *sb, size_t page)
{
    unsigned prot = 0;
    hl_machine_lookup(sb->machine, linux_page_gva(sb, page), NULL, &prot);
    return prot;
}

/* A block that moves must be one mapping, as on Linux. */
static bool is_uniform(struct hl_sandbox *sb, size_t page, size_t count)
{
    unsigned prot = prot_of(sb, page);
    for (size_t i = 1; i < count && !sandbox_is_interrupted(sb); i++)
        if (prot_of(sb, page + i) != prot)
            return false;
    return true;
}

/* The caller asks for an address: only then are these flags valid. */
static bool names_place(uint64_t flags)
{
    return flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
}

/* Round up to whole pages; 0 if it is too large. */
static uint64_t round_up(uint64_t size)
{
    return (size + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
}

/* The checks for which Linux returns EINVAL before it looks at the mappings. */
static bool is_odd_remap(const uint64_t a[6])
{
    uint64_t flags = a[3], old = round_up(a[1]), new = round_up(a[2]);
    if (flags & ~(uint64_t)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
        return true;
    if (is_odd(a[0], a[1]) || !a[2])
        return true;
    if (!names_place(flags))
        return false;
    return !(flags & MREMAP_MAYMOVE) || a[4] % PAGE_SIZE || old < a[1] || new < a[2] ||
           ((flags & MREMAP_DONTUNMAP) && old != new) || (a[4] < a[0] + old && a[0] < a[4] + new);
}

/* Move to the given address, or keep the old mapping, which is then zeros. */
static int64_t remap_to(struct hl_sandbox *sb, const uint64_t a[6], size_t page, size_t old)
{
    size_t to, count = (a[2] + PAGE_SIZE - 1) / PAGE_SIZE, moved = old < count ? old : count;
    if (linux_same_use(sb->os, page, moved, true) < moved || !is_uniform(sb, page, moved))
        return -EFAULT;
    int64_t rc = !(a[3] & MREMAP_FIXED)                       ? find_free(sb, count, &to)
                 : linux_in_heap(sb, a[4], a[2], &to, &count) ? 0
                                                              : -ENOMEM;
    unsigned prot = prot_of(sb, page);
    if (!rc && (a[3] & MREMAP_FIXED))
        rc = release(sb, to, count);
    if (!rc && moved < old)
        rc = release(sb, page + moved, old - moved);
    if (!rc)
        rc = move_pages(sb, page, moved, to, count, prot);
    if (rc < 0 || !(a[3] & MREMAP_DONTUNMAP))
        return rc;
    linux_set_used(sb->os, page, old, true);
    int64_t kept = prot ? linux_map_pages(sb, page, old, prot) : 0;
    return kept ? kept : rc;
}

int64_t linux_mremap(struct hl_sandbox *sb, const uint64_t a[6])
{
    size_t page, old, low, high, to, count;
    int64_t rc;
    if (is_odd_remap(a))
        return -EINVAL;
    if (!linux_in_heap(sb, a[0], a[1], &page, &old))
        return remap_elsewhere(sb, a);
    if (!linux_used(sb->os, page))
        return -EFAULT;
    if (a[2] > linux_region(sb)->size)
        return -ENOMEM;
    if (names_place(a[3]))
        return remap_to(sb, a, page, old);
    count = (a[2] + PAGE_SIZE - 1) / PAGE_SIZE;
    if (count <= old)
        return shrink(sb, page, old, count);
    if (linux_same_use(sb->os, page, old, true) < old)
        return -EFAULT;
    find_room(sb, page, old, &low, &high);
    if (high - page >= count)
        to = page;
    else if (!(a[3] & MREMAP_MAYMOVE))
        return -ENOMEM;
    else if (!is_uniform(sb, page, old))
        return -EFAULT;
    else if (high - low >= count)
        to = low + (high - low - count) / 2; /* room to grow again, and for brk */
    else if ((rc = find_free(sb, count, &to)))
        return rc;
    return move_pages(sb, page, old, to, count, prot_of(sb, page));
}

/* ---- for the host ---- */

const char *linux_page_use(const struct hl_sandbox *sb, hl_gva_t gva)
{
    if (!linux_used(sb->os, (gva - linux_region(sb)->start) / PAGE_SIZE))
        return NULL;
    return gva < linux_of(sb)->brk ? "heap: brk" : "heap: mmap";
}

uint64_t linux_heap_used(const struct hl_sandbox *sb)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < linux_words(linux_of(sb)->pages); i++)
        pages += (uint64_t)__builtin_popcountll(linux_of(sb)->used[i]);
    return pages * PAGE_SIZE;
}

bool linux_lend(struct hl_sandbox *sb, uint64_t size, hl_gva_t *gva)
{
    const uint64_t args[6] = {0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0, 0};
    int64_t rc = linux_mmap(sb, args);
    *gva = (hl_gva_t)rc;
    return rc >= 0;
}

bool linux_take_back(struct hl_sandbox *sb, hl_gva_t gva, uint64_t size)
{
    const uint64_t args[6] = {gva, size, 0, 0, 0, 0};
    return linux_munmap(sb, args) != LINUX_AGAIN;
}
