/* SPDX-License-Identifier: Apache-2.0 */
/* symbols/separate.c - a program whose debug information is in a file of its own. */
#include <string.h>

#include "symbols_impl.h"

/* Searched for once, and only if the program says that its own tables are incomplete. */
struct hl_debug_file *symbols_separate(struct hl_symbols *symbols)
{
    if (!symbols->files_read && symbols->path)
        symbols_debug_file_find(&symbols->budget, symbols->elf, symbols->path, &symbols->separate,
                                symbols->missing, sizeof(symbols->missing));
    if (symbols->separate.elf)
        symbols->missing[0] = '\0';
    symbols->files_read = true;
    return &symbols->separate;
}

static bool has_dwarf(Elf *elf)
{
    struct hl_section_walk walk;
    struct hl_section section;

    for (symbols_section_start(&walk, elf); symbols_section_next(&walk);) {
        if ((strcmp(walk.name, ".debug_info") == 0 || strcmp(walk.name, ".zdebug_info") == 0) &&
            symbols_section_data(&walk, &section))
            return true;
    }
    return false;
}

Elf *symbols_dwarf_elf(struct hl_symbols *symbols)
{
    if (!has_dwarf(symbols->elf) && symbols_separate(symbols)->elf)
        return symbols->separate.elf;
    return symbols->elf;
}
