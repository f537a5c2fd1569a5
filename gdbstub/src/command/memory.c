/* SPDX-License-Identifier: Apache-2.0 */
/* command/memory.c - m, x, M, X, qCRC and qSearch: a failed read is an error, never zeros. */
#include "stub.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 65536u
#define SCAN_MAX (1ull << 34) /* bytes one qCRC or qSearch may look at */

static enum gdb_result no_access(struct gdb_session *s, uint64_t address)
{
    return gdb_error(s, "cannot access memory at 0x%llx", (unsigned long long)address);
}

/* At most what fits a reply; the end of the address space bounds it too. */
static size_t clip(uint64_t address, uint64_t size, size_t max)
{
    uint64_t left = 0 - address; /* 0: the whole space */

    if (left && size > left)
        size = left;
    return size < max ? (size_t)size : max;
}

static enum gdb_result read_memory(struct gdb_session *s, struct gdb_text *args, bool binary)
{
    const struct gdb_target *t = s->target;
    uint64_t address, size;
    uint8_t *data;
    size_t want, got;

    if (!gdb_text_pair(args, &address, &size) || gdb_text_left(args))
        return gdb_bad_packet(s);
    want = clip(address, size, GDB_PACKET_SIZE / 2);
    data = malloc(want ? want : 1);
    if (!data)
        return gdb_error(s, "out of memory");
    got = want ? t->ops->read_memory(t->self, address, data, want) : 0;
    if (got > want || (want && !got)) {
        free(data);
        return no_access(s, address);
    }
    if (binary) {
        gdb_buf_byte(&s->reply, 'b');
        gdb_buf_binary(&s->reply, data, got, GDB_PACKET_SIZE - 1);
    } else {
        gdb_buf_hex(&s->reply, data, got);
    }
    free(data);
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_read(struct gdb_session *s, struct gdb_text *args)
{
    enum gdb_result result = read_memory(s, args, false);

    /* A GDB before 16 takes a text for the bytes it asked for: "Invalid hex digit 46". */
    if (!s->error_message && s->reply.size > 1 && s->reply.data[1] == '.') {
        gdb_buf_clear(&s->reply);
        gdb_buf_text(&s->reply, "E01");
    }
    return result;
}

enum gdb_result gdb_cmd_read_binary(struct gdb_session *s, struct gdb_text *args)
{
    return read_memory(s, args, true);
}

static enum gdb_result write_memory(struct gdb_session *s, uint64_t address, const uint8_t *data,
                                    size_t size)
{
    const struct gdb_target *t = s->target;

    if (clip(address, size, size) != size)
        return no_access(s, address);
    if (size && t->ops->write_memory(t->self, address, data, size) != size)
        return no_access(s, address);
    return gdb_ok(s);
}

enum gdb_result gdb_cmd_write(struct gdb_session *s, struct gdb_text *args)
{
    enum gdb_result result;
    uint64_t address, size;
    uint8_t *data;

    if (!gdb_text_pair(args, &address, &size) || !gdb_text_is(args, ':') ||
        size > GDB_PACKET_SIZE || gdb_text_left(args) != 2 * size)
        return gdb_bad_packet(s);
    data = malloc(size ? size : 1);
    if (!data)
        return gdb_error(s, "out of memory");
    if (gdb_text_hex(args, data, size))
        result = write_memory(s, address, data, size);
    else
        result = gdb_bad_packet(s);
    free(data);
    return result;
}

enum gdb_result gdb_cmd_write_binary(struct gdb_session *s, struct gdb_text *args)
{
    uint64_t address, size;
    uint8_t *data;
    ptrdiff_t got;

