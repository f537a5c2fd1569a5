/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine/emulate.c - plain instructions executed by the host.
 *
 * Stepping past a breakpoint with a false condition costs an entry for one instruction, as much as
 * the hit itself (docs/gdb-speed.md).  Most breakpoints are on a few instructions: moves, simple
 * arithmetic, branches, calls.  Everything else is left to the processor: other instructions and
 * operands, prefixes, anything that would fault.
 */
#include <string.h>

#include <Zydis/Zydis.h>

#include "machine_debug.h"

#define CF (1ull << 0)
#define PF (1ull << 2)
#define AF (1ull << 4)
#define ZF (1ull << 6)
#define SF (1ull << 7)
#define OF (1ull << 11)
#define AC (1ull << 18)
#define ARITHMETIC (CF | PF | AF | ZF | SF | OF)

#define USER_END (1ull << 47)

struct emulation {
    struct hl_machine *m;
    struct hl_regs regs; /* after the instruction: used only if all goes well */
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    hl_gva_t store_at; /* at most one store, done last */
    uint64_t store;
    unsigned store_size;
};

/* A register by its number in instructions; struct hl_regs has them in GDB's order. */
static uint64_t *general(struct emulation *e, unsigned id)
{
    static const uint8_t place[8] = {0, 2, 3, 1, 7, 6, 4, 5};
    return &e->regs.rax + (id < 8 ? place[id] : id);
}

/* Width in bits; 0 for registers that are not general ones, and for ah to bh. */
static unsigned register_width(ZydisRegister r)
{
    switch (ZydisRegisterGetClass(r)) {
    case ZYDIS_REGCLASS_GPR64:
        return 64;
    case ZYDIS_REGCLASS_GPR32:
        return 32;
    case ZYDIS_REGCLASS_GPR16:
        return 16;
    case ZYDIS_REGCLASS_GPR8:
        return r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH ? 0 : 8;
    default:
        return 0;
    }
}

static unsigned register_id(ZydisRegister r)
{
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);
    return (unsigned)(whole - ZYDIS_REGISTER_RAX);
}

static uint64_t mask(unsigned bits)
{
    return bits == 64 ? ~0ull : (1ull << bits) - 1;
}

static bool get_address(struct emulation *e, const ZydisDecodedOperand *o, hl_gva_t *address)
{
    uint64_t at = (uint64_t)o->mem.disp.value;
    if (e->insn.address_width != 64)
        return false;
    if (o->mem.base == ZYDIS_REGISTER_RIP)
        at += e->regs.rip; /* which is already past the instruction */
    else if (o->mem.base != ZYDIS_REGISTER_NONE)
        at += *general(e, register_id(o->mem.base));
    if (o->mem.index != ZYDIS_REGISTER_NONE)
        at += *general(e, register_id(o->mem.index)) * o->mem.scale;
    *address = at;
    return true;
}

static bool is_flat(const ZydisDecodedOperand *o)
{
    return o->mem.type == ZYDIS_MEMOP_TYPE_MEM && o->mem.segment != ZYDIS_REGISTER_FS &&
           o->mem.segment != ZYDIS_REGISTER_GS;
}

static bool load(struct emulation *e, hl_gva_t at, unsigned bits, uint64_t *value)
{
    *value = 0;
    return hl_machine_read(e->m, at, value, bits / 8, HL_PROT_READ) == bits / 8;
}

/* The store is done later, but it is known now that it will succeed. */
static bool store(struct emulation *e, hl_gva_t at, unsigned bits, uint64_t value)
{
    uint64_t before;
    e->store_at = at;
    e->store = value;
    e->store_size = bits / 8;
    return hl_machine_read(e->m, at, &before, bits / 8, HL_PROT_WRITE) == bits / 8;
}

