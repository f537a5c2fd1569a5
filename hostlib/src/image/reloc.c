/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image/reloc.c - a static PIE's relocations, applied by the host before the guest exists.
 *
 * The guest never relocates itself, so its constant data can be mapped read-only from the start.
 * Only R_X86_64_RELATIVE is needed by a program without dynamic symbols (System V ABI AMD64, 4.4),
 * in either form: a table of entries, or RELR's packed addresses (gABI, "Relative Relocation
 * Table").
 */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include "page.h"

/* Where DT_RELA or DT_RELR and the related tags say that relocations are. */
struct table {
    uint64_t address, size, entry_size;
};

struct tables {
    struct table rela, relr;
};

static int read_dynamic(const struct hl_image *image, const Elf64_Phdr *ph, struct tables *tables,
                        struct hl_error *error)
{
    const uint8_t *bytes = image_bytes(image, ph->p_vaddr + image->bias, ph->p_filesz);
    if (!bytes)
        return image_bad(image, error, "a dynamic section outside the file's segments");
    for (size_t at = 0; at + sizeof(Elf64_Dyn) <= ph->p_filesz; at += sizeof(Elf64_Dyn)) {
        Elf64_Dyn dyn;
        memcpy(&dyn, bytes + at, sizeof(dyn));
        switch (dyn.d_tag) {
        case DT_NULL:
            return 0;
        case DT_NEEDED:
            image_error(image, error, HL_ERR_NOT_GUEST, "needs shared libraries");
            hl_error_hint(error, "guests are static: build it with hl-cc");
            return HL_ERR_NOT_GUEST;
        case DT_RELA:
            tables->rela.address = dyn.d_un.d_ptr;
            break;
        case DT_RELASZ:
            tables->rela.size = dyn.d_un.d_val;
            break;
        case DT_RELAENT:
            tables->rela.entry_size = dyn.d_un.d_val;
            break;
        case DT_RELR:
            tables->relr.address = dyn.d_un.d_ptr;
            break;
        case DT_RELRSZ:
            tables->relr.size = dyn.d_un.d_val;
            break;
        case DT_RELRENT:
            tables->relr.entry_size = dyn.d_un.d_val;
            break;
        case DT_REL:
        case DT_JMPREL:
            return image_bad(image, error, "relocations of an unsupported kind (REL or JMPREL)");
        case DT_TEXTREL:
            return image_bad(image, error,
                             "relocations in its code (compile everything with -fPIE)");
        default:
            break;
        }
    }
    return 0;
}

/* *bytes: the table, or NULL if the image does not have it. */
static int find_table(const struct hl_image *image, const struct table *table, size_t entry_size,
                      const uint8_t **bytes, struct hl_error *error)
{
    *bytes = NULL;
    if (!table->size)
        return 0;
    if (table->entry_size != entry_size || table->size % entry_size)
        return image_bad(image, error, "a relocation table of unknown shape");
    *bytes = image_bytes(image, table->address + image->bias, table->size);
    return *bytes ? 0 : image_bad(image, error, "a relocation table outside the file's segments");
}

/* The 8 bytes that a relocation changes, or NULL. */
static uint8_t *place_at(const struct hl_image *image, uint64_t offset)
{
    return (uint8_t *)image_bytes(image, offset + image->bias, sizeof(uint64_t));
}

static int apply_rela(const struct hl_image *image, const struct table *table,
                      struct hl_error *error)
{
    const uint8_t *bytes;
    int rc = find_table(image, table, sizeof(Elf64_Rela), &bytes, error);
    for (size_t at = 0; bytes && at < table->size; at += sizeof(Elf64_Rela)) {
        Elf64_Rela rela;
        memcpy(&rela, bytes + at, sizeof(rela));
        uint32_t type = (uint32_t)ELF64_R_TYPE(rela.r_info);
        if (type == R_X86_64_NONE)
            continue;
        if (type != R_X86_64_RELATIVE)
            return image_error(image, error, HL_ERR_BAD_IMAGE,
                               "unsupported relocation type %u at "
                               "0x%llx",
                               type, (unsigned long long)rela.r_offset);
        uint64_t value = (uint64_t)rela.r_addend + image->bias;
        uint8_t *place = place_at(image, rela.r_offset);
        if (!place)
            return image_bad(image, error, "a relocation outside the file's segments");
        memcpy(place, &value, sizeof(value));
    }
    return rc;
}

