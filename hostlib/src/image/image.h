/* SPDX-License-Identifier: Apache-2.0 */
/* image.h - the inside of an image, for hostlib's own files (hl/image.h is the public part). */
#ifndef HL_IMAGE_INTERNAL_H
#define HL_IMAGE_INTERNAL_H

#include <hl/image.h>

#include <elf.h>
#include <stdatomic.h>

#include "memfile.h"

/* In bytes; below it, a copy for each sandbox is as fast as a mapping. */
#define IMAGE_MAP_MIN (256u << 10)

struct image_segment {
    struct hl_segment pub;
    hl_gva_t address;    /* p_vaddr + bias: where the bytes start */
    const uint8_t *data; /* file_size of them; in `whole` or `moved` below */
    uint64_t offset;     /* of them in the file */
};

struct hl_image {
    atomic_uint users;   /* other than the opener */
    char *path;          /* as the caller wrote it, for messages */
    char *file;          /* absolute, as it was when opened; NULL: from memory */
    const uint8_t *data; /* the whole file */
    size_t size;
    struct memfile whole; /* which is here */
    struct memfile moved; /* PIE: the segments' bytes after relocation, on pages of their own */
    int pie;
    uint64_t bias;
    hl_gva_t entry;
    struct image_segment *segments;
    size_t segment_count;
    hl_gva_t phdr;          /* of the program headers in memory, 0: not there */
    const uint8_t *headers; /* phnum of them, in the file */
    uint16_t phnum;
    struct hl_note note;
    hl_gva_t note_at;
    struct hl_function *functions, *imports;
    size_t function_count, import_count;
    uint32_t *by_name; /* indices of functions, sorted */
    uint64_t load_ns;  /* what opening it took */
};

/* Keep the image for an object made from it; hl_image_close() releases it. */
const struct hl_image *image_use(const struct hl_image *image);
void image_unuse(const struct hl_image *image);

/* The path for use from another directory, as the program may have changed its own. */
static inline const char *image_file(const struct hl_image *image)
{
    return image->file ? image->file : image->path;
}

/* image/file.c: the bytes of a file, or those given, in sealed memory of the library. */
int image_read_file(const char *path, uint64_t max, struct memfile *bytes, struct hl_error *error);
int image_copy_bytes(const char *name, const void *data, size_t size, struct memfile *bytes,
                     struct hl_error *error);

/* image/parse.c: check the whole file and fill in the image. */
int image_parse(struct hl_image *image, struct hl_error *error);
/* LIMIT if it needs more memory than image_max. */
int image_check_max(const struct hl_image *image, uint64_t image_max, struct hl_error *error);

/* image/segment.c: program header number i, which must exist. */
Elf64_Phdr image_header(const struct hl_image *image, size_t i);
bool image_in_code(const struct hl_image *image, hl_gva_t gva);
/* The bytes of [gva, gva + size) if the file has them all, else NULL. */
const uint8_t *image_bytes(const struct hl_image *image, hl_gva_t gva, size_t size);

/* image/reloc.c: apply a PIE's relocations to image->moved. */
int image_relocate(struct hl_image *image, struct hl_error *error);

/* image/table.c: find the ABI note; a file without it is not a guest. */
int image_find_note(struct hl_image *image, struct hl_error *error);
/* Read the two tables the note points to; segments are known and relocated. */
int image_read_tables(struct hl_image *image, struct hl_error *error);

/* image/bad.c: hl_error_set(), with the image's path before the text. */
int image_error(const struct hl_image *image, struct hl_error *error, int code, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

/* HL_ERR_BAD_IMAGE; the text says what is wrong. */
int image_bad(const struct hl_image *image, struct hl_error *error, const char *what);

#endif
