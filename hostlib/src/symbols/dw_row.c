/* SPDX-License-Identifier: Apache-2.0 */
/* symbols/dw_row.c - run the program of a line table (6.2.5) to make its rows. */
#include <dwarf.h>
#include <stdlib.h>

#include "dw.h"

struct state {
    struct dw_program *program;
    uint64_t address, operation, line, file, column;
    bool end, prologue_end;
};

static void start(struct state *s)
{
    *s = (struct state){.program = s->program, .line = 1, .file = 1};
}

static bool add_row(struct state *s)
{
    struct dw_lines *lines = s->program->lines;
    struct dw_row *more = budget_grow(s->program->unit->file->budget, lines->row, lines->row_count,
                                      &lines->row_room, sizeof(*more));

    if (!more || lines->row_count == UINT32_MAX)
        return false;
    lines->row = more;
    more[lines->row_count] = (struct dw_row){
        .address = s->address,
        .line = s->line <= INT32_MAX ? (uint32_t)s->line : 0,
        .file = s->file < UINT32_MAX ? (uint32_t)s->file : UINT32_MAX,
        .order = (uint32_t)lines->row_count,
        .column = s->column <= UINT16_MAX ? (uint16_t)s->column : 0,
        .end = s->end,
        .prologue_end = s->prologue_end,
    };
    lines->row_count++;
    s->prologue_end = false;
    return true;
}

static void advance(struct state *s, uint64_t count)
{
    const struct dw_program *p = s->program;

    if (p->operations > 1) {
        s->address += p->instruction * ((s->operation + count) / p->operations);
        s->operation = (s->operation + count) % p->operations;
    } else {
        s->address += p->instruction * count;
    }
}

static void skip_lebs(struct dw_bytes *b, unsigned count)
{
    while (count-- && dw_good(b))
        dw_uleb(b);
}

static bool extended(struct state *s, struct dw_bytes *code)
{
    uint64_t length = dw_uleb(code);
    struct dw_bytes b = *code;

    if (!dw_good(code) || length == 0 || !dw_skip(code, length))
        return false;
    b.end = code->at;
    switch (dw_fixed(&b, 1)) {
    case DW_LNE_end_sequence:
        s->end = true;
        if (!add_row(s))
            return false;
        start(s);
        return true;
    case DW_LNE_set_address:
        s->address = dw_fixed(&b, s->program->unit->address_size);
        s->operation = 0;
        return dw_good(&b);
    default: /* DW_LNE_define_file is what no compiler writes; the others change nothing here */
        return true;
    }
}

static bool standard(struct state *s, uint8_t op, struct dw_bytes *code)
{
    const struct dw_program *p = s->program;

    switch (op) {
    case DW_LNS_copy:
        return add_row(s);
    case DW_LNS_advance_pc:
        advance(s, dw_uleb(code));
        break;
    case DW_LNS_advance_line:
        s->line += (uint64_t)dw_sleb(code);
        break;
    case DW_LNS_set_file:
        s->file = dw_uleb(code);
        break;
    case DW_LNS_set_column:
        s->column = dw_uleb(code);
        break;
    case DW_LNS_negate_stmt:
    case DW_LNS_set_basic_block:
    case DW_LNS_set_epilogue_begin:
        break;
    case DW_LNS_set_prologue_end:
        s->prologue_end = true;
        break;
    case DW_LNS_const_add_pc:
        advance(s, (255u - p->opcode_base) / p->range);
        break;
    case DW_LNS_fixed_advance_pc:
        s->address += dw_fixed(code, 2);
        s->operation = 0;
        break;
    default:
        skip_lebs(code, p->lengths[op]);
    }
    return dw_good(code);
}

static bool special(struct state *s, uint8_t op)
{
    const struct dw_program *p = s->program;
    unsigned adjusted = (unsigned)op - p->opcode_base;

    advance(s, adjusted / p->range);
    s->line += (uint64_t)(int64_t)(p->line_base + (int)(adjusted % p->range));
    return add_row(s);
}

/* The end of a sequence sorts before what begins at the same address. */
static int compare(const void *a, const void *b)
{
    const struct dw_row *x = a, *y = b;

    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->end != y->end)
        return x->end ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static bool sort(const struct dw_program *p)
{
    struct hl_budget *budget = p->unit->file->budget;
    struct dw_lines *lines = p->lines;
    size_t bytes = lines->row_count * sizeof(*lines->row), at = 1;
    bool enough;

    while (at < lines->row_count && compare(&lines->row[at - 1], &lines->row[at]) < 0)
        at++;
    if (at >= lines->row_count)
        return true;
    /* qsort() uses a copy. */
    enough = budget_take(budget, 8 * lines->row_count) && budget_hold(budget, bytes);
    if (enough) {
        qsort(lines->row, lines->row_count, sizeof(*lines->row), compare);
        budget_release(budget, bytes);
    }
    return enough;
}

/* False if the program is damaged or too long: a table with holes would give wrong lines. */
bool dw_program_run(struct dw_program *p)
{
    struct hl_budget *budget = p->unit->file->budget;
    struct state s = {.program = p};

    if (p->range == 0)
        return false;
    start(&s);
    while (p->code.at < p->code.end) {
        uint8_t op = (uint8_t)dw_fixed(&p->code, 1);
        bool good;

        if (!budget_take(budget, 1))
            return false;
        if (op >= p->opcode_base)
            good = special(&s, op);
        else
            good = op ? standard(&s, op, &p->code) : extended(&s, &p->code);
        if (!good || !dw_good(&p->code))
            return false;
    }
    return p->lines->row_count && sort(p);
}
