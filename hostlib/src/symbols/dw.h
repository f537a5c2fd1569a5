/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dw.h - a reader of DWARF 2 to 5 that counts what it does.
 *
 * libdw builds whole tables because the file says so, skips any number of entries in one call, and
 * cannot be interrupted.  In this reader every loop and every allocation is charged to the file's
 * budget; docs/design.md says why it is not libdw in a separate process.
 * Addresses are file addresses.  Section numbers are those of DWARF 5.
 */
#ifndef HL_DW_H
#define HL_DW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"

#define DW_TEXT_MAX 65536 /* longer strings are not read */

enum dw_section {
    DW_INFO,
    DW_ABBREV,
    DW_LINE,
    DW_STR,
    DW_LINE_STR,
    DW_STR_OFFSETS,
    DW_ADDR,
    DW_RANGES,
    DW_RNGLISTS,
    DW_SECTIONS,
};

struct dw_bytes {
    const uint8_t *at, *end;
};

/* One declaration of .debug_abbrev (7.5.3). */
struct dw_abbrev {
    uint64_t code;
    const uint8_t *spec; /* its pairs of name and form */
    uint32_t count;      /* of them */
    uint32_t size;       /* of a DIE's attributes if fixed, else DW_VARIES */
    uint16_t tag;
    bool children, sibling;
};
#define DW_VARIES UINT32_MAX

/* Read as far as it was needed. */
struct dw_abbrevs {
    struct dw_bytes rest;
    struct dw_abbrev *item;
    size_t count, room;
    bool unordered;
};

/* A range of a function, or of another top-level entry. */
struct dw_function {
    uint64_t start, end;
    const uint8_t *die;
};

/* A namespace, a class, or another entry whose name qualifies the names in it. */
struct dw_scope {
    const uint8_t *die, *end;
    size_t parent; /* its number from 1; 0: no parent */
};

struct dw_lines;
struct hl_split;

struct dw_unit {
    struct dw_file *file;
    const uint8_t *start, *dies, *end;       /* header, first DIE */
    uint64_t id;                             /* DWO ID of its header */
    uint64_t str_offsets, addresses, ranges; /* bases in those sections */
    uint64_t low;                            /* base address of range lists */
    struct dw_abbrevs abbrevs;
    uint16_t version;
    uint8_t type, address_size, offset_size;
    bool functions_read, nested_read, scopes_read, scopes_known, lines_read;
    int8_t location_lists; /* 0: unknown, else 1 (yes) or -1 (no) */
    struct dw_function *function;
    size_t function_count, function_room;
    struct dw_scope *scope;
    size_t scope_count, scope_room;
    struct dw_lines *lines;
    struct hl_split *split;
};

struct dw_file {
    struct hl_budget *budget;
    struct dw_bytes section[DW_SECTIONS];
    struct dw_file *shared; /* the file made by dwz, or NULL */
    struct dw_unit *unit;   /* by offset */
    size_t unit_count, unit_room;
    bool is_split;
};

struct dw_die {
    struct dw_unit *unit;
    const uint8_t *at, *values;
    struct dw_abbrev abbrev; /* code 0: the end of its siblings */
};

struct dw_attr {
    const struct dw_die *die;
    struct dw_bytes value;
    uint64_t form;
    int64_t constant; /* of DW_FORM_implicit_const */
};

/* ---- symbols/dw_bytes.c: reads past the end give 0 and set at > end ---- */
uint64_t dw_fixed(struct dw_bytes *b, unsigned size);
uint64_t dw_uleb(struct dw_bytes *b);
int64_t dw_sleb(struct dw_bytes *b);
bool dw_skip(struct dw_bytes *b, uint64_t size);
bool dw_good(const struct dw_bytes *b);
/* A string that ends within the bytes and DW_TEXT_MAX, else NULL. */
const char *dw_text(struct hl_budget *budget, struct dw_bytes *b);
const char *dw_text_at(struct dw_file *file, enum dw_section section, uint64_t offset);
/* Read a unit's length, which gives the size of offsets; returns the bytes of the unit after it. */
bool dw_length(struct dw_bytes *b, uint8_t *offset_size, struct dw_bytes *unit);
bool dw_at(const struct dw_file *file, enum dw_section section, uint64_t offset,
           struct dw_bytes *out);

