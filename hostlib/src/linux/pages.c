/* SPDX-License-Identifier: Apache-2.0 */
#include "linux_pages.h"

#include <errno.h>
#include <string.h>

#include "linux.h"
#include "machine_dirty.h"

#define ZERO_BY_HAND 16u       /* pages: up to here memset is cheaper than new ones */
#define LINUX_STEP 4096u       /* pages: 2 ms of work, or less */
#define MOVE_STEP 1024u        /* pages: the same, as each one is checked and copied */
#define SEARCH_STEP (1u << 18) /* words or bits */

bool linux_in_heap(struct hl_sandbox *sb, uint64_t address, uint64_t length, size_t *page,
                   size_t *count)
{
    const struct hl_region *h = linux_region(sb);
    if (address % PAGE_SIZE || address < h->start || length > h->size ||
        address - h->start > h->size - length)
        return false;
    *page = (address - h->start) / PAGE_SIZE;
    *count = (length + PAGE_SIZE - 1) / PAGE_SIZE;
    return *count && *page + *count <= linux_of(sb)->pages;
}

bool linux_used(const struct linux_state *os, size_t page)
{
    return os->used[page / LINUX_WORD] >> page % LINUX_WORD & 1;
}

/* In one word, count bits from page on. */
static uint64_t bits(size_t page, size_t count)
{
    uint64_t low = count >= LINUX_WORD ? UINT64_MAX : (1ull << count) - 1;
    return low << page % LINUX_WORD;
}

void linux_set_used(struct linux_state *os, size_t page, size_t count, bool used)
{
    os->changed |= count != 0;
    for (size_t n; count; page += n, count -= n) {
        n = LINUX_WORD - page % LINUX_WORD < count ? LINUX_WORD - page % LINUX_WORD : count;
        if (used)
            os->used[page / LINUX_WORD] |= bits(page, n);
        else
            os->used[page / LINUX_WORD] &= ~bits(page, n);
    }
}

size_t linux_same_use(const struct linux_state *os, size_t page, size_t count, bool used)
{
    size_t done = 0;
    while (done < count) {
        size_t at = page + done;
        uint64_t word = os->used[at / LINUX_WORD] ^ (used ? UINT64_MAX : 0);
        uint64_t other = word >> at % LINUX_WORD;
        size_t n = other ? (size_t)__builtin_ctzll(other) : LINUX_WORD - at % LINUX_WORD;
        done += n;
        if (other)
            break;
    }
    return done < count ? done : count;
}

/* Downwards; a word that is all used or all unused is one step. */
enum linux_found linux_find_unused(const struct linux_state *os, struct linux_search *s, size_t low,
                                   size_t count)
{
    for (size_t n, left = SEARCH_STEP; s->page > low && left; s->page -= n, left--) {
        uint64_t word = os->used[(s->page - 1) / LINUX_WORD];
        bool whole = s->page % LINUX_WORD == 0 && s->page - low >= LINUX_WORD;
        n = whole && (word == 0 || word == UINT64_MAX) ? LINUX_WORD : 1;
        bool free = n == LINUX_WORD ? word == 0 : !linux_used(os, s->page - 1);
        s->run = free ? s->run + n : 0;
        if (s->run >= count) {
            s->page = s->page - n + (s->run - count);
            return LINUX_FOUND;
        }
    }
    return s->page > low ? LINUX_SEARCHING : LINUX_NONE;
}

size_t linux_unused_below(const struct linux_state *os, size_t page, size_t low)
{
    size_t at = page;
    while (at > low && !linux_used(os, at - 1))
        at -= at % LINUX_WORD == 0 && at - low >= LINUX_WORD && !os->used[at / LINUX_WORD - 1]
                  ? LINUX_WORD
                  : 1;
    return page - at;
}

bool linux_next_present(struct hl_sandbox *sb, struct linux_run *run, size_t end)
{
    const struct hl_machine *m = sb->machine;
    hl_gva_t at = linux_page_gva(sb, run->page + run->count), limit = linux_page_gva(sb, end);
    hl_gpa_t gpa;
    unsigned prot;
    if (!machine_next_below(m, &at, limit, &gpa, &prot))
        return false;
    run->page = (at - linux_region(sb)->start) / PAGE_SIZE;
    run->count = 0;
    do {
        run->count++;
        at += PAGE_SIZE;
    } while (at < limit && hl_machine_lookup(m, at, &gpa, &prot) == 0);
    return true;
}

/* ---- long operations, in steps ---- */

static size_t step_end(size_t page, size_t end)
{
    return end - page < LINUX_STEP ? end : page + LINUX_STEP;
}

