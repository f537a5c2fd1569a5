/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DWARF expressions that call frame information uses (DWARF 5, 2.5 and 6.4).
 *
 * Operators that need more than registers and memory (types, other DIEs, TLS) are refused, and so
 * is whatever leaves the stack's bounds or takes more than STEPS_MAX steps.
 */
#include <dwarf.h>

#include "unwind.h"

#define STACK_MAX 64
#define STEPS_MAX 1024

struct machine {
    struct unwind_expr *expr;
    uint64_t stack[STACK_MAX];
    size_t depth;
    bool is_value; /* DW_OP_stack_value or a register: the result is not an address */
};

bool unwind_read(const struct unwind_memory *memory, hl_gva_t address, uint64_t *value)
{
    return memory->read(memory->opaque, address, value, sizeof(*value)) == sizeof(*value);
}

static bool push(struct machine *m, uint64_t value)
{
    if (m->depth == STACK_MAX)
        return false;
    m->stack[m->depth++] = value;
    return true;
}

static bool push_register(struct machine *m, uint64_t number, uint64_t offset)
{
    const struct unwind_regs *regs = m->expr->regs;

    if (number >= UNWIND_REGS || !(regs->known & 1u << number))
        return false;
    if (regs->suspect & 1u << number)
        m->expr->suspect = true;
    return push(m, regs->value[number] + offset);
}

static bool dereference(struct machine *m, uint64_t size)
{
    uint64_t value = 0;
    const struct unwind_memory *memory = m->expr->memory;

    if (m->depth == 0 || size == 0 || size > sizeof(value))
        return false;
    /* Little-endian: a short read leaves the upper bytes 0. */
    if (memory->read(memory->opaque, m->stack[m->depth - 1], &value, size) != size)
        return false;
    m->stack[m->depth - 1] = value;
    return true;
}

static bool divide(uint64_t a, uint64_t b, uint64_t *out)
{
    if (b == 0)
        return false;
    /* INT64_MIN / -1 traps; negation wraps as DWARF's address arithmetic does. */
    *out = b == UINT64_MAX ? 0 - a : (uint64_t)((int64_t)a / (int64_t)b);
    return true;
}

static uint64_t shift_arithmetic(uint64_t a, uint64_t b)
{
    uint64_t fill = a >> 63 ? UINT64_MAX : 0;

    if (b > 63)
        return fill;
    return b ? a >> b | fill << (64 - b) : a;
}

static bool compare(uint8_t atom, int64_t a, int64_t b, uint64_t *out)
{
    switch (atom) {
    case DW_OP_eq:
        *out = a == b;
        return true;
    case DW_OP_ne:
        *out = a != b;
        return true;
    case DW_OP_lt:
        *out = a < b;
        return true;
    case DW_OP_le:
        *out = a <= b;
        return true;
    case DW_OP_gt:
        *out = a > b;
        return true;
    case DW_OP_ge:
        *out = a >= b;
        return true;
    default:
        return false;
    }
}

static bool bits(uint8_t atom, uint64_t a, uint64_t b, uint64_t *out)
{
    switch (atom) {
    case DW_OP_and:
        *out = a & b;
        return true;
    case DW_OP_or:
        *out = a | b;
        return true;
    case DW_OP_xor:
        *out = a ^ b;
        return true;
    case DW_OP_shl:
        *out = b > 63 ? 0 : a << b;
        return true;
    case DW_OP_shr:
        *out = b > 63 ? 0 : a >> b;
        return true;
    case DW_OP_shra:
        *out = shift_arithmetic(a, b);
        return true;
    default:
        return compare(atom, (int64_t)a, (int64_t)b, out);
    }
}

static bool binary(uint8_t atom, uint64_t a, uint64_t b, uint64_t *out)
{
    switch (atom) {
    case DW_OP_plus:
        *out = a + b;
        return true;
    case DW_OP_minus:
        *out = a - b;
        return true;
    case DW_OP_mul:
        *out = a * b;
        return true;
    case DW_OP_div:
        return divide(a, b, out);
    case DW_OP_mod:
        *out = b ? a % b : 0;
        return b != 0;
    default:
        return bits(atom, a, b, out);
    }
}

static bool unary(struct machine *m, const Dwarf_Op *op)
{
    uint64_t *top;

    if (m->depth == 0)
        return false;
    top = &m->stack[m->depth - 1];
    switch (op->atom) {
    case DW_OP_neg:
        *top = 0 - *top;
        return true;
    case DW_OP_not:
        *top = ~*top;
        return true;
    case DW_OP_abs:
        *top = *top >> 63 ? 0 - *top : *top;
        return true;
    case DW_OP_plus_uconst:
        *top += op->number;
        return true;
    case DW_OP_deref:
        return dereference(m, 8);
    case DW_OP_deref_size:
        return dereference(m, op->number);
    case DW_OP_drop:
        m->depth--;
        return true;
    case DW_OP_dup:
        return push(m, *top);
    case DW_OP_stack_value:
        m->is_value = true;
        return true;
    default:
        return false;
    }
}

