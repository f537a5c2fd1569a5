/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/monitor_calls.c - `monitor calls`: the guest's functions, and the call in progress with its
 * arguments.
 *
 * They are read from the two buffers, which the guest can change: whatever is there only affects
 * the text.
 */
#include "debug_monitor.h"

#include <stdio.h>
#include <stdlib.h>

#include "value_text.h"

#define SHOWN 64 /* bytes of a string or a byte array */

/* Only the number of arguments limits the length of a line, but a packet has a maximum. */
#define LINE_SHOWN 4096

struct line {
    FILE *f; /* writes to text */
    char *text;
    size_t size;
};

static bool begin_line(struct line *l)
{
    l->f = open_memstream(&l->text, &l->size);
    return l->f;
}

static void end_line(struct line *l, struct gdb_printer *p)
{
    if (fclose(l->f) == 0)
        p->print(p, l->text, l->size < LINE_SHOWN ? l->size : LINE_SHOWN);
    p->print(p, "\n", 1);
    free(l->text);
}

static void put_payload(FILE *f, const struct hl_sandbox *sb, const struct hl_slot *slot)
{
    uint8_t data[SHOWN];
    const struct hl_value value = {
        .type = (enum hl_type)slot->type, .data = data, .len = slot->len};
    size_t want = slot->len < SHOWN ? slot->len : SHOWN;
    if (hl_machine_read(sb->machine, slot->bits, data, want, 0) < want) {
        fprintf(f, "<%llu bytes at 0x%llx: not the guest's memory>", (unsigned long long)slot->len,
                (unsigned long long)slot->bits);
        return;
    }
    value_print(f, &value, SHOWN);
    if (slot->len > SHOWN)
        fprintf(f, " (%llu bytes)", (unsigned long long)slot->len);
}

static void put_slot(FILE *f, const struct hl_sandbox *sb, const struct hl_slot *slot,
                     enum hl_type type)
{
    struct hl_value value = {.type = type, .u64 = slot->bits}; /* shorter ones are its low bytes */
    if (type == HL_BOOL)
        value.boolean = slot->bits != 0;
    if (slot->type != (uint32_t)type)
        fprintf(f, "<no %s any more>", hl_type_name(type));
    else if (type == HL_STRING || type == HL_BYTES)
        put_payload(f, sb, slot);
    else
        value_print(f, &value, SHOWN);
}

static void put_call(FILE *out, const struct hl_sandbox *sb, const struct hl_function *f,
                     const struct hl_message *m)
{
    fprintf(out, "%s(", f->name);
    for (unsigned i = 0; i < f->signature.count; i++) {
        fputs(i ? ", " : "", out);
        put_slot(out, sb, &m->slot[i], f->signature.args[i]);
    }
    fputc(')', out);
}

static void put_guest_call(FILE *f, const struct hl_sandbox *sb)
{
    struct hl_message call = sb->input->call;
    int index = sb->calling ? hl_image_find(sb->image, sb->calling) : -1;
    if (index >= 0)
        put_call(f, sb, hl_image_function(sb->image, (size_t)index), &call);
    else if (sb->calling)
        fprintf(f, "%s()", sb->calling);
    else
        fputs("set-up, before any call", f);
}

/* In a host function, or stopped before one by `monitor catch host`. */
static void put_host_call(FILE *f, struct hl_debug *d)
{
    const struct hl_sandbox *sb = d->sb;
    struct hl_message call = sb->output->message;
    fputs(d->in_host ? "      in host function " : "      calls host function ", f);
    if (call.kind == HL_MSG_CALL && call.index < hl_image_import_count(sb->image))
        put_call(f, sb, hl_image_import(sb->image, call.index), &call);
    else
        fputs(d->host_name ? d->host_name : "?", f);
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

static void put_now(FILE *f, struct hl_debug *d)
{
    char text[128];
    fputs("now:  ", f);
    if (d->in_call) {
        put_guest_call(f, d->sb);
    } else {
        debug_thread_extra(d, text, sizeof(text));
        fputs(text, f);
    }
}

static int say_line(struct hl_debug *d, void (*put_text)(FILE *f, struct hl_debug *d),
                    struct gdb_printer *p)
{
    struct line l;
    if (!begin_line(&l))
        return HL_ERR_MEMORY;
    put_text(l.f, d);
    end_line(&l, p);
    return 0;
}

int debug_on_calls(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    (void)args;
    say_functions(p, d->sb);
    int rc = say_line(d, put_now, p);
    if (!rc && (d->in_host || d->at_host_call))
        rc = say_line(d, put_host_call, p);
    return rc;
}
