/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -gsplit-dwarf: the program has a skeleton of each unit, with its addresses and lines, and the
 * rest is in a .dwo file, or in a .dwp with those of all units.
 *
 * libdw opens such a file by itself, whatever it is, and knows no .dwp.  So each unit is made an
 * ELF file of its own here: the sections of the .dwo under their plain names, with the program's
 * addresses from the unit's base on.  What libdw then lacks is the skeleton's address that range
 * lists are relative to, so those are read here.
 */
#include <dwarf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbols_impl.h"

#define SPLITS_MAX ((size_t)1 << 20)
#define DWO_LIST_END 0 /* DW_RLE_end_of_list */

bool hl_split_add(struct hl_symbols *symbols, Dwarf_Off skeleton, size_t *room)
{
    if (symbols->split_count == *room) {
        size_t more = *room ? *room * 2 : 16;
        struct hl_split *bigger = realloc(symbols->split, more * sizeof(*bigger));

        if (!bigger)
            return false;
        symbols->split = bigger;
        *room = more;
    }
    symbols->split[symbols->split_count++] = (struct hl_split){.skeleton = skeleton};
    return symbols->split_count < SPLITS_MAX;
}

/* An attribute of the skeleton itself: dwarf_attr_integrate() would go and open the other file. */
static bool number(Dwarf_Die *die, unsigned name, unsigned other, uint64_t *value)
{
    Dwarf_Attribute attr;
    Dwarf_Word word;

    if (!dwarf_attr(die, name, &attr) && !(other && dwarf_attr(die, other, &attr)))
        return false;
    if (dwarf_formudata(&attr, &word))
        return false;
    *value = word;
    return true;
}

static const char *string(Dwarf_Die *die, unsigned name, unsigned other)
{
    Dwarf_Attribute attr;

    if (!dwarf_attr(die, name, &attr) && !(other && dwarf_attr(die, other, &attr)))
        return NULL;
    return dwarf_formstring(&attr);
}

static bool id_of(Dwarf_Die *unit, unsigned *version, uint64_t *id)
{
    Dwarf_Half half;
    uint64_t in_header = 0;

    if (dwarf_cu_info(unit->cu, &half, NULL, NULL, NULL, &in_header, NULL, NULL))
        return false;
    *version = half;
    *id = in_header;
    return half >= 5 || number(unit, DW_AT_GNU_dwo_id, 0, id);
}

/* ---- the files ------------------------------------------------------------------------------ */

/* Sections of a .dwo, compressed or not, under their plain names: ".debug_info.dwo". */
static const char *plain_name(const char *name)
{
    static const char *const names[] = {".debug_abbrev",   ".debug_info", ".debug_loclists",
                                        ".debug_rnglists", ".debug_str",  ".debug_str_offsets"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t length = strlen(names[i]);

        if (strncmp(name, names[i], length) == 0 && strcmp(name + length, ".dwo") == 0)
            return names[i];
    }
    return NULL;
}

static void open_package(struct hl_symbols *symbols)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s.dwp", symbols->path);
    bool packed;

    symbols->package_read = true;
    if (n <= 0 || n >= PATH_MAX || !hl_debug_file_read(path, &symbols->package))
        return;
    if (!hl_sections_read(symbols->package.elf, symbols->packed, HL_SECTIONS,
                          &symbols->packed_count, &symbols->budget, &packed)) {
        hl_sections_free(symbols->packed, symbols->packed_count);
        symbols->packed_count = 0;
    }
}

/* Where GDB looks: beside the program for a relative name, then where it was compiled. */
static bool read_dwo(struct hl_symbols *symbols, Dwarf_Die *skeleton, struct hl_debug_file *file)
{
    const char *name = string(skeleton, DW_AT_dwo_name, DW_AT_GNU_dwo_name);
    const char *directory = string(skeleton, DW_AT_comp_dir, 0);
    const char *slash = strrchr(symbols->path, '/');
    char path[PATH_MAX];
    int n;

    if (!name || !*name)
        return false;
    snprintf(symbols->missing, sizeof(symbols->missing), "%s", name);
    if (*name == '/')
        return hl_debug_file_read(name, file);
    if (directory && *directory == '/') {
        n = snprintf(path, sizeof(path), "%s/%s", directory, name);
        if (n > 0 && n < PATH_MAX && hl_debug_file_read(path, file))
            return true;
    }
    n = snprintf(path, sizeof(path), "%.*s/%s", slash ? (int)(slash - symbols->path) : 0,
                 symbols->path, name);
    return n > 0 && n < PATH_MAX && hl_debug_file_read(path, file);
}

/* ---- one unit ------------------------------------------------------------------------------- */

/* The part of the program's section from base on, as one of the unit's own. */
static void add_rest(struct hl_symbols *symbols, const char *name, uint64_t base,
                     struct hl_section *sections, size_t *count)
{
    struct hl_section s;

    if (!hl_section_find(symbols->dwarf_elf, name, &s) || base >= s.size)
        return;
    s.data += base;
    s.size -= base;
    sections[(*count)++] = s;
}

