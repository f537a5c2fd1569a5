/* SPDX-License-Identifier: Apache-2.0 */
/* image/segment.c - find headers by number, and bytes of a file by address. */
#include "image.h"

#include <string.h>

#include <hl/machine.h>

#include "sorted.h"

/* The segment with the highest start not above gva, or NULL. */
static const struct image_segment *segment_below(const struct hl_image *image, hl_gva_t gva)
{
    size_t low = SORTED_UP_TO(image->segments, image->segment_count, pub.start, gva);
    return low ? &image->segments[low - 1] : NULL;
}

const uint8_t *image_bytes(const struct hl_image *image, hl_gva_t gva, size_t size)
{
    const struct image_segment *s = segment_below(image, gva);
    return s && gva >= s->address && gva - s->address <= s->pub.file_size &&
                   size <= s->pub.file_size - (gva - s->address)
               ? s->data + (gva - s->address)
               : NULL;
}

bool image_in_code(const struct hl_image *image, hl_gva_t gva)
{
    const struct image_segment *s = segment_below(image, gva);
    return s && (s->pub.prot & HL_PROT_EXEC) && gva - s->pub.start < s->pub.size;
}

Elf64_Phdr image_header(const struct hl_image *image, size_t i)
{
    Elf64_Phdr ph;
    memcpy(&ph, image->headers + i * sizeof(ph), sizeof(ph));
    return ph;
}
