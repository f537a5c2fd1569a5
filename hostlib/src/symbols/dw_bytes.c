/* SPDX-License-Identifier: Apache-2.0 */
#include "dw.h"

#include <string.h>

/* memcpy() of a size that the compiler does not know is a call. */
uint64_t dw_fixed(struct dw_bytes *b, unsigned size)
{
    uint64_t value = 0;
    uint32_t half = 0;

    if (!dw_skip(b, size))
        return 0;
    switch (size) {
    case 1:
        return b->at[-1];
    case 4:
        memcpy(&half, b->at - 4, 4);
        return half;
    case 8:
        memcpy(&value, b->at - 8, 8);
        return value;
    default:
        for (unsigned i = 0; i < size && i < 8; i++)
            value |= (uint64_t)b->at[(int)i - (int)size] << (8 * i);
        return value;
    }
}

uint64_t dw_uleb(struct dw_bytes *b)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 70 && dw_skip(b, 1); shift += 7) {
        uint8_t byte = b->at[-1];

        value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (!(byte & 0x80))
            return value;
    }
    b->at = b->end = NULL;
    return 0;
}

int64_t dw_sleb(struct dw_bytes *b)
{
    const uint8_t *from = b->at;
    uint64_t value = dw_uleb(b);
    size_t bits = b->at ? 7 * (size_t)(b->at - from) : 64;

    if (bits < 64 && (b->at[-1] & 0x40))
        value |= UINT64_MAX << bits;
    return (int64_t)value;
}

/* Errors are sticky: nothing more can be read. */
bool dw_skip(struct dw_bytes *b, uint64_t size)
{
    if (!b->at || size > (size_t)(b->end - b->at)) {
        b->at = b->end = NULL;
        return false;
    }
    b->at += size;
    return true;
}

bool dw_good(const struct dw_bytes *b)
{
    return b->at != NULL;
}

const char *dw_text(struct hl_budget *budget, struct dw_bytes *b)
{
    size_t size = b->at ? (size_t)(b->end - b->at) : 0;
    const char *text = (const char *)b->at;
    const char *end;

    size = size < DW_TEXT_MAX ? size : DW_TEXT_MAX;
    end = size ? memchr(text, '\0', size) : NULL;
    if (!end || !budget_take(budget, 1 + (uint64_t)(end - text) / 64)) {
        b->at = b->end = NULL;
        return NULL;
    }
    b->at += end - text + 1;
    return text;
}

bool dw_at(const struct dw_file *file, enum dw_section section, uint64_t offset,
           struct dw_bytes *out)
{
    *out = file->section[section];
    return dw_skip(out, offset);
}

const char *dw_text_at(struct dw_file *file, enum dw_section section, uint64_t offset)
{
    struct dw_bytes b;

    return file && dw_at(file, section, offset, &b) ? dw_text(file->budget, &b) : NULL;
}

bool dw_length(struct dw_bytes *b, uint8_t *offset_size, struct dw_bytes *unit)
{
    uint64_t length = dw_fixed(b, 4);

    *offset_size = 4;
    if (length == 0xffffffff) {
        length = dw_fixed(b, 8);
        *offset_size = 8;
    }
    unit->at = b->at;
    if (!dw_good(b) || !dw_skip(b, length))
        return false;
    unit->end = b->at;
    return true;
}
