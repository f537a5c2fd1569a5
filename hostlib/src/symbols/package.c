/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DWARF packages (.dwp): the .dwo files of a program in one, with an index from DWO ID to the
 * slices of each section (DWARF 5, 7.3.5; version 2 is GNU's for DWARF 4).
 */
#include <stdlib.h>
#include <string.h>

#include "symbols_impl.h"

#define COLUMNS_MAX 8

struct index {
    const uint8_t *ids, *rows, *columns, *offsets, *sizes;
    uint32_t column_count, used, slots;
};

static uint32_t word(const uint8_t *p, size_t index)
{
    uint32_t value;

    memcpy(&value, p + 4 * index, sizeof(value));
    return value;
}

/* The section of a column of the index, in both versions; NULL: not needed. */
static const char *column_name(uint32_t column)
{
    switch (column) {
    case 1:
        return ".debug_info";
    case 3:
        return ".debug_abbrev";
    case 6:
        return ".debug_str_offsets";
    case 8:
        return ".debug_rnglists";
    default:
        return NULL;
    }
}

static bool read_index(const struct hl_section *section, struct index *x)
{
    const uint8_t *p = section->data;
    uint64_t cells, need;
    uint32_t version;

    if (section->size < 16)
        return false;
    version = word(p, 0);
    x->column_count = word(p, 1);
    x->used = word(p, 2);
    x->slots = word(p, 3);
    if ((version != 2 && (version & 0xffff) != 5) || x->column_count == 0 ||
        x->column_count > COLUMNS_MAX || x->slots == 0 || (x->slots & (x->slots - 1)) != 0)
        return false;
    cells = (uint64_t)x->used * x->column_count;
    need = 16 + (uint64_t)x->slots * 12 + 4 * (uint64_t)x->column_count + 8 * cells;
    if (need > section->size)
        return false;
    x->ids = p + 16;
    x->rows = x->ids + (size_t)x->slots * 8;
    x->columns = x->rows + (size_t)x->slots * 4;
    x->offsets = x->columns + (size_t)x->column_count * 4;
    x->sizes = x->offsets + cells * 4;
    return true;
}

/* The row of a DWO ID, counted from 1; 0: not found.  An open hash table with a step of its own. */
static uint32_t find_row(struct hl_budget *budget, const struct index *x, uint64_t id)
{
    uint64_t mask = x->slots - 1, at = id & mask, step = ((id >> 32) & mask) | 1;

    for (uint32_t n = 0; n < x->slots && budget_take(budget, 1); n++, at = (at + step) & mask) {
        uint32_t row = word(x->rows, at);
        uint64_t found;

        if (row == 0)
            return 0;
        memcpy(&found, x->ids + 8 * at, sizeof(found));
        if (found == id)
            return row <= x->used ? row : 0;
    }
    return 0;
}

static const struct hl_section *find_in_package(const struct hl_section *package, size_t count,
                                                const char *name)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(name);

        if (strncmp(package[i].name, name, length) == 0 &&
            strcmp(package[i].name + length, ".dwo") == 0)
            return &package[i];
    }
    return NULL;
}

bool symbols_package_slice(struct hl_budget *budget, const struct hl_section *package, size_t count,
                           uint64_t id, struct hl_section *out, size_t *out_count)
{
    const struct hl_section *s = symbols_sections_find(package, count, ".debug_cu_index");
    struct index x;
    uint32_t row;

    *out_count = 0;
    if (!s || !read_index(s, &x))
        return false;
    row = find_row(budget, &x, id);
    for (uint32_t c = 0; row && c < x.column_count; c++) {
        size_t cell = (size_t)(row - 1) * x.column_count + c;
        uint32_t offset = word(x.offsets, cell), size = word(x.sizes, cell);
        const char *name = column_name(word(x.columns, c));

        s = name ? find_in_package(package, count, name) : NULL;
        if (!s || size == 0)
            continue;
        if (offset > s->size || size > s->size - offset)
            return false;
        out[(*out_count)++] =
            (struct hl_section){.name = name, .data = s->data + offset, .size = size};
    }
    s = find_in_package(package, count, ".debug_str");
    if (row && s)
        out[(*out_count)++] =
            (struct hl_section){.name = ".debug_str", .data = s->data, .size = s->size};
    return row != 0;
}
