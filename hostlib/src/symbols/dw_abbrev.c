/* SPDX-License-Identifier: Apache-2.0 */
/* symbols/dw_abbrev.c - a unit's abbreviations, read as far as they are needed. */
#include <dwarf.h>

#include "dw.h"
#include "sorted.h"

/* The next declaration of the table; false at its end. */
static bool read_abbrev(struct dw_unit *unit, struct dw_abbrev *a)
{
    struct dw_bytes *b = &unit->abbrevs.rest;
    uint64_t name, form, size = 0;

    *a = (struct dw_abbrev){.code = dw_uleb(b)};
    if (!dw_good(b) || a->code == 0)
        return false;
    a->tag = (uint16_t)dw_uleb(b);
    a->children = dw_fixed(b, 1) != 0;
    a->spec = b->at;
    for (;; a->count++) {
        name = dw_uleb(b);
        form = dw_uleb(b);
        if (form == DW_FORM_implicit_const)
            dw_sleb(b);
        if (!dw_good(b) || a->count == UINT32_MAX || !budget_take(unit->file->budget, 1))
            return false;
        if (name == 0 && form == 0)
            break;
        a->sibling |= name == DW_AT_sibling;
        if (size != DW_VARIES) {
            uint32_t one = dw_form_size(unit, form);

            size = one == DW_VARIES || size + one >= DW_VARIES ? DW_VARIES : size + one;
        }
    }
    a->size = (uint32_t)size;
    return true;
}

static bool add_abbrev(struct dw_unit *unit)
{
    struct dw_abbrevs *t = &unit->abbrevs;
    struct dw_abbrev *more, abbrev;

    if (!dw_good(&t->rest) || !read_abbrev(unit, &abbrev)) {
        t->rest = (struct dw_bytes){NULL, NULL};
        return false;
    }
    more = budget_grow(unit->file->budget, t->item, t->count, &t->room, sizeof(*t->item));
    if (!more)
        return false;
    t->item = more;
    t->unordered |= t->count && t->item[t->count - 1].code >= abbrev.code;
    t->item[t->count++] = abbrev;
    return true;
}

static const struct dw_abbrev *find_ordered(const struct dw_abbrevs *t, uint64_t code)
{
    size_t low = SORTED_BELOW(t->item, t->count, code, code);

    return low < t->count && t->item[low].code == code ? &t->item[low] : NULL;
}

static const struct dw_abbrev *find_known(struct dw_unit *unit, uint64_t code)
{
    const struct dw_abbrevs *t = &unit->abbrevs;

    if (code <= t->count && t->item[code - 1].code == code)
        return &t->item[code - 1];
    if (!t->unordered)
        return find_ordered(t, code);
    for (size_t i = 0; i < t->count && budget_take(unit->file->budget, 1); i++) {
        if (t->item[i].code == code)
            return &t->item[i];
    }
    return NULL;
}

const struct dw_abbrev *dw_abbrev(struct dw_unit *unit, uint64_t code)
{
    struct dw_abbrevs *t = &unit->abbrevs;
    const struct dw_abbrev *found = find_known(unit, code);

    while (!found && add_abbrev(unit)) {
        if (t->item[t->count - 1].code == code)
            found = &t->item[t->count - 1];
    }
    return found;
}