static bool pick(struct machine *m, uint64_t index)
{
    return index < m->depth && push(m, m->stack[m->depth - 1 - index]);
}

static bool swap(struct machine *m)
{
    uint64_t top;

    if (m->depth < 2)
        return false;
    top = m->stack[m->depth - 1];
    m->stack[m->depth - 1] = m->stack[m->depth - 2];
    m->stack[m->depth - 2] = top;
    return true;
}

static bool rotate(struct machine *m)
{
    uint64_t *top = &m->stack[m->depth];
    uint64_t last;

    if (m->depth < 3)
        return false;
    last = top[-1];
    top[-1] = top[-2];
    top[-2] = top[-3];
    top[-3] = last;
    return true;
}

static bool constant(uint8_t atom)
{
    switch (atom) {
    case DW_OP_addr:
    case DW_OP_const1u:
    case DW_OP_const1s:
    case DW_OP_const2u:
    case DW_OP_const2s:
    case DW_OP_const4u:
    case DW_OP_const4s:
    case DW_OP_const8u:
    case DW_OP_const8s:
    case DW_OP_constu:
    case DW_OP_consts:
        return true;
    default:
        return false;
    }
}

/* All operators except jumps. */
static bool execute(struct machine *m, const Dwarf_Op *op)
{
    uint8_t atom = op->atom;

    if (atom == DW_OP_nop)
        return true;
    if (constant(atom)) /* libdw has already sign-extended signed ones */
        return push(m, op->number);
    if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
        return push(m, (uint64_t)(atom - DW_OP_lit0));
    if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
        return push_register(m, (uint64_t)(atom - DW_OP_breg0), op->number);
    if (atom == DW_OP_bregx)
        return push_register(m, op->number, op->number2);
    if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31) {
        m->is_value = true;
        return push_register(m, (uint64_t)(atom - DW_OP_reg0), 0);
    }
    if (atom == DW_OP_regx) {
        m->is_value = true;
        return push_register(m, op->number, 0);
    }
    if (atom == DW_OP_call_frame_cfa)
        return m->expr->cfa != 0 && push(m, m->expr->cfa);
    if (atom == DW_OP_over || atom == DW_OP_pick)
        return pick(m, atom == DW_OP_over ? 1 : op->number);
    if (atom == DW_OP_swap)
        return swap(m);
    if (atom == DW_OP_rot)
        return rotate(m);
    if (unary(m, op))
        return true;
    if (m->depth < 2 ||
        !binary(atom, m->stack[m->depth - 2], m->stack[m->depth - 1], &m->stack[m->depth - 2]))
        return false;
    m->depth--;
    return true;
}

/* Index of the operator that a jump at ops[at] leads to, count for the end; false if invalid. */
static bool jump(const Dwarf_Op *ops, size_t count, size_t at, size_t *target)
{
    /* The distance counts from after the jump: one byte of operator, two of operand. */
    uint64_t offset = ops[at].offset + 3 + (uint64_t)(int64_t)(int16_t)ops[at].number;

    for (size_t i = 0; i < count; i++) {
        if (ops[i].offset == offset) {
            *target = i;
            return true;
        }
    }
    return false;
}

static bool run_ops(struct machine *m, const Dwarf_Op *ops, size_t count)
{
    size_t at = 0;

    for (unsigned steps = 0; at < count; steps++) {
        const Dwarf_Op *op = &ops[at];
        bool taken = op->atom == DW_OP_skip;

        if (steps == STEPS_MAX)
            return false;
        if (op->atom == DW_OP_bra) {
            if (m->depth == 0)
                return false;
            taken = m->stack[--m->depth] != 0;
        }
        if (taken) {
            if (!jump(ops, count, at, &at))
                return false;
            continue;
        }
        if (op->atom != DW_OP_bra && !execute(m, op))
            return false;
        at++;
    }
    return m->depth > 0;
}

bool unwind_expr_value(struct unwind_expr *expr, const Dwarf_Op *ops, size_t count, uint64_t *value)
{
    struct machine m = {.expr = expr};

    if (!run_ops(&m, ops, count))
        return false;
    *value = m.stack[m.depth - 1];
    return true;
}

bool unwind_expr_register(struct unwind_expr *expr, const Dwarf_Op *ops, size_t count,
                          uint64_t *value)
{
    struct machine m = {.expr = expr};

    if (!run_ops(&m, ops, count))
        return false;
    if (!m.is_value && !dereference(&m, 8))
        return false;
    *value = m.stack[m.depth - 1];
    return true;
}
