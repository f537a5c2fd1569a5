/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/place.c - the position of each run of pages in a store.
 *
 * Usually the runs follow each other, and a clone shares each run with a mapping, or copies it.  If
 * a guest has many runs, both are expensive: then the store has the gaps between them, too, except
 * the widest ones, as holes that cost nothing until they are read, and the runs around them are
 * mapped as one.
 */
#include "snapshot.h"

#include <stdlib.h>

#define COPY_MAX 512u /* pages; if a clone would copy more, the store has gaps instead */

/* The total size of the runs without gaps; is that too much for a clone? */
static bool is_crowded(const struct snapshot_store *s, uint64_t *pages)
{
    size_t mapped = 0;
    uint64_t copied = 0;
    *pages = 0;
    for (size_t i = 0; i < s->run_count; i++) {
        uint64_t count = s->runs[i].count;
        *pages += count;
        if (count >= MACHINE_MAP_MIN)
            mapped++;
        else
            copied += count;
    }
    return mapped > MACHINE_FILL_MAX || copied > COPY_MAX;
}

/* Pages between run i and the next. */
static uint64_t gap_after(const struct snapshot_store *s, size_t i)
{
    return s->runs[i + 1].page - s->runs[i].page - s->runs[i].count;
}

bool snapshot_store_place(struct snapshot_store *s, uint64_t *pages)
{
    struct machine_largest widest = {0};
    bool crowded = is_crowded(s, pages);
    if (!crowded)
        return false;
    for (size_t i = 0; i + 1 < s->run_count; i++)
        machine_largest_see(&widest, gap_after(s, i));
    machine_largest_done(&widest, MACHINE_FILL_MAX - 1);
    uint64_t at = 0;
    for (size_t i = 0; i < s->run_count; i++) {
        s->runs[i].at = at;
        at += s->runs[i].count;
        if (i + 1 < s->run_count && !machine_largest_is(&widest, gap_after(s, i)))
            at += gap_after(s, i);
    }
    *pages = at;
    return true;
}

uint64_t snapshot_store_pages(const struct snapshot_store *s)
{
    uint64_t pages;
    is_crowded(s, &pages);
    return pages;
}

size_t snapshot_store_next(const struct snapshot_store *s, struct store_walk *w, size_t pages,
                           uint64_t *at)
{
    size_t n = 0;
    while (n < pages && w->run < s->run_count) {
        const struct page_run *r = &s->runs[w->run];
        uint64_t left = r->count - w->done, here = r->at + w->done;
        if (!n)
            *at = here;
        else if (*at + n != here)
            break;
        size_t take = left < pages - n ? left : pages - n;
        n += take;
        w->done += take;
        if (w->done == r->count)
            *w = (struct store_walk){w->run + 1, 0};
    }
    return n;
}
