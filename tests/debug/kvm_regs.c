/* SPDX-License-Identifier: Apache-2.0 */
/* Every register between a debugger and the guest's own code, on this machine's KVM. */
#include "gdb_box.h"
#include "machine_cpu.h"
#include "machine_impl.h"

#include <hl/abi.h>

/* Of `block` in the guest: the general registers as GDB counts them, then ... */
enum { FLAGS = 128, FS_BASE = 136, GS_BASE = 144, BLOCK = 152 };
enum { AREA = 16384 };

#define FLAGS_SET 0x200cd5ull /* CF PF AF ZF SF DF OF ID; bit 1 and IF are always there */
#define FLAGS_FIXED 0x202ull
#define MXCSR_SET 0x5fb1u /* rounds up, some sticky flags, all masked */
#define FCTRL_SET 0xb7fu

typedef void register_fn(struct gdb_box *g, unsigned number, unsigned size, void *opaque);

static void each_vector(struct gdb_box *g, register_fn *fn, void *opaque)
{
    const struct gdb_description *d = g->d->target.description;
    for (unsigned i = 0; i < d->feature_count; i++)
        for (unsigned n = 0; n < d->features[i]->count; n++) {
            unsigned number = d->features[i]->first + n;
            if ((number >= GDB_AMD64_ST0 && number < GDB_AMD64_FCTRL) ||
                (number >= GDB_AMD64_XMM0 && number < GDB_AMD64_MXCSR) ||
                (number >= GDB_AMD64_YMM0H && number < GDB_AMD64_CR0))
                fn(g, number, d->features[i]->registers[n].bits / 8u, opaque);
        }
}

/* Each register's contents are its own.  Those of st are normal numbers. */
static void fill(uint8_t *data, unsigned number, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        data[i] = (uint8_t)(number * 5 + i * 3 + 1);
    if (number >= GDB_AMD64_ST0 && number < GDB_AMD64_FCTRL)
        data[7] |= 0x80;
}

static uint64_t general(unsigned number)
{
    return 0x1111111111111111ull * (number + 1) ^ 0x8000000000000000ull >> number;
}

static void check(unsigned number, const uint8_t *data, unsigned size)
{
    uint8_t expected[GDB_REGISTER_MAX];
    fill(expected, number, size);
    if (memcmp(data, expected, size) != 0)
        fail_msg("register %u is not what it was set to", number);
}

static void write_vector(struct gdb_box *g, unsigned number, unsigned size, void *opaque)
{
    uint8_t data[GDB_REGISTER_MAX];
    (void)opaque;
    fill(data, number, size);
    assert_int_equal(debug_ops.write_register(g->d, number, data, size), 0);
}

static void read_vector(struct gdb_box *g, unsigned number, unsigned size, void *opaque)
{
    uint8_t data[GDB_REGISTER_MAX];
    (void)opaque;
    assert_int_equal(debug_ops.read_register(g->d, number, data, size), 0);
    check(number, data, size);
}

static void write_area(struct gdb_box *g, unsigned number, unsigned size, void *opaque)
{
    uint8_t data[GDB_REGISTER_MAX];
    (void)g;
    fill(data, number, size);
    assert_int_equal(gdb_xsave_write(opaque, number, data, size), 0);
}

static void read_area(struct gdb_box *g, unsigned number, unsigned size, void *opaque)
{
    uint8_t data[GDB_REGISTER_MAX];
    (void)g;
    assert_int_equal(gdb_xsave_read(opaque, number, data, size), 0);
    check(number, data, size);
}

static bool has_bases(struct gdb_box *g)
{
    struct hl_boot boot;
    peek(g, hl_sandbox_region(g->box.sb, REGION_BOOT)->start, &boot, sizeof(boot));
    return boot.features & HL_FEATURE_FSGSBASE;
}

static void write32(struct gdb_box *g, unsigned number, uint32_t value)
{
    assert_int_equal(debug_ops.write_register(g->d, number, &value, 4), 0);
}

static uint32_t read32(struct gdb_box *g, unsigned number)
{
    uint32_t value = 0;
    assert_int_equal(debug_ops.read_register(g->d, number, &value, 4), 0);
    return value;
}

/* Stopped at the nop, with a way back for what the guest cannot do without. */
static void stand_at(struct gdb_box *g, const char *name, const char *call)
{
    gdb_box_open(g);
    uint64_t at = where(g, name), keep = where(g, "keep"), flag = where(g, "has_bases");
    attach_idle(g);
    begin_to(g, at, call);
    uint64_t bases[] = {reg(g, GDB_AMD64_FS_BASE), reg(g, GDB_AMD64_GS_BASE)};
    poke(g, keep + FS_BASE, bases, sizeof(bases));
    if (has_bases(g))
        poke(g, flag, "\1", 1);
}

