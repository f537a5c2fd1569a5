/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -gsplit-dwarf: the program has a skeleton of each unit, with its addresses and lines, and the
 * rest is in a .dwo file, or in a .dwp with those of all units.  Each such unit is a file of its
 * own to dw.h: the sections of the .dwo, with the program's addresses from the unit's bases on.
 */
#include <dwarf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols_impl.h"

static const char *string(const struct dw_die *die, unsigned name, unsigned other)
{
    const char *text = dw_name(die, name);

    return text || !other ? text : dw_name(die, other);
}

/* Version 5 has the DWO ID in its header, GNU's extension of version 4 in an attribute. */
static bool id_of(struct dw_unit *unit, const struct dw_die *die, uint64_t *id)
{
    *id = unit->id;
    return unit->version >= 5 || dw_number(die, DW_AT_GNU_dwo_id, id);
}

/* ---- the files ------------------------------------------------------------------------------ */

static void open_package(struct hl_symbols *symbols)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s.dwp", symbols->path);

    symbols->package_read = true;
    if (n <= 0 || n >= PATH_MAX ||
        !symbols_debug_file_read(&symbols->budget, path, &symbols->package))
        return;
    if (!symbols_sections_read(symbols->package.elf, NULL, symbols->packed, HL_SECTIONS,
                               &symbols->packed_count, &symbols->budget)) {
        symbols_sections_free(symbols->packed, symbols->packed_count);
        symbols->packed_count = 0;
    }
}

/* As GDB: relative to the program's directory, then to the compilation directory. */
static bool read_dwo(struct hl_symbols *symbols, const struct dw_die *skeleton,
                     struct hl_debug_file *file)
{
    struct hl_budget *budget = &symbols->budget;
    const char *name = string(skeleton, DW_AT_dwo_name, DW_AT_GNU_dwo_name);
    const char *directory = string(skeleton, DW_AT_comp_dir, 0);
    const char *slash = strrchr(symbols->path, '/');
    char path[PATH_MAX];
    int n;

    if (!name || !*name)
        return false;
    snprintf(symbols->missing, sizeof(symbols->missing), "%s", name);
    if (*name == '/')
        return symbols_debug_file_read(budget, name, file);
    if (directory && *directory == '/') {
        n = snprintf(path, sizeof(path), "%s/%s", directory, name);
        if (n > 0 && n < PATH_MAX && symbols_debug_file_read(budget, path, file))
            return true;
    }
    n = snprintf(path, sizeof(path), "%.*s/%s", slash ? (int)(slash - symbols->path) : 0,
                 symbols->path, name);
    return n > 0 && n < PATH_MAX && symbols_debug_file_read(budget, path, file);
}

/* ---- one unit ------------------------------------------------------------------------------- */

/* What only the program has: addresses, the base of range lists, and lists before version 5. */
static void share(struct hl_split *split, struct dw_unit *skeleton, const struct dw_die *die)
{
    struct dw_unit *unit = split->unit;

    split->dwarf.section[DW_ADDR] = skeleton->file->section[DW_ADDR];
    split->dwarf.is_split = true;
    unit->addresses = skeleton->addresses;
    unit->low = skeleton->low;
    if (skeleton->version >= 5)
        return;
    split->dwarf.section[DW_RANGES] = skeleton->file->section[DW_RANGES];
    if (!dw_number(die, DW_AT_GNU_ranges_base, &unit->ranges))
        unit->ranges = 0;
}

/* The sections have been read: find the unit in them. */
static bool find_unit(struct hl_symbols *symbols, struct hl_split *split, const char *suffix,
                      uint64_t id)
{
    symbols_dwarf_sections(&split->dwarf, split->section, split->section_count, suffix);
    if (!dw_open(&split->dwarf, &symbols->budget))
        return false;
    for (size_t i = 0; i < split->dwarf.unit_count && !split->unit; i++) {
        struct dw_unit *unit = &split->dwarf.unit[i];
        struct dw_die die;
        uint64_t found;

        if (dw_unit_die(unit, &die) && die.abbrev.tag == DW_TAG_compile_unit &&
            id_of(unit, &die, &found) && found == id)
            split->unit = unit;
    }
    return split->unit != NULL;
}

static void close_one(struct hl_split *split)
{
    dw_close(&split->dwarf);
    symbols_sections_free(split->section, split->section_count);
    split->section_count = 0;
    symbols_debug_file_close(&split->file);
    split->unit = NULL;
}

static bool from_package(struct hl_symbols *symbols, struct hl_split *split, uint64_t id)
{
    if (!symbols->package_read)
        open_package(symbols);
    return symbols_package_slice(&symbols->budget, symbols->packed, symbols->packed_count, id,
                                 split->section, &split->section_count) &&
           find_unit(symbols, split, "", id);
}

static bool from_dwo(struct hl_symbols *symbols, struct hl_split *split,
                     const struct dw_die *skeleton, uint64_t id)
{
    return read_dwo(symbols, skeleton, &split->file) &&
           symbols_sections_read(split->file.elf, NULL, split->section, HL_SECTIONS,
                                 &split->section_count, &symbols->budget) &&
           find_unit(symbols, split, ".dwo", id);
}

static struct hl_split *new_split(struct hl_symbols *symbols)
{
    size_t size = sizeof(struct hl_split) + HL_SECTIONS * sizeof(struct hl_section);
    struct hl_split *split = budget_hold(&symbols->budget, size) ? calloc(1, size) : NULL;

    if (!split)
        return NULL;
    split->section = (struct hl_section *)(split + 1);
    split->next = symbols->split;
    symbols->split = split;
    return split;
}

struct dw_unit *symbols_split_open(struct hl_symbols *symbols, struct dw_unit *skeleton)
{
    struct hl_split *split = skeleton->split;
    struct dw_die die;
    uint64_t id;

    if (split || skeleton->type != DW_UT_skeleton || !symbols->path)
        return split && split->unit ? split->unit : skeleton;
    if (!dw_unit_die(skeleton, &die) || !id_of(skeleton, &die, &id))
        return skeleton;
    split = skeleton->split = new_split(symbols);
    if (!split)
        return skeleton;
    if (!from_package(symbols, split, id)) {
        close_one(split);
        if (!from_dwo(symbols, split, &die, id)) {
            close_one(split);
            return skeleton;
        }
        symbols->missing[0] = '\0';
    }
    share(split, skeleton, &die);
    return split->unit;
}

void symbols_split_close(struct hl_symbols *symbols)
{
    for (struct hl_split *split = symbols->split, *next; split; split = next) {
        next = split->next;
        close_one(split);
        free(split);
    }
    symbols_sections_free(symbols->packed, symbols->packed_count);
    symbols_debug_file_close(&symbols->package);
}
