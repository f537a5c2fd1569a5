/* SPDX-License-Identifier: Apache-2.0 */
/* image/image.c - create, share and free images; accessors. */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "page.h"

/* Takes ownership of the bytes, even on failure. */
static int open_bytes(struct hl_image **out, const char *name, struct memfile *bytes,
                      uint64_t image_max, struct hl_error *error)
{
    struct hl_image *image = calloc(1, sizeof(*image));
    if (!image || !(image->path = strdup(name))) {
        free(image);
        memfile_free(bytes);
        return hl_error_set(error, HL_ERR_MEMORY, "%s: out of memory", name);
    }
    image->whole = *bytes;
    image->data = bytes->data;
    image->size = bytes->size;
    image->moved.fd = -1;
    int rc = image_parse(image, error);
    if (!rc)
        rc = image_check_max(image, image_max, error);
    if (rc) {
        hl_image_close(image);
        return rc;
    }
    *out = image;
    return 0;
}

static int open_file(struct hl_image **image, const char *path, uint64_t image_max,
                     struct hl_error *error)
{
    struct memfile bytes;
    if (!image || !path)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no path");
    uint64_t began = clock_now();
    int rc = image_read_file(path, image_max, &bytes, error);
    if (!rc)
        rc = open_bytes(image, path, &bytes, image_max, error);
    if (!rc) {
        (*image)->file = realpath(path, NULL);
        (*image)->load_ns = clock_now() - began;
    }
    return rc;
}

int hl_image_open(struct hl_image **image, const char *path, struct hl_error *error)
{
    return open_file(image, path, HL_IMAGE_MEMORY_MAX, error);
}

int hl_image_open_max(struct hl_image **image, const char *path, size_t image_max,
                      struct hl_error *error)
{
    return open_file(image, path, image_max ? image_max : HL_IMAGE_MAX_DEFAULT, error);
}

int hl_image_from_memory(struct hl_image **image, const char *name, const void *data, size_t size,
                         struct hl_error *error)
{
    struct memfile bytes;
    if (!image || !name || (!data && size))
        return hl_error_set(error, HL_ERR_ARGUMENT, "no data");
    int rc = image_copy_bytes(name, data, size, &bytes, error);
    return rc ? rc : open_bytes(image, name, &bytes, HL_IMAGE_MEMORY_MAX, error);
}

const struct hl_image *image_use(const struct hl_image *image)
{
    atomic_fetch_add(&((struct hl_image *)(uintptr_t)image)->users, 1);
    return image;
}

void image_unuse(const struct hl_image *image)
{
    hl_image_close((struct hl_image *)(uintptr_t)image);
}

void hl_image_close(struct hl_image *image)
{
    if (!image || atomic_fetch_sub(&image->users, 1))
        return;
    free(image->by_name);
    free(image->functions);
    free(image->imports);
    free(image->segments);
    memfile_free(&image->moved);
    memfile_free(&image->whole);
    free(image->file);
    free(image->path);
    free(image);
}

const char *hl_image_path(const struct hl_image *image)
{
    return image->path;
}

const void *hl_image_data(const struct hl_image *image, size_t *size)
{
    *size = image->size;
    return image->data;
}

hl_gva_t hl_image_entry(const struct hl_image *image)
{
    return image->entry;
}

uint64_t hl_image_bias(const struct hl_image *image)
{
    return image->bias;
}

unsigned hl_image_flags(const struct hl_image *image)
{
    return image->note.flags;
}

int hl_image_is_pie(const struct hl_image *image)
{
    return image->pie;
}

size_t hl_image_segment_count(const struct hl_image *image)
{
    return image->segment_count;
}

const struct hl_segment *hl_image_segment(const struct hl_image *image, size_t index)
{
    return index < image->segment_count ? &image->segments[index].pub : NULL;
}
