/* SPDX-License-Identifier: Apache-2.0 */
/* command/insert.c - the Z and z packets, with the bytecode that may come along. */
#include "stub.h"

#include <stdlib.h>

#define CODE_MAX (1u << 20) /* bytes of the conditions or commands of one point */

/* "X3,aabbcc" once or more often. */
static bool parse_code(struct gdb_text *text, struct gdb_code *code)
{
    uint64_t size;
    uint32_t stored;

    while (gdb_text_is(text, 'X')) {
        uint8_t *to;
        if (!gdb_text_number(text, &size) || !gdb_text_is(text, ',') || size > CODE_MAX)
            return false;
        to = gdb_buf_grow(&code->bytes, (size_t)size);
        if (!to || !gdb_text_hex(text, to, (size_t)size))
            return false;
        code->bytes.size += (size_t)size;
        stored = (uint32_t)size;
        if (!gdb_buf_add(&code->sizes, &stored, sizeof(stored)))
            return false;
    }
    return true;
}

/* After type, address and kind: ";X..." conditions, ";cmds:PERSIST,X..." commands. */
static bool parse_lists(struct gdb_text *args, struct gdb_entry *entry)
{
    uint64_t persist;

    while (gdb_text_is(args, ';')) {
        if (gdb_text_word(args, "cmds:")) {
            /* Persistence is not ours to give: with the debugger goes every point. */
            if (!gdb_text_number(args, &persist) || !gdb_text_is(args, ',') ||
                !parse_code(args, &entry->commands))
                return false;
        } else if (!parse_code(args, &entry->conditions)) {
            return false;
        }
    }
    return !gdb_text_left(args);
}

static bool parse_point(struct gdb_text *args, uint64_t *type, uint64_t *address, uint64_t *size)
{
    return gdb_text_number(args, type) && gdb_text_is(args, ',') &&
           gdb_text_pair(args, address, size);
}

static bool known(const struct gdb_session *s, uint64_t type)
{
    return type <= GDB_WATCH_ACCESS && (s->target->points & GDB_POINT_BIT(type));
}

static bool good_range(enum gdb_point point, uint64_t address, uint64_t size)
{
    uint64_t end;

    if (point < GDB_WATCH_WRITE)
        return size <= 16;
    return size && !__builtin_add_overflow(address, size - 1, &end);
}

static enum gdb_result insert(struct gdb_session *s, struct gdb_entry *entry)
{
    const struct gdb_target *t = s->target;
    enum gdb_point point = entry->point;
    uint64_t address = entry->address;
    size_t size = entry->size;
    bool had = gdb_points_has(&s->points, point, address, size);
    int rc = had ? 0 : t->ops->insert_point(t->self, point, address, size);

    if (rc) {
        gdb_entry_free(entry);
        return gdb_error_code(s, "cannot insert it", rc);
    }
    rc = gdb_points_put(&s->points, entry);
    if (!rc)
        return gdb_ok(s);
    t->ops->remove_point(t->self, point, address, size);
    return gdb_error_code(s, "cannot insert it", rc);
}

enum gdb_result gdb_cmd_insert(struct gdb_session *s, struct gdb_text *args)
{
    uint64_t type, address, size;
    struct gdb_entry *entry;

    if (!parse_point(args, &type, &address, &size))
        return gdb_bad_packet(s);
    if (!known(s, type))
        return GDB_REPLY;
    if (!good_range((enum gdb_point)type, address, size))
        return gdb_error(s, "bad address or length");
    entry = calloc(1, sizeof(*entry));
    if (!entry)
        return gdb_error(s, "out of memory");
    entry->point = (enum gdb_point)type;
    entry->address = address;
    entry->size = (size_t)size;
    entry->conditions.bytes.max = entry->commands.bytes.max = CODE_MAX;
    entry->conditions.sizes.max = entry->commands.sizes.max = CODE_MAX;
    if (parse_lists(args, entry))
        return insert(s, entry);
    gdb_entry_free(entry);
    return gdb_bad_packet(s);
}

enum gdb_result gdb_cmd_remove(struct gdb_session *s, struct gdb_text *args)
{
    const struct gdb_target *t = s->target;
    uint64_t type, address, size;
    int rc;

    if (!parse_point(args, &type, &address, &size) || gdb_text_left(args))
        return gdb_bad_packet(s);
    if (!known(s, type))
        return GDB_REPLY;
    if (!gdb_points_has(&s->points, (enum gdb_point)type, address, (size_t)size))
        return gdb_ok(s);
    rc = t->ops->remove_point(t->self, (enum gdb_point)type, address, (size_t)size);
    if (rc)
        return gdb_error_code(s, "cannot remove it", rc);
    gdb_points_drop(&s->points, (enum gdb_point)type, address, (size_t)size);
    return gdb_ok(s);
}
