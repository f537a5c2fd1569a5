/* SPDX-License-Identifier: Apache-2.0 */
/* session/catch.c - QCatchSyscalls: which system calls are stops. */
#include "stub.h"

/* After "1": ";1;3c", numbers in hex. */
static bool parse_numbers(struct gdb_text *args, struct gdb_buf *numbers)
{
    uint64_t number;

    while (gdb_text_left(args))
        if (!gdb_text_is(args, ';') || !gdb_text_number(args, &number) ||
            !gdb_buf_add(numbers, &number, sizeof(number)))
            return false;
    return true;
}

static int set(struct gdb_session *s, const struct gdb_catch *catch)
{
    const struct gdb_target *t = s->target;

    return t->ops->catch_syscalls ? t->ops->catch_syscalls(t->self, catch) : 0;
}

void gdb_catch_none(struct gdb_session *s)
{
    set(s, NULL);
    gdb_buf_free(&s->catch_numbers);
}

enum gdb_result gdb_cmd_catch_syscalls(struct gdb_session *s, struct gdb_text *args)
{
    bool on = gdb_text_is(args, '1');
    struct gdb_catch catch;
    int rc;

    if (!s->target->ops->catch_syscalls)
        return GDB_REPLY;
    if (!on && (!gdb_text_is(args, '0') || gdb_text_left(args)))
        return gdb_bad_packet(s);
    gdb_catch_none(s);
    if (!on)
        return gdb_ok(s);
    if (!parse_numbers(args, &s->catch_numbers))
        return gdb_bad_packet(s);
    catch = (struct gdb_catch){.all = !s->catch_numbers.size,
                               .numbers = (const uint64_t *)(const void *)s->catch_numbers.data,
                               .count = s->catch_numbers.size / sizeof(uint64_t)};
    rc = set(s, &catch);
    return rc ? gdb_error_code(s, "cannot catch system calls", rc) : gdb_ok(s);
}
