/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_contents.c - a machine whose memory is not empty from the start.
 *
 * Long runs are mapped, copy on write: what nobody touches costs nothing.  A short one is copied,
 * which is cheaper than a mapping and the page faults on it.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "machine_dirty.h"
#include "memory.h"

#define MAP_MIN 16u /* pages */

static int check_runs(const struct hl_machine *m, const struct machine_contents *c,
                      struct hl_error *error)
{
    uint64_t end = m->pt.end / PAGE_SIZE;
    const uint64_t limit = m->limit / PAGE_SIZE;
    for (size_t i = 0; i < c->run_count; i++) {
        const struct page_run *r = &c->runs[i];
        if (r->page < end || r->page > limit || r->count > limit - r->page)
            return hl_error_set(error, HL_ERR_BAD_SNAPSHOT, "%s: contents for page %llu",
                                hl_err_text(HL_ERR_BAD_SNAPSHOT), (unsigned long long)r->page);
        end = r->page + r->count;
    }
    return 0;
}

/* Before the backend knows the memory, so that there is nothing it would have to be told. */
static bool map_run(struct hl_machine *m, const struct machine_contents *c,
                    const struct page_run *r)
{
    struct machine_marks *k = m->marks;
    uint8_t *at = m->memory + r->page * PAGE_SIZE;
    if (!k->backed)
        k->backed = calloc(m->memory_size / PAGE_SIZE / MARKS_WORD + 1, sizeof(*k->backed));
    if (!k->backed || !memory_map(at, r->count * PAGE_SIZE, c->fd, c->offset + r->at * PAGE_SIZE))
        return false;
    madvise(at, r->count * PAGE_SIZE, MADV_NOHUGEPAGE);
    for (uint64_t i = 0; i < r->count; i++)
        mark(k->backed, r->page + i);
    return true;
}

int machine_fill(struct hl_machine *m, const struct machine_contents *c, struct hl_error *error)
{
    int rc = check_runs(m, c, error);
    for (size_t i = 0; i < c->run_count && !rc; i++) {
        const struct page_run *r = &c->runs[i];
        if (c->fd >= 0 && r->count >= MAP_MIN && map_run(m, c, r))
            continue;
        memcpy(m->memory + r->page * PAGE_SIZE, c->data + r->at * PAGE_SIZE, r->count * PAGE_SIZE);
    }
    return rc;
}
