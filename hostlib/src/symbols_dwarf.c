/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debug information through libdw.  Opened at the first question that needs it.
 *
 * libdw would open further files for split units and for .gnu_debugaltlink, at any path that the
 * guest file names.  It is kept from both: symbols_split.c opens split units, and a shared file is
 * given to libdw beforehand; without it the file counts as one without debug information.
 */
#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols_impl.h"

#define UNITS_MAX ((size_t)1 << 20)      /* ranges of units */
#define INFLATED_MAX ((uint64_t)1 << 30) /* bytes of all sections that are copied */
#define DEPTH_MAX 64                     /* of nested scopes */
#define VISITS_MAX (1u << 22)            /* DIEs looked at for one question */
#define LOOK_BACK 16                     /* units that may overlap one address */

/*
 * The Elf for libdw: the file itself, or, where anything in it is compressed, what is in it without
 * compression.
 */
static Elf *plain_elf(struct hl_symbols *symbols, Elf *elf, void **file)
{
    struct hl_section sections[HL_SECTIONS];
    bool packed;
    size_t count;
    Elf *plain = NULL;

    if (hl_sections_read(elf, sections, HL_SECTIONS, &count, &symbols->budget, &packed))
        plain = packed ? hl_sections_join(sections, count, file) : elf;
    else
        snprintf(symbols->missing, sizeof(symbols->missing), "its debug sections are damaged");
    hl_sections_free(sections, count);
    return plain;
}

void hl_dwarf_ask(struct hl_symbols *symbols)
{
    symbols->visits = VISITS_MAX;
}

bool hl_dwarf_visit(struct hl_symbols *symbols)
{
    return symbols->visits && symbols->visits--;
}

static bool add_unit(struct hl_symbols *symbols, size_t *room, const struct hl_unit *unit)
{
    size_t available;

    /* Sections that the linker dropped leave ranges at 0 behind. */
    if (unit->end <= unit->start || !hl_code_at(symbols, unit->start + symbols->bias, &available))
        return true;
    if (symbols->unit_count == *room) {
        size_t more = *room ? *room * 2 : 64;
        struct hl_unit *bigger = realloc(symbols->unit, more * sizeof(*bigger));

        if (!bigger)
            return false;
        symbols->unit = bigger;
        *room = more;
    }
    symbols->unit[symbols->unit_count++] = *unit;
    return symbols->unit_count < UNITS_MAX;
}

static int compare_units(const void *a, const void *b)
{
    const struct hl_unit *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->die < y->die ? -1 : x->die > y->die;
}

/* .debug_aranges would be quicker, but clang writes none. */
static void read_units(struct hl_symbols *symbols)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die die;
    uint8_t type;
    size_t room = 0, split_room = 0;

    while (dwarf_get_units(symbols->dwarf, cu, &cu, NULL, &type, &die, NULL) == 0) {
        struct hl_unit unit = {.die = dwarf_dieoffset(&die)};
        Dwarf_Addr base;
        ptrdiff_t at = 0;

        if (type == DW_UT_skeleton) {
            if (!hl_split_add(symbols, unit.die, &split_room))
                goto out;
        } else if (type != DW_UT_compile || dwarf_tag(&die) != DW_TAG_compile_unit) {
            continue;
        }
        while ((at = dwarf_ranges(&die, at, &base, &unit.start, &unit.end)) > 0) {
            if (!add_unit(symbols, &room, &unit))
                goto out;
        }
    }
out:
    if (symbols->unit_count)
        qsort(symbols->unit, symbols->unit_count, sizeof(*symbols->unit), compare_units);
}

