/* SPDX-License-Identifier: Apache-2.0 */
/* One step up the stack by .eh_frame or .debug_frame. */
#include <stdlib.h>

#include "unwind.h"

static Dwarf_Frame *frame_in(struct hl_symbols *symbols, Dwarf_CFI *cfi, const struct hl_fdes *fdes,
                             uint64_t pc)
{
    const struct hl_fde *fde = cfi ? unwind_fde(fdes, pc) : NULL;
    Dwarf_Frame *frame;

    if (!fde || !budget_take(&symbols->walking, 8 + fde->cost) ||
        dwarf_cfi_addrframe(cfi, pc, &frame))
        return NULL;
    return frame;
}

static Dwarf_Frame *frame_at(struct hl_symbols *symbols, hl_gva_t address)
{
    uint64_t pc = address - symbols->bias;
    Dwarf_Frame *frame;

    if (!symbols->cfi_read)
        unwind_cfi_open(symbols);
    frame = frame_in(symbols, symbols->eh_frame, &symbols->eh_fdes, pc);
    return frame ? frame : frame_in(symbols, symbols->debug_frame, &symbols->debug_fdes, pc);
}

/* CFI marks the outermost frame by a return address that is "undefined". */
static bool outermost(Dwarf_Frame *frame, int return_column)
{
    Dwarf_Op memory[3], *ops;
    size_t count;

    return dwarf_frame_register(frame, return_column, memory, &ops, &count) == 0 && count == 0 &&
           ops == memory;
}

bool unwind_outermost(const struct unwind_walk *walk, hl_gva_t pc)
{
    Dwarf_Frame *frame = frame_at(walk->symbols, pc - 1);
    int column = frame ? dwarf_frame_info(frame, NULL, NULL, NULL) : -1;
    bool is = column >= 0 && column < UNWIND_REGS && outermost(frame, column);

    free(frame);
    return is;
}

static bool find_cfa(Dwarf_Frame *frame, struct unwind_expr *expr, uint64_t *cfa)
{
    Dwarf_Op *ops;
    size_t count;

    return dwarf_frame_cfa(frame, &ops, &count) == 0 && count != 0 &&
           unwind_expr_value(expr, ops, count, cfa);
}

/* The caller's registers: each rule is evaluated with those of this frame. */
static void restore(Dwarf_Frame *frame, struct unwind_expr *expr, struct unwind_regs *out)
{
    const struct unwind_regs *regs = expr->regs;

    out->known = 0;
    out->suspect = 0;
    for (int i = 0; i < UNWIND_REGS; i++) {
        Dwarf_Op memory[3], *ops;
        size_t count;

        if (dwarf_frame_register(frame, i, memory, &ops, &count) || (count == 0 && ops == memory))
            continue;
        expr->suspect = false;
        if (count == 0) {
            out->value[i] = regs->value[i];
            out->known |= regs->known & 1u << i;
            out->suspect |= regs->suspect & 1u << i;
        } else if (unwind_expr_register(expr, ops, count, &out->value[i])) {
            out->known |= 1u << i;
            out->suspect |= expr->suspect ? 1u << i : 0;
        }
    }
    out->value[UNWIND_RSP] = expr->cfa;
    out->known |= 1u << UNWIND_RSP;
    out->suspect &= ~(1u << UNWIND_RSP);
}

/* What the code before the return address says about the step.  False: the step was wrong. */
static bool judge(struct unwind_walk *walk, bool doubtful, struct unwind_frame *next)
{
    enum unwind_fit fit = unwind_fit(walk, next->pc, unwind_start(walk));

    next->uncertain = walk->frame.uncertain;
    if (doubtful && fit == FIT_OTHER && unwind_outermost(walk, next->pc))
        fit = FIT_TAIL;
    if (fit >= FIT_TAIL) {
        next->uncertain = false;
    } else if (fit == FIT_NOT) {
        /*
         * If the frame is certain, this is what it returns to, even if only because it was
         * overwritten.
         */
        if (doubtful || walk->frame.uncertain)
            return false;
        next->uncertain = true;
    } else if (doubtful) {
        if (fit == FIT_OTHER)
            return false;
        next->uncertain = true;
        next->regs.suspect = next->regs.known & UNWIND_PRESERVED;
    }
    return true;
}

static enum unwind_result step(struct unwind_walk *walk, Dwarf_Frame *cfi, hl_gva_t cfa_given,
                               struct unwind_frame *next, hl_gva_t *cfa)
{
    const struct unwind_regs *regs = &walk->frame.regs;
    struct unwind_expr expr = {.regs = regs, .memory = &walk->memory, .cfa = 0};
    bool signal = false, doubtful = false;
    int column = dwarf_frame_info(cfi, NULL, NULL, &signal);

    if (column < 0 || column >= UNWIND_REGS)
        return UNWIND_BAD;
    if (outermost(cfi, column))
        return UNWIND_END;
    *cfa = cfa_given;
    if (cfa_given == 0) {
        if (!find_cfa(cfi, &expr, cfa))
            return UNWIND_BAD;
        doubtful = expr.suspect;
    }
    /* The stack grows down: a CFA at or below rsp is damage, and walks end because rsp grows. */
    if ((*cfa & 7) != 0 || *cfa <= regs->value[UNWIND_RSP])
        return UNWIND_BAD;
    expr.cfa = *cfa;
    restore(cfi, &expr, &next->regs);
    if (!(next->regs.known & 1u << column))
        return UNWIND_BAD;
    doubtful |= (next->regs.suspect & 1u << column) != 0;
    next->pc = next->regs.value[column];
    next->exact = signal;
    if (next->pc == 0)
        return doubtful ? UNWIND_BAD : UNWIND_END;
    next->uncertain = walk->frame.uncertain || doubtful;
    return signal || judge(walk, doubtful, next) ? UNWIND_STEP : UNWIND_BAD;
}

enum unwind_result unwind_cfi(struct unwind_walk *walk, hl_gva_t cfa_given,
                              struct unwind_frame *next, hl_gva_t *cfa)
{
    Dwarf_Frame *cfi = frame_at(walk->symbols, unwind_lookup(&walk->frame));
    enum unwind_result result;

    if (!cfi)
        return UNWIND_NO;
    result = step(walk, cfi, cfa_given, next, cfa);
    free(cfi);
    if (result == UNWIND_STEP) {
        next->regs.value[UNWIND_RIP] = next->pc;
        next->regs.known |= 1u << UNWIND_RIP;
        next->regs.suspect &= ~(1u << UNWIND_RIP);
    }
    return result;
}
