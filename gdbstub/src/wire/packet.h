/* SPDX-License-Identifier: Apache-2.0 */
/* packet.h - frames: a byte-fed parser of what comes in, an encoder of what goes out. */
#ifndef GDB_PACKET_H
#define GDB_PACKET_H

#include "buf.h"

enum gdb_frame {
    GDB_FRAME_MORE,      /* nothing complete yet */
    GDB_FRAME_PACKET,    /* body holds it, escapes still in it */
    GDB_FRAME_BAD,       /* a packet with a wrong checksum */
    GDB_FRAME_LONG,      /* a good packet longer than body's maximum; body is empty */
    GDB_FRAME_INTERRUPT, /* 0x03 between packets */
    GDB_FRAME_ACK,
    GDB_FRAME_NAK,
    GDB_FRAME_NOISE, /* a byte that belongs to nothing */
};

struct gdb_parser {
    enum { GDB_OUTSIDE, GDB_BODY, GDB_SUM_HIGH, GDB_SUM_LOW } state;
    struct gdb_buf body;
    uint8_t sum;
    int high;
    bool too_long;
};

/* Feed one byte.  body is valid until the next one. */
enum gdb_frame gdb_parse(struct gdb_parser *parser, uint8_t byte);

/* Append $body#sum to out, runs shortened when that saves room. */
bool gdb_encode(struct gdb_buf *out, const void *body, size_t size);
/* The same as %body#sum, which is not acknowledged. */
bool gdb_encode_notification(struct gdb_buf *out, const void *body, size_t size);

#endif
