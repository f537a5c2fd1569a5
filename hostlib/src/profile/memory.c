/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile/memory.c - measure how much heap and stack a guest uses, and which pages its calls touch.
 */
#include "profile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define LOOK_PAGES 4096u /* of the stack, per step */

static void raise_to(uint64_t *high, uint64_t value)
{
    if (value > *high)
        *high = value;
}

void memory_syscall(struct tap *t, uint64_t number)
{
    if (number == SYS_brk || number == SYS_mmap || number == SYS_mremap)
        raise_to(&t->profile->heap_high, t->sb->personality->heap_used(t->sb));
}

/* The lowest byte of a page that is not 0. */
static hl_gva_t lowest_byte(const uint8_t *page, hl_gva_t gva)
{
    uint64_t word;
    size_t i = 0;
    for (; i < PAGE_SIZE; i += sizeof(word)) {
        memcpy(&word, page + i, sizeof(word));
        if (word)
            return gva + i + (unsigned)__builtin_ctzll(word) / 8;
    }
    return gva + i;
}

/*
 * Search upwards from the lowest address of the stack to the lowest known use, in pages that the
 * system has backed with memory.  Not downwards: a large array that was never written is a hole in
 * the middle.
 */
static void look_up(struct tap *t)
{
    const struct hl_region *stack = &t->sb->region[REGION_STACK];
    uint8_t *memory = machine_memory(t->sb->machine, t->sb->gpa[REGION_STACK], stack->size);
    size_t end = (t->stack_low - stack->start + PAGE_SIZE - 1) / PAGE_SIZE;
    for (size_t first = 0; first < end; first += LOOK_PAGES) {
        unsigned char there[LOOK_PAGES];
        size_t n = end - first < LOOK_PAGES ? end - first : LOOK_PAGES;
        if (mincore(memory + first * PAGE_SIZE, n * PAGE_SIZE, there))
            return;
        for (size_t i = 0; i < n; i++) {
            size_t page = first + i;
            hl_gva_t gva = stack->start + page * PAGE_SIZE;
            hl_gva_t low =
                there[i] & 1 ? lowest_byte(memory + page * PAGE_SIZE, gva) : gva + PAGE_SIZE;
            if (low >= gva + PAGE_SIZE)
                continue;
            if (low < t->stack_low)
                t->stack_low = low;
            return;
        }
    }
}

void memory_begin(struct tap *t)
{
    if (t->use.sets.read)
        machine_use_begin(&t->use, t->sb->machine);
}

static bool make_sets(struct hl_profile *p, size_t words)
{
    if (p->dirtied && words <= p->page_words)
        return true;
    uint64_t *dirtied = realloc(p->dirtied, words * sizeof(*dirtied));
    if (dirtied)
        p->dirtied = dirtied;
    uint64_t *touched = realloc(p->touched, words * sizeof(*touched));
    if (touched)
        p->touched = touched;
    if (!dirtied || !touched)
        return false;
    for (size_t i = p->page_words; i < words; i++)
        p->dirtied[i] = p->touched[i] = 0;
    p->page_words = words;
    return true;
}

/* The number of pages in the set; all collects those of all calls. */
static uint64_t collect(uint64_t *all, const uint64_t *set, size_t words)
{
    uint64_t count = 0;
    for (size_t i = 0; i < words; i++) {
        count += (uint64_t)__builtin_popcountll(set[i]);
        all[i] |= set[i];
    }
    return count;
}

static void add_range(struct range_of *r, uint64_t value)
{
    if (!r->count || value < r->min)
        r->min = value;
    raise_to(&r->max, value);
    r->sum += value;
    r->count++;
}

void memory_end(struct tap *t, struct profile_call *call)
{
    struct hl_profile *p = t->profile;
    const struct hl_region *stack = &t->sb->region[REGION_STACK];
    if (!t->stack_low)
        t->stack_low = stack->start + stack->size;
    look_up(t);
    raise_to(&p->stack_high, stack->start + stack->size - t->stack_low);
    raise_to(&p->heap_high, t->sb->personality->heap_used(t->sb));
    if (!t->use.sets.read)
        return;
    machine_use_end(t->sb->machine);
    if (!make_sets(p, t->use.words))
        return;
    uint64_t touched = collect(p->touched, t->use.sets.read, t->use.words);
    uint64_t dirtied = collect(p->dirtied, t->use.sets.written, t->use.words);
    if (call) {
        add_range(&call->touched, touched);
        add_range(&call->dirtied, dirtied);
    }
}
