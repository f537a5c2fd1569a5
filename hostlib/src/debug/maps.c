/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/maps.c - the address space, with the ranges that are unmapped on purpose; `monitor maps`.
 */
#include "debug_monitor.h"

#include <stdio.h>
#include <string.h>

#include "machine.h"
#include "names.h"

#define ROWS_MAX 2000 /* a guest can make each page of its heap a row */

struct listing {
    void (*visit)(void *opaque, const struct debug_row *row);
    void *opaque;
    struct debug_row row; /* not printed yet: the next page may extend it */
};

/* `monitor maps` */
struct output {
    struct gdb_printer *printer;
    unsigned rows;
};

static void print_row(void *opaque, const struct debug_row *r)
{
    struct output *out = opaque;
    char text[4];
    if (out->rows++ >= ROWS_MAX)
        return;
    debug_say(out->printer, "0x%012llx 0x%012llx %10llu %s %s\n", (unsigned long long)r->start,
              (unsigned long long)r->end, (unsigned long long)(r->end - r->start),
              prot_text(r->prot == DEBUG_UNMAPPED ? 0 : r->prot, text), r->what);
}

static void flush(struct listing *l)
{
    if (l->row.end > l->row.start)
        l->visit(l->opaque, &l->row);
    l->row.end = l->row.start;
}

static void add_row(struct listing *l, hl_gva_t start, hl_gva_t end, unsigned prot,
                    const char *what)
{
    if (end <= start)
        return;
    bool same = l->row.end > l->row.start && l->row.end == start && l->row.prot == prot &&
                strcmp(l->row.what, what) == 0;
    if (!same) {
        flush(l);
        l->row.start = start;
    }
    l->row.end = end;
    l->row.prot = prot;
    l->row.what = what;
}

static const char *mapped_name(const struct hl_sandbox *sb, unsigned region, hl_gva_t at)
{
    if (region == REGION_HEAP)
        return sb->personality->page_use(sb, at);
    return sb->region[region].name;
}

static const char *hole_name(unsigned region)
{
    return region == REGION_HEAP    ? "heap: not given out"
           : region == REGION_IMAGE ? "between segments"
                                    : "not mapped";
}

static void add_region(struct listing *l, const struct hl_sandbox *sb, unsigned region)
{
    const struct hl_region *r = &sb->region[region];
    hl_gva_t at = r->start, end = r->start + r->size, page = at;
    hl_gpa_t gpa;
    unsigned prot;
    for (; machine_next(sb->machine, &page, &gpa, &prot) && page < end; page += PAGE_SIZE) {
        add_row(l, at, page, DEBUG_UNMAPPED, hole_name(region));
        add_row(l, page, page + PAGE_SIZE, prot, mapped_name(sb, region, page));
        at = page + PAGE_SIZE;
    }
    add_row(l, at, end, DEBUG_UNMAPPED, hole_name(region));
}

void debug_each_row(const struct hl_debug *d,
                    void (*visit)(void *opaque, const struct debug_row *row), void *opaque)
{
    const struct hl_sandbox *sb = d->sb;
    struct listing l = {.visit = visit, .opaque = opaque};
    hl_gva_t guard = 0;
    for (unsigned i = 0; i < REGION_COUNT; i++) {
        const struct hl_region *r = &sb->region[i];
        if (i > REGION_IMAGE)
            add_row(&l, guard ? guard : r->start - HL_GUARD_SIZE, r->start, DEBUG_UNMAPPED,
                    "guard");
        add_region(&l, sb, i);
        guard = i > REGION_IMAGE ? r->start + r->size : 0;
    }
    add_row(&l, guard, guard + HL_GUARD_SIZE, DEBUG_UNMAPPED, "guard");
    flush(&l);
}

int debug_on_maps(void *target, const char *args, struct gdb_printer *p)
{
    struct output out = {.printer = p};
    (void)args;
    debug_say(p, "%-14s %-14s %10s %-4s %s\n", "start", "end", "bytes", "prot", "what");
    debug_each_row(target, print_row, &out);
    if (out.rows > ROWS_MAX)
        debug_say(p, "... and %u more\n", out.rows - ROWS_MAX);
    const struct hl_debug *d = target;
    const struct backend_own *own = &machine_backend(d->sb->machine)->own;
    if (own->size)
        debug_say(p, "0x%llx: the host's own %zu bytes (%s), out of the guest's reach\n",
                  (unsigned long long)own->gva, own->size, own->what);
    return 0;
}
