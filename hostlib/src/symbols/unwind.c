/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walk up a guest's stack.
 *
 * Every step raises rsp by at least one word, so a walk ends whatever the stack holds.  A frame
 * must be proven, or it is marked uncertain; after a direct call whose target is the function of
 * the previous frame, frames are certain again.
 */
#include <stdlib.h>
#include <string.h>

#include "unwind.h"

/*
 * A walk may count against a guest's time limit, so each one has its own budget, depending on the
 * number of frames wanted.  A step with call frame information is free; code without it is
 * searched, which may take thousands of steps.
 */
#define WALK_STEPS ((uint64_t)1 << 20)
#define WALK_MAX ((uint64_t)64 << 20)
#define SEARCH_STEPS 8192
#define FRAME_STEPS 256

static struct hl_budget walk_budget(size_t max)
{
    uint64_t steps = max < WALK_MAX / SEARCH_STEPS ? WALK_STEPS + max * SEARCH_STEPS : WALK_MAX;

    return (struct hl_budget){.steps = steps};
}

static void start_walk(struct unwind_walk *walk, const struct hl_regs *regs)
{
    /* In the order of DWARF numbers. */
    const uint64_t value[UNWIND_REGS] = {
        regs->rax, regs->rdx, regs->rcx, regs->rbx, regs->rsi, regs->rdi,
        regs->rbp, regs->rsp, regs->r8,  regs->r9,  regs->r10, regs->r11,
        regs->r12, regs->r13, regs->r14, regs->r15, regs->rip,
    };

    memcpy(walk->frame.regs.value, value, sizeof(value));
    walk->frame.regs.known = (1u << UNWIND_REGS) - 1;
    walk->frame.pc = regs->rip;
    walk->frame.exact = true;
}

static bool in_code(const struct unwind_walk *walk)
{
    return symbols_code_at(walk->symbols, unwind_lookup(&walk->frame), &(size_t){0}) != NULL;
}

/* The entry point's function has no caller, even if its CFI does not say so. */
static bool at_entry(const struct unwind_walk *walk)
{
    hl_gva_t start, end, entry = walk->symbols->entry;
    hl_gva_t pc = unwind_lookup(&walk->frame);

    return unwind_function(walk->symbols, pc, &start, &end) && entry >= start && entry < end;
}

/* The step with CFI failed: find the return address first, then use CFI for the rest. */
static bool repair(struct unwind_walk *walk, struct unwind_frame *next, hl_gva_t *cfa)
{
    enum unwind_fit fit;
    hl_gva_t slot = unwind_search(walk, &fit);

    if (slot == 0 || unwind_cfi(walk, slot + 8, next, cfa) != UNWIND_STEP)
        return false;
    next->uncertain |= fit < FIT_TAIL;
    return true;
}

static bool step(struct unwind_walk *walk, struct unwind_frame *next, hl_gva_t *cfa)
{
    /* A call to an invalid address has pushed its return address, and nothing else has happened. */
    if (!in_code(walk))
        return walk->frame.exact && unwind_no_cfi(walk, next, cfa) == UNWIND_STEP;
    if (at_entry(walk))
        return false;
    switch (unwind_cfi(walk, 0, next, cfa)) {
    case UNWIND_STEP:
        return true;
    case UNWIND_BAD:
        return repair(walk, next, cfa);
    case UNWIND_NO:
        return unwind_no_cfi(walk, next, cfa) == UNWIND_STEP;
    case UNWIND_END:
    default:
        return false;
    }
}

void symbols_prepare_walk(struct hl_symbols *symbols)
{
    symbols_table_read(symbols);
    if (!symbols->cfi_read)
        unwind_cfi_open(symbols);
}

size_t hl_symbols_walk(struct hl_symbols *symbols, const struct hl_regs *regs, bool past,
                       hl_read_fn *read, void *opaque, struct hl_place *places, size_t max)
{
    struct unwind_walk walk = {.symbols = symbols, .memory = {read, opaque}};
    size_t count = 0;
    bool more = true;

    start_walk(&walk, regs);
    walk.frame.exact = !past;
    symbols_prepare_walk(symbols);
    symbols->walking = walk_budget(max);
    while (more && count < max) {
        struct unwind_frame next;
        hl_gva_t cfa = 0;

        symbols->walking.free = FRAME_STEPS;
        memset(&next, 0, sizeof(next));
        more = step(&walk, &next, &cfa) &&
               next.regs.value[UNWIND_RSP] > walk.frame.regs.value[UNWIND_RSP];
        places[count++] = (struct hl_place){
            .pc = walk.frame.pc,
            .at = unwind_lookup(&walk.frame),
            .cfa = more ? cfa : 0,
            .uncertain = walk.frame.uncertain,
        };
        walk.frame = next;
    }
    return count;
}

/* A walk returns at most as many places as frames are wanted; inlined functions make them fewer. */
size_t hl_symbols_backtrace(struct hl_symbols *symbols, const struct hl_regs *regs, bool past,
                            hl_read_fn *read, void *opaque, struct hl_frame *frames, size_t max)
{
    struct hl_place one, *many = malloc(max * sizeof(*many));
    struct hl_place *places = many ? many : &one;
    size_t count = 0, walked;

    walked = hl_symbols_walk(symbols, regs, past, read, opaque, places, many || !max ? max : 1);
    for (size_t p = 0; p < walked && count < max; p++) {
        size_t added = hl_symbols_expand(symbols, places[p].at, &frames[count], max - count);

        for (size_t i = 0; i < added; i++) {
            frames[count + i].pc = places[p].pc;
            frames[count + i].cfa = places[p].cfa;
            frames[count + i].uncertain = places[p].uncertain;
        }
        count += added;
    }
    free(many);
    return count;
}
