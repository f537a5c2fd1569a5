/* SPDX-License-Identifier: Apache-2.0 */
#include "insn.h"

#include <string.h>

#include <Zydis/Zydis.h>

#include <hl/machine.h>

static bool is_prefix(uint8_t byte)
{
    static const uint8_t legacy[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
                                     0x66, 0x67, 0xf0, 0xf2, 0xf3};
    return (byte & 0xf0) == 0x40 || memchr(legacy, byte, sizeof(legacy));
}

enum insn_kind insn_kind(const uint8_t *code, size_t size)
{
    size_t at = 0;
    while (at < size && is_prefix(code[at]))
        at++;
    if (at == size)
        return INSN_PLAIN;
    switch (code[at]) {
    case 0x0f:
        return at + 1 < size && code[at + 1] == 0x05 ? INSN_SYSCALL : INSN_PLAIN;
    case 0xe6: /* out imm8 */
    case 0xe7:
    case 0xee: /* out dx */
    case 0xef:
        return INSN_OUT;
    case 0x9c:
        return INSN_PUSHF;
    case 0x9d:
        return INSN_POPF;
    case 0xcf:
        return INSN_IRET;
    case 0xf1:
        return INSN_TRAP;
    default:
        return INSN_PLAIN;
    }
}

static void note_operand(struct insn *insn, const ZydisDecodedOperand *o)
{
    unsigned bytes = (o->size + 7u) / 8;
    if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || o->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
        return;
    if ((o->actions & ZYDIS_OPERAND_ACTION_MASK_READ) && bytes > insn->read)
        insn->read = bytes;
    if ((o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE) && bytes > insn->written)
        insn->written = bytes;
    if ((o->actions & ZYDIS_OPERAND_ACTION_MASK_READ) &&
        (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
        insn->modifies = true;
}

static bool decode(const uint8_t *code, size_t size, ZydisDecodedInstruction *decoded,
                   ZydisDecodedOperand *operands)
{
    ZydisDecoder decoder;
    return ZYAN_SUCCESS(
               ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) &&
           ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, size, decoded, operands));
}

void insn_decode(struct insn *insn, const uint8_t *code, size_t size)
{
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    *insn = (struct insn){.kind = insn_kind(code, size)};
    if (!decode(code, size, &decoded, operands))
        return;
    for (unsigned i = 0; i < decoded.operand_count; i++)
        note_operand(insn, &operands[i]);
}

/* Zydis leaves segment bases to the caller. */
static bool operand_at(const ZydisDecodedInstruction *decoded, const ZydisDecodedOperand *o,
                       const struct hl_regs *regs, uint64_t *at)
{
    /* Zydis numbers them as the processor does, struct hl_regs as GDB. */
    const uint64_t values[] = {regs->rax, regs->rcx, regs->rdx, regs->rbx, regs->rsp, regs->rbp,
                               regs->rsi, regs->rdi, regs->r8,  regs->r9,  regs->r10, regs->r11,
                               regs->r12, regs->r13, regs->r14, regs->r15};
    ZydisRegisterContext context = {0};
    if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || o->mem.type == ZYDIS_MEMOP_TYPE_AGEN)
        return false;
    memcpy(&context.values[ZYDIS_REGISTER_RAX], values, sizeof(values));
    if (ZYAN_FAILED(ZydisCalcAbsoluteAddressEx(decoded, o, regs->rip, &context, at)))
        return false;
    /* A push writes below rsp; a pop has raised rsp before it writes. */
    bool stack = o->mem.base == ZYDIS_REGISTER_RSP;
    if (stack && o->visibility == ZYDIS_OPERAND_VISIBILITY_HIDDEN &&
        (o->actions & ZYDIS_OPERAND_ACTION_WRITE))
        *at -= o->size / 8u;
    else if (stack && o->visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT &&
             decoded->mnemonic == ZYDIS_MNEMONIC_POP)
        *at += o->size / 8u;
    if (o->mem.segment == ZYDIS_REGISTER_FS)
        *at += regs->fs_base;
    else if (o->mem.segment == ZYDIS_REGISTER_GS)
        *at += regs->gs_base;
    return true;
}

uint64_t insn_operand_start(const uint8_t *code, size_t size, const struct hl_regs *regs,
                            uint64_t address)
{
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    uint64_t at;
    if (!decode(code, size, &decoded, operands))
        return address;
    for (unsigned i = 0; i < decoded.operand_count; i++)
        if (operand_at(&decoded, &operands[i], regs, &at) && address - at < operands[i].size / 8u)
            return at;
    return address;
}

size_t insn_operands(const uint8_t *code, size_t size, const struct hl_regs *regs,
                     struct insn_operand *out, size_t max)
{
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    size_t count = 0;
    if (!decode(code, size, &decoded, operands))
        return 0;
    for (unsigned i = 0; i < decoded.operand_count && count < max; i++) {
        const ZydisDecodedOperand *o = &operands[i];
        struct insn_operand *to = &out[count];
        /* A gather has many elements, found one fault at a time. */
        if (o->mem.type == ZYDIS_MEMOP_TYPE_VSIB || !operand_at(&decoded, o, regs, &to->address))
            continue;
        to->size = (o->size + 7u) / 8;
        to->read = o->actions & ZYDIS_OPERAND_ACTION_READ;
        to->write = o->actions & ZYDIS_OPERAND_ACTION_WRITE;
        count++;
    }
    return count;
}