#define RELR_WORDS 63u

static void bias_word(const struct hl_image *image, uint8_t *place)
{
    uint64_t value;
    memcpy(&value, place, sizeof(value));
    value += image->bias;
    memcpy(place, &value, sizeof(value));
}

static int add_bias(const struct hl_image *image, uint64_t offset, struct hl_error *error)
{
    uint8_t *place = place_at(image, offset);
    if (!place)
        return image_bad(image, error, "a relocation outside the file's segments");
    bias_word(image, place);
    return 0;
}

/* One bit per word; the segment is looked up once if all words are in the same one. */
static int add_biases(const struct hl_image *image, uint64_t offset, uint64_t bits,
                      struct hl_error *error)
{
    const size_t word = sizeof(uint64_t);
    uint8_t *at = (uint8_t *)image_bytes(image, offset + image->bias, RELR_WORDS * word);
    for (; bits; bits &= bits - 1) {
        unsigned n = (unsigned)__builtin_ctzll(bits);
        if (at) {
            bias_word(image, at + n * word);
            continue;
        }
        int rc = add_bias(image, offset + n * word, error);
        if (rc)
            return rc;
    }
    return 0;
}

/* An even entry is an address; an odd one has a bit for each of the 63 words that follow. */
static int apply_relr(const struct hl_image *image, const struct table *table,
                      struct hl_error *error)
{
    const uint8_t *bytes;
    uint64_t next = 0, entry;
    int rc = find_table(image, table, sizeof(entry), &bytes, error);
    for (size_t at = 0; !rc && bytes && at < table->size; at += sizeof(entry)) {
        memcpy(&entry, bytes + at, sizeof(entry));
        if (!(entry & 1)) {
            rc = add_bias(image, entry, error);
            next = entry + sizeof(entry);
            continue;
        }
        rc = add_biases(image, next, entry >> 1, error);
        next += RELR_WORDS * sizeof(entry);
    }
    return rc;
}

/* Room for a segment: its bytes have the same offset in their page as in the guest's memory. */
static size_t room(const struct image_segment *s)
{
    return (s->address % PAGE_SIZE + s->pub.file_size + PAGE_SIZE - 1) & PAGE_MASK;
}

/* Copy the segments' bytes for relocation: `whole` keeps the file's. */
static int copy_segments(struct hl_image *image, struct hl_error *error)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < image->segment_count; i++)
        total += room(&image->segments[i]);
    if (!memfile_new(&image->moved, "hl-image", total, total >= IMAGE_MAP_MIN))
        return image_error(image, error, HL_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < image->segment_count; i++) {
        struct image_segment *s = &image->segments[i];
        size_t to = at + s->address % PAGE_SIZE;
        if (!memfile_put(&image->moved, to, s->data, s->pub.file_size))
            return image_error(image, error, HL_ERR_MEMORY, "out of memory");
        s->data = image->moved.data + to;
        at += room(s);
    }
    return 0;
}

int image_relocate(struct hl_image *image, struct hl_error *error)
{
    struct tables tables = {0};
    int rc = copy_segments(image, error);
    for (size_t i = 0; !rc && i < image->phnum; i++) {
        Elf64_Phdr ph = image_header(image, i);
        if (ph.p_type == PT_DYNAMIC)
            rc = read_dynamic(image, &ph, &tables, error);
    }
    if (!rc)
        rc = apply_rela(image, &tables.rela, error);
    if (!rc)
        rc = apply_relr(image, &tables.relr, error);
    memfile_seal(&image->moved);
    return rc;
}
