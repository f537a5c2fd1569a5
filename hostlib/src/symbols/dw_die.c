/* SPDX-License-Identifier: Apache-2.0 */
/* symbols/dw_die.c - read entries of .debug_info one after the other, and their attributes. */
#include <dwarf.h>

#include "dw.h"
#include "sorted.h"

bool dw_die_at(struct dw_unit *unit, const uint8_t *at, struct dw_die *die)
{
    struct dw_bytes b = {at, unit->end};
    const struct dw_abbrev *abbrev;
    uint64_t code;

    if (at < unit->dies || at >= unit->end || !budget_take(unit->file->budget, 1))
        return false;
    code = dw_uleb(&b);
    *die = (struct dw_die){.unit = unit, .at = at, .values = b.at};
    if (!dw_good(&b))
        return false;
    abbrev = code ? dw_abbrev(unit, code) : NULL;
    if (abbrev)
        die->abbrev = *abbrev;
    return code == 0 || abbrev;
}

/* ---- from one to the next ---- */

struct specs {
    struct dw_bytes b;
    uint64_t name, form;
    int64_t constant;
};

/* The whole declaration has been read once, so its end is known to be valid. */
static void next_spec(struct specs *s)
{
    s->name = dw_uleb(&s->b);
    s->form = dw_uleb(&s->b);
    if (s->form == DW_FORM_implicit_const)
        s->constant = dw_sleb(&s->b);
}

static struct specs specs_of(const struct dw_die *die)
{
    return (struct specs){.b = {die->abbrev.spec, die->unit->file->section[DW_ABBREV].end}};
}

/* After the attributes. */
static const uint8_t *values_end(const struct dw_die *die)
{
    struct dw_bytes b = {die->values, die->unit->end};
    struct specs s = specs_of(die);

    if (die->abbrev.code == 0)
        return die->values;
    if (die->abbrev.size != DW_VARIES) {
        dw_skip(&b, die->abbrev.size);
        return b.at;
    }
    if (!budget_take(die->unit->file->budget, die->abbrev.count))
        return NULL;
    for (uint32_t i = 0; i < die->abbrev.count; i++) {
        next_spec(&s);
        if (!dw_form_skip(die->unit, s.form, &b))
            return NULL;
    }
    return b.at;
}

bool dw_die_after(const struct dw_die *die, struct dw_die *next)
{
    struct dw_unit *unit = die->unit;
    const uint8_t *at = values_end(die);

    return at && dw_die_at(unit, at, next);
}

bool dw_die_child(const struct dw_die *die, struct dw_die *child)
{
    struct dw_die next;

    if (die->abbrev.code == 0 || !die->abbrev.children || !dw_die_after(die, &next))
        return false;
    *child = next;
    return child->abbrev.code != 0;
}

/* The next sibling according to the file; only forwards, so that a walk cannot loop. */
static const uint8_t *given_sibling(const struct dw_die *die)
{
    struct dw_attr attr;
    struct dw_die next;

    if (!die->abbrev.sibling || !dw_attr(die, DW_AT_sibling, &attr) || !dw_attr_die(&attr, &next))
        return NULL;
    return next.unit == die->unit && next.at > die->values ? next.at : NULL;
}

bool dw_die_sibling(const struct dw_die *die, struct dw_die *next)
{
    struct dw_die at = *die;
    struct dw_unit *unit = die->unit;
    size_t depth = 0;

    do {
        const uint8_t *sibling = at.abbrev.children ? given_sibling(&at) : NULL;
        bool enters = at.abbrev.children && !sibling;

        if (!(sibling ? dw_die_at(unit, sibling, &at) : dw_die_after(&at, &at)))
            return false;
        depth += enters;
        while (at.abbrev.code == 0 && depth) {
            depth--;
            if (!dw_die_after(&at, &at))
                return false;
        }
    } while (depth);
    *next = at;
    return at.abbrev.code != 0;
}

/* ---- attributes ---- */

