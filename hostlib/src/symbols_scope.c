/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a function is called that only debug information knows: its linkage name where the compiler
 * gave it one, else its own with the namespaces and classes around it, as GDB would print it.
 */
#include <dwarf.h>
#include <stdio.h>
#include <string.h>

#include "demangle.h"
#include "symbols_impl.h"

#define ORIGINS_MAX 8 /* concrete -> abstract -> declaration in the class */
#define SCOPES_MAX 64

static bool is_scope(int tag)
{
    switch (tag) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_class_type:
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_interface_type:
    case DW_TAG_enumeration_type:
        return true;
    default:
        return false;
    }
}

/* The child of *die that holds the DIE at the offset, which is the one before the first beyond. */
static bool descend(struct hl_symbols *symbols, Dwarf_Die *die, Dwarf_Off offset)
{
    Dwarf_Die child, next;

    if (dwarf_child(die, &child) != 0)
        return false;
    while (hl_dwarf_visit(symbols) && dwarf_siblingof(&child, &next) == 0 &&
           dwarf_dieoffset(&next) <= offset)
        child = next;
    *die = child;
    return dwarf_dieoffset(&child) <= offset;
}

/* Write `outer::(anonymous namespace)::Box<double, 4>::` for the DIE; the length, or 0. */
static size_t write_scope(struct hl_symbols *symbols, Dwarf_Die *of, char *out, size_t size)
{
    Dwarf_Off offset = dwarf_dieoffset(of);
    size_t used = 0;
    Dwarf_Die die;

    if (!dwarf_diecu(of, &die, NULL, NULL))
        return 0;
    for (unsigned depth = 0; depth < SCOPES_MAX; depth++) {
        const char *name;
        int n;

        if (!descend(symbols, &die, offset) || dwarf_dieoffset(&die) == offset)
            return used;
        if (!is_scope(dwarf_tag(&die)))
            continue;
        name = dwarf_diename(&die);
        /* A lambda's class has no name, and nobody writes one. */
        if (!name && dwarf_tag(&die) != DW_TAG_namespace)
            continue;
        if (!name)
            name = "(anonymous namespace)";
        n = snprintf(out + used, size - used, "%s::", name);
        if (n < 0 || (size_t)n >= size - used)
            return 0;
        used += (size_t)n;
    }
    return 0;
}

/* In C every function stands in its unit, or in another function. */
static bool has_scopes(Dwarf_Die *die)
{
    Dwarf_Die unit;

    switch (dwarf_diecu(die, &unit, NULL, NULL) ? dwarf_srclang(&unit) : -1) {
    case DW_LANG_C89:
    case DW_LANG_C:
    case DW_LANG_C99:
    case DW_LANG_C11:
    case DW_LANG_Mips_Assembler:
    case -1:
        return false;
    default:
        return true;
    }
}

static const char *own_string(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attr;

    return dwarf_attr(die, name, &attr) ? dwarf_formstring(&attr) : NULL;
}

/* From a function on to what declares it; the last of them stands in its scope. */
static bool origin(Dwarf_Die *die)
{
    Dwarf_Attribute attr;
    Dwarf_Die next;

    if (!dwarf_attr(die, DW_AT_abstract_origin, &attr) &&
        !dwarf_attr(die, DW_AT_specification, &attr))
        return false;
    if (!dwarf_formref_die(&attr, &next))
        return false;
    *die = next;
    return true;
}

const char *hl_dwarf_name(struct hl_symbols *symbols, Dwarf_Die *function, const char **linkage)
{
    Dwarf_Die die = *function;
    const char *name = NULL, *known;
    char text[DEMANGLE_MAX];
    size_t used;

    *linkage = NULL;
    for (unsigned i = 0; i < ORIGINS_MAX && !*linkage; i++) {
        *linkage = own_string(&die, DW_AT_linkage_name);
        if (!*linkage)
            *linkage = own_string(&die, DW_AT_MIPS_linkage_name);
        if (!name)
            name = own_string(&die, DW_AT_name);
        if (!origin(&die))
            break;
    }
    if (*linkage)
        return hl_names_readable(&symbols->names, *linkage);
    *linkage = name;
    known = name ? hl_names_find(&symbols->names, die.addr) : NULL;
    if (!name || known || !has_scopes(&die))
        return known ? known : name;
    hl_dwarf_ask(symbols);
    used = write_scope(symbols, &die, text, sizeof(text));
    if (used == 0 || strlen(name) >= sizeof(text) - used)
        return name;
    strcpy(text + used, name);
    return hl_names_keep(&symbols->names, die.addr, text, name);
}
