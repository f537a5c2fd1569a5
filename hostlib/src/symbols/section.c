/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols_section.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define CHDR_ZSTD 2   /* ELFCOMPRESS_ZSTD, newer than glibc 2.36's <elf.h> */
#define GNU_HEADER 12 /* "ZLIB", and the size, big-endian */

static bool inflate_zlib(const uint8_t *from, size_t size, uint8_t *to, size_t wanted)
{
    uLongf got = wanted;

    return uncompress(to, &got, from, size) == Z_OK && got == wanted;
}

static bool inflate_zstd(const uint8_t *from, size_t size, uint8_t *to, size_t wanted)
{
    return ZSTD_decompress(to, wanted, from, size) == wanted;
}

/* Replace compressed contents by the original; wanted: the size that the header claims. */
static bool unpack(struct hl_section *s, size_t header, uint64_t wanted, uint32_t method,
                   struct hl_budget *budget)
{
    if (wanted == 0 || !budget_take(budget, BUDGET_COPY(wanted)) || !budget_hold(budget, wanted))
        return false;
    s->owned = malloc(wanted);
    if (!s->owned)
        return false;
    if (method == ELFCOMPRESS_ZLIB
            ? !inflate_zlib(s->data + header, s->size - header, s->owned, wanted)
            : method != CHDR_ZSTD ||
                  !inflate_zstd(s->data + header, s->size - header, s->owned, wanted))
        return false;
    s->data = s->owned;
    s->size = wanted;
    return true;
}

static bool unpack_gabi(struct hl_section *s, struct hl_budget *budget)
{
    Elf64_Chdr header;

    if (s->size < sizeof(header))
        return false;
    memcpy(&header, s->data, sizeof(header));
    return unpack(s, sizeof(header), header.ch_size, header.ch_type, budget);
}

/* gcc -gz=zlib-gnu; a section that would have grown is stored uncompressed under the new name. */
static bool unpack_gnu(struct hl_section *s, struct hl_budget *budget)
{
    uint64_t wanted = 0;

    if (s->size < GNU_HEADER || memcmp(s->data, "ZLIB", 4) != 0)
        return true;
    for (size_t i = 4; i < GNU_HEADER; i++)
        wanted = wanted << 8 | s->data[i];
    return unpack(s, GNU_HEADER, wanted, ELFCOMPRESS_ZLIB, budget);
}

/* Its name as compilers write it, or NULL if it is not one that is read. */
static const char *debug_name(const char *name, bool *gnu)
{
    static const char *const known[] = {
        ".debug_abbrev",   ".debug_addr",    ".debug_cu_index",     ".debug_frame",
        ".debug_info",     ".debug_line",    ".debug_line_str",     ".debug_ranges",
        ".debug_rnglists", ".debug_str",     ".debug_str_offsets",  ".debug_abbrev.dwo",
        ".debug_info.dwo", ".debug_str.dwo", ".debug_rnglists.dwo", ".debug_str_offsets.dwo",
    };

    *gnu = strncmp(name, ".zdebug_", 8) == 0;
    for (size_t i = 0; *name && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name + 1 + *gnu, known[i] + 1) == 0)
            return known[i];
    }
    return NULL;
}

/* ---- iteration -------------------------------------------------------------------- */

void symbols_section_start(struct hl_section_walk *walk, Elf *elf)
{
    size_t index;
    GElf_Shdr header;
    Elf_Scn *scn;

    *walk = (struct hl_section_walk){.elf = elf, .left = SECTIONS_MAX};
    walk->file = (const uint8_t *)elf_rawfile(elf, &walk->size);
    scn = walk->file && elf_getshdrstrndx(elf, &index) == 0 ? elf_getscn(elf, index) : NULL;
    if (!scn || !gelf_getshdr(scn, &header) || header.sh_offset > walk->size)
        return;
    walk->names = walk->file + header.sh_offset;
    walk->names_size = walk->size - header.sh_offset;
    if (header.sh_size < walk->names_size)
        walk->names_size = header.sh_size;
}

/* elf_strptr() reads a name to its end, however far that is. */
static const char *name_of(const struct hl_section_walk *walk)
{
    size_t at = walk->header.sh_name, size;

    if (!walk->names || at >= walk->names_size)
        return "";
    size = walk->names_size - at;
    size = size < SECTION_NAME_MAX ? size : SECTION_NAME_MAX;
    return memchr(walk->names + at, '\0', size) ? (const char *)walk->names + at : "";
}

