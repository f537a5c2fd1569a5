/* SPDX-License-Identifier: Apache-2.0 */
/* insn.h - what a debugger must know about the instruction that it will step (with Zydis). */
#ifndef HL_INSN_H
#define HL_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSN_MAX 15 /* bytes of the longest one */

enum insn_kind {
    INSN_PLAIN,
    INSN_SYSCALL, /* leaves ring 3 */
    INSN_OUT,     /* the same, unless the port is not the guest's; not the string forms */
    INSN_PUSHF,   /* stores rflags */
    INSN_POPF,    /* loads rflags from the top of the stack, ... */
    INSN_IRET,    /* ... or from 16 bytes above it */
    INSN_TRAP,    /* int1: a #DB of the guest's own */
};

struct insn {
    enum insn_kind kind;
    unsigned read, written; /* bytes of its largest memory operand of that kind, 0: none */
    bool modifies;          /* the operand that it writes is also read */
};

/* code: the bytes that could be read at rip.  An invalid instruction is a plain one. */
void insn_decode(struct insn *insn, const uint8_t *code, size_t size);

/*
 * The start of its memory operand that extends to `address` from below, or address itself if no
 * operand does.
 */
struct hl_regs;
uint64_t insn_operand_start(const uint8_t *code, size_t size, const struct hl_regs *regs,
                            uint64_t address);

/*
 * Each memory operand that the instruction certainly reads or writes; returns how many, at most
 * max.
 */
struct insn_operand {
    uint64_t address;
    unsigned size;
    bool read, write;
};
size_t insn_operands(const uint8_t *code, size_t size, const struct hl_regs *regs,
                     struct insn_operand *operands, size_t max);

/* Only the kind, without a decoder: for every step. */
enum insn_kind insn_kind(const uint8_t *code, size_t size);

#endif
