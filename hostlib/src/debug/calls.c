/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/calls.c - `monitor calls`: functions there are, and the call in progress with its
 * arguments.
 *
 * They are read from the two buffers, which are the guest's to change: whatever stands there gives
 * a line of text, never more.
 */
#include "debug_monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

#define SHOWN 64 /* bytes of a string or a byte array */

static float as_float(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float f;
    memcpy(&f, &low, sizeof(f));
    return f;
}

static double as_double(uint64_t bits)
{
    double f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

/* One line of text, cut where it gets too long. */
struct line {
    char text[4096];
    size_t size;
};

static void __attribute__((format(printf, 2, 3))) put(struct line *l, const char *format, ...)
{
    size_t room = sizeof(l->text) - l->size;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(l->text + l->size, room, format, args);
    va_end(args);
    if (n > 0)
        l->size += (size_t)n < room ? (size_t)n : room - 1;
}

static void flush(struct line *l, struct gdb_printer *p)
{
    put(l, "\n");
    l->text[l->size - 1] = '\n';
    p->print(p, l->text, l->size);
    l->size = 0;
}

static void put_string(struct line *l, const uint8_t *data, size_t size)
{
    put(l, "\"");
    for (size_t i = 0, n; i < size; i += n) {
        char piece[20];
        n = utf8_character(data + i, size - i, NULL);
        n = n ? n : 1;
        utf8_escape(piece, sizeof(piece), data + i, n);
        put(l, data[i] == '"' || data[i] == '\\' ? "\\%s" : "%s", piece);
    }
    put(l, "\"");
}

static void put_bytes(struct line *l, const uint8_t *data, size_t size)
{
    put(l, "x\"");
    for (size_t i = 0; i < size; i++)
        put(l, "%02x", data[i]);
    put(l, "\"");
}

static void put_payload(struct line *l, const struct hl_sandbox *sb, const struct hl_slot *slot)
{
    uint8_t data[SHOWN];
    size_t want = slot->len < SHOWN ? slot->len : SHOWN;
    size_t got = hl_machine_read(sb->machine, slot->bits, data, want, 0);
    if (got < want) {
        put(l, "<%llu bytes at 0x%llx: not the guest's memory>", (unsigned long long)slot->len,
            (unsigned long long)slot->bits);
        return;
    }
    if (slot->type == HL_STRING)
        put_string(l, data, got);
    else
        put_bytes(l, data, got);
    if (slot->len > SHOWN)
        put(l, "... (%llu bytes)", (unsigned long long)slot->len);
}

static void put_slot(struct line *l, const struct hl_sandbox *sb, const struct hl_slot *slot,
                     enum hl_type type)
{
    if (slot->type != (uint32_t)type) {
        put(l, "<no %s any more>", hl_type_name(type));
        return;
    }
    switch (type) {
    case HL_I32:
        put(l, "%d", (int32_t)slot->bits);
        break;
    case HL_U32:
        put(l, "%u", (uint32_t)slot->bits);
        break;
    case HL_I64:
        put(l, "%lld", (long long)slot->bits);
        break;
    case HL_U64:
        put(l, "%llu", (unsigned long long)slot->bits);
        break;
    case HL_F32:
        put(l, "%.9g", (double)as_float(slot->bits));
        break;
    case HL_F64:
        put(l, "%.17g", as_double(slot->bits));
        break;
    case HL_BOOL:
        put(l, slot->bits ? "true" : "false");
        break;
    case HL_STRING:
    case HL_BYTES:
        put_payload(l, sb, slot);
        break;
    default:
        put(l, "?");
    }
}

static void put_call(struct line *l, const struct hl_sandbox *sb, const struct hl_function *f,
                     const struct hl_message *m)
{
    put(l, "%s(", f->name);
    for (unsigned i = 0; i < f->signature.count; i++) {
        put(l, i ? ", " : "");
        put_slot(l, sb, &m->slot[i], f->signature.args[i]);
    }
    put(l, ")");
}

static void put_guest_call(struct line *l, const struct hl_sandbox *sb)
{
    struct hl_message call = sb->input->call;
    int index = sb->calling ? hl_image_find(sb->image, sb->calling) : -1;
    if (index >= 0)
        put_call(l, sb, hl_image_function(sb->image, (size_t)index), &call);
    else if (sb->calling)
        put(l, "%s()", sb->calling);
    else
        put(l, "set-up, before any call");
}

/* In a host function, or at a stop of `monitor catch host` in front of one. */
static void put_host_call(struct line *l, const struct hl_debug *d)
{
    const struct hl_sandbox *sb = d->sb;
    struct hl_message call = sb->output->message;
    put(l, d->in_host ? "      in host function " : "      calls host function ");
    if (call.kind == HL_MSG_CALL && call.index < hl_image_import_count(sb->image))
        put_call(l, sb, hl_image_import(sb->image, call.index), &call);
    else
        put(l, "%s", d->host_name ? d->host_name : "?");
}

static void say_functions(struct gdb_printer *p, const struct hl_sandbox *sb)
{
    const struct hl_image *image = sb->image;
    char text[512];
    for (size_t i = 0; i < hl_image_function_count(image); i++) {
        const struct hl_function *f = hl_image_function(image, i);
        hl_signature_format(f->name, &f->signature, text, sizeof(text));
        debug_say(p, "guest %s\n", text);
    }
    for (size_t i = 0; i < hl_image_import_count(image); i++) {
        const struct hl_function *f = hl_image_import(image, i);
        bool there = sb->host_of_import && sb->host_of_import[i] >= 0;
        hl_signature_format(f->name, &f->signature, text, sizeof(text));
        debug_say(p, "host  %s%s\n", text, there ? "" : "   (not registered: calls of it fail)");
    }
}

int debug_on_calls(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    const struct hl_sandbox *sb = d->sb;
    struct line l = {.size = 0};
    char text[128];
    (void)args;
    say_functions(p, sb);
    put(&l, "now:  ");
    if (d->in_call) {
        put_guest_call(&l, sb);
    } else {
        debug_thread_extra(d, text, sizeof(text));
        put(&l, "%s", text);
    }
    flush(&l, p);
    if (d->in_host || d->at_host_call) {
        put_host_call(&l, d);
        flush(&l, p);
    }
    return 0;
}