static bool find_unit(struct hl_split *split, uint64_t id)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit;
    uint64_t found;
    unsigned version;

    while (dwarf_get_units(split->dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
        if (dwarf_tag(&unit) != DW_TAG_compile_unit || !id_of(&unit, &version, &found) ||
            found != id)
            continue;
        split->unit = dwarf_dieoffset(&unit);
        return true;
    }
    return false;
}

/* sections: of the .dwo; there is room for two more. */
static bool join_unit(struct hl_symbols *symbols, struct hl_split *split, Dwarf_Die *skeleton,
                      uint64_t id, struct hl_section *sections, size_t count)
{
    uint64_t addresses = 0, ranges = 0, total = 0;
    Dwarf_Attribute attr;
    Dwarf_Addr low;

    number(skeleton, DW_AT_addr_base, DW_AT_GNU_addr_base, &addresses);
    number(skeleton, DW_AT_GNU_ranges_base, 0, &ranges);
    if (dwarf_attr(skeleton, DW_AT_low_pc, &attr) && dwarf_formaddr(&attr, &low) == 0)
        split->base = low;
    add_rest(symbols, ".debug_addr", addresses, sections, &count);
    if (split->version < 5)
        add_rest(symbols, ".debug_ranges", ranges, sections, &count);
    for (size_t i = 0; i < count; i++)
        total += sections[i].size;
    if (total > symbols->budget)
        return false;
    symbols->budget -= total;
    split->elf = hl_sections_join(sections, count, &split->file);
    split->dwarf = split->elf ? dwarf_begin_elf(split->elf, DWARF_C_READ, NULL) : NULL;
    if (!split->dwarf || !find_unit(split, id))
        return false;
    hl_section_find(split->elf, ".debug_addr", &split->addresses);
    hl_section_find(split->elf, split->version < 5 ? ".debug_ranges" : ".debug_rnglists",
                    &split->ranges);
    return true;
}

static void close_one(struct hl_split *split)
{
    dwarf_end(split->dwarf);
    elf_end(split->elf);
    free(split->file);
    split->dwarf = NULL;
    split->elf = NULL;
    split->file = NULL;
}

static bool from_package(struct hl_symbols *symbols, struct hl_split *split, Dwarf_Die *skeleton,
                         uint64_t id)
{
    struct hl_section sections[HL_SECTIONS];
    size_t count;

    if (!symbols->package_read)
        open_package(symbols);
    return hl_package_slice(symbols->packed, symbols->packed_count, id, sections, &count) &&
           join_unit(symbols, split, skeleton, id, sections, count);
}

static bool from_dwo(struct hl_symbols *symbols, struct hl_split *split, Dwarf_Die *skeleton,
                     uint64_t id)
{
    struct hl_section *all, *plain;
    struct hl_debug_file file;
    size_t count = 0, kept = 0;
    bool packed, done;

    if (!read_dwo(symbols, skeleton, &file))
        return false;
    all = calloc(2 * HL_SECTIONS, sizeof(*all)); /* too much for a small thread's stack */
    if (!all) {
        hl_debug_file_close(&file);
        return false;
    }
    plain = all + HL_SECTIONS;
    done = hl_sections_read(file.elf, all, HL_SECTIONS, &count, &symbols->budget, &packed);
    for (size_t i = 0; done && i < count; i++) {
        plain[kept] = all[i];
        plain[kept].name = plain_name(all[i].name);
        kept += plain[kept].name != NULL;
    }
    done = done && join_unit(symbols, split, skeleton, id, plain, kept);
    hl_sections_free(all, count);
    free(all);
    hl_debug_file_close(&file);
    return done;
}

static struct hl_split *find(struct hl_symbols *symbols, Dwarf_Off skeleton)
{
    size_t low = 0, high = symbols->split_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (symbols->split[middle].skeleton < skeleton)
            low = middle + 1;
        else
            high = middle;
    }
    return low < symbols->split_count && symbols->split[low].skeleton == skeleton
               ? &symbols->split[low]
               : NULL;
}

struct hl_split *hl_split_open(struct hl_symbols *symbols, Dwarf_Die *skeleton, Dwarf_Die *unit)
{
    struct hl_split *split = find(symbols, dwarf_dieoffset(skeleton));
    uint64_t id;

    *unit = *skeleton;
    if (!split)
        return NULL;
    if (!split->tried && symbols->path && id_of(skeleton, &split->version, &id)) {
        split->tried = true;
        if (!from_package(symbols, split, skeleton, id)) {
            close_one(split);
            if (!from_dwo(symbols, split, skeleton, id))
                close_one(split);
            else
                symbols->missing[0] = '\0';
        }
    }
    return split->dwarf && dwarf_offdie(split->dwarf, split->unit, unit) ? split : NULL;
}

void hl_split_close(struct hl_symbols *symbols)
{
    for (size_t i = 0; i < symbols->split_count; i++)
        close_one(&symbols->split[i]);
    free(symbols->split);
    hl_sections_free(symbols->packed, symbols->packed_count);
    hl_debug_file_close(&symbols->package);
}