/* An operand's value, zero-extended. */
static bool get(struct emulation *e, unsigned i, uint64_t *value)
{
    const ZydisDecodedOperand *o = &e->operand[i];
    hl_gva_t at;
    switch (o->type) {
    case ZYDIS_OPERAND_TYPE_REGISTER:
        if (!register_width(o->reg.value))
            return false;
        *value = *general(e, register_id(o->reg.value)) & mask(o->size);
        return true;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
        *value = o->imm.value.u;
        return true;
    case ZYDIS_OPERAND_TYPE_MEMORY:
        return o->size <= 64 && is_flat(o) && get_address(e, o, &at) && load(e, at, o->size, value);
    default:
        return false;
    }
}

static bool put(struct emulation *e, unsigned i, uint64_t value)
{
    const ZydisDecodedOperand *o = &e->operand[i];
    uint64_t *reg;
    hl_gva_t at;
    if (o->type == ZYDIS_OPERAND_TYPE_MEMORY)
        return o->size <= 64 && is_flat(o) && get_address(e, o, &at) &&
               store(e, at, o->size, value);
    if (o->type != ZYDIS_OPERAND_TYPE_REGISTER || !register_width(o->reg.value))
        return false;
    reg = general(e, register_id(o->reg.value));
    if (o->size < 32) /* the upper part is kept */
        value = (*reg & ~mask(o->size)) | (value & mask(o->size));
    *reg = value & mask(o->size < 32 ? 64 : o->size);
    return true;
}

static void set_flags(struct emulation *e, unsigned bits, uint64_t result, uint64_t others)
{
    uint64_t flags = others;
    if (!(result & mask(bits)))
        flags |= ZF;
    if (result >> (bits - 1) & 1)
        flags |= SF;
    if (!__builtin_parityll(result & 0xff))
        flags |= PF;
    e->regs.rflags = (e->regs.rflags & ~ARITHMETIC) | flags;
}

static bool push(struct emulation *e, uint64_t value)
{
    e->regs.rsp -= 8;
    return store(e, e->regs.rsp, 64, value);
}

/*
 * add, sub, cmp and the logical instructions: two operands, flags, and a result unless cmp or test.
 */
static bool arithmetic(struct emulation *e, ZydisMnemonic what)
{
    unsigned bits = e->operand[0].size;
    uint64_t a, b, r, flags = 0, overflow = 0;
    if (!get(e, 0, &a) || !get(e, 1, &b))
        return false;
    b &= mask(bits);
    switch (what) {
    case ZYDIS_MNEMONIC_ADD:
        r = (a + b) & mask(bits);
        flags = (r < a ? CF : 0) | ((a ^ b ^ r) & AF);
        overflow = (a ^ r) & (b ^ r);
        break;
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_CMP:
        r = (a - b) & mask(bits);
        flags = (a < b ? CF : 0) | ((a ^ b ^ r) & AF);
        overflow = (a ^ b) & (a ^ r);
        break;
    case ZYDIS_MNEMONIC_XOR:
        r = a ^ b;
        break;
    case ZYDIS_MNEMONIC_OR:
        r = a | b;
        break;
    default: /* and, test */
        r = a & b;
        break;
    }
    if (overflow >> (bits - 1) & 1)
        flags |= OF;
    set_flags(e, bits, r, flags);
    return what == ZYDIS_MNEMONIC_CMP || what == ZYDIS_MNEMONIC_TEST || put(e, 0, r);
}

/* Each pair is a condition and its opposite. */
static bool condition(const struct emulation *e, unsigned number)
{
    uint64_t f = e->regs.rflags;
    bool less = !(f & SF) != !(f & OF), yes;
    switch (number >> 1) {
    case 0:
        yes = f & OF;
        break;
    case 1:
        yes = f & CF;
        break;
    case 2:
        yes = f & ZF;
        break;
    case 3:
        yes = f & (CF | ZF);
        break;
    case 4:
        yes = f & SF;
        break;
    case 5:
        yes = f & PF;
        break;
    case 6:
        yes = less;
        break;
    default:
        yes = less || (f & ZF);
        break;
    }
    return yes != (number & 1);
}

