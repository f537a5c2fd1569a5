/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind.h - one step up a guest's stack, three ways.
 *
 * symbols/unwind.c walks and chooses a method; symbols/unwind_cfi.c follows DWARF call frame
 * information, symbols/unwind_expr.c evaluates its expressions, and symbols/unwind_guess.c uses
 * frame pointers and a search of the stack.
 */
#ifndef HL_UNWIND_H
#define HL_UNWIND_H

#include "symbols_impl.h"

/* DWARF register numbers (System V ABI, AMD64 supplement, figure 3.36). */
enum {
    UNWIND_RBX = 3,
    UNWIND_RBP = 6,
    UNWIND_RSP = 7,
    UNWIND_R12 = 12,
    UNWIND_RIP = 16,
    UNWIND_REGS = 17,
};

/* Registers that a function must preserve: rbx, rbp, r12 to r15. */
#define UNWIND_PRESERVED (1u << UNWIND_RBX | 1u << UNWIND_RBP | 0xfu << UNWIND_R12)

struct unwind_regs {
    uint64_t value[UNWIND_REGS];
    uint32_t known;   /* bit set of the registers with a known value */
    uint32_t suspect; /* known, but code without CFI may have used it since */
};

struct unwind_memory {
    hl_read_fn *read;
    void *opaque;
};

bool unwind_read(const struct unwind_memory *memory, hl_gva_t address, uint64_t *value);

/* One physical frame: its position, with the values that the registers had in it. */
struct unwind_frame {
    hl_gva_t pc;
    bool exact;     /* pc is an instruction that runs next; else a return address */
    bool uncertain; /* as in struct hl_frame */
    struct unwind_regs regs;
};

/* The address to look up for a frame: a return address may belong to the next function. */
static inline hl_gva_t unwind_lookup(const struct unwind_frame *frame)
{
    return frame->pc - (frame->exact ? 0 : 1);
}

struct unwind_walk {
    struct hl_symbols *symbols;
    struct unwind_memory memory;
    struct unwind_frame frame;
};

enum unwind_result {
    UNWIND_NO,   /* this method knows nothing here: try another */
    UNWIND_BAD,  /* it applies, but the result is impossible: damage, or a lost register */
    UNWIND_STEP, /* *next and *cfa are filled */
    UNWIND_END,  /* the outermost frame */
};

/* How a return address and the code before it fit the function that would return there. */
enum unwind_fit {
    FIT_NOT,      /* does not follow a call */
    FIT_OTHER,    /* a direct call to something else */
    FIT_INDIRECT, /* a call through a pointer: fits any function */
    FIT_TAIL,  /* a direct call to a function that jumps to this one, or from where stacks start */
    FIT_EXACT, /* a direct call to this very function */
};

/*
 * symbols/unwind_fit.c.  start: first instruction of the function, 0 if unknown.  Never FIT_TAIL.
 */
enum unwind_fit unwind_fit(const struct unwind_walk *walk, hl_gva_t pc, hl_gva_t start);
/*
 * The function around an address, by the symbol table or else by call frame information: debug
 * information is too slow for a walk.
 */
bool unwind_function(struct hl_symbols *symbols, hl_gva_t address, hl_gva_t *start, hl_gva_t *end);
/* Start of the walk's current function; the address itself if it is not in code; or 0. */
hl_gva_t unwind_start(const struct unwind_walk *walk);

/* symbols/unwind_cfi.c; cfa_given is 0, or the CFA if it was found in another way. */
enum unwind_result unwind_cfi(struct unwind_walk *walk, hl_gva_t cfa_given,
                              struct unwind_frame *next, hl_gva_t *cfa);

/* Is the return address in a function without a caller?  It can be on the stack only once. */
bool unwind_outermost(const struct unwind_walk *walk, hl_gva_t pc);

/* symbols/unwind_guess.c */
enum unwind_result unwind_no_cfi(struct unwind_walk *walk, struct unwind_frame *next,
                                 hl_gva_t *cfa);
/* Search the stack for a return address; returns the slot's address, or 0. */
hl_gva_t unwind_search(struct unwind_walk *walk, enum unwind_fit *fit);

/* symbols/unwind_expr.c */
struct unwind_expr {
    const struct unwind_regs *regs;
    const struct unwind_memory *memory;
    uint64_t cfa; /* for DW_OP_call_frame_cfa; 0: not yet known */
    bool suspect; /* set when the result depends on a suspect register */
};
/* The value of a CFA expression, or of a register rule; false in any doubtful case. */
bool unwind_expr_value(struct unwind_expr *expr, const Dwarf_Op *ops, size_t count,
                       uint64_t *value);
bool unwind_expr_register(struct unwind_expr *expr, const Dwarf_Op *ops, size_t count,
                          uint64_t *value);

#endif
