/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name of a function that is only in debug information: its linkage name if the compiler
 * recorded it, else its own with the namespaces and classes around it, as GDB would print it.
 */
#include <dwarf.h>
#include <stdio.h>
#include <string.h>

#include "demangle.h"
#include "symbols_impl.h"

#define ORIGINS_MAX 8 /* concrete -> abstract -> declaration in the class */
#define SCOPES_MAX 64

/* Write `outer::(anonymous namespace)::Box<double, 4>::` for the DIE; returns the length, or 0. */
static size_t write_scope(const struct dw_die *of, char *out, size_t size)
{
    size_t scopes[SCOPES_MAX], count = 0, used = 0;
    struct dw_unit *unit = of->unit;
    bool known;

    for (size_t i = dw_scope_of(of, &known); i && count < SCOPES_MAX; i = unit->scope[i - 1].parent)
        scopes[count++] = i - 1;
    while (count--) {
        struct dw_die die;
        const char *name;
        int n;

        if (!dw_die_at(unit, unit->scope[scopes[count]].die, &die))
            return 0;
        name = dw_name(&die, DW_AT_name);
        /* The class of a lambda has no name, and users do not type one. */
        if (!name && die.abbrev.tag != DW_TAG_namespace)
            continue;
        if (!name)
            name = "(anonymous namespace)";
        n = snprintf(out + used, size - used, "%s::", name);
        if (n < 0 || (size_t)n >= size - used)
            return 0;
        used += (size_t)n;
    }
    return known ? used : 0;
}

/* In C every function is directly in its unit, or in another function. */
static bool has_scopes(const struct dw_die *of)
{
    struct dw_die die;
    uint64_t language;

    if (!dw_unit_die(of->unit, &die) || !dw_number(&die, DW_AT_language, &language))
        return false;
    switch (language) {
    case DW_LANG_C89:
    case DW_LANG_C:
    case DW_LANG_C99:
    case DW_LANG_C11:
    case DW_LANG_Mips_Assembler:
        return false;
    default:
        return true;
    }
}

/* From a function to its declaration; the last one is in its scope. */
static bool origin(struct dw_die *die)
{
    struct dw_attr attr;
    struct dw_die next;

    if (!dw_attr(die, DW_AT_abstract_origin, &attr) && !dw_attr(die, DW_AT_specification, &attr))
        return false;
    if (!dw_attr_die(&attr, &next))
        return false;
    *die = next;
    return true;
}

const char *symbols_dwarf_name(struct hl_symbols *symbols, const struct dw_die *function,
                               const char **linkage)
{
    struct dw_die die = *function;
    const char *name = NULL, *known;
    char text[DEMANGLE_MAX];
    size_t used;

    *linkage = NULL;
    for (unsigned i = 0; i < ORIGINS_MAX && !*linkage; i++) {
        *linkage = dw_name(&die, DW_AT_linkage_name);
        if (!*linkage)
            *linkage = dw_name(&die, DW_AT_MIPS_linkage_name);
        if (!name)
            name = dw_name(&die, DW_AT_name);
        if (!origin(&die))
            break;
    }
    if (*linkage)
        return symbols_names_readable(&symbols->names, *linkage);
    *linkage = name;
    known = name ? symbols_names_find(&symbols->names, die.at) : NULL;
    if (!name || known || !has_scopes(&die))
        return known ? known : name;
    used = write_scope(&die, text, sizeof(text));
    if (used == 0 || strlen(name) >= sizeof(text) - used)
        return name;
    strcpy(text + used, name);
    return symbols_names_keep(&symbols->names, die.at, text, name);
}

/* A number is an offset from the function's first address. */
bool symbols_dwarf_entry(const struct dw_die *function, uint64_t *entry)
{
    struct dw_attr attr;
    uint64_t low;

    if (!dw_attr(function, DW_AT_entry_pc, &attr))
        return dw_address(function, DW_AT_low_pc, entry);
    if (dw_attr_is_address(&attr))
        return dw_attr_address(&attr, entry);
    if (!dw_address(function, DW_AT_low_pc, &low) || !dw_attr_number(&attr, entry))
        return false;
    *entry += low;
    return true;
}
