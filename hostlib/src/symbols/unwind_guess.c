/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps up the stack through code that has no call frame information, such as Debian's musl.
 *
 * Certain are: the return address at (%rsp) before a function's first instruction, at its `ret`
 * and after a call to nowhere; the frame pointer of a function whose first instructions set one up,
 * where a call precedes what it leads to.  Else the stack is searched upwards for a return address.
 * One whose call names this very function, or one that jumps to it, is taken for certain: a stale
 * one would have to be left over from an earlier call of the same function, in a part of a live
 * frame that was never written.  All others are guesses, and are marked so.
 */
#include <string.h>

#include "page.h"
#include "unwind.h"

#define SEARCH_BYTES 16384 /* of stack; printf's frame for long double is the largest of musl's */
#define TAIL_BYTES 4096    /* of a function's code searched for a jump */
#define TAIL_DEPTH 2       /* write -> __syscall_cp -> sccp in musl */
#define TAIL_LOOKUPS 4096  /* for one search */

/* Caller's frame, given the slot of the return address; registers as they are now. */
static bool return_to(struct unwind_walk *walk, hl_gva_t slot, struct unwind_frame *next,
                      hl_gva_t *cfa)
{
    if (!unwind_read(&walk->memory, slot, &next->pc) || next->pc == 0)
        return false;
    *cfa = slot + 8;
    next->exact = false;
    next->uncertain = walk->frame.uncertain;
    next->regs = walk->frame.regs;
    next->regs.value[UNWIND_RSP] = *cfa;
    next->regs.value[UNWIND_RIP] = next->pc;
    next->regs.known &= UNWIND_PRESERVED | 1u << UNWIND_RSP;
    next->regs.known |= 1u << UNWIND_RIP;
    next->regs.suspect &= next->regs.known & UNWIND_PRESERVED;
    return true;
}

/* Does the function at `from` end in a jump to `to`, perhaps through a third function? */
static bool jumps_to(struct hl_symbols *symbols, hl_gva_t from, hl_gva_t to, unsigned depth,
                     unsigned *lookups)
{
    hl_gva_t start, end;
    const uint8_t *code;
    size_t size;

    if (*lookups == 0 || !unwind_function(symbols, from, &start, &end) || start != from)
        return false;
    (*lookups)--;
    code = symbols_code_at(symbols, from, &size);
    if (!code)
        return false;
    size = size < end - start ? size : end - start;
    size = size < TAIL_BYTES ? size : TAIL_BYTES;
    if (!budget_take(&symbols->walking, size / 8))
        return false;
    for (size_t i = 0; i + 5 <= size; i++) {
        int32_t distance;
        hl_gva_t target;

        if (code[i] != 0xe9)
            continue;
        memcpy(&distance, code + i + 1, sizeof(distance));
        target = from + i + 5 + (uint64_t)(int64_t)distance;
        /* Jumps inside the function are not tail calls. */
        if (target >= start && target < end)
            continue;
        if (target == to || (depth > 1 && jumps_to(symbols, target, to, depth - 1, lookups)))
            return true;
    }
    return false;
}

static enum unwind_fit fit_or_tail(struct unwind_walk *walk, hl_gva_t pc, hl_gva_t start,
                                   unsigned *lookups)
{
    enum unwind_fit fit = unwind_fit(walk, pc, start);
    hl_gva_t target;

    if (fit != FIT_OTHER || start == 0)
        return fit;
    symbols_code_call_before(walk->symbols, pc, &target);
    return jumps_to(walk->symbols, target, start, TAIL_DEPTH, lookups) ? FIT_TAIL : fit;
}

/* The nearest exact fit, else the nearest of the best kind: OTHER is mostly stale data. */
hl_gva_t unwind_search(struct unwind_walk *walk, enum unwind_fit *fit)
{
    hl_gva_t slot = walk->frame.regs.value[UNWIND_RSP];
    hl_gva_t start = unwind_start(walk), best = 0;
    unsigned lookups = TAIL_LOOKUPS;
    uint64_t word[64];
    bool seen = false;

    *fit = FIT_NOT;
    if (slot & 7)
        return 0;
    for (size_t done = 0; done < SEARCH_BYTES; done += sizeof(word), slot += sizeof(word)) {
        size_t got = walk->memory.read(walk->memory.opaque, slot, word, sizeof(word));

        if (got > sizeof(word))
            return 0;
        /* A full stack: rsp is in the guard already, and the readable part is above it. */
        if (got == 0 && !seen) {
            hl_gva_t page = (slot & PAGE_MASK) + PAGE_SIZE;

            done += page - slot - sizeof(word);
            slot = page - sizeof(word);
            continue;
        }
        seen = true;
        for (size_t i = 0; i < got / 8; i++) {
            if (!budget_take(&walk->symbols->walking, 4))
                return 0;
            enum unwind_fit here = fit_or_tail(walk, word[i], start, &lookups);

            if (here > *fit) {
                *fit = here;
                best = slot + i * 8;
            }
            if (here == FIT_EXACT)
                return best;
            /* Above the start of a stack, nothing can have called a function on it. */
            if (here == FIT_OTHER && unwind_outermost(walk, word[i])) {
                *fit = best == slot + i * 8 ? FIT_TAIL : *fit;
                return best;
            }
        }
        if (got != sizeof(word))
            break;
    }
    return best;
}