bool dw_attr(const struct dw_die *die, unsigned name, struct dw_attr *attr)
{
    struct dw_bytes b = {die->values, die->unit->end};
    struct specs s = specs_of(die);

    if (!budget_take(die->unit->file->budget, 1 + die->abbrev.count / 2))
        return false;
    for (uint32_t i = 0; i < die->abbrev.count; i++) {
        next_spec(&s);
        if (s.name == name) {
            *attr = (struct dw_attr){die, b, s.form, s.constant};
            for (unsigned n = 0; n < 4 && attr->form == DW_FORM_indirect; n++)
                attr->form = dw_uleb(&attr->value);
            return dw_good(&attr->value);
        }
        if (!dw_form_skip(die->unit, s.form, &b))
            return false;
    }
    return false;
}

bool dw_attr_number(const struct dw_attr *attr, uint64_t *value)
{
    struct dw_bytes b = attr->value;

    switch (attr->form) {
    case DW_FORM_data1:
    case DW_FORM_data2:
    case DW_FORM_data4:
    case DW_FORM_data8:
    case DW_FORM_flag:
    case DW_FORM_sec_offset:
        *value = dw_fixed(&b, dw_form_size(attr->die->unit, attr->form));
        break;
    case DW_FORM_udata:
    case DW_FORM_rnglistx:
    case DW_FORM_loclistx:
        *value = dw_uleb(&b);
        break;
    case DW_FORM_sdata:
        *value = (uint64_t)dw_sleb(&b);
        break;
    case DW_FORM_implicit_const:
        *value = (uint64_t)attr->constant;
        break;
    case DW_FORM_flag_present:
        *value = 1;
        break;
    default:
        return false;
    }
    return dw_good(&b);
}

/* The number in an indexed form: one to four bytes, or a LEB128. */
static bool read_index(const struct dw_attr *attr, uint64_t first, uint64_t *index)
{
    struct dw_bytes b = attr->value;

    *index = attr->form >= first && attr->form < first + 4
                 ? dw_fixed(&b, (unsigned)(attr->form - first) + 1)
                 : dw_uleb(&b);
    return dw_good(&b);
}

/* Entry of a table, each of size bytes. */
static bool at_index(const struct dw_file *file, enum dw_section section, uint64_t base,
                     uint64_t index, unsigned size, uint64_t *value)
{
    struct dw_bytes b;

    if (index > UINT32_MAX || !dw_at(file, section, base, &b) || !dw_skip(&b, index * size))
        return false;
    *value = dw_fixed(&b, size);
    return dw_good(&b);
}

bool dw_address_at(const struct dw_unit *unit, uint64_t index, uint64_t *value)
{
    return at_index(unit->file, DW_ADDR, unit->addresses, index, unit->address_size, value);
}

bool dw_attr_is_address(const struct dw_attr *attr)
{
    return attr->form == DW_FORM_addr || attr->form == DW_FORM_addrx ||
           attr->form == DW_FORM_GNU_addr_index ||
           (attr->form >= DW_FORM_addrx1 && attr->form <= DW_FORM_addrx4);
}

bool dw_attr_address(const struct dw_attr *attr, uint64_t *value)
{
    const struct dw_unit *unit = attr->die->unit;
    struct dw_bytes b = attr->value;
    uint64_t index;

    if (!dw_attr_is_address(attr))
        return false;
    if (attr->form == DW_FORM_addr) {
        *value = dw_fixed(&b, unit->address_size);
        return dw_good(&b);
    }
    return read_index(attr, DW_FORM_addrx1, &index) && dw_address_at(unit, index, value);
}

