/* SPDX-License-Identifier: Apache-2.0 */
/* session/registers.c - g, G, p and P. */
#include "stub.h"

#include <string.h>

size_t gdb_register_size(const struct gdb_session *s, uint64_t number)
{
    unsigned plain = s->target->description->plain;

    if (number >= GDB_REGISTERS_MAX || !s->registers[number])
        return 0;
    if (!s->described && plain && number >= plain)
        return 0;
    return s->registers[number]->bits / 8u;
}

static int read_register(const struct gdb_session *s, unsigned number, uint8_t *data)
{
    const struct gdb_target *t = s->target;
    size_t size = gdb_register_size(s, number);

    memset(data, 0, GDB_REGISTER_MAX);
    return t->ops->read_register(t->self, number, data, size);
}

int gdb_register_hex(struct gdb_session *s, unsigned number)
{
    uint8_t data[GDB_REGISTER_MAX];
    size_t size = gdb_register_size(s, number);
    int rc = read_register(s, number, data);

    if (!rc) {
        gdb_buf_hex(&s->reply, data, size);
        return 0;
    }
    for (size_t i = 0; i < 2 * size; i++)
        gdb_buf_byte(&s->reply, 'x');
    return rc;
}

enum gdb_result gdb_cmd_read_all(struct gdb_session *s, struct gdb_text *args)
{
    bool any = false;
    int rc = 0;

    (void)args;
    for (unsigned n = 0; n < GDB_REGISTERS_MAX; n++) {
        if (!gdb_register_size(s, n))
            continue;
        rc = gdb_register_hex(s, n);
        any |= !rc;
    }
    /* If none can be read, GDB should report that. */
    return any ? GDB_REPLY : gdb_error_code(s, "cannot read the registers", rc);
}

/* x's stand for a value the client does not know, and leave the register alone. */
static bool skip_unknown(struct gdb_text *args, size_t size)
{
    for (size_t i = 0; i < 2 * size; i++)
        if (args->at[i] != 'x')
            return false;
    args->at += 2 * size;
    return true;
}

/*
 * Only what differs is written: a client writes back registers it never changed (GDB all of them
 * after a call in the guest), and some of those (selectors, system registers) the target would
 * refuse.
 */
static int write_changed(struct gdb_session *s, unsigned number, const uint8_t *data)
{
    const struct gdb_target *t = s->target;
    size_t size = gdb_register_size(s, number);
    uint8_t old[GDB_REGISTER_MAX];

    if (!read_register(s, number, old) && !memcmp(old, data, size))
        return 0;
    return t->ops->write_register(t->self, number, data, size);
}

enum gdb_result gdb_cmd_write_all(struct gdb_session *s, struct gdb_text *args)
{
    size_t size_of_all = s->described ? s->register_bytes : s->plain_bytes;
    uint8_t data[GDB_REGISTER_MAX];
    int rc = 0;

    if (gdb_text_left(args) != 2 * size_of_all)
        return gdb_error(s, "%zu bytes of registers, %zu were sent", size_of_all,
                         gdb_text_left(args) / 2);
    for (unsigned n = 0; n < GDB_REGISTERS_MAX && !rc; n++) {
        size_t size = gdb_register_size(s, n);
        if (!size || skip_unknown(args, size))
            continue;
        if (!gdb_text_hex(args, data, size))
            return gdb_bad_packet(s);
        rc = write_changed(s, n, data);
    }
    return rc ? gdb_error_code(s, "cannot write a register", rc) : gdb_ok(s);
}

enum gdb_result gdb_cmd_read_one(struct gdb_session *s, struct gdb_text *args)
{
    uint64_t number;

    if (!gdb_text_number(args, &number) || gdb_text_left(args))
        return gdb_bad_packet(s);
    if (!gdb_register_size(s, number))
        return gdb_error(s, "no register %llu", (unsigned long long)number);
    gdb_register_hex(s, (unsigned)number);
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_write_one(struct gdb_session *s, struct gdb_text *args)
{
    uint8_t data[GDB_REGISTER_MAX];
    uint64_t number;
    size_t size;
    int rc;

    if (!gdb_text_number(args, &number) || !gdb_text_is(args, '='))
        return gdb_bad_packet(s);
    size = gdb_register_size(s, number);
    if (!size)
        return gdb_error(s, "no register %llu", (unsigned long long)number);
    if (gdb_text_left(args) != 2 * size || !gdb_text_hex(args, data, size))
        return gdb_error(s, "register %llu has %zu bytes", (unsigned long long)number, size);
    rc = write_changed(s, (unsigned)number, data);
    if (rc)
        return gdb_error(s, "cannot write %s: %s", s->registers[number]->name, gdb_err_text(rc));
    return gdb_ok(s);
}
