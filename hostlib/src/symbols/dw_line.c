/* SPDX-License-Identifier: Apache-2.0 */
/* symbols/dw_line.c - line tables: their headers (6.2.4), file names, and look-ups. */
#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "dw.h"
#include "sorted.h"

#define FORMATS_MAX 16

static bool add_directory(struct dw_program *p, const char *name)
{
    struct dw_lines *l = p->lines;
    const char **more = budget_grow(p->unit->file->budget, (void *)l->directory, l->directory_count,
                                    &l->directory_room, sizeof(*more));

    if (!more)
        return false;
    l->directory = more;
    more[l->directory_count++] = name;
    return true;
}

static bool add_file(struct dw_program *p, const char *name, uint64_t directory)
{
    struct dw_lines *l = p->lines;
    struct dw_path *more =
        budget_grow(p->unit->file->budget, l->file, l->file_count, &l->file_room, sizeof(*more));

    if (!more)
        return false;
    l->file = more;
    more[l->file_count++] = (struct dw_path){.name = name, .directory = directory};
    return true;
}

/* ---- before version 5: a list of strings, ended by an empty one ---- */

static bool read_old_tables(struct dw_program *p, struct dw_bytes *b)
{
    struct hl_budget *budget = p->unit->file->budget;
    struct dw_die die;
    const char *name = dw_unit_die(p->unit, &die) ? dw_name(&die, DW_AT_comp_dir) : NULL;

    /* Both are counted from 1; directory 0 is the compilation directory, file 0 does not exist. */
    if (!add_directory(p, name) || !add_file(p, NULL, 0))
        return false;
    while ((name = dw_text(budget, b)) && *name) {
        if (!add_directory(p, name))
            return false;
    }
    while (name && (name = dw_text(budget, b)) && *name) {
        uint64_t directory = dw_uleb(b);

        dw_uleb(b); /* time and size */
        dw_uleb(b);
        if (!dw_good(b) || !add_file(p, name, directory))
            return false;
    }
    return name != NULL;
}

/* ---- version 5: tables that describe their own format ---- */

struct format {
    uint64_t content[FORMATS_MAX], form[FORMATS_MAX];
    size_t count;
};

static bool read_format(struct dw_bytes *b, struct format *f)
{
    f->count = dw_fixed(b, 1);
    for (size_t i = 0; i < f->count && i < FORMATS_MAX; i++) {
        f->content[i] = dw_uleb(b);
        f->form[i] = dw_uleb(b);
    }
    return dw_good(b) && f->count <= FORMATS_MAX;
}

static bool read_entry(struct dw_program *p, const struct format *f, struct dw_bytes *b,
                       const char **name, uint64_t *directory)
{
    const struct dw_die nobody = {.unit = &p->form};

    *name = NULL;
    *directory = 0;
    for (size_t i = 0; i < f->count; i++) {
        struct dw_attr attr = {.die = &nobody, .value = *b, .form = f->form[i]};

        if (f->content[i] == DW_LNCT_path)
            *name = dw_attr_text(&attr);
        else if (f->content[i] == DW_LNCT_directory_index && !dw_attr_number(&attr, directory))
            return false;
        if (!budget_take(p->unit->file->budget, 1) || !dw_form_skip(&p->form, f->form[i], b))
            return false;
    }
    return *name != NULL;
}

static bool read_tables(struct dw_program *p, struct dw_bytes *b)
{
    struct format format;
    const char *name;
    uint64_t count, directory;

    if (!read_format(b, &format))
        return false;
    for (count = dw_uleb(b); count && dw_good(b); count--) {
        if (!read_entry(p, &format, b, &name, &directory) || !add_directory(p, name))
            return false;
    }
    if (!read_format(b, &format))
        return false;
    for (count = dw_uleb(b); count && dw_good(b); count--) {
        if (!read_entry(p, &format, b, &name, &directory) || !add_file(p, name, directory))
            return false;
    }
    return dw_good(b);
}

/* ---- the header ---- */