static hl_gpa_t gpa_of(struct hl_sandbox *sb, size_t page)
{
    return sb->gpa[REGION_HEAP] + page * PAGE_SIZE;
}

int64_t linux_map_pages(struct hl_sandbox *sb, size_t page, size_t count, unsigned prot)
{
    for (size_t end = page + count, to; page < end; page = to) {
        to = step_end(page, end);
        if (sandbox_is_interrupted(sb))
            return LINUX_AGAIN;
        if (hl_machine_map(sb->machine, linux_page_gva(sb, page), gpa_of(sb, page),
                           (to - page) * PAGE_SIZE, prot, NULL))
            return -ENOMEM;
    }
    return 0;
}

/* The first page with an entry, at or above page and below end; end if no page has one. */
static size_t first_present(struct hl_sandbox *sb, size_t page, size_t end)
{
    hl_gva_t at = linux_page_gva(sb, page);
    hl_gpa_t gpa;
    unsigned prot;
    if (!machine_next_below(sb->machine, &at, linux_page_gva(sb, end), &gpa, &prot))
        return end;
    return (at - linux_region(sb)->start) / PAGE_SIZE;
}

int64_t linux_protect_pages(struct hl_sandbox *sb, size_t page, size_t count, unsigned prot)
{
    if (prot)
        return linux_map_pages(sb, page, count, prot);
    for (size_t end = page + count, to; (page = first_present(sb, page, end)) < end; page = to) {
        to = step_end(page, end);
        if (sandbox_is_interrupted(sb))
            return LINUX_AGAIN;
        hl_machine_protect(sb->machine, linux_page_gva(sb, page), (to - page) * PAGE_SIZE, 0, NULL);
    }
    return 0;
}

/* Pages without an entry are zeros: runs of pages are freed together with the gaps between them. */
static void zero_step(struct hl_sandbox *sb, size_t page, size_t end)
{
    struct linux_run run = {page, 0};
    size_t pages = 0;
    while (linux_next_present(sb, &run, end)) {
        machine_touch(sb->machine, gpa_of(sb, run.page), run.count * PAGE_SIZE);
        pages += run.count;
    }
    if (pages > ZERO_BY_HAND) {
        machine_clear(sb->machine, gpa_of(sb, page), (run.page + run.count - page) * PAGE_SIZE);
        return;
    }
    run = (struct linux_run){page, 0};
    while (linux_next_present(sb, &run, end))
        memset(machine_memory(sb->machine, gpa_of(sb, run.page), run.count * PAGE_SIZE), 0,
               run.count * PAGE_SIZE);
}

static bool drop_or_zero(struct hl_sandbox *sb, size_t page, size_t count, bool drop, bool again)
{
    bool begun = false;
    for (size_t end = page + count, to; (page = first_present(sb, page, end)) < end; page = to) {
        if (sandbox_is_interrupted(sb) || (begun && again && linux_is_wanted(sb)))
            return false;
        begun = true;
        to = step_end(page, end);
        zero_step(sb, page, to);
        if (drop)
            hl_machine_unmap(sb->machine, linux_page_gva(sb, page), (to - page) * PAGE_SIZE, NULL);
    }
    return true;
}

bool linux_zero_pages(struct hl_sandbox *sb, size_t page, size_t count, bool again)
{
    return drop_or_zero(sb, page, count, false, again);
}

bool linux_drop_pages(struct hl_sandbox *sb, size_t page, size_t count, bool again)
{
    return drop_or_zero(sb, page, count, true, again);
}

bool linux_move_pages(struct hl_sandbox *sb, size_t from, size_t count, size_t to)
{
    static const uint8_t zeros[PAGE_SIZE];
    const struct hl_region *heap = linux_region(sb);
    uint8_t *memory = machine_memory(sb->machine, sb->gpa[REGION_HEAP], heap->size);
    bool over = (to > from ? to - from : from - to) < count;
    for (size_t i = 0; i < count; i++) {
        if (i % MOVE_STEP == 0 && sandbox_is_interrupted(sb))
            return false;
        size_t n = to > from ? count - 1 - i : i; /* as memmove() does */
        const uint8_t *page = memory + (from + n) * PAGE_SIZE;
        if (!over && memcmp(page, zeros, PAGE_SIZE) == 0)
            continue; /* and so is its destination */
        memcpy(memory + (to + n) * PAGE_SIZE, page, PAGE_SIZE);
        machine_touch(sb->machine, gpa_of(sb, to + n), PAGE_SIZE);
    }
    return true;
}