    if (!gdb_text_pair(args, &address, &size) || !gdb_text_is(args, ':'))
        return gdb_bad_packet(s);
    data = (uint8_t *)(uintptr_t)args->at; /* the packet is ours to change */
    got = gdb_unescape(data, gdb_text_left(args));
    if (got < 0 || (uint64_t)got != size)
        return gdb_bad_packet(s);
    return write_memory(s, address, data, (size_t)got);
}

/* GDB's CRC of `compare-sections`: polynomial 0x04c11db7, most significant bit first, seed ~0. */
static uint32_t crc32_msb(uint32_t crc, const uint8_t *data, size_t size)
{
    static const uint32_t nibble[16] = {0x00000000, 0x04c11db7, 0x09823b6e, 0x0d4326d9,
                                        0x130476dc, 0x17c56b6b, 0x1a864db2, 0x1e475005,
                                        0x2608edb8, 0x22c9f00f, 0x2f8ad6d6, 0x2b4bcb61,
                                        0x350c9b64, 0x31cd86d3, 0x3c8ea00a, 0x384fbdbd};

    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)data[i] << 24;
        crc = crc << 4 ^ nibble[crc >> 28];
        crc = crc << 4 ^ nibble[crc >> 28];
    }
    return crc;
}

enum gdb_result gdb_cmd_crc(struct gdb_session *s, struct gdb_text *args)
{
    const struct gdb_target *t = s->target;
    uint64_t address, size;
    uint32_t crc = 0xffffffff;
    uint8_t *data;

    if (!gdb_text_pair(args, &address, &size) || gdb_text_left(args))
        return gdb_bad_packet(s);
    if (size > SCAN_MAX || clip(address, size, (size_t)size) != size)
        return no_access(s, address);
    data = malloc(CHUNK);
    if (!data)
        return gdb_error(s, "out of memory");
    while (size) {
        size_t n = size < CHUNK ? (size_t)size : CHUNK;
        if (t->ops->read_memory(t->self, address, data, n) != n)
            break;
        crc = crc32_msb(crc, data, n);
        address += n;
        size -= n;
    }
    free(data);
    if (size)
        return no_access(s, address);
    gdb_buf_format(&s->reply, "C%x", (unsigned)crc);
    return GDB_REPLY;
}

/* 1 found, 0 not there, -1 memory that cannot be read before it was found (*at: where). */
static int search(const struct gdb_target *t, uint64_t *at, uint64_t size, const uint8_t *pattern,
                  size_t length, uint8_t *data)
{
    while (size >= length) {
        size_t n = size < CHUNK + length - 1 ? (size_t)size : CHUNK + length - 1;
        size_t got = t->ops->read_memory(t->self, *at, data, n);
        const uint8_t *found = got <= n ? memmem(data, got, pattern, length) : NULL;

        if (found) {
            *at += (uint64_t)(found - data);
            return 1;
        }
        if (got != n)
            return -1;
        n -= length - 1; /* a match may begin in the tail */
        *at += n;
        size -= n;
    }
    return 0;
}

enum gdb_result gdb_cmd_search(struct gdb_session *s, struct gdb_text *args)
{
    uint64_t address, size;
    uint8_t *pattern, *data;
    ptrdiff_t length;
    int found;

    if (!gdb_text_number(args, &address) || !gdb_text_is(args, ';') ||
        !gdb_text_number(args, &size) || !gdb_text_is(args, ';'))
        return gdb_bad_packet(s);
    pattern = (uint8_t *)(uintptr_t)args->at;
    length = gdb_unescape(pattern, gdb_text_left(args));
    if (length <= 0)
        return gdb_bad_packet(s);
    size = clip(address, size, SCAN_MAX);
    data = malloc(CHUNK + (size_t)length);
    if (!data)
        return gdb_error(s, "out of memory");
    found = search(s->target, &address, size, pattern, (size_t)length, data);
    free(data);
    if (found < 0)
        return no_access(s, address);
    if (found)
        gdb_buf_format(&s->reply, "1,%llx", (unsigned long long)address);
    else
        gdb_buf_byte(&s->reply, '0');
    return GDB_REPLY;
}
