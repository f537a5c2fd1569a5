/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a debugger puts a breakpoint on a function: after its prologue, so that arguments can be
 * read.  This follows GDB 13 (symtab.c, amd64-tdep.c), which decides in this order:
 *
 * - a unit with location lists, which hold from the first instruction on: the entry itself;
 * - clang: the row of the line table marked prologue_end, or the second one;
 * - else after `push %rbp; mov %rsp, %rbp`, and then at the next row of the line table.
 */
#include <dwarf.h>
#include <string.h>

#include "symbols_impl.h"

struct bounds {
    uint64_t start, end; /* file addresses */
};

static bool is_in_list(const struct dw_die *die)
{
    struct dw_attr location;
    unsigned tag = die->abbrev.tag;

    if (tag != DW_TAG_variable && tag != DW_TAG_formal_parameter)
        return false;
    if (!dw_attr(die, DW_AT_location, &location))
        return false;
    switch (location.form) {
    case DW_FORM_sec_offset:
    case DW_FORM_loclistx:
    case DW_FORM_data4:
    case DW_FORM_data8:
        return true;
    default:
        return false;
    }
}

/* Does any variable of the unit have a location list? */
static bool has_location_lists(struct dw_unit *unit, const struct dw_die *top)
{
    struct dw_die die = *top;
    bool has = false;

    if (unit->location_lists)
        return unit->location_lists > 0;
    while (!has && dw_die_after(&die, &die))
        has = is_in_list(&die);
    unit->location_lists = has ? 1 : -1;
    return has;
}

static bool is_clang(const struct dw_die *top)
{
    const char *text = dw_name(top, DW_AT_producer);

    return text && strstr(text, "clang");
}

/* After the instructions that set up the frame, or pc itself if they are not there. */
static hl_gva_t skip_frame(const struct hl_symbols *symbols, hl_gva_t pc)
{
    static const uint8_t endbr[] = {0xf3, 0x0f, 0x1e, 0xfa}, mov[] = {0x48, 0x89, 0xe5},
                         mov_too[] = {0x48, 0x8b, 0xec};
    size_t available, at = 0;
    const uint8_t *code = symbols_code_at(symbols, pc, &available);

    if (!code)
        return pc;
    if (available >= sizeof(endbr) && memcmp(code, endbr, sizeof(endbr)) == 0)
        at = sizeof(endbr);
    if (available < at + 1 + sizeof(mov) || code[at++] != 0x55)
        return pc;
    if (memcmp(code + at, mov, sizeof(mov)) != 0 && memcmp(code + at, mov_too, sizeof(mov)) != 0)
        return pc;
    return pc + at + sizeof(mov);
}

/* The first row at or after pc in the function, else pc. */
static uint64_t next_row(const struct dw_lines *lines, const struct bounds *f, uint64_t pc)
{
    for (size_t i = dw_lines_from(lines, pc); i < lines->row_count; i++) {
        if (lines->row[i].address >= pc)
            return lines->row[i].address < f->end ? lines->row[i].address : pc;
    }
    return pc;
}

/* clang marks the end of the prologue; code without the mark has a second row there. */
static uint64_t second_row(const struct dw_lines *lines, const struct bounds *f)
{
    uint64_t best = f->end;

    for (size_t i = dw_lines_from(lines, f->start); i < lines->row_count; i++) {
        const struct dw_row *row = &lines->row[i];

        if (row->address >= f->end)
            break;
        if (row->prologue_end)
            return row->address;
        if (row->address > f->start && best == f->end)
            best = row->address;
    }
    return best < f->end ? best : f->start;
}

static uint64_t by_lines(struct hl_symbols *symbols, struct dw_unit *unit, const struct bounds *f)
{
    struct dw_unit *whole = symbols_split_open(symbols, unit);
    const struct dw_lines *lines;
    struct dw_die body;
    bool known = dw_unit_die(whole, &body), clang = known && is_clang(&body);

    if (known && !clang && has_location_lists(whole, &body))
        return f->start;
    lines = dw_lines(unit);
    if (clang && lines)
        return second_row(lines, f);
    uint64_t pc = skip_frame(symbols, f->start + symbols->bias) - symbols->bias;
    return lines && pc != f->start ? next_row(lines, f, pc) : pc;
}

hl_gva_t hl_symbols_breakpoint(struct hl_symbols *symbols, const char *function)
{
    hl_gva_t entry;

    return hl_symbols_match(symbols, function, &entry, 1) != 0
               ? hl_symbols_after_prologue(symbols, entry)
               : 0;
}

hl_gva_t hl_symbols_after_prologue(struct hl_symbols *symbols, hl_gva_t entry)
{
    hl_gva_t address, start, end;
    struct bounds f;
    struct dw_unit *unit;
    size_t available;

    if (!symbols_code_at(symbols, entry, &available))
        return 0;
    address = skip_frame(symbols, entry);
    if (symbols_function(symbols, entry, &start, &end) && start == entry &&
        (unit = symbols_dwarf_unit(symbols, entry)) != NULL) {
        f = (struct bounds){start - symbols->bias, end - symbols->bias};
        address = by_lines(symbols, unit, &f) + symbols->bias;
    }
    return symbols_code_at(symbols, address, &available) ? address : 0;
}
