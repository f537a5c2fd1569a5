/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols_section.h - sections of an ELF file, decompressed within limits, and put together anew.
 *
 * libelf inflates whatever a section claims to be, into the caller's memory, and the one of Debian
 * 12 knows neither zstd nor a limit.  So compressed debug information is inflated here; and where
 * libdw reads something, it gets an ELF file in memory that holds nothing but what it needs.
 */
#ifndef HL_SYMBOLS_SECTION_H
#define HL_SYMBOLS_SECTION_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"

#define SECTIONS_MAX 4096    /* looked at in one file; a linked program has some forty */
#define SECTION_NAME_MAX 64  /* longer names are not looked for */

struct hl_section {
    const char *name;    /* .debug_info, also where the file has .zdebug_info */
    const uint8_t *data; /* in the file, or in owned */
    size_t size;
    uint64_t address;
    uint8_t *owned; /* NULL, or to be freed: it was compressed */
};

/* The sections of a file, one after the other: those of data in it, compressed or not. */
struct hl_section_walk {
    Elf *elf;
    Elf_Scn *scn;
    unsigned left;
    const uint8_t *file, *names; /* names: NULL, the file has none */
    size_t size, names_size;
    /* of the present one */
    GElf_Shdr header;
    const char *name; /* "" where it is too long, or not in the file */
};
void hl_section_start(struct hl_section_walk *walk, Elf *elf);
bool hl_section_next(struct hl_section_walk *walk);
/* What is in the present one; false where that is nothing. */
bool hl_section_data(const struct hl_section_walk *walk, struct hl_section *section);

/*
 * The sections of debug information in elf (.debug_*, .zdebug_*), at most max, or the one called
 * only; inflated at the budget's cost.  False where one is damaged, or too much.
 */
bool hl_sections_read(Elf *elf, const char *only, struct hl_section *sections, size_t max,
                      size_t *count, struct hl_budget *budget);
void hl_sections_free(struct hl_section *sections, size_t count);
const struct hl_section *hl_sections_find(const struct hl_section *sections, size_t count,
                                          const char *name);

/* The section of that name in elf, as it stands; false where it is empty, absent or compressed. */
bool hl_section_find(Elf *elf, const char *name, struct hl_section *section);

/* An ELF file of them; *file is what it lies in, to be freed after elf_end().  NULL: no memory. */
Elf *hl_sections_join(const struct hl_section *sections, size_t count, void **file);

#endif