/* False where a shared file is needed and not there: libdw would look for it by itself. */
static bool open_shared(struct hl_symbols *symbols, Elf *named)
{
    const char *name;
    const void *id;
    Dwarf *dwarf = dwarf_begin_elf(named, DWARF_C_READ, NULL);
    ssize_t size = dwarf ? dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &id) : 0;
    bool found = size > 0 && symbols->path &&
                 hl_debug_file_find_shared(symbols->path, name, id, (size_t)size, &symbols->shared);

    if (size > 0 && !found)
        snprintf(symbols->missing, sizeof(symbols->missing), "%s", name);
    dwarf_end(dwarf);
    if (!found)
        return size == 0;
    symbols->shared_elf = plain_elf(symbols, symbols->shared.elf, &symbols->shared_plain);
    if (symbols->shared_elf)
        symbols->shared_dwarf = dwarf_begin_elf(symbols->shared_elf, DWARF_C_READ, NULL);
    return symbols->shared_dwarf != NULL;
}

static bool has_dwarf(Elf *elf)
{
    struct hl_section section;

    return hl_section_find(elf, ".debug_info", &section) ||
           hl_section_find(elf, ".zdebug_info", &section);
}

Dwarf *hl_dwarf(struct hl_symbols *symbols)
{
    Elf *elf = symbols->elf;

    if (symbols->dwarf_read)
        return symbols->dwarf;
    symbols->dwarf_read = true;
    symbols->budget = INFLATED_MAX;
    if (!has_dwarf(elf) && hl_symbols_separate(symbols)->elf)
        elf = symbols->separate.elf;
    symbols->dwarf_elf = plain_elf(symbols, elf, &symbols->plain);
    if (!symbols->dwarf_elf || !open_shared(symbols, symbols->dwarf_elf))
        return NULL;
    symbols->dwarf = dwarf_begin_elf(symbols->dwarf_elf, DWARF_C_READ, NULL);
    if (symbols->dwarf && symbols->shared_dwarf)
        dwarf_setalt(symbols->dwarf, symbols->shared_dwarf);
    if (symbols->dwarf)
        read_units(symbols);
    return symbols->dwarf;
}

bool hl_dwarf_unit(struct hl_symbols *symbols, hl_gva_t address, Dwarf_Die *unit)
{
    uint64_t pc = address - symbols->bias;
    size_t low = 0, high;

    if (!hl_dwarf(symbols))
        return false;
    high = symbols->unit_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (symbols->unit[middle].start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t n = 0; n < LOOK_BACK && n < low; n++) {
        const struct hl_unit *found = &symbols->unit[low - 1 - n];

        if (pc < found->end)
            return dwarf_offdie(symbols->dwarf, found->die, unit) != NULL;
    }
    return false;
}

struct visit {
    struct hl_symbols *symbols;
    uint64_t pc; /* file address */
    struct hl_chain *chain;
};

static bool descend(struct visit *visit, Dwarf_Die *parent, unsigned depth);

static bool has_pc(struct visit *visit, Dwarf_Die *die)
{
    const struct hl_split *split = visit->chain->split;

    return split ? hl_split_has(visit->symbols, split, die, visit->pc)
                 : dwarf_haspc(die, visit->pc) > 0;
}