static void check_block(const uint64_t *block, uint64_t rsp, bool bases)
{
    for (unsigned n = GDB_AMD64_RAX; n < GDB_AMD64_RIP; n++)
        assert_int_equal(block[n], n == GDB_AMD64_RSP ? rsp : general(n));
    assert_int_equal(block[FLAGS / 8], FLAGS_SET | FLAGS_FIXED);
    if (bases) {
        assert_int_equal(block[FS_BASE / 8], 0x123456789000);
        assert_int_equal(block[GS_BASE / 8], 0x23456789a000);
    }
}

/* What the debugger sets is what the guest's next instructions find. */
static void test_to_the_guest(void **state)
{
    struct gdb_box *g = *state;
    static uint8_t area[AREA];
    struct gdb_xsave x = {.area = area, .size = sizeof(area)};
    uint64_t block[BLOCK / 8];

    stand_at(g, "save_here", "Save");
    bool bases = has_bases(g);
    uint64_t rsp = reg(g, GDB_AMD64_RSP) - 128;
    for (unsigned n = GDB_AMD64_RAX; n < GDB_AMD64_RIP; n++)
        set_reg(g, n, n == GDB_AMD64_RSP ? rsp : general(n));
    set_reg(g, GDB_AMD64_EFLAGS, FLAGS_SET);
    if (bases) {
        set_reg(g, GDB_AMD64_FS_BASE, 0x123456789000);
        set_reg(g, GDB_AMD64_GS_BASE, 0x23456789a000);
    }
    write32(g, GDB_AMD64_FCTRL, FCTRL_SET);
    write32(g, GDB_AMD64_FTAG, 0);
    write32(g, GDB_AMD64_MXCSR, MXCSR_SET);
    each_vector(g, write_vector, NULL);
    each_vector(g, read_vector, NULL);
    CONTINUE(g);
    call_end(g, 1);
    break_in(g);
    debug_ops.detach(g->d);
    uint64_t at_block = where(g, "block"), at_area = where(g, "area");
    attach_idle(g);
    peek(g, at_block, block, sizeof(block));
    peek(g, at_area, area, sizeof(area));
    check_block(block, rsp, bases);
    gdb_xsave_offsets(x.offset);
    each_vector(g, read_area, &x);
    uint32_t value;
    assert_int_equal(gdb_xsave_read(&x, GDB_AMD64_MXCSR, &value, 4), 0);
    assert_int_equal(value, MXCSR_SET);
    assert_int_equal(gdb_xsave_read(&x, GDB_AMD64_FCTRL, &value, 4), 0);
    assert_int_equal(value, FCTRL_SET);
    assert_int_equal(gdb_xsave_read(&x, GDB_AMD64_FTAG, &value, 4), 0);
    assert_int_equal(value, 0);
}

/* What the guest has loaded is what the debugger reads. */
static void test_from_the_guest(void **state)
{
    struct gdb_box *g = *state;
    static uint8_t area[AREA];
    struct gdb_xsave x = {.area = area, .size = sizeof(area)};
    uint64_t block[BLOCK / 8] = {0};

    gdb_box_open(g);
    uint64_t at = where(g, "load_here"), at_block = where(g, "block"), at_area = where(g, "area");
    uint64_t xcr0 = machine_xcr0(g->box.sb->machine);
    attach_idle(g);
    gdb_xsave_offsets(x.offset);
    xcr0 &= 0xe7; /* x87, SSE, AVX, AVX-512 */
    memcpy(area + 512, &xcr0, sizeof(xcr0));
    uint32_t fctrl = FCTRL_SET, ftag = 0, mxcsr = MXCSR_SET;
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_FCTRL, &fctrl, 4), 0);
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_FTAG, &ftag, 4), 0);
    assert_int_equal(gdb_xsave_write(&x, GDB_AMD64_MXCSR, &mxcsr, 4), 0);
    each_vector(g, write_area, &x);
    poke(g, at_area, area, sizeof(area));
    for (unsigned n = GDB_AMD64_RAX; n < GDB_AMD64_RIP; n++)
        block[n] = general(n);
    block[FLAGS / 8] = FLAGS_SET;
    poke(g, at_block, block, sizeof(block));
    insert(g, GDB_SW_BREAK, at, 1);
    CONTINUE(g);
    BEGIN0(g, "Load");
    expect_break(g, GDB_STOP_SW_BREAK, at);
    for (unsigned n = GDB_AMD64_RAX; n < GDB_AMD64_RIP; n++)
        assert_int_equal(reg(g, n), general(n));
    assert_int_equal(reg(g, GDB_AMD64_EFLAGS), FLAGS_SET | FLAGS_FIXED);
    each_vector(g, read_vector, NULL);
    assert_int_equal(read32(g, GDB_AMD64_FCTRL), FCTRL_SET);
    assert_int_equal(read32(g, GDB_AMD64_FTAG), 0);
    assert_int_equal(read32(g, GDB_AMD64_MXCSR), MXCSR_SET);
    /* A step of theirs changes none of them. */
    drop(g, GDB_SW_BREAK, at, 1);
    assert_int_equal(step(g), at + 1);
    each_vector(g, read_vector, NULL);
    for (unsigned n = GDB_AMD64_RAX; n < GDB_AMD64_RIP; n++)
        assert_int_equal(reg(g, n), general(n));
    assert_int_equal(reg(g, GDB_AMD64_EFLAGS), FLAGS_SET | FLAGS_FIXED);
    CONTINUE(g);
    call_end(g, 1);
}