/* ---- range lists ---------------------------------------------------------------------------- */

struct list {
    const struct hl_split *split;
    const uint8_t *at, *end;
    uint64_t base, start, stop;
};

static bool get_uleb(struct list *l, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; l->at < l->end && shift < 64; shift += 7) {
        uint8_t byte = *l->at++;

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool get_u64(struct list *l, uint64_t *value)
{
    if (l->end - l->at < 8)
        return false;
    memcpy(value, l->at, 8);
    l->at += 8;
    return true;
}

static bool get_indexed(struct list *l, uint64_t *value)
{
    const struct hl_section *s = &l->split->addresses;
    uint64_t index;

    if (!get_uleb(l, &index) || index >= s->size / 8)
        return false;
    memcpy(value, s->data + 8 * index, 8);
    return true;
}

/* The next entry of a version 5 list; one that only sets the base is an empty range. */
static bool next_entry(struct list *l)
{
    uint64_t length;

    l->start = l->stop = 0;
    if (l->at >= l->end)
        return false;
    switch (*l->at++) {
    case DW_RLE_base_addressx:
        return get_indexed(l, &l->base);
    case DW_RLE_base_address:
        return get_u64(l, &l->base);
    case DW_RLE_startx_endx:
        return get_indexed(l, &l->start) && get_indexed(l, &l->stop);
    case DW_RLE_start_end:
        return get_u64(l, &l->start) && get_u64(l, &l->stop);
    case DW_RLE_startx_length:
        if (!get_indexed(l, &l->start) || !get_uleb(l, &length))
            return false;
        break;
    case DW_RLE_start_length:
        if (!get_u64(l, &l->start) || !get_uleb(l, &length))
            return false;
        break;
    case DW_RLE_offset_pair:
        if (!get_uleb(l, &l->start) || !get_uleb(l, &length))
            return false;
        l->stop = l->base + length;
        l->start += l->base;
        return true;
    case DWO_LIST_END:
    default:
        return false;
    }
    l->stop = l->start + length;
    return true;
}

/* The same of version 4: pairs relative to the base, ~0 sets it, 0 0 ends. */
static bool next_pair(struct list *l)
{
    if (!get_u64(l, &l->start) || !get_u64(l, &l->stop) || (l->start == 0 && l->stop == 0))
        return false;
    if (l->start == UINT64_MAX) {
        l->base = l->stop;
        l->start = l->stop = 0;
        return true;
    }
    l->start += l->base;
    l->stop += l->base;
    return true;
}

/* Where a list starts: the form says whether it is an offset, or a place in the table of them. */
static bool list_start(const struct hl_split *split, Dwarf_Attribute *attr, uint64_t *offset)
{
    const struct hl_section *s = &split->ranges;
    uint64_t header = 12, index = *offset;
    uint32_t entry;

    if (dwarf_whatform(attr) != DW_FORM_rnglistx)
        return true;
    if (s->size < header || index > (s->size - header) / 4 || 4 * (index + 1) > s->size - header)
        return false;
    memcpy(&entry, s->data + header + 4 * index, sizeof(entry));
    *offset = header + entry;
    return true;
}

/* dwarf_formudata() would resolve an index by itself, without the skeleton. */
static bool list_number(const struct hl_split *split, Dwarf_Attribute *attr, uint64_t *value)
{
    Dwarf_Word word = 0;
    size_t size;
    const uint8_t *file;

    if (dwarf_whatform(attr) != DW_FORM_rnglistx) {
        *value = 0;
        if (dwarf_formudata(attr, &word))
            return false;
        *value = word;
        return true;
    }
    file = (const uint8_t *)elf_rawfile(split->elf, &size);
    return get_uleb(&(struct list){.at = attr->valp, .end = file + size}, value);
}

static bool in_list(struct hl_symbols *symbols, const struct hl_split *split, Dwarf_Attribute *attr,
                    uint64_t pc)
{
    struct list l = {.split = split, .base = split->base};
    uint64_t offset;

    if (!list_number(split, attr, &offset) || !list_start(split, attr, &offset) ||
        offset >= split->ranges.size)
        return false;
    l.at = split->ranges.data + offset;
    l.end = split->ranges.data + split->ranges.size;
    while (hl_dwarf_visit(symbols) && (split->version < 5 ? next_pair(&l) : next_entry(&l))) {
        if (pc >= l.start && pc < l.stop)
            return true;
    }
    return false;
}

bool hl_split_has(struct hl_symbols *symbols, const struct hl_split *split, Dwarf_Die *die,
                  uint64_t pc)
{
    Dwarf_Attribute attr;
    Dwarf_Addr low, high;

    if (dwarf_attr(die, DW_AT_ranges, &attr))
        return in_list(symbols, split, &attr, pc);
    return dwarf_lowpc(die, &low) == 0 && dwarf_highpc(die, &high) == 0 && pc >= low && pc < high;
}
