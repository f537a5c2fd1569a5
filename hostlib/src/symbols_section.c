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

/* Replace what is compressed by what it was; wanted: the size that it claims. */
static bool unpack(struct hl_section *s, size_t header, uint64_t wanted, uint32_t method,
                   uint64_t *budget)
{
    bool done = false;

    if (wanted > *budget || wanted == 0)
        return false;
    s->owned = malloc(wanted);
    if (!s->owned)
        return false;
    if (method == ELFCOMPRESS_ZLIB)
        done = inflate_zlib(s->data + header, s->size - header, s->owned, wanted);
    else if (method == CHDR_ZSTD)
        done = inflate_zstd(s->data + header, s->size - header, s->owned, wanted);
    if (!done)
        return false;
    *budget -= wanted;
    s->data = s->owned;
    s->size = wanted;
    return true;
}

static bool unpack_gabi(struct hl_section *s, uint64_t *budget)
{
    Elf64_Chdr header;

    if (s->size < sizeof(header))
        return false;
    memcpy(&header, s->data, sizeof(header));
    return unpack(s, sizeof(header), header.ch_size, header.ch_type, budget);
}

/* gcc -gz=zlib-gnu; a section that would have grown stays as it was, under the new name. */
static bool unpack_gnu(struct hl_section *s, uint64_t *budget)
{
    uint64_t wanted = 0;

    if (s->size < GNU_HEADER || memcmp(s->data, "ZLIB", 4) != 0)
        return true;
    for (size_t i = 4; i < GNU_HEADER; i++)
        wanted = wanted << 8 | s->data[i];
    return unpack(s, GNU_HEADER, wanted, ELFCOMPRESS_ZLIB, budget);
}

/* Its name as compilers know it, or NULL where it is no debug information. */
static const char *debug_name(const char *name, bool *gnu)
{
    static const char *const known[] = {
        ".debug_abbrev",       ".debug_addr",         ".debug_aranges", ".debug_cu_index",
        ".debug_frame",        ".debug_info",         ".debug_line",    ".debug_line_str",
        ".debug_loc",          ".debug_loclists",     ".debug_ranges",  ".debug_rnglists",
        ".debug_str",          ".debug_str_offsets",  ".debug_types",   ".debug_abbrev.dwo",
        ".debug_info.dwo",     ".debug_rnglists.dwo", ".debug_str.dwo", ".debug_str_offsets.dwo",
        ".debug_loclists.dwo", ".debug_loc.dwo",
    };

    *gnu = strncmp(name, ".zdebug_", 8) == 0;
    for (size_t i = 0; *name && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(name + 1 + *gnu, known[i] + 1) == 0)
            return known[i];
    }
    return NULL;
}

static bool read_one(Elf_Scn *scn, const GElf_Shdr *header, bool gnu, struct hl_section *s,
                     uint64_t *budget, bool *packed)
{
    Elf_Data *data = elf_rawdata(scn, NULL);

    if (!data || !data->d_buf || data->d_size == 0)
        return true;
    s->data = data->d_buf;
    s->size = data->d_size;
    s->address = header->sh_addr;
    *packed |= gnu || (header->sh_flags & SHF_COMPRESSED);
    if (header->sh_flags & SHF_COMPRESSED)
        return unpack_gabi(s, budget);
    return !gnu || unpack_gnu(s, budget);
}

bool hl_sections_read(Elf *elf, struct hl_section *sections, size_t max, size_t *count,
                      uint64_t *budget, bool *packed)
{
    Elf_Scn *scn = NULL;
    size_t strings, seen = 0;

    *count = 0;
    *packed = false;
    if (elf_getshdrstrndx(elf, &strings))
        return false;
    while ((scn = elf_nextscn(elf, scn)) && seen++ < SECTIONS_MAX) {
        GElf_Shdr header;
        const char *name;
        bool gnu;

        if (!gelf_getshdr(scn, &header))
            return false;
        /* libdw would inflate any other section, too. */
        *packed |= (header.sh_flags & SHF_COMPRESSED) != 0;
        name = elf_strptr(elf, strings, header.sh_name);
        name = name ? debug_name(name, &gnu) : NULL;
        if (!name || header.sh_type == SHT_NOBITS || hl_sections_find(sections, *count, name))
            continue;
        if (*count == max)
            return false;
        sections[*count] = (struct hl_section){.name = name};
        if (!read_one(scn, &header, gnu, &sections[*count], budget, packed)) {
            free(sections[*count].owned);
            return false;
        }
        *count += sections[*count].data != NULL;
    }
    return true;
}

void hl_sections_free(struct hl_section *sections, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(sections[i].owned);
}

struct hl_section *hl_sections_find(struct hl_section *sections, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(sections[i].name, name) == 0)
            return &sections[i];
    }
    return NULL;
}

bool hl_section_find(Elf *elf, const char *wanted, struct hl_section *section)
{
    Elf_Scn *scn = NULL;
    size_t strings, seen = 0;

    if (elf_getshdrstrndx(elf, &strings))
        return false;
    while ((scn = elf_nextscn(elf, scn)) && seen++ < SECTIONS_MAX) {
        GElf_Shdr header;
        const char *name;
        Elf_Data *data;

        if (!gelf_getshdr(scn, &header))
            return false;
        name = elf_strptr(elf, strings, header.sh_name);
        if (!name || strcmp(name, wanted) != 0)
            continue;
        if (header.sh_type == SHT_NOBITS || (header.sh_flags & SHF_COMPRESSED))
            return false;
        data = elf_rawdata(scn, NULL);
        if (!data || !data->d_buf || data->d_size == 0)
            return false;
        *section = (struct hl_section){
            .name = wanted, .data = data->d_buf, .size = data->d_size, .address = header.sh_addr};
        return true;
    }
    return false;
}

/* ---- a file of them ------------------------------------------------------------------------- */

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

/* Headers, then names, then what is in them. */
Elf *hl_sections_join(const struct hl_section *sections, size_t count, void **file)
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
