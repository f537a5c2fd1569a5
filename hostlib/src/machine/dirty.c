/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_dirty.h"
#include "machine_impl.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"

struct machine_marks *machine_marks(const struct hl_machine *m)
{
    return m->marks;
}

int machine_track(struct hl_machine *m, struct hl_error *error)
{
    struct machine_marks *k = m->marks;
    if (k->touched)
        return 0;
    /* One word more than needed: backend.h. */
    k->words = m->memory_size / PAGE_SIZE / MARKS_WORD + 1;
    uint64_t *all = calloc(3 * k->words, sizeof(*all));
    if (!all)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    k->touched = all;
    k->bits = all + k->words;
    k->clean = all + 2 * k->words;
    k->logging = m->backend->log_start(m->vcpu);
    return 0;
}

void machine_marks_free(struct machine_marks *k)
{
    if (!k)
        return;
    free(k->touched);
    free(k->exposed);
    free(k->backed);
    free(k);
}

static void mark_range(uint64_t *bits, hl_gpa_t gpa, size_t size)
{
    if (!size)
        return;
    for (size_t page = gpa / PAGE_SIZE; page <= (gpa + size - 1) / PAGE_SIZE; page++)
        mark(bits, page);
}

void machine_touch(const struct hl_machine *m, hl_gpa_t gpa, size_t size)
{
    if (m->marks->touched)
        mark_range(m->marks->touched, gpa, size);
}

void machine_expose(const struct hl_machine *m, hl_gpa_t gpa, size_t size)
{
    struct machine_marks *k = m->marks;
    if (!k->exposed)
        k->exposed = calloc(m->memory_size / PAGE_SIZE / MARKS_WORD + 1, sizeof(*k->exposed));
    if (k->exposed)
        mark_range(k->exposed, gpa, size);
    else
        k->all_exposed = true;
}

bool machine_dirty(struct hl_machine *m)
{
    struct machine_marks *k = m->marks;
    if (!k->logging || k->all_exposed || !m->backend->log_read(m->vcpu, k->bits))
        return false;
    for (size_t i = 0; i < k->words; i++)
        k->bits[i] |= k->touched[i];
    for (size_t i = 0; k->exposed && i < k->words; i++)
        k->bits[i] |= k->exposed[i];
    return true;
}

void machine_forget_dirty(struct hl_machine *m, bool clean)
{
    struct machine_marks *k = m->marks;
    memset(k->touched, 0, k->words * sizeof(*k->touched));
    if (clean && k->logging && !m->backend->log_clear(m->vcpu, k->clean))
        k->logging = false;
}

/* How many pages from page on, at most count, come from the file, or do not. */
static size_t same_backing(const uint64_t *backed, size_t page, size_t count, bool *is)
{
    size_t n = 1;
    *is = is_marked(backed, page);
    while (n < count && is_marked(backed, page + n) == *is)
        n++;
    return n;
}

/*
 * Memory mapped from a file would show the file again: it needs new anonymous pages.  But a guest
 * that frees every other page must not turn each into a mapping.  The count of pieces never goes
 * down: the neighbours of a piece may stay two mappings (each has an anon_vma).
 */
static bool replace_backed(struct hl_machine *m, size_t page, size_t count)
{
    struct machine_marks *k = m->marks;
    uint8_t *at = m->memory + page * PAGE_SIZE;
    bool before = page && is_marked(k->backed, page - 1);
    bool after = (page + count) * PAGE_SIZE < m->memory_size && is_marked(k->backed, page + count);
    if (before && after && k->pieces >= MACHINE_PIECES_MAX)
        return false;
    if (!memory_map(at, count * PAGE_SIZE, -1, 0))
        return false;
    madvise(at, count * PAGE_SIZE, MADV_NOHUGEPAGE);
    k->pieces += before && after;
    for (size_t i = 0; i < count; i++)
        k->backed[(page + i) / MARKS_WORD] &= ~(1ull << (page + i) % MARKS_WORD);
    return true;
}

static bool give_back(struct hl_machine *m, size_t page, size_t count, bool backed)
{
    if (backed)
        return replace_backed(m, page, count);
    return memory_forget(m->memory + page * PAGE_SIZE, count * PAGE_SIZE);
}

void machine_clear(struct hl_machine *m, hl_gpa_t gpa, size_t size)
{
    const uint64_t *backed = m->marks->backed;
    size_t page = gpa / PAGE_SIZE, left = size / PAGE_SIZE;
    for (size_t n; left; page += n, left -= n) {
        bool is = false;
        n = backed ? same_backing(backed, page, left, &is) : left;
        if (!give_back(m, page, n, is))
            memset(m->memory + page * PAGE_SIZE, 0, n * PAGE_SIZE);
    }
}

void machine_zero(struct hl_machine *m, hl_gpa_t gpa, size_t size, size_t by_hand)
{
    machine_touch(m, gpa, size);
    if (size <= by_hand)
        memset(m->memory + gpa, 0, size);
    else
        machine_clear(m, gpa, size);
}