/* One register written leaves all the others alone, whatever was never touched before. */
static void test_one_leaves_the_others(void **state)
{
    struct gdb_box *g = *state;
    uint8_t before[16], after[16];

    stand_at(g, "save_here", "Save");
    uint32_t fctrl = read32(g, GDB_AMD64_FCTRL), ftag = read32(g, GDB_AMD64_FTAG);
    uint32_t mxcsr = read32(g, GDB_AMD64_MXCSR);
    assert_int_equal(debug_ops.read_register(g->d, GDB_AMD64_XMM0 + 1, before, 16), 0);
    memset(after, 0xab, sizeof(after));
    assert_int_equal(debug_ops.write_register(g->d, GDB_AMD64_XMM0, after, 16), 0);
    step(g);
    assert_int_equal(read32(g, GDB_AMD64_FCTRL), fctrl);
    assert_int_equal(read32(g, GDB_AMD64_FTAG), ftag);
    assert_int_equal(read32(g, GDB_AMD64_MXCSR), mxcsr);
    assert_int_equal(debug_ops.read_register(g->d, GDB_AMD64_XMM0 + 1, after, 16), 0);
    assert_memory_equal(before, after, 16);
    CONTINUE(g);
    call_end(g, 1);
}

/* The others: what they must be at ring 3 of our machines. */
static void test_system(void **state)
{
    struct gdb_box *g = *state;

    stand_at(g, "save_here", "Save");
    assert_int_equal(reg(g, GDB_AMD64_CS), 0x33);
    assert_int_equal(reg(g, GDB_AMD64_SS), 0x2b);
    assert_int_equal(reg(g, GDB_AMD64_CR3), g->box.sb->machine->pt.root);
    assert_int_equal(reg(g, GDB_AMD64_EFER) & 0xd01, 0xd01); /* SCE LME LMA NXE */
    assert_int_equal(reg(g, GDB_AMD64_CR0) & 0x80000001, 0x80000001);
    const uint64_t bad = 0;
    assert_int_equal(debug_ops.write_register(g->d, GDB_AMD64_CR3, &bad, 8), HL_ERR_ARGUMENT);
    assert_int_equal(debug_ops.write_register(g->d, GDB_AMD64_CR0, &bad, 8), HL_ERR_ARGUMENT);
    CONTINUE(g);
    call_end(g, 1);
}

/* A pc that is no address at all: a crash of the guest's, which can still be looked at. */
static void test_jump_nowhere(void **state)
{
    static const uint64_t bad[] = {0, 8, 0x123456, (1ull << 47) - 1};
    static const uint64_t worse[] = {1ull << 47, 0xffff800000000000, 0xdead000000000000};
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct gdb_box *g = calloc(1, sizeof(*g));
        void *own = g;
        (void)state;
        stand_at(g, "save_here", "Save");
        for (size_t n = 0; n < COUNT(worse); n++) /* those are not even addresses of a guest's */
            assert_int_equal(debug_ops.write_register(g->d, GDB_AMD64_RIP, &worse[n], 8),
                             HL_ERR_ARGUMENT);
        set_reg(g, GDB_AMD64_RIP, bad[i]);
        resume_how(g, i % 2 ? GDB_CONTINUE : GDB_STEP, 0);
        expect_signal(g, GDB_SIGNAL_SEGV);
        (void)pc(g);
        gdb_box_teardown(&own);
    }
}

int main(int argc, char **argv)
{
    watchdog(100);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        GDB_TEST(test_to_the_guest),          GDB_TEST(test_from_the_guest),
        GDB_TEST(test_one_leaves_the_others), GDB_TEST(test_system),
        cmocka_unit_test(test_jump_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
