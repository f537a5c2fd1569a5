/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols_section.h - read sections of an ELF file, decompress them within limits, and build new
 * ELF files from them.
 *
 * libelf inflates as many bytes as a section claims, into the caller's memory, and the version of
 * Debian 12 knows neither zstd nor a limit.  So compressed debug information is inflated here; and
 * libdw gets an ELF file in memory that holds only what it needs.
 */
#ifndef HL_SYMBOLS_SECTION_H
#define HL_SYMBOLS_SECTION_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"

#define SECTIONS_MAX 4096   /* read in one file; a linked program has about 40 */
#define SECTION_NAME_MAX 64 /* no section that is read has a longer name */

struct hl_section {
    const char *name;    /* .debug_info, also if the file has .zdebug_info */
    const uint8_t *data; /* in the file, or in owned */
    size_t size;
    uint64_t address;
    uint8_t *owned; /* NULL, or to be freed (it was compressed) */
};

/* Iterate over the sections of a file that have data in it, compressed or not. */
struct hl_section_walk {
    Elf *elf;
    Elf_Scn *scn;
    unsigned left;
    const uint8_t *file, *names; /* names NULL: the file has none */
    size_t size, names_size;
    /* of the current section */
    GElf_Shdr header;
    const char *name; /* "" if it is too long, or not in the file */
};
void symbols_section_start(struct hl_section_walk *walk, Elf *elf);
bool symbols_section_next(struct hl_section_walk *walk);
/* The contents of the current section; false if it has none. */
bool symbols_section_data(const struct hl_section_walk *walk, struct hl_section *section);

/*
 * The sections of debug information in elf (.debug_*, .zdebug_*), at most max, or only the one
 * called only; inflated at the budget's cost.  False if one is damaged or too large.
 */
bool symbols_sections_read(Elf *elf, const char *only, struct hl_section *sections, size_t max,
                           size_t *count, struct hl_budget *budget);
void symbols_sections_free(struct hl_section *sections, size_t count);
const struct hl_section *symbols_sections_find(const struct hl_section *sections, size_t count,
                                               const char *name);

/* The section of that name in elf, not inflated; false if it is empty, absent or compressed. */
bool symbols_section_find(Elf *elf, const char *name, struct hl_section *section);

/*
 * Build an ELF file from them; *file is its memory, to be freed after elf_end().  NULL: out of
 * memory.
 */
Elf *symbols_sections_join(const struct hl_section *sections, size_t count, void **file);

#endif
