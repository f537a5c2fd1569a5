/* SPDX-License-Identifier: Apache-2.0 */
/* symbols/unwind_fit.c - how well a return address fits a function, from the code before it. */
#include "unwind.h"

enum unwind_fit unwind_fit(const struct unwind_walk *walk, hl_gva_t pc, hl_gva_t start)
{
    hl_gva_t target;

    switch (symbols_code_call_before(walk->symbols, pc, &target)) {
    case HL_CALL_DIRECT:
        return start != 0 && target == start ? FIT_EXACT : FIT_OTHER;
    case HL_CALL_INDIRECT:
        return FIT_INDIRECT;
    case HL_CALL_NONE:
    default:
        return FIT_NOT;
    }
}

bool unwind_function(struct hl_symbols *symbols, hl_gva_t address, hl_gva_t *start, hl_gva_t *end)
{
    const struct hl_symbol *symbol = symbols_table_find(symbols, address);
    const struct hl_fde *fde = NULL;

    if (!symbol && symbols->table_count == 0) {
        fde = unwind_fde(&symbols->eh_fdes, address - symbols->bias);
        if (!fde)
            fde = unwind_fde(&symbols->debug_fdes, address - symbols->bias);
    }
    if (!symbol && !fde)
        return false;
    *start = (symbol ? symbol->start : fde->start) + symbols->bias;
    *end = (symbol ? symbol->end : fde->end) + symbols->bias;
    return true;
}

hl_gva_t unwind_start(const struct unwind_walk *walk)
{
    hl_gva_t start, end;
    hl_gva_t pc = unwind_lookup(&walk->frame);

    if (!symbols_code_at(walk->symbols, pc, &(size_t){0}))
        return pc;
    return unwind_function(walk->symbols, pc, &start, &end) ? start : 0;
}
