/* SPDX-License-Identifier: Apache-2.0 */
/* debug/points.c - breakpoints: the list, planting them before an entry, removing them after it. */
#include "debug.h"

#include <string.h>

#include "grow.h"
#include "sorted.h"

#define INT3 0xcc

/* Index of the first point at or after (address, point). */
static size_t lower_bound(const struct hl_debug *d, hl_gva_t address, enum gdb_point point)
{
    size_t at = SORTED_BELOW(d->points.breaks, d->points.break_count, address, address);
    while (at < d->points.break_count && d->points.breaks[at].address == address &&
           d->points.breaks[at].point < point)
        at++;
    return at;
}

const struct debug_break *debug_break_at(const struct hl_debug *d, hl_gva_t address,
                                         enum gdb_point from)
{
    size_t i = lower_bound(d, address, from);
    if (i < d->points.break_count && d->points.breaks[i].address == address)
        return &d->points.breaks[i];
    return NULL;
}

/* The present address of its byte in the host; NULL while nothing is mapped there. */
static void locate(const struct hl_debug *d, struct debug_break *b)
{
    const struct hl_machine *m = d->sb->machine;
    hl_gpa_t gpa;
    if (b->generation == machine_generation(m))
        return;
    b->generation = machine_generation(m);
    b->at = hl_machine_lookup(m, b->address, &gpa, NULL) ? NULL : machine_memory(m, gpa, 1);
}

static int insert_break(struct hl_debug *d, enum gdb_point point, hl_gva_t address)
{
    struct debug_break b = {.address = address, .point = point, .slot = -1, .generation = ~0ull};
    size_t at = lower_bound(d, address, point);
    if (address >> 47)
        return HL_ERR_ARGUMENT; /* the upper half belongs to the backend: a slot would fire there */
    if (at < d->points.break_count && d->points.breaks[at].address == address &&
        d->points.breaks[at].point == point)
        return 0;
    locate(d, &b);
    /* A debug register accepts any address, and so must its replacement. */
    if (!b.at && point != GDB_HW_BREAK)
        return HL_ERR_ARGUMENT;
    struct debug_break *more = array_grow(d->points.breaks, &d->points.break_room,
                                          d->points.break_count + 1, sizeof(*more));
    if (!more)
        return HL_ERR_MEMORY;
    d->points.breaks = more;
    if (point == GDB_HW_BREAK && d->can.hw_break)
        debug_slot_take(d, VCPU_SLOT_EXEC, address, 1, &b.slot);
    memmove(&d->points.breaks[at + 1], &d->points.breaks[at],
            (d->points.break_count - at) * sizeof(b));
    d->points.breaks[at] = b;
    d->points.break_count++;
    return 0;
}

static int remove_break(struct hl_debug *d, enum gdb_point point, hl_gva_t address)
{
    size_t at = lower_bound(d, address, point);
    if (at == d->points.break_count || d->points.breaks[at].address != address ||
        d->points.breaks[at].point != point)
        return HL_ERR_ARGUMENT;
    if (d->points.breaks[at].slot >= 0)
        memset(&d->points.slots.slot[d->points.breaks[at].slot], 0,
               sizeof(d->points.slots.slot[0]));
    d->points.break_count--;
    memmove(&d->points.breaks[at], &d->points.breaks[at + 1],
            (d->points.break_count - at) * sizeof(d->points.breaks[0]));
    return 0;
}

int debug_insert(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size)
{
    if (point > GDB_HW_BREAK)
        return debug_watch_insert(d, point, address, size);
    return insert_break(d, point, address);
}

int debug_remove(struct hl_debug *d, enum gdb_point point, hl_gva_t address, size_t size)
{
    if (point > GDB_HW_BREAK)
        return debug_watch_remove(d, point, address, size);
    return remove_break(d, point, address);
}

void debug_remove_all(struct hl_debug *d)
{
    while (d->points.break_count)
        remove_break(d, d->points.breaks[d->points.break_count - 1].point,
                     d->points.breaks[d->points.break_count - 1].address);
    debug_watch_remove_all(d);
    debug_deallocate_all(d);
}

static void plant(struct hl_debug *d, struct debug_break *b)
{
    locate(d, b);
    if (!b->at)
        return;
    b->under = *b->at;
    *b->at = INT3;
    b->planted = true;
}

/* A byte that the guest itself has written there stays. */
static void lift(struct debug_break *b)
{
    if (b->planted && *b->at == INT3)
        *b->at = b->under;
    b->planted = false;
}

void debug_plant(struct hl_debug *d)
{
    if (d->hold.point.address)
        plant(d, &d->hold.point);
    for (size_t i = 0; i < d->points.break_count; i++)
        if (d->points.breaks[i].slot < 0)
            plant(d, &d->points.breaks[i]);
}

/* Backwards: of two points at one address, the first one has the original byte. */
void debug_lift(struct hl_debug *d)
{
    for (size_t i = d->points.break_count; i > 0; i--)
        lift(&d->points.breaks[i - 1]);
    lift(&d->hold.point);
}