static bool read_header(struct dw_program *p, struct dw_bytes *b)
{
    struct dw_bytes all, tables;
    uint64_t length;
    uint16_t version;

    /* Not always as in the unit: with gcc -gdwarf64 the assembler chooses the table's size. */
    p->form = *p->unit;
    if (!dw_length(b, &p->form.offset_size, &all))
        return false;
    version = (uint16_t)dw_fixed(&all, 2);
    if (version < 2 || version > 5)
        return false;
    if (version == 5)
        dw_skip(&all, 2); /* sizes of addresses and segments */
    tables.end = all.end;
    p->code = all;
    length = dw_fixed(&p->code, p->form.offset_size);
    tables.at = p->code.at;
    if (!dw_skip(&p->code, length))
        return false;
    tables.end = p->code.at;
    p->instruction = (uint8_t)dw_fixed(&tables, 1);
    p->operations = version >= 4 ? (uint8_t)dw_fixed(&tables, 1) : 1;
    dw_skip(&tables, 1); /* default_is_stmt */
    p->line_base = (int8_t)dw_fixed(&tables, 1);
    p->range = (uint8_t)dw_fixed(&tables, 1);
    p->opcode_base = (uint8_t)dw_fixed(&tables, 1);
    for (unsigned i = 1; i < p->opcode_base; i++)
        p->lengths[i] = (uint8_t)dw_fixed(&tables, 1);
    return dw_good(&tables) && (version < 5 ? read_old_tables : read_tables)(p, &tables);
}

struct dw_lines *dw_lines(struct dw_unit *unit)
{
    struct dw_program p = {.unit = unit};
    struct dw_bytes b;
    struct dw_die die;
    uint64_t offset;

    if (unit->lines_read)
        return unit->lines;
    unit->lines_read = true;
    if (!dw_unit_die(unit, &die) || !dw_number(&die, DW_AT_stmt_list, &offset) ||
        !dw_at(unit->file, DW_LINE, offset, &b))
        return NULL;
    p.lines = calloc(1, sizeof(*p.lines));
    if (!p.lines)
        return NULL;
    if (read_header(&p, &b) && dw_program_run(&p))
        unit->lines = p.lines;
    else
        dw_lines_close(p.lines);
    return unit->lines;
}

size_t dw_lines_from(const struct dw_lines *lines, uint64_t pc)
{
    return SORTED_BELOW(lines->row, lines->row_count, address, pc);
}

/* The last row at or before pc, unless it ends a sequence. */
const struct dw_row *dw_lines_find(const struct dw_lines *lines, uint64_t pc)
{
    size_t after = pc < UINT64_MAX ? dw_lines_from(lines, pc + 1) : 0;

    return after && after < lines->row_count && !lines->row[after - 1].end ? &lines->row[after - 1]
                                                                           : NULL;
}

/* As the compiler recorded it: with its directory, unless the name is absolute. */
const char *dw_lines_file(struct dw_unit *unit, uint64_t number)
{
    struct dw_lines *lines = dw_lines(unit);
    struct dw_path *path;
    const char *directory;
    size_t size;

    if (!lines || number >= lines->file_count)
        return NULL;
    path = &lines->file[number];
    if (!path->name || path->whole)
        return path->whole;
    if (path->directory >= lines->directory_count)
        return NULL;
    directory = lines->directory[path->directory];
    if (*path->name == '/' || !directory)
        return path->name;
    size = strlen(directory) + strlen(path->name) + 2;
    path->whole = budget_hold(unit->file->budget, size) ? malloc(size) : NULL;
    if (path->whole) {
        strcpy(path->whole, directory);
        strcat(path->whole, "/");
        strcat(path->whole, path->name);
    }
    return path->whole;
}

void dw_lines_close(struct dw_lines *lines)
{
    if (!lines)
        return;
    for (size_t i = 0; i < lines->file_count; i++)
        free(lines->file[i].whole);
    free(lines->file);
    free((void *)lines->directory);
    free(lines->row);
    free(lines);
}
