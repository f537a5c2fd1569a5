/* SPDX-License-Identifier: Apache-2.0 */
/* session/describe.c - target.xml from the target's list of registers. */
#include "stub.h"

#include <string.h>

/* The target chooses names and types, but a quote in one would make the XML invalid. */
static bool plain(const char *text)
{
    return text && *text && !strpbrk(text, "<>&\"'");
}

static int add_register(struct gdb_session *s, const struct gdb_register *r, unsigned number)
{
    struct gdb_buf *xml = &s->description;

    if (number >= GDB_REGISTERS_MAX || s->registers[number] || !plain(r->name) || !plain(r->type) ||
        !r->bits || r->bits % 8 || r->bits / 8 > GDB_REGISTER_MAX)
        return HL_ERR_ARGUMENT;
    s->registers[number] = r;
    s->register_bytes += r->bits / 8u;
    if (!s->target->description->plain || number < s->target->description->plain)
        s->plain_bytes += r->bits / 8u;
    gdb_buf_format(xml, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\" regnum=\"%u\"", r->name,
                   r->bits, r->type, number);
    if (plain(r->group))
        gdb_buf_format(xml, " group=\"%s\"", r->group);
    gdb_buf_text(xml, r->keep ? " save-restore=\"no\"/>\n" : "/>\n");
    return 0;
}

static int add_feature(struct gdb_session *s, const struct gdb_feature *f)
{
    int rc = plain(f->name) ? 0 : HL_ERR_ARGUMENT;

    gdb_buf_format(&s->description, "<feature name=\"%s\">\n%s", f->name, f->types ? f->types : "");
    for (unsigned i = 0; i < f->count && !rc; i++)
        rc = add_register(s, &f->registers[i], f->first + i);
    gdb_buf_text(&s->description, "</feature>\n");
    return rc;
}

int gdb_describe(struct gdb_session *s)
{
    const struct gdb_description *d = s->target->description;
    struct gdb_buf *xml = &s->description;
    int rc = plain(d->architecture) ? 0 : HL_ERR_ARGUMENT;

    gdb_buf_format(xml,
                   "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
                   "<target>\n<architecture>%s</architecture>\n",
                   d->architecture);
    if (plain(d->osabi))
        gdb_buf_format(xml, "<osabi>%s</osabi>\n", d->osabi);
    for (unsigned i = 0; i < d->feature_count && !rc; i++)
        rc = add_feature(s, d->features[i]);
    gdb_buf_text(xml, "</target>\n");
    for (unsigned i = 0; i < d->expedite_count && !rc; i++)
        if (!gdb_register_size(s, d->expedite[i]))
            rc = HL_ERR_ARGUMENT;
    if (!rc && gdb_register_size(s, d->pc) != sizeof(uint64_t))
        rc = HL_ERR_ARGUMENT;
    /* All registers in hex must fit a packet. */
    if (!rc && 2 * s->register_bytes > GDB_PACKET_SIZE)
        rc = HL_ERR_LIMIT;
    return !rc && xml->failed ? HL_ERR_MEMORY : rc;
}
