/* SPDX-License-Identifier: Apache-2.0 */
/* symbols/dw_range.c - range lists: .debug_ranges of version 4 and before, .debug_rnglists of 5. */
#include <dwarf.h>

#include "dw.h"

#define LIST_END 0    /* DW_RLE_end_of_list */
#define RANGE_STEPS 4 /* work for each range */

/* Where a list starts: depending on the form, an offset or an index into the table of offsets. */
static bool list_start(const struct dw_attr *attr, struct dw_bytes *list)
{
    const struct dw_unit *unit = attr->die->unit;
    struct dw_bytes table;
    uint64_t value;

    if (!dw_attr_number(attr, &value))
        return false;
    if (unit->version < 5)
        return dw_at(unit->file, DW_RANGES, value, list) &&
               (!unit->file->is_split || dw_skip(list, unit->ranges));
    if (attr->form != DW_FORM_rnglistx)
        return dw_at(unit->file, DW_RNGLISTS, value, list);
    if (value > UINT32_MAX || !dw_at(unit->file, DW_RNGLISTS, unit->ranges, &table))
        return false;
    *list = table;
    if (!dw_skip(&table, value * unit->offset_size))
        return false;
    value = dw_fixed(&table, unit->offset_size);
    return dw_good(&table) && dw_skip(list, value);
}

void dw_ranges(const struct dw_die *die, struct dw_ranges *r)
{
    struct dw_attr attr;

    *r = (struct dw_ranges){.unit = die->unit, .base = die->unit->low};
    r->paired = die->unit->version < 5;
    r->single = dw_bounds(die, &r->start, &r->end);
    if (!r->single && (!dw_attr(die, DW_AT_ranges, &attr) || !list_start(&attr, &r->list)))
        r->list = (struct dw_bytes){NULL, NULL};
}

static uint64_t indexed(struct dw_ranges *r)
{
    uint64_t index = dw_uleb(&r->list), value = 0;

    if (!dw_good(&r->list) || !dw_address_at(r->unit, index, &value))
        r->list.at = NULL;
    return value;
}

/* An entry of version 5; one that only sets the base gives an empty range. */
static bool next_entry(struct dw_ranges *r)
{
    unsigned size = r->unit->address_size;

    r->start = r->end = 0;
    switch (dw_fixed(&r->list, 1)) {
    case DW_RLE_base_addressx:
        r->base = indexed(r);
        break;
    case DW_RLE_base_address:
        r->base = dw_fixed(&r->list, size);
        break;
    case DW_RLE_startx_endx:
        r->start = indexed(r);
        r->end = indexed(r);
        break;
    case DW_RLE_start_end:
        r->start = dw_fixed(&r->list, size);
        r->end = dw_fixed(&r->list, size);
        break;
    case DW_RLE_startx_length:
        r->start = indexed(r);
        r->end = r->start + dw_uleb(&r->list);
        break;
    case DW_RLE_start_length:
        r->start = dw_fixed(&r->list, size);
        r->end = r->start + dw_uleb(&r->list);
        break;
    case DW_RLE_offset_pair:
        r->start = r->base + dw_uleb(&r->list);
        r->end = r->base + dw_uleb(&r->list);
        break;
    case LIST_END:
    default:
        return false;
    }
    return dw_good(&r->list);
}

/* The same of version 4: pairs relative to the base, ~0 sets it, 0 0 ends. */
static bool next_pair(struct dw_ranges *r)
{
    r->start = dw_fixed(&r->list, r->unit->address_size);
    r->end = dw_fixed(&r->list, r->unit->address_size);
    if (!dw_good(&r->list) || (r->start == 0 && r->end == 0))
        return false;
    if (r->start == UINT64_MAX) {
        r->base = r->end;
        r->start = r->end = 0;
        return true;
    }
    r->start += r->base;
    r->end += r->base;
    return true;
}

bool dw_ranges_next(struct dw_ranges *r)
{
    if (r->single) {
        r->single = false;
        return true;
    }
    if (!dw_good(&r->list) || !budget_take(r->unit->file->budget, RANGE_STEPS))
        return false;
    return r->paired ? next_pair(r) : next_entry(r);
}

bool dw_has(const struct dw_die *die, uint64_t pc)
{
    struct dw_ranges r;

    for (dw_ranges(die, &r); dw_ranges_next(&r);) {
        if (pc >= r.start && pc < r.end)
            return true;
    }
    return false;
}
