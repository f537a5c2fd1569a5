/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine/contents.c - a machine whose memory has contents from the start.
 *
 * Long runs are mapped copy-on-write, so that untouched pages cost nothing.  A short run is copied,
 * which is cheaper than a mapping and its page faults.  So are long runs beyond MACHINE_FILL_MAX:
 * the guest chooses how often pages of zeros lie between the others, and a process has only
 * vm.max_map_count mappings for all its sandboxes.  An image has at most HL_IMAGE_SEGMENTS_MAX
 * runs, and all its long ones are mapped.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "machine_dirty.h"
#include "machine_impl.h"
#include "memory.h"

/* Freeing memory may split mappings. */
_Static_assert(MACHINE_FILL_MAX < MACHINE_PIECES_MAX, "MACHINE_PIECES_MAX");

void machine_largest_see(struct machine_largest *l, uint64_t number)
{
    size_t at = MACHINE_FILL_MAX - 1;
    if (number <= l->list[at])
        return;
    for (; at && l->list[at - 1] < number; at--)
        l->list[at] = l->list[at - 1];
    l->list[at] = number;
}

void machine_largest_done(struct machine_largest *l, unsigned count)
{
    l->least = l->list[count - 1];
    for (unsigned i = 0; i < count; i++)
        l->ties += l->list[i] == l->least;
}

bool machine_largest_is(struct machine_largest *l, uint64_t number)
{
    if (number < l->least || (number == l->least && !l->ties))
        return false;
    l->ties -= number == l->least;
    return true;
}

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

/* Done before the backend uses the memory, so that it need not be notified. */
static bool map_group(struct hl_machine *m, const struct machine_contents *c,
                      const struct page_run *r)
{
    struct machine_marks *k = m->marks;
    uint8_t *at = m->memory + r->page * PAGE_SIZE;
    if (!k->backed)
        k->backed = calloc(m->memory_size / PAGE_SIZE / MARKS_WORD + 1, sizeof(*k->backed));
    if (!k->backed || !memory_map(at, r->count * PAGE_SIZE, c->fd, c->offset + r->at * PAGE_SIZE))
        return false;
    madvise(at, r->count * PAGE_SIZE, MADV_NOHUGEPAGE);
    k->pieces++;
    for (uint64_t i = 0; i < r->count; i++)
        mark(k->backed, r->page + i);
    return true;
}

/* The runs from *i on that one mapping can cover, as one run; *i is set past them. */
static struct page_run group(const struct machine_contents *c, size_t *i)
{
    struct page_run g = c->runs[*i];
    for (++*i; *i < c->run_count; ++*i) {
        const struct page_run *next = &c->runs[*i];
        if (next->page - g.page != next->at - g.at ||
            (!c->spaced && next->page != g.page + g.count))
            break;
        g.count = next->page + next->count - g.page;
    }
    return g;
}

static void copy_runs(struct hl_machine *m, const struct machine_contents *c, size_t from,
                      size_t end)
{
    for (const struct page_run *r = &c->runs[from]; r < &c->runs[end]; r++)
        memcpy(m->memory + r->page * PAGE_SIZE, c->data + r->at * PAGE_SIZE, r->count * PAGE_SIZE);
}

int machine_fill(struct hl_machine *m, const struct machine_contents *c, struct hl_error *error)
{
    struct machine_largest longest = {0};
    int rc = check_runs(m, c, error);
    if (rc)
        return rc;
    for (size_t i = 0; i < c->run_count;)
        machine_largest_see(&longest, group(c, &i).count);
    machine_largest_done(&longest, MACHINE_FILL_MAX);
    for (size_t i = 0, from; i < c->run_count;) {
        from = i;
        struct page_run g = group(c, &i);
        bool map = c->fd >= 0 && g.count >= MACHINE_MAP_MIN &&
                   (c->few || machine_largest_is(&longest, g.count));
        if (!map || !map_group(m, c, &g))
            copy_runs(m, c, from, i);
    }
    return 0;
}
