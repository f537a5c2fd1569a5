/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command/place.c - what lies where: thread-local variables (GDB), regions of memory, and memory
 * for the client's own use; and what LLDB goes by, the triple (all LLDB, "lldb-gdb-remote.txt").
 */
#include "stub.h"

#include <string.h>

/* THREAD,OFFSET,MODULE: GDB's module is an address of its own, the link map's, when it knows one.
 */
enum gdb_result gdb_cmd_tls_address(struct gdb_session *s, struct gdb_text *args)
{
    const struct gdb_target *t = s->target;
    struct gdb_text thread = gdb_text_until(args, ',');
    uint64_t offset, module, address = 0;
    int rc;

    if (!t->ops->thread_local_address)
        return GDB_REPLY;
    if (!gdb_thread_match(s, &thread))
        return gdb_error(s, "no such thread");
    if (!gdb_text_pair(args, &offset, &module) || gdb_text_left(args))
        return gdb_bad_packet(s);
    rc = t->ops->thread_local_address(t->self, module, offset, &address);
    if (rc == HL_ERR_STATE)
        return gdb_error(s, "the guest has no thread-local storage at this point");
    if (rc)
        return gdb_error_code(s, "no such thread-local variable", rc);
    gdb_buf_format(&s->reply, "%llx", (unsigned long long)address);
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_memory_region(struct gdb_session *s, struct gdb_text *args)
{
    static const char letters[] = "rwx";
    const struct gdb_target *t = s->target;
    struct gdb_region region = {0};
    uint64_t address;
    int rc;

    if (!t->ops->memory_region)
        return GDB_REPLY;
    if (!gdb_text_number(args, &address) || gdb_text_left(args))
        return gdb_bad_packet(s);
    rc = t->ops->memory_region(t->self, address, &region);
    if (rc)
        return gdb_error_code(s, "no memory map", rc);
    gdb_buf_format(&s->reply, "start:%llx;size:%llx;", (unsigned long long)region.start,
                   (unsigned long long)region.size);
    if (region.access || region.name) { /* else LLDB knows by the missing word: unmapped */
        gdb_buf_text(&s->reply, "permissions:");
        for (unsigned i = 0; i < 3; i++)
            if (region.access >> i & 1)
                gdb_buf_byte(&s->reply, (uint8_t)letters[i]);
        gdb_buf_byte(&s->reply, ';');
    }
    if (region.name) {
        gdb_buf_text(&s->reply, "name:");
        gdb_buf_hex(&s->reply, region.name, strlen(region.name));
        gdb_buf_byte(&s->reply, ';');
    }
    return GDB_REPLY;
}

/* SIZE,rwx */
enum gdb_result gdb_cmd_allocate(struct gdb_session *s, struct gdb_text *args)
{
    static const char letters[] = "rwx";
    const struct gdb_target *t = s->target;
    uint64_t size, address = 0;
    unsigned access = 0;
    int rc;

    if (!t->ops->allocate)
        return GDB_REPLY;
    if (!gdb_text_number(args, &size) || !size || !gdb_text_is(args, ','))
        return gdb_bad_packet(s);
    for (; gdb_text_left(args); args->at++) {
        const char *letter = memchr(letters, *args->at, 3);
        if (!letter)
            return gdb_bad_packet(s);
        access |= 1u << (letter - letters);
    }
    rc = t->ops->allocate(t->self, size, access, &address);
    if (rc)
        return gdb_error_code(s, "cannot allocate memory in the guest", rc);
    gdb_buf_format(&s->reply, "%llx", (unsigned long long)address);
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_deallocate(struct gdb_session *s, struct gdb_text *args)
{
    const struct gdb_target *t = s->target;
    uint64_t address;
    int rc;

    if (!t->ops->deallocate)
        return GDB_REPLY;
    if (!gdb_text_number(args, &address) || gdb_text_left(args))
        return gdb_bad_packet(s);
    rc = t->ops->deallocate(t->self, address);
    return rc ? gdb_error_code(s, "cannot free it", rc) : gdb_ok(s);
}

/* Without a triple LLDB takes the guest for bare metal, on which it runs no code of its own. */
static enum gdb_result add_triple(struct gdb_session *s)
{
    const char *triple = s->target->description->triple;

    gdb_buf_text(&s->reply, "triple:");
    gdb_buf_hex(&s->reply, triple, strlen(triple));
    gdb_buf_text(&s->reply, ";ptrsize:8;endian:little;");
    return GDB_REPLY;
}

enum gdb_result gdb_cmd_host_info(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    s->lldb = true;
    return s->target->description->triple ? add_triple(s) : GDB_REPLY;
}

enum gdb_result gdb_cmd_process_info(struct gdb_session *s, struct gdb_text *args)
{
    (void)args;
    if (!s->target->description->triple)
        return GDB_REPLY;
    gdb_buf_format(&s->reply, "pid:%x;", (unsigned)gdb_process(s));
    return add_triple(s);
}
