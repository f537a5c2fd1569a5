/* SPDX-License-Identifier: Apache-2.0 */
/* kit.h - packets in, replies out, as text in C strings. */
#ifndef KIT_H
#define KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_target.h"
#include "stub.h"

struct kit {
    struct fake fake;
    struct gdb_session s;
    char text[2 * GDB_PACKET_SIZE + 64];
    size_t size;
};

/* Undo one frame at *at, moving it on; the size of the body, or -1: none there. */
static inline long unframe(const uint8_t *data, size_t size, size_t *at, char *body, size_t room)
{
    size_t n = 0, i = *at;
    unsigned sum = 0;
    char hex[3] = "";

    while (i < size && (data[i] == '+' || data[i] == '-'))
        i++;
    if (i == size || (data[i] != '$' && data[i] != '%')) /* a notification is named in its body */
        return -1;
    for (i++; i < size && data[i] != '#'; i++) {
        sum += data[i];
        if (data[i] == '*') {
            unsigned count = data[++i] - 29u;
            sum += data[i];
            assert_true(n && data[i] >= ' ' && data[i] <= '~');
            assert_null(memchr("#$+-", data[i], 4));
            assert_true(n + count < room);
            memset(body + n, body[n - 1], count);
            n += count;
            continue;
        }
        assert_int_not_equal(data[i], '$');
        assert_true(n + 1 < room);
        body[n++] = (char)data[i];
    }
    assert_true(i + 3 <= size);
    memcpy(hex, data + i + 1, 2);
    assert_int_equal(strtoul(hex, NULL, 16), sum & 0xff);
    body[n] = '\0';
    *at = i + 3;
    return (long)n;
}

static inline void feed(struct kit *k, const void *body, size_t size)
{
    char end[8], c = '$';
    unsigned sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += ((const uint8_t *)body)[i];
    snprintf(end, sizeof(end), "#%02x", sum & 0xff);
    gdb_session_input(&k->s, (const uint8_t *)&c, 1);
    gdb_session_input(&k->s, body, size);
    gdb_session_input(&k->s, (const uint8_t *)end, 3);
}

/* The next frame in k->text; false: no more frames. */
static inline bool take(struct kit *k)
{
    size_t at = 0;
    long n;

    gdb_session_event(&k->s);
    gdb_session_event(&k->s); /* one event may lead to the next */
    n = unframe(k->s.out.data, k->s.out.size, &at, k->text, sizeof(k->text));
    if (n < 0)
        return false;
    k->size = (size_t)n;
    gdb_buf_drop(&k->s.out, at);
    return true;
}

static inline const char *ask(struct kit *k, const char *packet)
{
    feed(k, packet, strlen(packet));
    assert_true(take(k));
    return k->text;
}

static inline void silent(struct kit *k)
{
    assert_false(take(k));
}

#define expect(k, packet, reply) assert_string_equal(ask(k, packet), reply)
#define expect_error(k, packet) assert_memory_equal(ask(k, packet), "E.", 2)

#define FEATURES "qSupported:multiprocess+;swbreak+;hwbreak+;error-message+;xmlRegisters=arm,i386,x"

/* A session that has said hello, with acks off. */
static inline int setup(void **state)
{
    struct kit *k = calloc(1, sizeof(*k));

    if (!k || fake_init(&k->fake) || gdb_session_init(&k->s, &k->fake.target))
        return -1;
    feed(k, FEATURES, strlen(FEATURES));
    take(k);
    ask(k, "QStartNoAckMode");
    *state = k;
    return 0;
}

static inline int teardown(void **state)
{
    struct kit *k = *state;

    gdb_session_end(&k->s);
    gdb_session_free(&k->s);
    fake_free(&k->fake);
    free(k);
    return 0;
}

#endif
