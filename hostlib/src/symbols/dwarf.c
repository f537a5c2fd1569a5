/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug information, opened when it is first needed.
 *
 * If the shared file that it names (.gnu_debugaltlink) is missing, it is not used: half of its
 * names would be missing.
 */
#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sorted.h"
#include "symbols_impl.h"

#define DEPTH_MAX 64         /* of nested scopes */
#define LOOK_BACK 16         /* units that may overlap one address */
#define NAMES_MAX (1u << 22) /* DIEs looked at for one name */

/* ---- address to unit -------------------------------------------------------------------- */

static bool add_unit(struct hl_symbols *symbols, struct dw_unit *unit, const struct dw_ranges *r)
{
    struct hl_unit *more;

    /* Sections that the linker dropped leave ranges at 0. */
    if (r->end <= r->start || !symbols_code_at(symbols, r->start + symbols->bias, &(size_t){0}))
        return true;
    more = budget_grow(&symbols->budget, symbols->unit, symbols->unit_count, &symbols->unit_room,
                       sizeof(*more));
    if (!more)
        return false;
    symbols->unit = more;
    more[symbols->unit_count++] = (struct hl_unit){r->start, r->end, unit};
    return true;
}

static int compare_units(const void *a, const void *b)
{
    const struct hl_unit *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->unit < y->unit ? -1 : x->unit > y->unit;
}

static bool has_code(struct dw_unit *unit, struct dw_die *die)
{
    if (!dw_unit_die(unit, die))
        return false;
    if (unit->type == DW_UT_skeleton)
        return true;
    return unit->type == DW_UT_compile && die->abbrev.tag == DW_TAG_compile_unit;
}

/* .debug_aranges would be faster, but clang does not write it. */
static void read_units(struct hl_symbols *symbols)
{
    struct dw_file *file = symbols->dwarf;

    for (size_t i = 0; i < file->unit_count; i++) {
        struct dw_ranges r;
        struct dw_die die;

        if (!has_code(&file->unit[i], &die))
            continue;
        for (dw_ranges(&die, &r); dw_ranges_next(&r);) {
            if (!add_unit(symbols, &file->unit[i], &r))
                return;
        }
    }
    if (symbols->unit_count && budget_take(&symbols->budget, 16 * symbols->unit_count))
        qsort(symbols->unit, symbols->unit_count, sizeof(*symbols->unit), compare_units);
}

/* ---- opening -------------------------------------------------------------------------------- */

static bool read_sections(struct hl_symbols *symbols, Elf *elf, struct hl_section *section,
                          size_t *count)
{
    if (symbols_sections_read(elf, NULL, section, HL_SECTIONS, count, &symbols->budget))
        return true;
    symbols->damaged = "its debug sections are damaged";
    return false;
}

/* False if a shared file is needed and missing. */
static bool open_shared(struct hl_symbols *symbols, Elf *named)
{
    const char *name;
    const void *id;
    size_t size;
    int rc = symbols_debug_file_altlink(named, &name, &id, &size);

    if (rc <= 0)
        return rc == 0;
    if (!symbols->path || !symbols_debug_file_find_shared(&symbols->budget, symbols->path, name, id,
                                                          size, &symbols->shared)) {
        snprintf(symbols->missing, sizeof(symbols->missing), "%s", name);
        return false;
    }
    if (!read_sections(symbols, symbols->shared.elf, symbols->shared_section,
                       &symbols->shared_count))
        return false;
    symbols_dwarf_sections(&symbols->alternate, symbols->shared_section, symbols->shared_count, "");
    symbols->own.shared = &symbols->alternate;
    return dw_open(&symbols->alternate, &symbols->budget);
}

/* NULL: no debug information. */
static struct dw_file *open_dwarf(struct hl_symbols *symbols)
{
    Elf *elf;

    if (symbols->dwarf_read)
        return symbols->budget.spent ? NULL : symbols->dwarf;
    symbols->dwarf_read = true;
    symbols_table_read(symbols);
    elf = symbols_dwarf_elf(symbols);
    if (!read_sections(symbols, elf, symbols->section, &symbols->section_count) ||
        !open_shared(symbols, elf))
        return NULL;
    symbols_dwarf_sections(&symbols->own, symbols->section, symbols->section_count, "");
    if (!dw_open(&symbols->own, &symbols->budget))
        return NULL;
    symbols->dwarf = &symbols->own;
    read_units(symbols);
    return symbols->budget.spent ? NULL : symbols->dwarf;
}

struct dw_unit *symbols_dwarf_unit(struct hl_symbols *symbols, hl_gva_t address)
{
    uint64_t pc = address - symbols->bias;
    size_t low;

    if (!open_dwarf(symbols))
        return NULL;
    low = SORTED_UP_TO(symbols->unit, symbols->unit_count, start, pc);
    for (size_t n = 0; n < LOOK_BACK && n < low; n++) {
        const struct hl_unit *found = &symbols->unit[low - 1 - n];

        if (pc < found->end)
            return found->unit;
    }
    return NULL;
}

/* ---- functions ------------------------------------------------------------------------------ */

struct visit {
    uint64_t pc; /* file address */
    struct hl_chain *chain;
};

static bool descend(struct visit *visit, const struct dw_die *parent, unsigned depth);