bool symbols_section_next(struct hl_section_walk *walk)
{
    if (!walk->file || walk->left == 0)
        return false;
    walk->left--;
    walk->scn = elf_nextscn(walk->elf, walk->scn);
    if (!walk->scn || !gelf_getshdr(walk->scn, &walk->header))
        return false;
    walk->name = name_of(walk);
    return true;
}

bool symbols_section_data(const struct hl_section_walk *walk, struct hl_section *section)
{
    const GElf_Shdr *h = &walk->header;

    if (h->sh_type == SHT_NOBITS || h->sh_size == 0 || h->sh_offset > walk->size ||
        h->sh_size > walk->size - h->sh_offset)
        return false;
    *section = (struct hl_section){.name = walk->name,
                                   .data = walk->file + h->sh_offset,
                                   .size = h->sh_size,
                                   .address = h->sh_addr};
    return true;
}

bool symbols_sections_read(Elf *elf, const char *only, struct hl_section *sections, size_t max,
                           size_t *count, struct hl_budget *budget)
{
    struct hl_section_walk walk;

    *count = 0;
    for (symbols_section_start(&walk, elf); symbols_section_next(&walk);) {
        struct hl_section *s = &sections[*count];
        bool gnu, good;
        const char *name = debug_name(walk.name, &gnu);

        /* Call frames are read separately. */
        if (!name || strcmp(name, only ? only : name) != 0 ||
            (!only && strcmp(name, ".debug_frame") == 0) ||
            symbols_sections_find(sections, *count, name))
            continue;
        if (*count == max)
            return false;
        if (!symbols_section_data(&walk, s))
            continue;
        s->name = name;
        (*count)++;
        if (walk.header.sh_flags & SHF_COMPRESSED)
            good = unpack_gabi(s, budget);
        else
            good = !gnu || unpack_gnu(s, budget);
        if (!good)
            return false;
    }
    return true;
}

void symbols_sections_free(struct hl_section *sections, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(sections[i].owned);
}

const struct hl_section *symbols_sections_find(const struct hl_section *sections, size_t count,
                                               const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(sections[i].name, name) == 0)
            return &sections[i];
    }
    return NULL;
}

bool symbols_section_find(Elf *elf, const char *wanted, struct hl_section *section)
{
    struct hl_section_walk walk;

    for (symbols_section_start(&walk, elf); symbols_section_next(&walk);) {
        if (strcmp(walk.name, wanted) == 0)
            return !(walk.header.sh_flags & SHF_COMPRESSED) && symbols_section_data(&walk, section);
    }
    return false;
}

/* ---- building a file ------------------------------------------------------------------------- */

static const Elf64_Ehdr file_header = {
    .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
    .e_type = ET_EXEC,
    .e_machine = EM_X86_64,
    .e_version = EV_CURRENT,
    .e_ehsize = sizeof(Elf64_Ehdr),
    .e_shoff = sizeof(Elf64_Ehdr),
    .e_shentsize = sizeof(Elf64_Shdr),
    .e_shstrndx = 1,
};

/* Headers, then names, then contents. */
Elf *symbols_sections_join(const struct hl_section *sections, size_t count, void **file)
{
    size_t headers = sizeof(Elf64_Ehdr) + (count + 2) * sizeof(Elf64_Shdr);
    size_t names = 1, at, size;
    Elf64_Shdr *table;
    uint8_t *bytes;

    for (size_t i = 0; i < count; i++)
        names += strlen(sections[i].name) + 1;
    size = headers + names;
    for (size_t i = 0; i < count; i++)
        size += sections[i].size;
    bytes = calloc(1, size);
    *file = bytes;
    if (!bytes)
        return NULL;
    memcpy(bytes, &file_header, sizeof(file_header));
    ((Elf64_Ehdr *)bytes)->e_shnum = (Elf64_Half)(count + 2);
    table = (Elf64_Shdr *)(bytes + sizeof(file_header));
    table[1] = (Elf64_Shdr){
        .sh_type = SHT_STRTAB, .sh_offset = headers, .sh_size = names, .sh_addralign = 1};
    at = headers + names;
    names = 1;
    for (size_t i = 0; i < count; i++) {
        const struct hl_section *s = &sections[i];

        table[i + 2] = (Elf64_Shdr){
            .sh_name = (Elf64_Word)names,
            .sh_type = SHT_PROGBITS,
            .sh_addr = s->address,
            .sh_offset = at,
            .sh_size = s->size,
            .sh_addralign = 1,
        };
        memcpy(bytes + headers + names, s->name, strlen(s->name));
        memcpy(bytes + at, s->data, s->size);
        names += strlen(s->name) + 1;
        at += s->size;
    }
    return elf_memory((char *)bytes, size);
}
