/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols_section.h - sections of an ELF file, decompressed within limits, and put together anew.
 *
 * libelf inflates whatever a section claims to be, into the caller's memory, and the one of Debian
 * 12 knows neither zstd nor a limit.  So compressed debug information is inflated here, and libdw
 * gets an ELF file in memory that holds nothing but plain sections.
 */
#ifndef HL_SYMBOLS_SECTION_H
#define HL_SYMBOLS_SECTION_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECTIONS_MAX 4096 /* looked at in one file; a linked program has some forty */

struct hl_section {
    const char *name;    /* .debug_info, also where the file has .zdebug_info */
    const uint8_t *data; /* in the file, or in owned */
    size_t size;
    uint64_t address;
    uint8_t *owned; /* NULL, or to be freed: it was compressed */
};

/*
 * The sections of debug information in elf (.debug_*, .zdebug_*), at most max, inflated to no more
 * than *budget bytes in all, of which they are taken.  *packed: some were compressed.  False where
 * one is damaged, or too much.
 */
bool hl_sections_read(Elf *elf, struct hl_section *sections, size_t max, size_t *count,
                      uint64_t *budget, bool *packed);
void hl_sections_free(struct hl_section *sections, size_t count);
struct hl_section *hl_sections_find(struct hl_section *sections, size_t count, const char *name);

/* The section of that name in elf, as it stands; false where it is empty, absent or compressed. */
bool hl_section_find(Elf *elf, const char *name, struct hl_section *section);

/* An ELF file of them; *file is what it lies in, to be freed after elf_end().  NULL: no memory. */
Elf *hl_sections_join(const struct hl_section *sections, size_t count, void **file);

#endif
