/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/amd64_xsave.c - single registers of an XSAVE area (Intel SDM volume 1, chapter 13).
 *
 * Three things are easy to get wrong.  The area has ST(i) in stack order, so TOP must not be
 * applied again, on read or on write.  A component whose XSTATE_BV bit is clear is in its initial
 * state, whatever its bytes are, and MXCSR has its own rule.  The tag word has one bit per
 * *physical* register, GDB expects two.
 */
#include <hl/gdb_amd64.h>

#include <cpuid.h>
#include <string.h>

enum { X87, SSE, AVX, OPMASK = 5, ZMM_HI256, HI16_ZMM };

#define LEGACY 512 /* x87 and SSE */
#define HEADER 64
#define FCW 0
#define FSW 2
#define FTW 4
#define FOP 6
#define FIP 8
#define FDP 16
#define MXCSR 24
#define ST 32
#define XMM 160

struct place {
    unsigned component;
    size_t offset, size; /* in the area */
};

void gdb_xsave_offsets(uint32_t offset[GDB_XSAVE_COMPONENTS])
{
    unsigned a, b, c, d;

    memset(offset, 0, GDB_XSAVE_COMPONENTS * sizeof(*offset));
    for (unsigned i = 2; i < GDB_XSAVE_COMPONENTS; i++)
        if (__get_cpuid_count(0xd, i, &a, &b, &c, &d) && a)
            offset[i] = b;
}

static bool within(unsigned number, unsigned first, unsigned count, unsigned *index)
{
    *index = number - first;
    return number >= first && *index < count;
}

static const uint8_t x87_offset[8] = {FCW, FSW, FTW, FIP + 4, FIP, FDP + 4, FDP, FOP};
static const uint8_t x87_size[8] = {2, 2, 1, 2, 4, 2, 4, 2};

/* Where the register's bytes stand, relative to its component for those with an offset of their
 * own. */
static bool locate(unsigned number, struct place *p)
{
    unsigned i;

    if (within(number, GDB_AMD64_ST0, 8, &i))
        *p = (struct place){X87, ST + 16 * i, 10};
    else if (within(number, GDB_AMD64_FCTRL, 8, &i))
        *p = (struct place){X87, x87_offset[i], x87_size[i]};
    else if (within(number, GDB_AMD64_XMM0, 16, &i))
        *p = (struct place){SSE, XMM + 16 * i, 16};
    else if (number == GDB_AMD64_MXCSR)
        *p = (struct place){SSE, MXCSR, 4};
    else if (within(number, GDB_AMD64_YMM0H, 16, &i))
        *p = (struct place){AVX, 16 * i, 16};
    else if (within(number, GDB_AMD64_XMM16, 16, &i))
        *p = (struct place){HI16_ZMM, 64 * i, 16};
    else if (within(number, GDB_AMD64_YMM16H, 16, &i))
        *p = (struct place){HI16_ZMM, 64 * i + 16, 16};
    else if (within(number, GDB_AMD64_K0, 8, &i))
        *p = (struct place){OPMASK, 8 * i, 8};
    else if (within(number, GDB_AMD64_ZMM0H, 16, &i))
        *p = (struct place){ZMM_HI256, 32 * i, 32};
    else if (within(number, GDB_AMD64_ZMM0H + 16, 16, &i))
        *p = (struct place){HI16_ZMM, 64 * i + 32, 32};
    else
        return false;
    return true;
}

/* The same, absolute and checked against the area. */
static bool place(const struct gdb_xsave *x, unsigned number, size_t size, struct place *p)
{
    bool control = number >= GDB_AMD64_FCTRL && number <= GDB_AMD64_FOP;

    if (!locate(number, p) || size != (control ? 4 : p->size) || x->size < LEGACY + HEADER)
        return false;
    if (p->component >= AVX) {
        if (!x->offset[p->component])
            return false;
        p->offset += x->offset[p->component];
    }
    return p->offset + p->size <= x->size;
}

static uint64_t present(const struct gdb_xsave *x)
{
    uint64_t bv;

    memcpy(&bv, (const uint8_t *)x->area + LEGACY, sizeof(bv));
    return bv;
}

