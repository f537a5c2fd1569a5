/* SPDX-License-Identifier: Apache-2.0 */
#include "agent.h"

#include <string.h>

/* The numbers of the protocol; those not listed are refused. */
enum op {
    ADD = 0x02,
    SUB,
    MUL,
    DIV_SIGNED,
    DIV_UNSIGNED,
    REM_SIGNED,
    REM_UNSIGNED,
    LSH = 0x09,
    RSH_SIGNED,
    RSH_UNSIGNED,
    LOG_NOT = 0x0e,
    BIT_AND,
    BIT_OR,
    BIT_XOR,
    BIT_NOT,
    EQUAL,
    LESS_SIGNED,
    LESS_UNSIGNED,
    EXT = 0x16,
    REF8,
    REF16,
    REF32,
    REF64,
    IF_GOTO = 0x20,
    GOTO,
    CONST8,
    CONST16,
    CONST32,
    CONST64,
    REG,
    END = 0x27,
    DUP,
    POP,
    ZERO_EXT,
    SWAP,
    PICK = 0x32,
    ROT,
    PRINTF,
};

struct machine {
    const struct gdb_agent *agent;
    const uint8_t *code;
    size_t size, pc;
    uint64_t stack[GDB_AGENT_STACK];
    size_t depth;
    bool failed;
};

static uint64_t fail(struct machine *m)
{
    m->failed = true;
    return 0;
}

static void push(struct machine *m, uint64_t value)
{
    if (m->depth == GDB_AGENT_STACK)
        fail(m);
    else
        m->stack[m->depth++] = value;
}

static uint64_t pop(struct machine *m)
{
    return m->depth ? m->stack[--m->depth] : fail(m);
}

/* Operands are big-endian. */
static uint64_t fetch(struct machine *m, size_t n)
{
    uint64_t value = 0;

    if (m->size - m->pc < n)
        return fail(m);
    while (n--)
        value = value << 8 | m->code[m->pc++];
    return value;
}

static uint64_t divide(struct machine *m, enum op op, uint64_t a, uint64_t b)
{
    int64_t sa = (int64_t)a, sb = (int64_t)b;

    if (!b)
        return fail(m);
    switch (op) {
    case DIV_UNSIGNED:
        return a / b;
    case REM_UNSIGNED:
        return a % b;
    case DIV_SIGNED: /* the one quotient that does not fit wraps around */
        return sb == -1 ? 0 - a : (uint64_t)(sa / sb);
    default:
        return sb == -1 ? 0 : (uint64_t)(sa % sb);
    }
}

static uint64_t shift(enum op op, uint64_t a, uint64_t b)
{
    bool negative = op == RSH_SIGNED && (int64_t)a < 0;

    if (b > 63)
        return negative ? ~0ull : 0;
    if (op == LSH)
        return a << b;
    return negative ? ~(~a >> b) : a >> b;
}

static void binary(struct machine *m, enum op op)
{
    uint64_t b = pop(m), a = pop(m);

    if (m->failed)
        return;
    switch (op) {
    case ADD:
        push(m, a + b);
        break;
    case SUB:
        push(m, a - b);
        break;
    case MUL:
        push(m, a * b);
        break;
    case LSH:
    case RSH_SIGNED:
    case RSH_UNSIGNED:
        push(m, shift(op, a, b));
        break;
    case BIT_AND:
        push(m, a & b);
        break;
    case BIT_OR:
        push(m, a | b);
        break;
    case BIT_XOR:
        push(m, a ^ b);
        break;
    case EQUAL:
        push(m, a == b);
        break;
    case LESS_SIGNED:
        push(m, (int64_t)a < (int64_t)b);
        break;
    case LESS_UNSIGNED:
        push(m, a < b);
        break;
    default:
        push(m, divide(m, op, a, b));
        break;
    }
}

static void extend(struct machine *m, bool is_signed)
{
    uint64_t bits = fetch(m, 1), value = pop(m);

    if (m->failed || !bits) {
        fail(m);
        return;
    }
    if (bits < 64) {
        uint64_t mask = (1ull << bits) - 1;
        bool negative = is_signed && (value >> (bits - 1) & 1);
        value = negative ? value | ~mask : value & mask;
    }
    push(m, value);
}

