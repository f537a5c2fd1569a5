/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a debugger puts a breakpoint on a function: behind its prologue, so that arguments can be
 * read.  This follows GDB 13 (symtab.c, amd64-tdep.c), which decides in this order:
 *
 * - a unit with location lists, which hold from the first instruction on: the entry itself;
 * - clang: the row of the line table marked prologue_end, or the second one;
 * - else behind `push %rbp; mov %rsp, %rbp`, and then at the next row of the line table.
 */
#include <dwarf.h>
#include <string.h>

#include "symbols_impl.h"

#define DEPTH_MAX 64

struct bounds {
    uint64_t start, end; /* file addresses */
};

static bool is_in_list(Dwarf_Die *die)
{
    Dwarf_Attribute location;
    int tag = dwarf_tag(die);

    if (tag != DW_TAG_variable && tag != DW_TAG_formal_parameter)
        return false;
    if (!dwarf_attr(die, DW_AT_location, &location))
        return false;
    switch (dwarf_whatform(&location)) {
    case DW_FORM_sec_offset:
    case DW_FORM_loclistx:
    case DW_FORM_data4:
    case DW_FORM_data8:
        return true;
    default:
        return false;
    }
}

/* Is anything below the unit described by a location list? */
static bool has_location_lists(struct hl_symbols *symbols, Dwarf_Die *parent, unsigned depth)
{
    Dwarf_Die die;

    if (depth >= DEPTH_MAX || dwarf_child(parent, &die) != 0)
        return false;
    do {
        if (!hl_dwarf_visit(symbols))
            return false;
        if (is_in_list(&die) || has_location_lists(symbols, &die, depth + 1))
            return true;
    } while (dwarf_siblingof(&die, &die) == 0);
    return false;
}

static const char *producer(Dwarf_Die *unit)
{
    Dwarf_Attribute attr;
    const char *text = dwarf_formstring(dwarf_attr(unit, DW_AT_producer, &attr));

    return text ? text : "";
}

/* Behind the frame's set-up, or pc itself where there is none. */
static hl_gva_t skip_frame(const struct hl_symbols *symbols, hl_gva_t pc)
{
    static const uint8_t endbr[] = {0xf3, 0x0f, 0x1e, 0xfa}, mov[] = {0x48, 0x89, 0xe5},
                         mov_too[] = {0x48, 0x8b, 0xec};
    size_t available, at = 0;
    const uint8_t *code = hl_code_at(symbols, pc, &available);

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

/* The first row at or behind pc in the function, else pc. */
static uint64_t next_row(Dwarf_Lines *lines, size_t count, const struct bounds *f, uint64_t pc)
{
    uint64_t best = f->end;

    for (size_t i = 0; i < count; i++) {
        Dwarf_Addr address;

        if (dwarf_lineaddr(dwarf_onesrcline(lines, i), &address) == 0 && address >= pc &&
            address < best)
            best = address;
    }
    return best < f->end ? best : pc;
}

/* clang says where the prologue ends; what is in no hurry to do so has a second row there. */
static uint64_t second_row(Dwarf_Lines *lines, size_t count, const struct bounds *f)
{
    uint64_t best = f->end;
    bool marked = false;

    for (size_t i = 0; i < count; i++) {
        Dwarf_Line *line = dwarf_onesrcline(lines, i);
        Dwarf_Addr address;
        bool end = false;

        if (dwarf_lineaddr(line, &address) || address < f->start || address >= f->end ||
            dwarf_lineprologueend(line, &end))
            continue;
        if (end ? (!marked || address < best) : (!marked && address > f->start && address < best))
            best = address;
        marked |= end;
    }
    return best < f->end ? best : f->start;
}

static uint64_t by_lines(struct hl_symbols *symbols, Dwarf_Die *unit, const struct bounds *f)
{
    Dwarf_Lines *lines;
    Dwarf_Die body;
    size_t count;
    bool clang;

    hl_split_open(symbols, unit, &body);
    clang = strstr(producer(&body), "clang") != NULL;

    hl_dwarf_ask(symbols);
    if (!clang && has_location_lists(symbols, &body, 0))
        return f->start;
    if (dwarf_getsrclines(unit, &lines, &count))
        count = 0;
    if (clang && count)
        return second_row(lines, count, f);
    uint64_t pc = skip_frame(symbols, f->start + symbols->bias) - symbols->bias;
    return count && pc != f->start ? next_row(lines, count, f, pc) : pc;
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
    Dwarf_Die unit;
    size_t available;

    if (!hl_code_at(symbols, entry, &available))
        return 0;
    address = skip_frame(symbols, entry);
    if (hl_symbols_function(symbols, entry, &start, &end) && start == entry &&
        hl_dwarf_unit(symbols, entry, &unit)) {
        f = (struct bounds){start - symbols->bias, end - symbols->bias};
        address = by_lines(symbols, &unit, &f) + symbols->bias;
    }
    return hl_code_at(symbols, address, &available) ? address : 0;
}
