/* SPDX-License-Identifier: Apache-2.0 */
/* insn.h - the little a debugger must know of the instruction it is about to step (by Zydis). */
#ifndef HL_INSN_H
#define HL_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_MAX 15 /* bytes of the longest one */

enum insn_kind {
    INSN_PLAIN,
    INSN_SYSCALL, /* leaves ring 3 by itself */
    INSN_OUT,     /* the same, unless the port is not the guest's; not the string forms */
    INSN_PUSHF,   /* stores rflags */
    INSN_POPF,    /* loads rflags from the top of the stack, ... */
    INSN_IRET,    /* ... or from 16 bytes above it */
    INSN_TRAP,    /* int1: a #DB of the guest's own */
};

struct insn {
    enum insn_kind kind;
    unsigned read, written; /* bytes of its largest memory operand of that kind, 0: none */
    bool modifies;          /* the one it writes it also reads */
};

/* code: what could be read at rip.  An invalid instruction is a plain one. */
void insn_decode(struct insn *insn, const uint8_t *code, size_t size);

/*
 * Where its memory operand begins that reaches to `address` from below; address itself when none
 * is found to.
 */
struct hl_regs;
uint64_t insn_operand_start(const uint8_t *code, size_t size, const struct hl_regs *regs,
                            uint64_t address);

/* Each memory operand that the instruction reads or writes for certain; how many, at most max. */
struct insn_operand {
    uint64_t address;
    unsigned size;
    bool read, write;
};
size_t insn_operands(const uint8_t *code, size_t size, const struct hl_regs *regs,
                     struct insn_operand *operands, size_t max);

/* The kind alone, without a decoder: for every step. */
enum insn_kind insn_kind(const uint8_t *code, size_t size);

#endif
