/* SPDX-License-Identifier: Apache-2.0 */
/* elf_file.h - guest files in memory, to be changed and opened. */
#ifndef TESTS_ELF_FILE_H
#define TESTS_ELF_FILE_H

#include "files.h"

#include <elf.h>
#include <hl/image.h>

#define GUEST_FILE(name) TEST_BUILD "/tests/guest/" name

static inline Elf64_Ehdr *file_header(struct bytes *f)
{
    return (Elf64_Ehdr *)(void *)f->data;
}

/* Program header number n (from 0) of this type. */
static inline Elf64_Phdr *file_segment(struct bytes *f, uint32_t type, unsigned n)
{
    Elf64_Phdr *ph = (Elf64_Phdr *)(void *)(f->data + file_header(f)->e_phoff);
    for (unsigned i = 0; i < file_header(f)->e_phnum; i++)
        if (ph[i].p_type == type && n-- == 0)
            return &ph[i];
    fail_msg("no program header of type 0x%x", type);
    return NULL;
}

/* Where in the file an address is. */
static inline uint8_t *file_at(struct bytes *f, uint64_t address)
{
    for (unsigned i = 0; i < 3; i++) {
        const Elf64_Phdr *ph = file_segment(f, PT_LOAD, i);
        if (address >= ph->p_vaddr && address - ph->p_vaddr < ph->p_filesz)
            return f->data + ph->p_offset + (address - ph->p_vaddr);
    }
    fail_msg("0x%llx is not in the file", (unsigned long long)address);
    return NULL;
}

/* Entry of the dynamic section, and the first relocation. */
static inline Elf64_Dyn *file_dynamic(struct bytes *f, int64_t tag)
{
    const Elf64_Phdr *ph = file_segment(f, PT_DYNAMIC, 0);
    Elf64_Dyn *d = (Elf64_Dyn *)(void *)(f->data + ph->p_offset);
    for (size_t i = 0; i < ph->p_filesz / sizeof(*d); i++)
        if (d[i].d_tag == tag)
            return &d[i];
    fail_msg("no dynamic entry %lld", (long long)tag);
    return NULL;
}

static inline Elf64_Rela *file_rela(struct bytes *f)
{
    return (Elf64_Rela *)(void *)file_at(f, file_dynamic(f, DT_RELA)->d_un.d_ptr);
}

/* The ABI note: Elf64_Nhdr, name "HL" in 4 bytes, struct hl_note. */
static inline Elf64_Nhdr *file_note_header(struct bytes *f)
{
    return (Elf64_Nhdr *)(void *)(f->data + file_segment(f, PT_NOTE, 0)->p_offset);
}

/* struct hl_note, with only four bytes of alignment. */
struct file_note {
    uint32_t version, flags;
    int64_t functions, functions_end, imports, imports_end;
} __attribute__((packed, aligned(4)));

static inline struct file_note *file_note(struct bytes *f)
{
    return (struct file_note *)(void *)((uint8_t *)(file_note_header(f) + 1) + 4);
}

/* Descriptor number n of the functions or the imports: their places are relative to their fields.
 */
static inline struct hl_desc *file_desc(struct bytes *f, bool import, unsigned n)
{
    const Elf64_Phdr *ph = file_segment(f, PT_NOTE, 0);
    const struct file_note *note = file_note(f);
    uint64_t field =
        import ? offsetof(struct file_note, imports) : offsetof(struct file_note, functions);
    uint64_t place = (uint64_t)(import ? note->imports : note->functions);
    uint64_t at =
        ph->p_vaddr + (uint64_t)((const uint8_t *)note - f->data) - ph->p_offset + field + place;
    return (struct hl_desc *)(void *)file_at(f, at + n * sizeof(struct hl_desc));
}

/* Open it: 0 (and closed again), or the error's code, after a look at the error. */
static inline int file_open(const struct bytes *f, struct hl_error *error)
{
    struct hl_image *image = NULL;
    int rc = hl_image_from_memory(&image, "file", f->data, f->size, error);
    if (rc == 0) {
        assert_non_null(image);
        hl_image_close(image);
        return 0;
    }
    assert_null(image);
    check_error(error, rc);
    return rc;
}

#endif
