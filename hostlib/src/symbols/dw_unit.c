/* SPDX-License-Identifier: Apache-2.0 */
/* symbols/dw_unit.c - the units of .debug_info. */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "dw.h"

/* 7.5.1; false if its type is unknown, or it is damaged. */
static bool read_header(struct dw_unit *unit, struct dw_bytes *b)
{
    uint64_t abbrevs;

    unit->version = (uint16_t)dw_fixed(b, 2);
    unit->type = DW_UT_compile;
    if (unit->version < 2 || unit->version > 5)
        return false;
    if (unit->version == 5) {
        unit->type = (uint8_t)dw_fixed(b, 1);
        unit->address_size = (uint8_t)dw_fixed(b, 1);
        abbrevs = dw_fixed(b, unit->offset_size);
    } else {
        abbrevs = dw_fixed(b, unit->offset_size);
        unit->address_size = (uint8_t)dw_fixed(b, 1);
    }
    if (unit->type == DW_UT_skeleton || unit->type == DW_UT_split_compile)
        unit->id = dw_fixed(b, 8);
    if (unit->type == DW_UT_type || unit->type == DW_UT_split_type)
        dw_skip(b, 8u + unit->offset_size);
    unit->dies = b->at;
    return dw_good(b) && unit->address_size == 8 &&
           dw_at(unit->file, DW_ABBREV, abbrevs, &unit->abbrevs.rest);
}

/* Offsets into a section's table, if the unit does not give one: after the table's header. */
static uint64_t base(const struct dw_die *die, unsigned name, unsigned other, uint64_t otherwise)
{
    uint64_t value;

    if (dw_number(die, name, &value) || (other && dw_number(die, other, &value)))
        return value;
    return otherwise;
}

static void read_bases(struct dw_unit *unit, const struct dw_die *die)
{
    bool old = unit->version < 5, wide = unit->offset_size == 8;
    struct dw_attr attr;

    /* GNU's extension of version 4 has no unit types. */
    if (old && dw_attr(die, DW_AT_GNU_dwo_id, &attr))
        unit->type = DW_UT_skeleton;
    unit->str_offsets = base(die, DW_AT_str_offsets_base, 0, old ? 0 : wide ? 16 : 8);
    unit->addresses = base(die, DW_AT_addr_base, DW_AT_GNU_addr_base, old ? 0 : wide ? 16 : 8);
    unit->ranges = base(die, DW_AT_rnglists_base, 0, old ? 0 : wide ? 20 : 12);
    if (!dw_address(die, DW_AT_low_pc, &unit->low))
        unit->low = 0;
}

bool dw_open(struct dw_file *file, struct hl_budget *budget)
{
    struct dw_bytes all = file->section[DW_INFO];

    file->budget = budget;
    while (all.at && all.at < all.end) {
        struct dw_unit unit = {.file = file, .start = all.at}, *more;
        struct dw_bytes b;

        if (!budget_take(budget, 8) || !dw_length(&all, &unit.offset_size, &b))
            break;
        unit.end = b.end;
        if (!read_header(&unit, &b))
            continue;
        more = budget_grow(budget, file->unit, file->unit_count, &file->unit_room, sizeof(*more));
        if (!more)
            break;
        file->unit = more;
        file->unit[file->unit_count++] = unit;
    }
    /* The contents of units point to them, so they must not move any more. */
    for (size_t i = 0; i < file->unit_count && !budget->spent; i++) {
        struct dw_die die;

        if (dw_unit_die(&file->unit[i], &die))
            read_bases(&file->unit[i], &die);
    }
    return file->unit_count != 0 && !budget->spent;
}

void dw_close(struct dw_file *file)
{
    for (size_t i = 0; i < file->unit_count; i++) {
        struct dw_unit *unit = &file->unit[i];

        free(unit->abbrevs.item);
        free(unit->function);
        free(unit->scope);
        dw_lines_close(unit->lines);
    }
    free(file->unit);
    *file = (struct dw_file){0};
}
