/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols/dw_index.c - an index of each unit, built once, so that a look-up need not walk all of
 * it.
 */
#include <dwarf.h>
#include <stdlib.h>

#include "dw.h"
#include "sorted.h"

#define DEPTH_MAX 64 /* of namespaces */
#define OPEN_MAX 256 /* of entries that have children */
#define LOOK_BACK 16 /* functions that may overlap one address */

/* ---- functions ---- */

static bool add_function(struct dw_unit *unit, const struct dw_die *die)
{
    struct hl_budget *budget = unit->file->budget;
    struct dw_ranges r;

    for (dw_ranges(die, &r); dw_ranges_next(&r);) {
        struct dw_function *more;

        if (r.start >= r.end)
            continue;
        more = budget_grow(budget, unit->function, unit->function_count, &unit->function_room,
                           sizeof(*more));
        if (!more)
            return false;
        unit->function = more;
        more[unit->function_count++] = (struct dw_function){r.start, r.end, die->at};
    }
    return !budget->spent;
}

static bool add_functions(struct dw_unit *unit, const struct dw_die *parent, unsigned depth)
{
    struct dw_die die;

    if (depth >= DEPTH_MAX || !dw_die_child(parent, &die))
        return true;
    do {
        switch (die.abbrev.tag) {
        case DW_TAG_namespace:
        case DW_TAG_module:
            if (!add_functions(unit, &die, depth + 1))
                return false;
            break;
        case DW_TAG_subprogram:
        case DW_TAG_lexical_block:
        case DW_TAG_try_block:
        case DW_TAG_catch_block:
            if (!add_function(unit, &die))
                return false;
            break;
        default:
            break;
        }
    } while (dw_die_sibling(&die, &die));
    return true;
}

/* Also those in other functions and their classes: entries of any depth. */
static void add_nested(struct dw_unit *unit)
{
    struct dw_die die;
    size_t depth = 1;

    if (!dw_unit_die(unit, &die) || !die.abbrev.children)
        return;
    while (depth && dw_die_after(&die, &die)) {
        if (die.abbrev.code == 0)
            depth--;
        else if (die.abbrev.tag == DW_TAG_subprogram && !add_function(unit, &die))
            return;
        depth += die.abbrev.code && die.abbrev.children;
    }
}

static int compare(const void *a, const void *b)
{
    const struct dw_function *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->die < y->die ? -1 : x->die > y->die;
}

static void read_functions(struct dw_unit *unit, bool nested)
{
    struct hl_budget *budget = unit->file->budget;
    struct dw_die top;

    unit->functions_read = true;
    unit->nested_read = nested;
    unit->function_count = 0;
    if (nested)
        add_nested(unit);
    else if (dw_unit_die(unit, &top))
        add_functions(unit, &top, 0);
    if (unit->function_count && budget_take(budget, 16 * unit->function_count))
        qsort(unit->function, unit->function_count, sizeof(*unit->function), compare);
}

static const uint8_t *find_function(const struct dw_unit *unit, uint64_t pc)
{
    const uint8_t *first = NULL;
    size_t low = SORTED_UP_TO(unit->function, unit->function_count, start, pc);

    for (size_t n = 0; n < LOOK_BACK && n < low; n++) {
        const struct dw_function *f = &unit->function[low - 1 - n];

        if (pc < f->end && (!first || f->die < first))
            first = f->die;
    }
    return first;
}

/* Few functions are nested, and finding them takes a walk over the whole unit. */
bool dw_function_at(struct dw_unit *unit, uint64_t pc, struct dw_die *die)
{
    const struct hl_budget *budget = unit->file->budget;
    const uint8_t *found;

    if (!unit->functions_read)
        read_functions(unit, false);
    found = budget->spent ? NULL : find_function(unit, pc);
    if (!found && !unit->nested_read && !budget->spent) {
        read_functions(unit, true);
        found = budget->spent ? NULL : find_function(unit, pc);
    }
    return found && dw_die_at(unit, found, die);
}

/* ---- scopes ---- */

static bool is_scope(unsigned tag)
{
    switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_interface_type:
    case DW_TAG_enumeration_type:
        return true;
    default:
        return false;
    }
}

static bool add_scope(struct dw_unit *unit, const struct dw_die *die, size_t parent)
{
    struct dw_scope *more = budget_grow(unit->file->budget, unit->scope, unit->scope_count,
                                        &unit->scope_room, sizeof(*more));

    if (!more)
        return false;
    unit->scope = more;
    more[unit->scope_count++] =
        (struct dw_scope){.die = die->at, .end = unit->end, .parent = parent};
    return true;
}

/* One pass over the whole unit, with the list of open scopes, outermost first. */
static bool read_scopes(struct dw_unit *unit)
{
    size_t open[OPEN_MAX], depth = 0;
    struct dw_die die;

    if (!dw_unit_die(unit, &die) || !die.abbrev.children)
        return !unit->file->budget->spent;
    open[depth++] = 0;
    while (depth && dw_die_after(&die, &die)) {
        size_t inside = open[depth - 1];

        if (die.abbrev.code == 0) {
            depth--;
            /* Its children have ended, and so have theirs. */
            if (inside && (!depth || open[depth - 1] != inside))
                unit->scope[inside - 1].end = die.at;
            continue;
        }
        if (!die.abbrev.children)
            continue;
        if (is_scope(die.abbrev.tag)) {
            if (!add_scope(unit, &die, inside))
                return false;
            inside = unit->scope_count;
        }
        if (depth == OPEN_MAX)
            return false;
        open[depth++] = inside;
    }
    return !unit->file->budget->spent;
}

size_t dw_scope_of(const struct dw_die *die, bool *known)
{
    struct dw_unit *unit = die->unit;
    size_t low;

    if (!unit->scopes_read) {
        unit->scopes_read = true;
        unit->scopes_known = read_scopes(unit);
    }
    *known = unit->scopes_known;
    low = *known ? SORTED_BELOW(unit->scope, unit->scope_count, die, (uintptr_t)die->at) : 0;
    while (low && unit->scope[low - 1].end <= die->at)
        low = unit->scope[low - 1].parent;
    return low;
}
