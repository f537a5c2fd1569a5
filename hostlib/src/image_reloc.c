/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_reloc.c - a static PIE's relocations, applied by the host before the guest exists.
 *
 * The guest never relocates itself, so its constant data can be mapped read-only from the start.
 * Only R_X86_64_RELATIVE is needed by a program without dynamic symbols (System V ABI AMD64, 4.4).
 */
#include "image.h"

#include <stdlib.h>
#include <string.h>

/* Where DT_RELA and its companions say the relocations are. */
struct rela_table {
    uint64_t address, size, entry_size;
};

static int read_dynamic(const struct hl_image *image, const GElf_Phdr *ph, struct rela_table *rela,
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
            rela->address = dyn.d_un.d_ptr;
            break;
        case DT_RELASZ:
            rela->size = dyn.d_un.d_val;
            break;
        case DT_RELAENT:
            rela->entry_size = dyn.d_un.d_val;
            break;
        case DT_REL:
        case DT_JMPREL:
        case DT_RELR:
            return image_bad(image, error,
                             "relocations of an unsupported kind (REL, JMPREL or RELR)");
        case DT_TEXTREL:
            return image_bad(image, error,
                             "relocations in its code (compile everything with -fPIE)");
        default:
            break;
        }
    }
    return 0;
}

static int apply(const struct hl_image *image, const struct rela_table *table,
                 struct hl_error *error)
{
    if (!table->size)
        return 0;
    if (table->entry_size != sizeof(Elf64_Rela) || table->size % sizeof(Elf64_Rela))
        return image_bad(image, error, "a relocation table of unknown shape");
    const uint8_t *bytes = image_bytes(image, table->address + image->bias, table->size);
    if (!bytes)
        return image_bad(image, error, "a relocation table outside the file's segments");
    for (size_t at = 0; at < table->size; at += sizeof(Elf64_Rela)) {
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
        uint8_t *place = (uint8_t *)image_bytes(image, rela.r_offset + image->bias, sizeof(value));
        if (!place)
            return image_bad(image, error, "a relocation outside the file's segments");
        memcpy(place, &value, sizeof(value));
    }
    return 0;
}

/* Move the segments' bytes to a copy that can be changed: `data` stays what the file says. */
static int copy_segments(struct hl_image *image, struct hl_error *error)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < image->segment_count; i++)
        total += image->segments[i].pub.file_size;
    image->relocated = malloc(total + 1);
    if (!image->relocated)
        return image_error(image, error, HL_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < image->segment_count; i++) {
        struct image_segment *s = &image->segments[i];
        memcpy(image->relocated + at, s->data, s->pub.file_size);
        s->data = image->relocated + at;
        at += s->pub.file_size;
    }
    return 0;
}

int image_relocate(struct hl_image *image, Elf *elf, struct hl_error *error)
{
    struct rela_table table = {0};
    int rc = copy_segments(image, error);
    for (size_t i = 0; !rc && i < image->phnum; i++) {
        GElf_Phdr ph;
        if (gelf_getphdr(elf, (int)i, &ph) && ph.p_type == PT_DYNAMIC)
            rc = read_dynamic(image, &ph, &table, error);
    }
    return rc ? rc : apply(image, &table, error);
}
