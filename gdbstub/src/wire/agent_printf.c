/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/agent_printf.c - what dprintf prints.
 *
 * The format comes from the client: no part of it reaches the C library's printf except flags,
 * width and precision that were read and bounded here.
 */
#include "agent.h"

#include <stdio.h>
#include <string.h>

#define STRING_MAX 4096
#define WIDTH_MAX 512

struct spec {
    char flags[8];
    int width, precision; /* -1: none */
    int bits;             /* of an integer argument */
    char conversion;
};

static bool number(const char **at, int *value)
{
    int n = 0;

    while (**at >= '0' && **at <= '9') {
        n = n * 10 + (*(*at)++ - '0');
        if (n > WIDTH_MAX)
            return false;
    }
    *value = n;
    return true;
}

static int length(const char **at)
{
    int bits = 32;

    for (;; (*at)++) {
        if (**at == 'l' || **at == 'z' || **at == 'j' || **at == 't')
            bits = 64;
        else if (**at == 'h')
            bits = bits == 16 ? 8 : 16;
        else
            return bits;
    }
}

static bool parse(const char **at, struct spec *spec)
{
    size_t flags = 0;

    *spec = (struct spec){.width = -1, .precision = -1};
    while (**at && strchr("-+ #0", **at)) {
        if (flags == 5)
            return false;
        spec->flags[flags++] = *(*at)++;
    }
    if (**at >= '1' && **at <= '9' && !number(at, &spec->width))
        return false;
    if (**at == '.' && (++*at, !number(at, &spec->precision)))
        return false;
    spec->bits = length(at);
    spec->conversion = **at;
    if (!spec->conversion || !strchr("diouxXcsp", spec->conversion))
        return false;
    ++*at;
    return true;
}

/* A string of the guest's, as far as it can be read. */
static void read_string(const struct gdb_agent *agent, uint64_t address, char *text, size_t room)
{
    const struct gdb_target *t = agent->target;
    size_t n = 0;

    while (n + 1 < room) {
        size_t want = room - 1 - n, got;
        const void *end;

        if (want > 64 - (address + n) % 64)
            want = 64 - (address + n) % 64;
        got = t->ops->read_memory(t->self, address + n, text + n, want);
        end = got <= want ? memchr(text + n, 0, got) : text + n;
        if (end)
            return;
        n += got;
        if (got != want)
            break;
    }
    text[n] = '\0';
}

static int64_t narrow(uint64_t value, int bits)
{
    switch (bits) {
    case 8:
        return (int8_t)value;
    case 16:
        return (int16_t)value;
    case 32:
        return (int32_t)value;
    default:
        return (int64_t)value;
    }
}

/* The C library's printf gets a format made here, from parts that were checked. */
static void put_spec(const struct gdb_agent *agent, struct gdb_buf *out, const struct spec *spec,
                     uint64_t arg)
{
    uint64_t low = spec->bits == 64 ? arg : arg & ((1ull << spec->bits) - 1);
    char format[48], precision[16] = "", width[16] = "", string[STRING_MAX];

    if (spec->width >= 0)
        snprintf(width, sizeof(width), "%d", spec->width);
    if (spec->precision >= 0)
        snprintf(precision, sizeof(precision), ".%d", spec->precision);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(format, sizeof(format), "%%%s%s%s%s%c", spec->flags, width, precision,
             strchr("csp", spec->conversion) ? "" : "ll", spec->conversion);
    switch (spec->conversion) {
    case 'd':
    case 'i':
        gdb_buf_format(out, format, (long long)narrow(arg, spec->bits));
        break;
    case 'c':
        gdb_buf_format(out, format, (int)(uint8_t)arg);
        break;
    case 's':
        read_string(agent, arg, string, sizeof(string));
        gdb_buf_format(out, format, string);
        break;
    case 'p':
        gdb_buf_format(out, format, (void *)(uintptr_t)arg);
        break;
    default:
        gdb_buf_format(out, format, (unsigned long long)low);
        break;
    }
#pragma GCC diagnostic pop
}

/* Escapes come as they were typed; one we do not know stands for its letter. */
static const char *escape(struct gdb_buf *out, const char *at)
{
    static const char letters[] = "abefnrtv", codes[] = "\a\b\033\f\n\r\t\v";
    const char *known;
    unsigned octal = 0;

    if (!*at)
        return at;
    known = strchr(letters, *at);
    if (known) {
        gdb_buf_byte(out, (uint8_t)codes[known - letters]);
        return at + 1;
    }
    if (*at < '0' || *at > '7') {
        gdb_buf_byte(out, (uint8_t)*at);
        return at + 1;
    }
    for (int i = 0; i < 3 && *at >= '0' && *at <= '7'; i++)
        octal = octal * 8 + (unsigned)(*at++ - '0');
    gdb_buf_byte(out, (uint8_t)octal);
    return at;
}

bool gdb_agent_printf(const struct gdb_agent *agent, const char *format, const uint64_t *args,
                      size_t count)
{
    struct gdb_buf out = {.max = GDB_AGENT_TEXT};
    struct spec spec;
    bool good = true;
    size_t used = 0;

    while (*format && good) {
        char c = *format++;
        if (c == '\\') {
            format = escape(&out, format);
        } else if (c != '%') {
            gdb_buf_byte(&out, (uint8_t)c);
        } else if (*format == '%') {
            gdb_buf_byte(&out, '%');
            format++;
        } else {
            good = parse(&format, &spec) && used < count;
            if (good)
                put_spec(agent, &out, &spec, args[used++]);
        }
    }
    if (out.size)
        agent->print(agent->opaque, out.data, out.size);
    gdb_buf_free(&out);
    return good;
}
