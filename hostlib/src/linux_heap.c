/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux_heap.c - brk grows up from the start of the heap region, mmap takes the highest free pages.
 *
 * A page of the region has one fixed place in the machine's memory, so there is nothing to allocate
 * but the right to use it: mapping is page-table entries only.  Freed pages are zeroed when they
 * are given back, so that whoever gets them next finds zeros, as Linux promises.
 */
#include "linux_heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "machine_dirty.h"

#define WORD 64u
#define ZERO_BY_HAND (16 * PAGE_SIZE) /* up to here memset is cheaper than new pages */

static struct hl_region *heap(struct hl_sandbox *sb)
{
    return &sb->region[REGION_HEAP];
}

size_t linux_words(const struct linux_state *os)
{
    return os->pages / WORD + 1;
}

static size_t used_size(const struct linux_state *os)
{
    return linux_words(os) * sizeof(*os->used);
}

/* A mapping of its own, as it is memory that a guest without mmap never has need of. */
int linux_init(struct hl_sandbox *sb, struct hl_error *error)
{
    struct linux_state *os = &sb->os;
    os->pages = heap(sb)->size / PAGE_SIZE;
    os->top = os->pages;
    os->brk = heap(sb)->start;
    os->used =
        mmap(NULL, used_size(os), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (os->used != MAP_FAILED)
        return 0;
    os->used = NULL;
    return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
}

void linux_free(struct hl_sandbox *sb)
{
    if (sb->os.used)
        munmap(sb->os.used, used_size(&sb->os));
}

int linux_copy(struct linux_state *to, const struct linux_state *from, struct hl_error *error)
{
    *to = *from;
    to->used = malloc(used_size(from));
    if (!to->used)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    memcpy(to->used, from->used, used_size(from));
    return 0;
}

void linux_put(struct linux_state *to, const struct linux_state *from, bool maps)
{
    to->brk = from->brk;
    to->top = from->top;
    if (maps)
        memcpy(to->used, from->used, used_size(from));
}

static bool is_used(const struct linux_state *os, size_t page)
{
    return os->used[page / WORD] >> page % WORD & 1;
}

static void set_used(struct linux_state *os, size_t page, size_t count, bool used)
{
    for (size_t i = page; i < page + count; i++) {
        if (used)
            os->used[i / WORD] |= 1ull << i % WORD;
        else
            os->used[i / WORD] &= ~(1ull << i % WORD);
    }
}

/* Pages of brk, rounded up. */
static size_t brk_pages(struct hl_sandbox *sb)
{
    return (sb->os.brk - heap(sb)->start + PAGE_SIZE - 1) / PAGE_SIZE;
}

static hl_gva_t gva_of(struct hl_sandbox *sb, size_t page)
{
    return heap(sb)->start + page * PAGE_SIZE;
}

static int map_pages(struct hl_sandbox *sb, size_t page, size_t count, unsigned prot)
{
    return hl_machine_map(sb->machine, gva_of(sb, page), sb->gpa[REGION_HEAP] + page * PAGE_SIZE,
                          count * PAGE_SIZE, prot, NULL)
               ? -ENOMEM
               : 0;
}

static void zero_pages(struct hl_sandbox *sb, size_t page, size_t count)
{
    machine_zero(sb->machine, sb->gpa[REGION_HEAP] + page * PAGE_SIZE, count * PAGE_SIZE,
                 ZERO_BY_HAND);
}

static void free_pages(struct hl_sandbox *sb, size_t page, size_t count)
{
    if (!count)
        return;
    hl_machine_unmap(sb->machine, gva_of(sb, page), count * PAGE_SIZE, NULL);
    zero_pages(sb, page, count);
}

/* Free those of [page, page + count) that mmap did not give out, run by run. */
static void free_unused(struct hl_sandbox *sb, size_t page, size_t count)
{
    for (size_t i = page, run; i < page + count; i += run ? run : 1) {
        for (run = 0; i + run < page + count && !is_used(&sb->os, i + run); run++)
            ;
        free_pages(sb, i, run);
    }
}

int64_t linux_brk(struct hl_sandbox *sb, const uint64_t a[6])
{
    struct linux_state *os = &sb->os;
    const struct hl_region *h = heap(sb);
    if (a[0] < h->start || a[0] > h->start + h->size)
        return (int64_t)os->brk;
    size_t before = brk_pages(sb), after = (a[0] - h->start + PAGE_SIZE - 1) / PAGE_SIZE;
    for (size_t i = before; i < after; i++)
        if (is_used(os, i))
            return (int64_t)os->brk;
    if (after > before && map_pages(sb, before, after - before, HL_PROT_READ | HL_PROT_WRITE))
        return (int64_t)os->brk;
    /* A MAP_FIXED mapping laid over brk's pages stays until it is unmapped itself. */
    if (after < before)
        free_unused(sb, after, before - after);
    os->brk = a[0];
    return (int64_t)os->brk;
}

/* Linux's protection bits; W^X leaves no way to run what was written. */
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

/* The page range [address, address + length) when it lies in the heap region. */
static bool decode_range(struct hl_sandbox *sb, uint64_t address, uint64_t length, size_t *page,
                         size_t *count)
{
    const struct hl_region *h = heap(sb);
    if (address % PAGE_SIZE || address < h->start || length > h->size ||
        address - h->start > h->size - length)
        return false;
    *page = (address - h->start) / PAGE_SIZE;
    *count = (length + PAGE_SIZE - 1) / PAGE_SIZE;
    return *count && *page + *count <= sb->os.pages;
}

/* The highest run of count free pages above brk; false where there is none. */
static bool find_free(struct hl_sandbox *sb, size_t count, size_t *page)
{
    struct linux_state *os = &sb->os;
    size_t low = brk_pages(sb), run = 0;
    for (size_t i = os->top; i > low; i--) {
        if (i % WORD == 0 && i - low >= WORD && os->used[i / WORD - 1] == UINT64_MAX) {
            i -= WORD - 1;
            run = 0;
            continue;
        }
        run = is_used(os, i - 1) ? 0 : run + 1;
        if (run == count) {
            *page = i - 1;
            return true;
        }
    }
    return false;
}

/* After taking pages at the very top, the search can start lower. */
static void lower_top(struct linux_state *os)
{
    while (os->top && is_used(os, os->top - 1))
        os->top--;
}

int64_t linux_mmap(struct hl_sandbox *sb, const uint64_t a[6])
{
    struct linux_state *os = &sb->os;
    unsigned prot;
    size_t page, count;
    int64_t rc = decode_prot(a[2], &prot);
    if (rc)
        return rc;
    if (!a[1])
        return -EINVAL;
    if (!(a[3] & MAP_ANONYMOUS))
        return -ENODEV;
    if (a[1] > heap(sb)->size)
        return -ENOMEM;
    if (a[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
        if (!decode_range(sb, a[0], a[1], &page, &count))
            return -ENOMEM;
        for (size_t i = page; i < page + count && (a[3] & MAP_FIXED_NOREPLACE); i++)
            if (is_used(os, i) || i < brk_pages(sb))
                return -EEXIST;
        free_pages(sb, page, count);
    } else {
        count = (a[1] + PAGE_SIZE - 1) / PAGE_SIZE;
        if (!find_free(sb, count, &page))
            return -ENOMEM;
    }
    rc = map_pages(sb, page, count, prot);
    if (rc)
        return rc;
    set_used(os, page, count, true);
    lower_top(os);
    return (int64_t)gva_of(sb, page);
}

int64_t linux_munmap(struct hl_sandbox *sb, const uint64_t a[6])
{
    struct linux_state *os = &sb->os;
    size_t page, count;
    if (!decode_range(sb, a[0], a[1], &page, &count))
        return -EINVAL;
    free_pages(sb, page, count);
    set_used(os, page, count, false);
    if (page + count > os->top)
        os->top = page + count;
    return 0;
}

int64_t linux_mprotect(struct hl_sandbox *sb, const uint64_t a[6])
{
    unsigned prot;
    size_t page, count;
    int64_t rc = decode_prot(a[2], &prot);
    if (rc)
        return rc;
    if (!a[1])
        return 0;
    if (!decode_range(sb, a[0], a[1], &page, &count))
        return -ENOMEM;
    return hl_machine_protect(sb->machine, a[0], count * PAGE_SIZE, prot, NULL) ? -ENOMEM : 0;
}

/* The free pages around [page, page + count): the widest place the block can have without leaving.
 */
static void find_room(struct hl_sandbox *sb, size_t page, size_t count, size_t *low, size_t *high)
{
    const struct linux_state *os = &sb->os;
    size_t floor = brk_pages(sb);
    for (*low = page; *low > floor && !is_used(os, *low - 1); --*low)
        ;
    for (*high = page + count; *high < os->pages && !is_used(os, *high); ++*high)
        ;
}

/* Take [to, to + count) for the block at [from, from + old), which may overlap it. */
static int64_t move_pages(struct hl_sandbox *sb, size_t from, size_t old, size_t to, size_t count,
                          unsigned prot)
{
    struct linux_state *os = &sb->os;
    uint8_t *base = machine_memory(sb->machine, sb->gpa[REGION_HEAP], heap(sb)->size);
    size_t kept = to == from ? old : 0;
    if (map_pages(sb, to + kept, count - kept, prot))
        return -ENOMEM;
    if (to != from)
        memmove(base + to * PAGE_SIZE, base + from * PAGE_SIZE, old * PAGE_SIZE);
    machine_touch(sb->machine, sb->gpa[REGION_HEAP] + to * PAGE_SIZE, count * PAGE_SIZE);
    set_used(os, from, old, false);
    set_used(os, to, count, true);
    free_unused(sb, from, old); /* what the new place does not cover */
    /* Where it moved down over itself, what grew is behind it and has to be zeros. */
    if (to < from && to + old < from + old && to + count > from)
        memset(base + (to + old) * PAGE_SIZE, 0, (count - old) * PAGE_SIZE);
    os->top = os->pages;
    lower_top(os);
    return (int64_t)gva_of(sb, to);
}

int64_t linux_mremap(struct hl_sandbox *sb, const uint64_t a[6])
{
    size_t page, old, low, high, to, count;
    unsigned prot;
    if ((a[3] & ~(uint64_t)MREMAP_MAYMOVE) || !a[1] || !a[2])
        return -EINVAL;
    if (!decode_range(sb, a[0], a[1], &page, &old) ||
        hl_machine_lookup(sb->machine, a[0], NULL, &prot))
        return -EFAULT;
    for (size_t i = page; i < page + old; i++)
        if (!is_used(&sb->os, i))
            return -EFAULT;
    if (a[2] > heap(sb)->size)
        return -ENOMEM;
    count = (a[2] + PAGE_SIZE - 1) / PAGE_SIZE;
    if (count <= old) {
        free_pages(sb, page + count, old - count);
        set_used(&sb->os, page + count, old - count, false);
        sb->os.top = sb->os.pages;
        lower_top(&sb->os);
        return (int64_t)a[0];
    }
    find_room(sb, page, old, &low, &high);
    if (high - page >= count)
        to = page;
    else if (!(a[3] & MREMAP_MAYMOVE))
        return -ENOMEM;
    else if (high - low >= count)
        to = low + (high - low - count) / 2; /* room to grow again, and for brk */
    else if (!find_free(sb, count, &to))
        return -ENOMEM;
    return move_pages(sb, page, old, to, count, prot);
}

/* Only MADV_DONTNEED changes what the guest can see; the rest is advice we do not take. */
int64_t linux_madvise(struct hl_sandbox *sb, const uint64_t a[6])
{
    size_t page, count;
    if (!decode_range(sb, a[0], a[1], &page, &count))
        return -ENOMEM;
    if (a[2] == MADV_DONTNEED)
        zero_pages(sb, page, count);
    return 0;
}