/* True if die, or one of its children, contains the address. */
static bool enter(struct visit *visit, const struct dw_die *die, unsigned depth)
{
    struct hl_chain *chain = visit->chain;
    unsigned tag = die->abbrev.tag;

    switch (tag) {
    case DW_TAG_subprogram:
    case DW_TAG_inlined_subroutine:
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
        if (!dw_has(die, visit->pc))
            return false;
        /* A nested function starts a new chain: it has its own frame. */
        if (tag == DW_TAG_subprogram)
            chain->count = 0;
        if (tag == DW_TAG_subprogram || (tag == DW_TAG_inlined_subroutine && chain->count)) {
            if (chain->count == HL_CHAIN_MAX)
                return true;
            chain->die[chain->count++] = *die;
        }
        descend(visit, die, depth + 1);
        return true;
    default:
        return false;
    }
}

static bool descend(struct visit *visit, const struct dw_die *parent, unsigned depth)
{
    struct dw_die die;

    if (depth >= DEPTH_MAX || !dw_die_child(parent, &die))
        return false;
    do {
        if (enter(visit, &die, depth))
            return true;
    } while (dw_die_sibling(&die, &die));
    return false;
}

bool symbols_dwarf_chain(struct hl_symbols *symbols, hl_gva_t address, struct hl_chain *chain)
{
    struct visit visit = {.pc = address - symbols->bias, .chain = chain};
    struct dw_die top;

    chain->count = 0;
    chain->unit = symbols_dwarf_unit(symbols, address);
    if (!chain->unit || !dw_function_at(symbols_split_open(symbols, chain->unit), visit.pc, &top))
        return false;
    enter(&visit, &top, 0);
    /* Half a chain would give an inner function's line to an outer one. */
    if (symbols->budget.spent)
        chain->count = 0;
    return chain->count != 0;
}

/* ---- lines ---------------------------------------------------------------------------------- */

bool symbols_dwarf_line(struct hl_symbols *symbols, hl_gva_t address, struct hl_location *location)
{
    struct dw_unit *unit = symbols_dwarf_unit(symbols, address);
    const struct dw_lines *lines = unit ? dw_lines(unit) : NULL;
    const struct dw_row *row = lines ? dw_lines_find(lines, address - symbols->bias) : NULL;
    const char *file = row ? dw_lines_file(unit, row->file) : NULL;

    if (!file)
        return false;
    location->file = file;
    location->line = (int)row->line;
    location->column = row->column;
    return true;
}

static int attribute(const struct dw_die *die, unsigned name)
{
    uint64_t value;

    return dw_number(die, name, &value) && value <= INT32_MAX ? (int)value : 0;
}

void symbols_dwarf_call_site(const struct hl_chain *chain, const struct dw_die *inlined,
                             struct hl_location *location)
{
    uint64_t number;

    location->file =
        dw_number(inlined, DW_AT_call_file, &number) ? dw_lines_file(chain->unit, number) : NULL;
    location->line = location->file ? attribute(inlined, DW_AT_call_line) : 0;
    location->column = location->file ? attribute(inlined, DW_AT_call_column) : 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* The address of a variable at a fixed address: its location is a single DW_OP_addr. */
static bool variable_address(const struct dw_die *die, uint64_t *address)
{
    struct dw_attr attr;
    struct dw_bytes b;

    if (!dw_attr(die, DW_AT_location, &attr) || attr.form != DW_FORM_exprloc)
        return false;
    b = attr.value;
    if (dw_uleb(&b) != 1u + die->unit->address_size || dw_fixed(&b, 1) != DW_OP_addr)
        return false;
    *address = dw_fixed(&b, die->unit->address_size);
    return dw_good(&b);
}

static bool is_called(const struct dw_die *die, const char *name, uint64_t *address)
{
    unsigned tag = die->abbrev.tag;
    const char *found;

    if (tag != DW_TAG_subprogram && tag != DW_TAG_variable)
        return false;
    found = dw_name(die, DW_AT_name);
    return found && strcmp(found, name) == 0 &&
           (tag == DW_TAG_subprogram ? symbols_dwarf_entry(die, address)
                                     : variable_address(die, address)) &&
           *address != 0;
}

hl_gva_t symbols_dwarf_address(struct hl_symbols *symbols, const char *name)
{
    struct dw_file *file = open_dwarf(symbols);
    unsigned left = NAMES_MAX;

    for (size_t i = 0; file && i < file->unit_count; i++) {
        struct dw_unit *unit = symbols_split_open(symbols, &file->unit[i]);
        struct dw_die die;
        uint64_t address;

        if (!dw_unit_die(unit, &die) || !dw_die_child(&die, &die))
            continue;
        do {
            if (is_called(&die, name, &address))
                return address + symbols->bias;
        } while (left-- && dw_die_sibling(&die, &die));
    }
    return 0;
}

void symbols_dwarf_close(struct hl_symbols *symbols)
{
    free(symbols->unit);
    symbols_split_close(symbols);
    dw_close(&symbols->own);
    dw_close(&symbols->alternate);
    symbols_sections_free(symbols->section, symbols->section_count);
    symbols_sections_free(symbols->shared_section, symbols->shared_count);
    symbols_debug_file_close(&symbols->shared);
    symbols_debug_file_close(&symbols->separate);
}