/* True when die holds the address, or one of its children does. */
static bool enter(struct visit *visit, Dwarf_Die *die, unsigned depth)
{
    struct hl_chain *chain = visit->chain;
    int tag = dwarf_tag(die);

    switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
        return descend(visit, die, depth + 1);
    case DW_TAG_subprogram:
    case DW_TAG_inlined_subroutine:
    case DW_TAG_lexical_block:
    case DW_TAG_try_block:
    case DW_TAG_catch_block:
        if (!has_pc(visit, die))
            return false;
        /* A function nested in another one starts over: it has a frame of its own. */
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

static bool descend(struct visit *visit, Dwarf_Die *parent, unsigned depth)
{
    Dwarf_Die die;

    if (depth >= DEPTH_MAX || dwarf_child(parent, &die) != 0)
        return false;
    do {
        if (!hl_dwarf_visit(visit->symbols))
            return true;
        if (enter(visit, &die, depth))
            return true;
    } while (dwarf_siblingof(&die, &die) == 0);
    return false;
}

bool hl_dwarf_chain(struct hl_symbols *symbols, hl_gva_t address, struct hl_chain *chain)
{
    struct visit visit = {
        .symbols = symbols,
        .pc = address - symbols->bias,
        .chain = chain,
    };
    Dwarf_Die unit;

    chain->count = 0;
    hl_dwarf_ask(symbols);
    if (!hl_dwarf_unit(symbols, address, &chain->unit))
        return false;
    chain->split = hl_split_open(symbols, &chain->unit, &unit);
    descend(&visit, &unit, 0);
    return chain->count != 0;
}

bool hl_dwarf_line(struct hl_symbols *symbols, hl_gva_t address, struct hl_location *location)
{
    Dwarf_Die unit;
    Dwarf_Line *line;
    const char *file;

    if (!hl_dwarf_unit(symbols, address, &unit))
        return false;
    line = dwarf_getsrc_die(&unit, address - symbols->bias);
    file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
    if (!file)
        return false;
    location->file = file;
    if (dwarf_lineno(line, &location->line) || location->line < 0)
        location->line = 0;
    if (dwarf_linecol(line, &location->column) || location->column < 0)
        location->column = 0;
    return true;
}

static int attribute(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attr;
    Dwarf_Word value;

    if (!dwarf_attr(die, name, &attr) || dwarf_formudata(&attr, &value) || value > INT32_MAX)
        return 0;
    return (int)value;
}

void hl_dwarf_call_site(const struct hl_chain *chain, Dwarf_Die *inlined,
                        struct hl_location *location)
{
    int index = attribute(inlined, DW_AT_call_file);
    Dwarf_Die unit = chain->unit;
    Dwarf_Files *files;

    location->file = NULL;
    if (dwarf_hasattr(inlined, DW_AT_call_file) && dwarf_getsrcfiles(&unit, &files, NULL) == 0)
        location->file = dwarf_filesrc(files, (size_t)index, NULL, NULL);
    location->line = location->file ? attribute(inlined, DW_AT_call_line) : 0;
    location->column = location->file ? attribute(inlined, DW_AT_call_column) : 0;
}

/* Where a variable of fixed address lies: its location is one DW_OP_addr. */
static bool variable_address(Dwarf_Die *die, Dwarf_Addr *address)
{
    Dwarf_Attribute attr;
    Dwarf_Op *ops;
    size_t count;

    if (!dwarf_attr(die, DW_AT_location, &attr) || dwarf_getlocation(&attr, &ops, &count) ||
        count != 1 || ops[0].atom != DW_OP_addr)
        return false;
    *address = ops[0].number;
    return true;
}

hl_gva_t hl_dwarf_address(struct hl_symbols *symbols, const char *name)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit, die;

    if (!hl_dwarf(symbols))
        return 0;
    hl_dwarf_ask(symbols);
    while (dwarf_get_units(symbols->dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
        hl_split_open(symbols, &unit, &die);
        if (dwarf_child(&die, &die) != 0)
            continue;
        do {
            int tag = dwarf_tag(&die);
            Dwarf_Addr address = 0;
            const char *found;

            if (!hl_dwarf_visit(symbols))
                return 0;
            if (tag != DW_TAG_subprogram && tag != DW_TAG_variable)
                continue;
            found = dwarf_diename(&die);
            if (!found || strcmp(found, name) != 0)
                continue;
            if ((tag == DW_TAG_subprogram ? dwarf_entrypc(&die, &address) == 0
                                          : variable_address(&die, &address)) &&
                address != 0)
                return address + symbols->bias;
        } while (dwarf_siblingof(&die, &die) == 0);
    }
    return 0;
}

void hl_dwarf_close(struct hl_symbols *symbols)
{
    free(symbols->unit);
    hl_split_close(symbols);
    dwarf_end(symbols->dwarf);
    dwarf_end(symbols->shared_dwarf);
    if (symbols->plain)
        elf_end(symbols->dwarf_elf);
    if (symbols->shared_plain)
        elf_end(symbols->shared_elf);
    free(symbols->plain);
    free(symbols->shared_plain);
    hl_debug_file_close(&symbols->shared);
    hl_debug_file_close(&symbols->separate);
}
