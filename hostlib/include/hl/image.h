/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/image.h - a guest program's file, read and checked.
 *
 * An image is immutable once opened: any number of sandboxes and threads can share one.  It needs
 * no KVM.  Once closed it stays as long as what was made from it.
 */
#ifndef HL_IMAGE_H
#define HL_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/types.h>
#include <hl/value.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hl_image;

/*
 * Open a guest ELF.  Errors: FILE (absent, a directory, unreadable), NOT_GUEST (not an ELF, another
 * machine, dynamic, no ABI note), ABI_VERSION, BAD_IMAGE (a field out of range, W+X segment, ...),
 * LIMIT (over one of the bounds below).  hl_image_from_memory() copies the bytes; name is for messages.
 */
HL_API int hl_image_open(struct hl_image **image, const char *path, struct hl_error *error);
HL_API int hl_image_from_memory(struct hl_image **image, const char *name, const void *data,
                                size_t size, struct hl_error *error);
HL_API void hl_image_close(struct hl_image *image); /* NULL is fine */

/*
 * The same, for files from strangers: LIMIT also where the file, or the memory that its segments ask
 * for, is larger than image_max (bytes; 0: HL_IMAGE_MAX_DEFAULT).
 */
HL_API int hl_image_open_max(struct hl_image **image, const char *path, size_t image_max,
                             struct hl_error *error);

/*
 * Whatever a file says, opening it takes time in proportion to its size (1 to 20 ms of the processor
 * for each MiB; relocations in RELR's form take the most), and memory of no more than
 * 1 + HL_IMAGE_REPEAT_MAX times its size and 1 MiB.  The file is read once, into memory that nobody
 * can change any more: what becomes of it afterwards, or meanwhile, changes nothing that has been
 * checked.  Of a file of 256 KiB and more, sandboxes map that memory copy-on-write; what of a
 * segment is less than 64 KiB, they copy.  More than one PT_DYNAMIC is BAD_IMAGE; these are LIMIT:
 */
#define HL_IMAGE_FILE_MAX (1ull << 30)   /* bytes of file */
#define HL_IMAGE_MEMORY_MAX (4ull << 30) /* from the lowest to the highest address */
#define HL_IMAGE_HEADERS_MAX 1170        /* program headers: 64 KiB, as in Linux */
#define HL_IMAGE_SEGMENTS_MAX 64         /* PT_LOADs */
#define HL_IMAGE_NOTES_MAX 1024          /* notes looked at for the ABI note, in all PT_NOTEs */
#define HL_IMAGE_REPEAT_MAX 2            /* bytes of all segments together, in times of the file's */
#define HL_IMAGE_FUNCTIONS_MAX 4096
/* Memory of all segments together, where no config.image_max says otherwise (hl/sandbox.h). */
#define HL_IMAGE_MAX_DEFAULT (1ull << 30)

/*
 * What is in the image, for any thread.  All that is returned here lives as long as the image (for
 * a sandbox's image, as long as the sandbox), and never changes.
 *
 * The path, as given to hl_image_open() or the name given to hl_image_from_memory().  Debuggers,
 * core files and hl/attach.h get it absolute, as it was then: the program may change its directory,
 * and the file may be replaced or removed, for symbols and debuggers are served the bytes read.
 */
HL_API const char *hl_image_path(const struct hl_image *image);
/* The whole file's bytes, for symbolisers; *size is their number. */
HL_API const void *hl_image_data(const struct hl_image *image, size_t *size);

/* Where it runs: already with the load bias added where the guest is PIE. */
HL_API hl_gva_t hl_image_entry(const struct hl_image *image);
HL_API uint64_t hl_image_bias(const struct hl_image *image);  /* 0 unless PIE */
HL_API unsigned hl_image_flags(const struct hl_image *image); /* HL_NOTE_LIBC, HL_NOTE_MAIN */
HL_API int hl_image_is_pie(const struct hl_image *image);     /* 1 or 0 */

struct hl_segment {
    hl_gva_t start; /* page-aligned, bias added */
    size_t size;    /* in memory, page-aligned */
    size_t file_size;
    unsigned prot; /* HL_PROT_* of hl/types.h */
};
/* By address, lowest first; NULL for index >= count. */
HL_API size_t hl_image_segment_count(const struct hl_image *image);
HL_API const struct hl_segment *hl_image_segment(const struct hl_image *image, size_t index);

struct hl_function {
    const char *name;
    struct hl_signature signature;
    hl_gva_t entry; /* the author's function, bias added; 0 for an import */
};
/*
 * In the order of the guest's tables; NULL for index >= count, which is at most
 * HL_IMAGE_FUNCTIONS_MAX for each.  A function's index is what hl_sandbox_call_index() takes.
 */
HL_API size_t hl_image_function_count(const struct hl_image *image);
HL_API const struct hl_function *hl_image_function(const struct hl_image *image, size_t index);
HL_API size_t hl_image_import_count(const struct hl_image *image);
HL_API const struct hl_function *hl_image_import(const struct hl_image *image, size_t index);

/* Index of the function called name, or -1. */
HL_API int hl_image_find(const struct hl_image *image, const char *name);
/* The same, but a negative error, NO_FUNCTION, with a hint that lists the functions there are. */
HL_API int hl_image_require(const struct hl_image *image, const char *name, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