/* Offsets in a function: after `push %rbp` and after `mov %rsp,%rbp`; false if it has none. */
static bool prologue(const uint8_t *code, size_t size, size_t *pushed, size_t *moved)
{
    static const uint8_t endbr64[] = {0xf3, 0x0f, 0x1e, 0xfa};
    size_t at = 0;

    if (size >= sizeof(endbr64) && memcmp(code, endbr64, sizeof(endbr64)) == 0)
        at = sizeof(endbr64);
    if (size < at + 4 || code[at] != 0x55 || code[at + 1] != 0x48)
        return false;
    if (!(code[at + 2] == 0x89 && code[at + 3] == 0xe5) &&
        !(code[at + 2] == 0x8b && code[at + 3] == 0xec))
        return false;
    *pushed = at + 1;
    *moved = at + 4;
    return true;
}

static bool at_ret(const struct unwind_walk *walk)
{
    size_t size;
    const uint8_t *code = symbols_code_at(walk->symbols, walk->frame.pc, &size);

    if (!walk->frame.exact || !code)
        return false;
    if (size >= 2 && (code[0] == 0xf2 || code[0] == 0xf3) && code[1] == 0xc3)
        return true;
    return code[0] == 0xc3 || code[0] == 0xc2;
}

/* The return address is in this slot if its value follows a call. */
static enum unwind_result from_slot(struct unwind_walk *walk, hl_gva_t slot, bool doubtful,
                                    struct unwind_frame *next, hl_gva_t *cfa)
{
    enum unwind_fit fit;

    if ((slot & 7) != 0 || slot < walk->frame.regs.value[UNWIND_RSP] ||
        !return_to(walk, slot, next, cfa))
        return UNWIND_NO;
    fit = unwind_fit(walk, next->pc, unwind_start(walk));
    if (fit == FIT_NOT)
        return UNWIND_NO;
    next->uncertain = fit != FIT_EXACT && (walk->frame.uncertain || doubtful);
    return UNWIND_STEP;
}

static enum unwind_result by_frame_pointer(struct unwind_walk *walk, struct unwind_frame *next,
                                           hl_gva_t *cfa)
{
    const struct unwind_regs *regs = &walk->frame.regs;
    uint64_t rbp = regs->value[UNWIND_RBP], saved;
    enum unwind_result result;

    if (!(regs->known & 1u << UNWIND_RBP))
        return UNWIND_NO;
    if (rbp == 0 && !(regs->suspect & 1u << UNWIND_RBP))
        return UNWIND_END;
    result = from_slot(walk, rbp + 8, (regs->suspect & 1u << UNWIND_RBP) != 0, next, cfa);
    if (result != UNWIND_STEP || !unwind_read(&walk->memory, rbp, &saved))
        return UNWIND_NO;
    next->regs.value[UNWIND_RBP] = saved;
    next->regs.suspect = next->regs.known & UNWIND_PRESERVED & ~(1u << UNWIND_RBP);
    return UNWIND_STEP;
}

/* Code whose first or last instructions determine where the return address is. */
static enum unwind_result by_instructions(struct unwind_walk *walk, struct unwind_frame *next,
                                          hl_gva_t *cfa)
{
    uint64_t rsp = walk->frame.regs.value[UNWIND_RSP];
    hl_gva_t start = unwind_start(walk), pc = walk->frame.pc;
    size_t size, pushed, moved;
    enum unwind_result result;
    const uint8_t *code;

    if (at_ret(walk) || (walk->frame.exact && pc == start))
        return from_slot(walk, rsp, false, next, cfa);
    code = start ? symbols_code_at(walk->symbols, start, &size) : NULL;
    if (!code || !prologue(code, size, &pushed, &moved))
        return UNWIND_NO;
    if (!walk->frame.exact || pc - start >= moved)
        return by_frame_pointer(walk, next, cfa);
    if (pc - start < pushed)
        return from_slot(walk, rsp, false, next, cfa);
    result = from_slot(walk, rsp + 8, false, next, cfa);
    if (result == UNWIND_STEP && unwind_read(&walk->memory, rsp, &next->regs.value[UNWIND_RBP]))
        return UNWIND_STEP;
    return UNWIND_NO;
}

enum unwind_result unwind_no_cfi(struct unwind_walk *walk, struct unwind_frame *next, hl_gva_t *cfa)
{
    enum unwind_result result = by_instructions(walk, next, cfa);
    enum unwind_fit fit;
    hl_gva_t slot;

    if (result != UNWIND_NO)
        return result;
    slot = unwind_search(walk, &fit);
    if (slot == 0 || !return_to(walk, slot, next, cfa))
        return UNWIND_END;
    next->uncertain = fit < FIT_TAIL;
    next->regs.suspect = next->regs.known & UNWIND_PRESERVED;
    return UNWIND_STEP;
}
