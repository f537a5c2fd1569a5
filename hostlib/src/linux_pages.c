/* SPDX-License-Identifier: Apache-2.0 */
#include "linux_pages.h"

#include <errno.h>
#include <string.h>

#include "machine_dirty.h"

#define WORD 64u
#define ZERO_BY_HAND (16 * PAGE_SIZE) /* up to here memset is cheaper than new pages */

bool linux_in_heap(struct hl_sandbox *sb, uint64_t address, uint64_t length, size_t *page,
                   size_t *count)
{
    const struct hl_region *h = linux_region(sb);
    if (address % PAGE_SIZE || address < h->start || length > h->size ||
        address - h->start > h->size - length)
        return false;
    *page = (address - h->start) / PAGE_SIZE;
    *count = (length + PAGE_SIZE - 1) / PAGE_SIZE;
    return *count && *page + *count <= sb->os.pages;
}

bool linux_used(const struct linux_state *os, size_t page)
{
    return os->used[page / WORD] >> page % WORD & 1;
}

/* Of one word, count bits from page on. */
static uint64_t bits(size_t page, size_t count)
{
    uint64_t low = count >= WORD ? UINT64_MAX : (1ull << count) - 1;
    return low << page % WORD;
}

void linux_set_used(struct linux_state *os, size_t page, size_t count, bool used)
{
    os->changed |= count != 0;
    for (size_t n; count; page += n, count -= n) {
        n = WORD - page % WORD < count ? WORD - page % WORD : count;
        if (used)
            os->used[page / WORD] |= bits(page, n);
        else
            os->used[page / WORD] &= ~bits(page, n);
    }
}

size_t linux_same_use(const struct linux_state *os, size_t page, size_t count, bool used)
{
    size_t done = 0;
    while (done < count) {
        size_t at = page + done;
        uint64_t word = os->used[at / WORD] ^ (used ? UINT64_MAX : 0);
        uint64_t other = word >> at % WORD;
        size_t n = other ? (size_t)__builtin_ctzll(other) : WORD - at % WORD;
        done += n;
        if (other)
            break;
    }
    return done < count ? done : count;
}

/* Downwards; a word that is all used, or all unused, is one step. */
bool linux_find_unused(const struct linux_state *os, size_t low, size_t high, size_t count,
                       size_t *page)
{
    size_t run = 0;
    for (size_t i = high, n; i > low; i -= n) {
        uint64_t word = os->used[(i - 1) / WORD];
        bool whole = i % WORD == 0 && i - low >= WORD;
        n = whole && (word == 0 || word == UINT64_MAX) ? WORD : 1;
        bool free = n == WORD ? word == 0 : !linux_used(os, i - 1);
        if (!free) {
            run = 0;
            continue;
        }
        run += n;
        if (run >= count) {
            *page = i - n + (run - count);
            return true;
        }
    }
    return false;
}

bool linux_next_present(struct hl_sandbox *sb, struct linux_run *run, size_t end)
{
    const struct pagetable *pt = &sb->machine->pt;
    hl_gva_t at = linux_page_gva(sb, run->page + run->count), limit = linux_page_gva(sb, end);
    hl_gpa_t gpa;
    unsigned prot;
    if (!pagetable_next_below(pt, &at, limit, &gpa, &prot))
        return false;
    run->page = (at - linux_region(sb)->start) / PAGE_SIZE;
    run->count = 0;
    do {
        run->count++;
        at += PAGE_SIZE;
    } while (at < limit && pagetable_lookup(pt, at, &gpa, &prot));
    return true;
}

bool linux_present(struct hl_sandbox *sb, size_t page)
{
    hl_gpa_t gpa;
    unsigned prot;
    return pagetable_lookup(&sb->machine->pt, linux_page_gva(sb, page), &gpa, &prot);
}

int linux_map_pages(struct hl_sandbox *sb, size_t page, size_t count, unsigned prot)
{
    if (!count)
        return 0;
    return hl_machine_map(sb->machine, linux_page_gva(sb, page),
                          sb->gpa[REGION_HEAP] + page * PAGE_SIZE, count * PAGE_SIZE, prot, NULL)
               ? -ENOMEM
               : 0;
}

void linux_zero_pages(struct hl_sandbox *sb, size_t page, size_t count)
{
    struct linux_run run = {page, 0};
    while (linux_next_present(sb, &run, page + count))
        machine_zero(sb->machine, sb->gpa[REGION_HEAP] + run.page * PAGE_SIZE,
                     run.count * PAGE_SIZE, ZERO_BY_HAND);
}

void linux_drop_pages(struct hl_sandbox *sb, size_t page, size_t count)
{
    struct linux_run run = {page, 0};
    while (count && linux_next_present(sb, &run, page + count)) {
        hl_machine_unmap(sb->machine, linux_page_gva(sb, run.page), run.count * PAGE_SIZE, NULL);
        machine_zero(sb->machine, sb->gpa[REGION_HEAP] + run.page * PAGE_SIZE,
                     run.count * PAGE_SIZE, ZERO_BY_HAND);
    }
}