/* ---- symbols/dw_unit.c ---- */
/* The sections are set: read the list of units.  False if there are no units. */
bool dw_open(struct dw_file *file, struct hl_budget *budget);
void dw_close(struct dw_file *file);

/* ---- symbols/dw_abbrev.c ---- */
const struct dw_abbrev *dw_abbrev(struct dw_unit *unit, uint64_t code);

/* ---- symbols/dw_form.c ---- */
/* Bytes of a form, or DW_VARIES. */
uint32_t dw_form_size(const struct dw_unit *unit, uint64_t form);
bool dw_form_skip(const struct dw_unit *unit, uint64_t form, struct dw_bytes *b);

/* ---- symbols/dw_die.c ---- */
bool dw_unit_die(struct dw_unit *unit, struct dw_die *die);
bool dw_die_at(struct dw_unit *unit, const uint8_t *at, struct dw_die *die);
/* The next entry in the section, of any depth; and the first child.  False: there are no more. */
bool dw_die_after(const struct dw_die *die, struct dw_die *next);
bool dw_die_child(const struct dw_die *die, struct dw_die *child);
bool dw_die_sibling(const struct dw_die *die, struct dw_die *next);

bool dw_attr(const struct dw_die *die, unsigned name, struct dw_attr *attr);
bool dw_attr_number(const struct dw_attr *attr, uint64_t *value);
bool dw_attr_address(const struct dw_attr *attr, uint64_t *value);
bool dw_attr_is_address(const struct dw_attr *attr);
/* An entry of the unit's table of addresses. */
bool dw_address_at(const struct dw_unit *unit, uint64_t index, uint64_t *value);
const char *dw_attr_text(const struct dw_attr *attr);
bool dw_attr_die(const struct dw_attr *attr, struct dw_die *die);
/* Short form. */
bool dw_number(const struct dw_die *die, unsigned name, uint64_t *value);
bool dw_address(const struct dw_die *die, unsigned name, uint64_t *value);
const char *dw_name(const struct dw_die *die, unsigned name);
bool dw_bounds(const struct dw_die *die, uint64_t *low, uint64_t *high);

/* ---- symbols/dw_range.c ---- */
struct dw_ranges {
    struct dw_unit *unit;
    struct dw_bytes list;
    uint64_t base, start, end;
    bool single, paired;
};
void dw_ranges(const struct dw_die *die, struct dw_ranges *ranges);
/* The next range in start and end, which may be empty. */
bool dw_ranges_next(struct dw_ranges *ranges);
bool dw_has(const struct dw_die *die, uint64_t pc);

/* ---- symbols/dw_line.c and symbols/dw_row.c ---- */
struct dw_row {
    uint64_t address;
    uint32_t line, file, order;
    uint16_t column; /* 0: unknown, or more than fits */
    bool end, prologue_end;
};

struct dw_path {
    const char *name;
    uint64_t directory;
    char *whole; /* made on demand */
};

struct dw_lines {
    struct dw_row *row; /* by address */
    size_t row_count, row_room;
    struct dw_path *file;
    size_t file_count, file_room;
    const char **directory;
    size_t directory_count, directory_room;
};

/* Of a unit, read once; NULL: the unit has no table. */
struct dw_lines *dw_lines(struct dw_unit *unit);
/* The index of the first row at or after pc; and the row that pc belongs to, or NULL. */
size_t dw_lines_from(const struct dw_lines *lines, uint64_t pc);
const struct dw_row *dw_lines_find(const struct dw_lines *lines, uint64_t pc);
const char *dw_lines_file(struct dw_unit *unit, uint64_t number);
void dw_lines_close(struct dw_lines *lines);

/* The state machine that runs a line table's program (6.2.4). */
struct dw_program {
    struct dw_unit *unit;
    struct dw_unit form; /* a copy, with the table's own size of offsets */
    struct dw_lines *lines;
    struct dw_bytes code;
    uint8_t lengths[256];
    uint8_t instruction, operations, range, opcode_base;
    int8_t line_base;
};
bool dw_program_run(struct dw_program *program);

/* ---- symbols/dw_index.c ---- */
/* The function that contains pc: the first one in the file. */
bool dw_function_at(struct dw_unit *unit, uint64_t pc, struct dw_die *die);
/*
 * The innermost scope around a DIE: its number from 1, 0: no scope; *known: it could be determined.
 */
size_t dw_scope_of(const struct dw_die *die, bool *known);

#endif
