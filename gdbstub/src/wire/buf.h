/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - a growing buffer with a mandatory maximum. */
#ifndef GDB_BUF_H
#define GDB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* failed sticks once an append found no room: a reply is then an error, never a truncated one. */
struct gdb_buf {
    uint8_t *data;
    size_t size, room, max;
    bool failed;
};

void gdb_buf_free(struct gdb_buf *buf);
/* Empty again; a large allocation is kept, it will be needed again. */
void gdb_buf_clear(struct gdb_buf *buf);
/* Room for n more bytes after the first size, or NULL. */
uint8_t *gdb_buf_grow(struct gdb_buf *buf, size_t n);
bool gdb_buf_add(struct gdb_buf *buf, const void *data, size_t n);
bool gdb_buf_byte(struct gdb_buf *buf, uint8_t byte);
bool gdb_buf_text(struct gdb_buf *buf, const char *text);
bool gdb_buf_format(struct gdb_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Two hex digits a byte. */
bool gdb_buf_hex(struct gdb_buf *buf, const void *data, size_t n);
/* As binary packets want it: #, $, } and * are escaped.  At most limit bytes are added; how many
 * bytes of data went in. */
size_t gdb_buf_binary(struct gdb_buf *buf, const void *data, size_t n, size_t limit);
/* Drop the first n bytes. */
void gdb_buf_drop(struct gdb_buf *buf, size_t n);

#endif