/* jmp, jcc, call: the operand is relative, or holds the address. */
static bool branch(struct emulation *e, bool conditional, bool call)
{
    const ZydisDecodedOperand *o = &e->operand[0];
    uint64_t to, from = e->regs.rip;
    /* 0x66: ignored by Intel's processors; on AMD's a 16-bit branch, with another length. */
    if (e->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR ||
        (e->insn.attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE) || !get(e, 0, &to))
        return false;
    if (o->type == ZYDIS_OPERAND_TYPE_IMMEDIATE && o->imm.is_relative)
        to += from;
    if (to >= USER_END || (call && !push(e, from)))
        return false;
    /* The condition is the low half of the opcode's last byte: 70 to 7f, 0f 80 to 8f. */
    if (!conditional || condition(e, e->insn.opcode & 15))
        e->regs.rip = to;
    return true;
}

static bool extend(struct emulation *e)
{
    uint64_t value, sign = 1ull << (e->operand[1].size - 1);
    if (!get(e, 1, &value))
        return false;
    if (e->insn.mnemonic != ZYDIS_MNEMONIC_MOVZX)
        value = (value ^ sign) - sign;
    return put(e, 0, value);
}

static bool lea(struct emulation *e)
{
    hl_gva_t at;
    return e->operand[0].size >= 32 && get_address(e, &e->operand[1], &at) && put(e, 0, at);
}

static bool carry_out(struct emulation *e)
{
    uint64_t value;
    switch (e->insn.mnemonic) {
    case ZYDIS_MNEMONIC_NOP:
    case ZYDIS_MNEMONIC_ENDBR64:
        return true;
    case ZYDIS_MNEMONIC_MOV:
        return get(e, 1, &value) && put(e, 0, value);
    case ZYDIS_MNEMONIC_MOVZX:
    case ZYDIS_MNEMONIC_MOVSX:
    case ZYDIS_MNEMONIC_MOVSXD:
        return extend(e);
    case ZYDIS_MNEMONIC_LEA:
        return lea(e);
    case ZYDIS_MNEMONIC_PUSH:
        return e->insn.operand_width == 64 && get(e, 0, &value) && push(e, value);
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_CMP:
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_OR:
    case ZYDIS_MNEMONIC_XOR:
    case ZYDIS_MNEMONIC_TEST:
        return arithmetic(e, e->insn.mnemonic);
    case ZYDIS_MNEMONIC_CALL:
    case ZYDIS_MNEMONIC_JMP:
        return branch(e, false, e->insn.mnemonic == ZYDIS_MNEMONIC_CALL);
    default:
        return e->insn.meta.category == ZYDIS_CATEGORY_COND_BR &&
               (e->insn.opcode_map == ZYDIS_OPCODE_MAP_0F || (e->insn.opcode & 0xf0) == 0x70) &&
               branch(e, true, false);
    }
}

static bool decode(struct emulation *e)
{
    const ZydisInstructionAttributes odd =
        ZYDIS_ATTRIB_HAS_LOCK | ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPNE;
    ZydisDecoder decoder;
    uint8_t code[INSN_MAX];
    size_t size = hl_machine_read(e->m, e->regs.rip, code, sizeof(code), HL_PROT_EXEC);
    return ZYAN_SUCCESS(
               ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)) &&
           ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, size, &e->insn, e->operand)) &&
           !(e->insn.attributes & odd);
}

bool machine_emulate(struct hl_machine *m)
{
    struct emulation e = {.m = m};
    /* A trap or an alignment check of the guest's own must be raised by the processor. */
    if (machine_get_general(m, &e.regs, NULL) || (e.regs.rflags & (RFLAGS_TF | AC)) || !decode(&e))
        return false;
    e.regs.rip += e.insn.length;
    if (!carry_out(&e) || machine_set_general(m, &e.regs, NULL))
        return false;
    machine_write(m, e.store_at, &e.store, e.store_size, HL_PROT_WRITE);
    return true;
}
