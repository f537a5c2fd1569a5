/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/image.h - open and check the file of a guest program.
 *
 * An image is immutable: any number of sandboxes and threads can share one.  It needs no KVM.
 * Closing it while a sandbox or snapshot made from it is in use is safe: it is freed with the last.
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
 * LIMIT (over one of the bounds below).  hl_image_from_memory() copies the bytes; name is used in
 * messages.
 */
HL_API int hl_image_open(struct hl_image **image, const char *path, struct hl_error *error);
HL_API int hl_image_from_memory(struct hl_image **image, const char *name, const void *data,
                                size_t size, struct hl_error *error);
HL_API void hl_image_close(struct hl_image *image); /* NULL is fine */

/*
 * The same, for files that are not trusted: also LIMIT if the file, or the memory that its segments
 * need, is larger than image_max bytes (0: HL_IMAGE_MAX_DEFAULT).
 */
HL_API int hl_image_open_max(struct hl_image **image, const char *path, size_t image_max,
                             struct hl_error *error);

/*
 * Opening any file, even a hostile one, takes time in proportion to its size (1 to 20 ms of CPU
 * time per MiB; RELR relocations take longest), and at most 1 + HL_IMAGE_REPEAT_MAX times its size
 * plus 1 MiB of memory.  The file is read once, into memory that cannot be changed afterwards:
 * later changes to the file have no effect on what was checked.  If the file is 256 KiB or larger,
 * sandboxes map that memory copy-on-write, except for parts of segments under 64 KiB, which they
 * copy.  More than one PT_DYNAMIC is BAD_IMAGE; going over one of these bounds is LIMIT:
 */
#define HL_IMAGE_FILE_MAX (1ull << 30)   /* bytes of file */
#define HL_IMAGE_MEMORY_MAX (4ull << 30) /* from the lowest to the highest address */
#define HL_IMAGE_HEADERS_MAX 1170        /* program headers: 64 KiB, as in Linux */
#define HL_IMAGE_SEGMENTS_MAX 64         /* PT_LOADs */
#define HL_IMAGE_NOTES_MAX 1024          /* notes in all PT_NOTEs */
#define HL_IMAGE_REPEAT_MAX 2            /* file bytes of all segments / size of the file */
#define HL_IMAGE_FUNCTIONS_MAX 4096
/* Memory of all segments together, unless config.image_max is set (hl/sandbox.h). */
#define HL_IMAGE_MAX_DEFAULT (1ull << 30)

/*
 * The functions below may be called from any thread.  What they return never changes, and is valid
 * as long as the image (for a sandbox's image, as long as the sandbox).
 *
 * The path given to hl_image_open(), or the name given to hl_image_from_memory().  Debuggers, core
 * files and hl/attach.h get the absolute path, made when the image was opened.  The program may
 * change its directory, and the file may be replaced or removed: symbols and debuggers use the
 * bytes that were read.
 */
HL_API const char *hl_image_path(const struct hl_image *image);
/* The bytes of the whole file, for symbolisers; *size is their number. */
HL_API const void *hl_image_data(const struct hl_image *image, size_t *size);

/* Its address in the guest; for a PIE the load bias is already added. */
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
/* The same, but NO_FUNCTION instead of -1, with a hint that lists the guest's functions. */
HL_API int hl_image_require(const struct hl_image *image, const char *name, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