/* Two bits a physical register from one: valid 0, zero 1, special 2, empty 3. */
static unsigned tag_of(const uint8_t st[10])
{
    uint64_t mantissa;
    unsigned exponent = (st[8] | (unsigned)st[9] << 8) & 0x7fff;

    memcpy(&mantissa, st, sizeof(mantissa));
    if (exponent == 0 && mantissa == 0)
        return 1;
    return exponent == 0 || exponent == 0x7fff || !(mantissa >> 63) ? 2 : 0;
}

static uint32_t full_tags(const uint8_t *area)
{
    unsigned top = area[FSW + 1] >> 3 & 7, tags = 0;

    for (unsigned i = 0; i < 8; i++) {
        unsigned tag = area[FTW] >> i & 1 ? tag_of(area + ST + 16 * ((i - top) & 7)) : 3;
        tags |= tag << 2 * i;
    }
    return tags;
}

static uint8_t short_tags(uint32_t tags)
{
    unsigned valid = 0;

    for (unsigned i = 0; i < 8; i++)
        if ((tags >> 2 * i & 3) != 3)
            valid |= 1u << i;
    return (uint8_t)valid;
}

/* What a register reads as while its component is in its initial state. */
static uint32_t initial(unsigned number)
{
    return number == GDB_AMD64_FCTRL ? 0x37f : number == GDB_AMD64_FTAG ? 0xffff : 0;
}

int gdb_xsave_read(const struct gdb_xsave *x, unsigned number, void *data, size_t size)
{
    const uint8_t *area = x->area;
    struct place p;
    uint32_t value;

    if (!place(x, number, size, &p))
        return HL_ERR_ARGUMENT;
    memset(data, 0, size);
    /* XSAVE writes MXCSR when SSE *or* AVX is asked for, whatever XSTATE_BV says. */
    if (!(present(x) >> p.component & 1) && number != GDB_AMD64_MXCSR) {
        value = initial(number);
        memcpy(data, &value, size < sizeof(value) ? size : sizeof(value));
    } else if (number == GDB_AMD64_FTAG) {
        value = full_tags(area);
        memcpy(data, &value, sizeof(value));
    } else {
        memcpy(data, area + p.offset, p.size);
        if (number == GDB_AMD64_FOP)
            ((uint8_t *)data)[1] &= 7; /* 11 bits */
    }
    return 0;
}

static size_t component_size(unsigned component)
{
    switch (component) {
    case AVX:
        return 16 * 16;
    case OPMASK:
        return 8 * 8;
    case ZMM_HI256:
        return 16 * 32;
    default:
        return 16 * 64;
    }
}

/* Give a component in its initial state the bytes of that state, and say that they count. */
static int materialise(const struct gdb_xsave *x, unsigned component)
{
    uint8_t *area = x->area;
    uint64_t bv = present(x);

    if (bv >> component & 1)
        return 0;
    if (component == X87) {
        memset(area, 0, MXCSR);
        memset(area + ST, 0, XMM - ST);
        area[FCW] = 0x7f;
        area[FCW + 1] = 3;
    } else if (component == SSE) {
        memset(area + XMM, 0, 16 * 16);
    } else {
        if (x->offset[component] + component_size(component) > x->size)
            return HL_ERR_ARGUMENT;
        memset(area + x->offset[component], 0, component_size(component));
    }
    bv |= 1ull << component;
    memcpy(area + LEGACY, &bv, sizeof(bv));
    return 0;
}

int gdb_xsave_write(const struct gdb_xsave *x, unsigned number, const void *data, size_t size)
{
    uint8_t *area = x->area;
    struct place p;
    uint32_t value;

    if (!place(x, number, size, &p) || materialise(x, p.component))
        return HL_ERR_ARGUMENT;
    if (number == GDB_AMD64_FTAG) {
        memcpy(&value, data, sizeof(value));
        area[FTW] = short_tags(value);
    } else if (number == GDB_AMD64_MXCSR) {
        memcpy(&value, data, sizeof(value));
        value &= 0xffff; /* reserved bits would make the next XRSTOR fault */
        memcpy(area + MXCSR, &value, sizeof(value));
    } else {
        memcpy(area + p.offset, data, p.size);
    }
    return 0;
}
