/* SPDX-License-Identifier: Apache-2.0 */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "hex.h"

void gdb_buf_free(struct gdb_buf *buf)
{
    size_t max = buf->max;

    free(buf->data);
    *buf = (struct gdb_buf){.max = max};
}

void gdb_buf_clear(struct gdb_buf *buf)
{
    buf->size = 0;
    buf->failed = false;
}

uint8_t *gdb_buf_grow(struct gdb_buf *buf, size_t n)
{
    size_t need;
    uint8_t *data;

    if (__builtin_add_overflow(buf->size, n, &need) || need > buf->max) {
        buf->failed = true;
        return NULL;
    }
    data = array_grow(buf->data, &buf->room, need, 1);
    if (!data) {
        buf->failed = true;
        return NULL;
    }
    buf->data = data;
    return buf->data + buf->size;
}

bool gdb_buf_add(struct gdb_buf *buf, const void *data, size_t n)
{
    uint8_t *to = gdb_buf_grow(buf, n);

    if (!to)
        return false;
    if (n)
        memcpy(to, data, n);
    buf->size += n;
    return true;
}

bool gdb_buf_byte(struct gdb_buf *buf, uint8_t byte)
{
    return gdb_buf_add(buf, &byte, 1);
}

bool gdb_buf_text(struct gdb_buf *buf, const char *text)
{
    return gdb_buf_add(buf, text, strlen(text));
}

bool gdb_buf_format(struct gdb_buf *buf, const char *format, ...)
{
    va_list args;
    uint8_t *to;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    to = n < 0 ? NULL : gdb_buf_grow(buf, (size_t)n + 1);
    if (!to)
        return false;
    va_start(args, format);
    vsnprintf((char *)to, (size_t)n + 1, format, args);
    va_end(args);
    buf->size += (size_t)n;
    return true;
}

bool gdb_buf_hex(struct gdb_buf *buf, const void *data, size_t n)
{
    uint8_t *to;
    size_t twice;

    if (__builtin_mul_overflow(n, 2, &twice)) {
        buf->failed = true;
        return false;
    }
    to = gdb_buf_grow(buf, twice);
    if (!to)
        return false;
    hex_encode(to, data, n);
    buf->size += twice;
    return true;
}

static bool special(uint8_t byte)
{
    return byte == '#' || byte == '$' || byte == '}' || byte == '*';
}

size_t gdb_buf_binary(struct gdb_buf *buf, const void *data, size_t n, size_t limit)
{
    const uint8_t *from = data;
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        bool escape = special(from[i]);
        used += 1 + escape;
        if (used > limit)
            return i;
        if ((escape && !gdb_buf_byte(buf, '}')) ||
            !gdb_buf_byte(buf, escape ? from[i] ^ 0x20 : from[i]))
            return i;
    }
    return n;
}

void gdb_buf_drop(struct gdb_buf *buf, size_t n)
{
    if (n >= buf->size) {
        buf->size = 0;
        return;
    }
    memmove(buf->data, buf->data + n, buf->size - n);
    buf->size -= n;
}
