/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/map.c - the guest's mappings as a list of runs.
 *
 * A restore changes only leaf entries and frees no page table: see pagetable.h.
 */
#include "snapshot.h"

#include <stdlib.h>

#include "grow.h"

/* Continue the last run, or begin one. */
static bool add_page(struct snapshot_mappings *maps, size_t *room, hl_gva_t gva, hl_gpa_t gpa,
                     unsigned prot)
{
    struct snapshot_mapping *last = maps->count ? &maps->list[maps->count - 1] : NULL;
    if (last && last->prot == prot && last->gva + last->pages * PAGE_SIZE == gva &&
        last->gpa + last->pages * PAGE_SIZE == gpa) {
        last->pages++;
        return true;
    }
    struct snapshot_mapping *list = array_grow(maps->list, room, maps->count + 1, sizeof(*list));
    if (!list)
        return false;
    maps->list = list;
    maps->list[maps->count++] = (struct snapshot_mapping){gva, gpa, 1, prot};
    return true;
}

int snapshot_mappings_take(struct snapshot_mappings *maps, const struct hl_machine *m,
                           struct hl_error *error)
{
    size_t room = 0;
    hl_gpa_t gpa;
    unsigned prot;
    const struct machine_extent in = machine_extent(m);
    *maps = (struct snapshot_mappings){0};
    for (hl_gva_t gva = 0; machine_next(m, &gva, &gpa, &prot); gva += PAGE_SIZE) {
        /* Mappings of host files belong to the sandbox, not to the snapshot. */
        if ((gpa >= in.shared && gpa < in.shared_end) || add_page(maps, &room, gva, gpa, prot))
            continue;
        free(maps->list);
        *maps = (struct snapshot_mappings){0};
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    }
    return 0;
}

static bool same(const struct snapshot_mappings *a, const struct snapshot_mappings *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct snapshot_mapping *x = &a->list[i], *y = &b->list[i];
        if (x->gva != y->gva || x->gpa != y->gpa || x->pages != y->pages || x->prot != y->prot)
            return false;
    }
    return true;
}

/* Is gva mapped in maps as it is now?  *at is the search position: addresses are asked in order. */
static bool as_before(const struct snapshot_mappings *maps, size_t *at, hl_gva_t gva, hl_gpa_t gpa,
                      unsigned prot)
{
    while (*at < maps->count && maps->list[*at].gva + maps->list[*at].pages * PAGE_SIZE <= gva)
        ++*at;
    const struct snapshot_mapping *s = &maps->list[*at];
    return *at < maps->count && s->gva <= gva && s->gpa + (gva - s->gva) == gpa && s->prot == prot;
}

/* Unmap what was not mapped, or was mapped differently. */
static int remove_others(const struct snapshot_mappings *maps, const struct snapshot_mappings *now,
                         struct hl_machine *m, struct hl_error *error)
{
    size_t at = 0;
    int rc = 0;
    for (size_t i = 0; i < now->count && !rc; i++) {
        const struct snapshot_mapping *s = &now->list[i];
        for (uint64_t page = 0, run; page < s->pages && !rc; page += run + 1) {
            uint64_t first = page * PAGE_SIZE;
            for (run = 0; page + run < s->pages; run++) {
                uint64_t offset = (page + run) * PAGE_SIZE;
                if (as_before(maps, &at, s->gva + offset, s->gpa + offset, (unsigned)s->prot))
                    break;
            }
            if (run)
                rc = hl_machine_unmap(m, s->gva + first, run * PAGE_SIZE, error);
        }
    }
    return rc;
}

/* Map what is missing; the mappings that remain are right. */
static int add_missing(const struct snapshot_mappings *maps, struct hl_machine *m,
                       struct hl_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < maps->count && !rc; i++) {
        const struct snapshot_mapping *s = &maps->list[i];
        for (uint64_t page = 0, run; page < s->pages && !rc; page += run + 1) {
            uint64_t first = page * PAGE_SIZE;
            for (run = 0; page + run < s->pages; run++)
                if (hl_machine_lookup(m, s->gva + (page + run) * PAGE_SIZE, NULL, NULL) == 0)
                    break;
            if (run)
                rc = hl_machine_map(m, s->gva + first, s->gpa + first, run * PAGE_SIZE,
                                    (unsigned)s->prot, error);
        }
    }
    return rc;
}

int snapshot_mappings_restore(const struct snapshot_mappings *maps, struct hl_machine *m,
                              struct hl_error *error)
{
    struct snapshot_mappings now;
    int rc = snapshot_mappings_take(&now, m, error);
    if (!rc && !same(maps, &now)) {
        rc = remove_others(maps, &now, m, error);
        if (!rc)
            rc = add_missing(maps, m, error);
    }
    free(now.list);
    return rc;
}