static void ref(struct machine *m, size_t n)
{
    const struct gdb_target *t = m->agent->target;
    uint64_t address = pop(m), value = 0;

    if (!m->failed && t->ops->read_memory(t->self, address, &value, n) == n)
        push(m, value);
    else
        fail(m);
}

static void reg(struct machine *m)
{
    const struct gdb_description *d = m->agent->target->description;
    const struct gdb_target *t = m->agent->target;
    uint64_t number = fetch(m, 2), value = 0;

    for (unsigned i = 0; !m->failed && i < d->feature_count; i++) {
        const struct gdb_feature *f = d->features[i];
        uint8_t data[GDB_REGISTER_MAX] = {0};
        size_t size;
        if (number < f->first || number - f->first >= f->count)
            continue;
        size = f->registers[number - f->first].bits / 8u;
        if (size > sizeof(value) || t->ops->read_register(t->self, (unsigned)number, data, size))
            break;
        memcpy(&value, data, sizeof(value));
        push(m, value);
        return;
    }
    fail(m);
}

static void jump(struct machine *m, bool conditional)
{
    uint64_t to = fetch(m, 2);

    if (conditional && !pop(m))
        return;
    if (to > m->size)
        fail(m);
    if (!m->failed)
        m->pc = (size_t)to;
}

static void pick(struct machine *m)
{
    uint64_t n = fetch(m, 1);

    if (m->failed || n >= m->depth)
        fail(m);
    else
        push(m, m->stack[m->depth - 1 - n]);
}

/* a b c -> c a b, c on top before. */
static void rot(struct machine *m)
{
    uint64_t c = pop(m), b = pop(m), a = pop(m);

    push(m, c);
    push(m, a);
    push(m, b);
}

static void print(struct machine *m)
{
    uint64_t args[255], count = fetch(m, 1), length = fetch(m, 2);
    const char *format = (const char *)m->code + m->pc;

    if (m->failed || !length || m->size - m->pc < length || format[length - 1]) {
        fail(m);
        return;
    }
    m->pc += (size_t)length;
    pop(m); /* a function to call, and a channel to print on: GDB's own, not used */
    pop(m);
    for (uint64_t i = 0; i < count; i++)
        args[i] = pop(m);
    if (!m->failed && !gdb_agent_printf(m->agent, format, args, (size_t)count))
        fail(m);
}

static void stack_op(struct machine *m, enum op op)
{
    uint64_t a = pop(m), b;

    switch (op) {
    case DUP:
        push(m, a);
        push(m, a);
        break;
    case SWAP:
        b = pop(m);
        push(m, a);
        push(m, b);
        break;
    case LOG_NOT:
        push(m, !a);
        break;
    case BIT_NOT:
        push(m, ~a);
        break;
    default: /* POP */
        break;
    }
}

static void step(struct machine *m, uint8_t op)
{
    switch (op) {
    case ADD ... RSH_UNSIGNED:
    case BIT_AND ... BIT_XOR:
    case EQUAL ... LESS_UNSIGNED:
        binary(m, (enum op)op);
        break;
    case LOG_NOT:
    case BIT_NOT:
    case DUP:
    case POP:
    case SWAP:
        stack_op(m, (enum op)op);
        break;
    case EXT:
    case ZERO_EXT:
        extend(m, op == EXT);
        break;
    case REF8 ... REF64:
        ref(m, (size_t)1 << (op - REF8));
        break;
    case IF_GOTO:
    case GOTO:
        jump(m, op == IF_GOTO);
        break;
    case CONST8 ... CONST64:
        push(m, fetch(m, (size_t)1 << (op - CONST8)));
        break;
    case REG:
        reg(m);
        break;
    case PICK:
        pick(m);
        break;
    case ROT:
        rot(m);
        break;
    case PRINTF:
        print(m);
        break;
    default: /* floats were never defined; trace variables and frames are not kept */
        fail(m);
        break;
    }
}

bool gdb_agent_run(const struct gdb_agent *agent, const uint8_t *code, size_t size,
                   uint64_t *result)
{
    struct machine m = {.agent = agent, .code = code, .size = size};

    for (unsigned steps = 0; steps < GDB_AGENT_STEPS; steps++) {
        uint8_t op = (uint8_t)fetch(&m, 1);
        if (!m.failed && op == END) {
            *result = m.depth ? m.stack[m.depth - 1] : 0;
            return true;
        }
        if (!m.failed)
            step(&m, op);
        if (m.failed)
            return false;
    }
    return false;
}
