/* SPDX-License-Identifier: Apache-2.0 */
#include "insn.h"

#include <string.h>

#include <Zydis/Zydis.h>

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

void insn_decode(struct insn *insn, const uint8_t *code, size_t size)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    *insn = (struct insn){.kind = insn_kind(code, size)};
    if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) ||
        ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code, size, &decoded, operands)))
        return;
    for (unsigned i = 0; i < decoded.operand_count; i++)
        note_operand(insn, &operands[i]);
}
