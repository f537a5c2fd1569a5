/* SPDX-License-Identifier: Apache-2.0 */
#include "machine_dirty.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"

int machine_track(struct hl_machine *m, struct hl_error *error)
{
    struct machine_marks *k = m->marks;
    if (k->touched)
        return 0;
    /* The words behind the end: KVM counts in 64 pages. */
    k->words = m->memory_size / PAGE_SIZE / MARKS_WORD + 1;
    uint64_t *all = calloc(3 * k->words, sizeof(*all));
    if (!all)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    k->touched = all;
    k->bits = all + k->words;
    k->clean = all + 2 * k->words;
    k->logging = m->ops->log_start(m->vcpu);
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
    if (!k->logging || k->all_exposed || !m->ops->log_read(m->vcpu, k->bits))
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
    if (clean && k->logging && !m->ops->log_clear(m->vcpu, k->clean))
        k->logging = false;
}

static bool is_backed(const struct hl_machine *m, hl_gpa_t gpa, size_t size)
{
    const uint64_t *backed = m->marks->backed;
    bool found = false;
    for (size_t page = gpa / PAGE_SIZE; backed && page < (gpa + size) / PAGE_SIZE; page++)
        found |= is_marked(backed, page);
    return found;
}

/* Memory that comes from a file would be the file's again: it needs new pages of its own. */
static bool give_back(struct hl_machine *m, hl_gpa_t gpa, size_t size)
{
    uint8_t *at = m->memory + gpa;
    if (!is_backed(m, gpa, size))
        return memory_forget(at, size);
    if (!memory_map(at, size, -1, 0))
        return false;
    madvise(at, size, MADV_NOHUGEPAGE);
    return true;
}

void machine_zero(struct hl_machine *m, hl_gpa_t gpa, size_t size, size_t by_hand)
{
    machine_touch(m, gpa, size);
    if (size <= by_hand || !give_back(m, gpa, size))
        memset(m->memory + gpa, 0, size);
}