const char *dw_attr_text(const struct dw_attr *attr)
{
    const struct dw_unit *unit = attr->die->unit;
    struct dw_file *file = unit->file;
    struct dw_bytes b = attr->value;
    uint64_t value;

    switch (attr->form) {
    case DW_FORM_string:
        return dw_text(file->budget, &b);
    case DW_FORM_strp:
    case DW_FORM_line_strp:
    case DW_FORM_strp_sup:
    case DW_FORM_GNU_strp_alt:
        value = dw_fixed(&b, unit->offset_size);
        if (!dw_good(&b))
            return NULL;
        if (attr->form == DW_FORM_line_strp)
            return dw_text_at(file, DW_LINE_STR, value);
        return dw_text_at(attr->form == DW_FORM_strp ? file : file->shared, DW_STR, value);
    case DW_FORM_strx:
    case DW_FORM_strx1:
    case DW_FORM_strx2:
    case DW_FORM_strx3:
    case DW_FORM_strx4:
    case DW_FORM_GNU_str_index:
        return read_index(attr, DW_FORM_strx1, &value) &&
                       at_index(file, DW_STR_OFFSETS, unit->str_offsets, value, unit->offset_size,
                                &value)
                   ? dw_text_at(file, DW_STR, value)
                   : NULL;
    default:
        return NULL;
    }
}

/* The unit that contains a place of .debug_info. */
static struct dw_unit *unit_of(struct dw_file *file, const uint8_t *at)
{
    size_t low = SORTED_UP_TO(file->unit, file->unit_count, start, (uintptr_t)at);

    return low && at < file->unit[low - 1].end ? &file->unit[low - 1] : NULL;
}

static bool in_section(struct dw_file *file, uint64_t offset, struct dw_die *die)
{
    struct dw_bytes b;
    struct dw_unit *unit;

    if (!file || !dw_at(file, DW_INFO, offset, &b))
        return false;
    unit = unit_of(file, b.at);
    return unit && dw_die_at(unit, b.at, die);
}

/* A DIE that another one refers to; types in their own units are never needed. */
bool dw_attr_die(const struct dw_attr *attr, struct dw_die *die)
{
    struct dw_unit *unit = attr->die->unit;
    struct dw_bytes b = attr->value, in_unit = {unit->start, unit->end};
    uint64_t value = attr->form == DW_FORM_ref_udata
                         ? dw_uleb(&b)
                         : dw_fixed(&b, dw_form_size(unit, attr->form) & 15);

    if (!dw_good(&b))
        return false;
    switch (attr->form) {
    case DW_FORM_ref1:
    case DW_FORM_ref2:
    case DW_FORM_ref4:
    case DW_FORM_ref8:
    case DW_FORM_ref_udata:
        return dw_skip(&in_unit, value) && dw_die_at(unit, in_unit.at, die) && die->abbrev.code;
    case DW_FORM_ref_addr:
        return in_section(unit->file, value, die) && die->abbrev.code;
    case DW_FORM_ref_sup4:
    case DW_FORM_ref_sup8:
    case DW_FORM_GNU_ref_alt:
        return in_section(unit->file->shared, value, die) && die->abbrev.code;
    default:
        return false;
    }
}

bool dw_number(const struct dw_die *die, unsigned name, uint64_t *value)
{
    struct dw_attr attr;

    return dw_attr(die, name, &attr) && dw_attr_number(&attr, value);
}

bool dw_address(const struct dw_die *die, unsigned name, uint64_t *value)
{
    struct dw_attr attr;

    return dw_attr(die, name, &attr) && dw_attr_address(&attr, value);
}

const char *dw_name(const struct dw_die *die, unsigned name)
{
    struct dw_attr attr;

    return dw_attr(die, name, &attr) ? dw_attr_text(&attr) : NULL;
}

bool dw_bounds(const struct dw_die *die, uint64_t *low, uint64_t *high)
{
    struct dw_attr attr;

    if (!dw_attr(die, DW_AT_high_pc, &attr) || !dw_address(die, DW_AT_low_pc, low))
        return false;
    if (dw_attr_is_address(&attr))
        return dw_attr_address(&attr, high);
    if (!dw_attr_number(&attr, high))
        return false;
    *high += *low;
    return true;
}

bool dw_unit_die(struct dw_unit *unit, struct dw_die *die)
{
    return dw_die_at(unit, unit->dies, die) && die->abbrev.code != 0;
}
