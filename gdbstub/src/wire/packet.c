/* SPDX-License-Identifier: Apache-2.0 */
#include "packet.h"

#include "hex.h"

static enum gdb_frame outside(struct gdb_parser *parser, uint8_t byte)
{
    switch (byte) {
    case '$':
        gdb_buf_clear(&parser->body);
        parser->sum = 0;
        parser->too_long = false;
        parser->state = GDB_BODY;
        return GDB_FRAME_MORE;
    case '+':
        return GDB_FRAME_ACK;
    case '-':
        return GDB_FRAME_NAK;
    case 0x03:
        return GDB_FRAME_INTERRUPT;
    default:
        return GDB_FRAME_NOISE;
    }
}

static enum gdb_frame in_body(struct gdb_parser *parser, uint8_t byte)
{
    if (byte == '#') {
        parser->state = GDB_SUM_HIGH;
        return GDB_FRAME_MORE;
    }
    if (byte == '$') /* never inside a packet: the one before was cut short */
        return outside(parser, byte);
    parser->sum = (uint8_t)(parser->sum + byte);
    if (!parser->too_long && !gdb_buf_byte(&parser->body, byte))
        parser->too_long = true;
    return GDB_FRAME_MORE;
}

enum gdb_frame gdb_parse(struct gdb_parser *parser, uint8_t byte)
{
    int low;

    switch (parser->state) {
    case GDB_OUTSIDE:
        return outside(parser, byte);
    case GDB_BODY:
        return in_body(parser, byte);
    case GDB_SUM_HIGH:
        parser->high = hex_digit(byte);
        parser->state = GDB_SUM_LOW;
        return GDB_FRAME_MORE;
    case GDB_SUM_LOW:
        break;
    }
    parser->state = GDB_OUTSIDE;
    low = hex_digit(byte);
    if (parser->high < 0 || low < 0 || (parser->high << 4 | low) != parser->sum)
        return GDB_FRAME_BAD;
    if (parser->too_long) {
        gdb_buf_clear(&parser->body);
        return GDB_FRAME_LONG;
    }
    return GDB_FRAME_PACKET;
}

/*
 * A run is written as its byte, '*' and a printable count of the repeats.  The count must not read
 * as a frame's start or end or as an ack, and is at most '~'.
 */
static size_t repeats(const uint8_t *at, size_t left)
{
    size_t n = 1;

    while (n < left && n <= 97 && at[n] == at[0])
        n++;
    n--;
    if (n < 3)
        return 0;
    while (n + 29 == '#' || n + 29 == '$' || n + 29 == '+' || n + 29 == '-')
        n--;
    return n;
}

static bool encode(struct gdb_buf *out, char lead, const void *body, size_t size)
{
    const uint8_t *from = body;
    uint8_t *start = gdb_buf_grow(out, size + 4), *to = start;
    uint8_t sum = 0;

    if (!start)
        return false;
    *to++ = (uint8_t)lead;
    for (size_t i = 0; i < size; i++) {
        size_t n = i + 3 < size && from[i + 1] == from[i] ? repeats(from + i, size - i) : 0;
        *to++ = from[i];
        sum = (uint8_t)(sum + from[i]);
        if (n) {
            *to++ = '*';
            *to++ = (uint8_t)(n + 29);
            sum = (uint8_t)(sum + '*' + n + 29);
            i += n;
        }
    }
    *to++ = '#';
    hex_encode(to, &sum, 1);
    to += 2;
    out->size += (size_t)(to - start);
    return true;
}

bool gdb_encode(struct gdb_buf *out, const void *body, size_t size)
{
    return encode(out, '$', body, size);
}

bool gdb_encode_notification(struct gdb_buf *out, const void *body, size_t size)
{
    return encode(out, '%', body, size);
}
