/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scripted.c - a vCPU that runs nothing: its exits, and what the guest wrote before them, come from
 * a script.  With it (parts.c) all above the seam runs without a KVM.
 *
 *     0 OFFSET16 LEN8 bytes    write to the output buffer
 *     1 PORT8                  a one-byte `out` at HL_PORT_WAIT + PORT % 4
 *     2 NUMBER16, 6 arguments  a system call; an argument is a place (below)
 *     3 VECTOR8                an exception
 *     4 PORT16 SIZE8 IN8       any other access to a port
 *     5 GPA64                  MMIO
 *     6                        an interrupt
 *     7 LEN8 bytes, place      write to the guest's memory
 *
 * A place is one byte: what to add, and 8 bytes: a value; values below 16 stand for the regions.
 */
#include "tiny.h"

#include <hl/abi.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "shim.h"
#include "x86.h"
#include "vcpu.h"

#define XSAVE_SIZE 832

struct hl_vcpu {
    struct vcpu_setup setup;
    struct vcpu_regs regs;
    struct vcpu_system system;
    uint64_t fs, gs, cr2;
    uint8_t xsave[XSAVE_SIZE];
};

static const uint8_t *script, *script_end;
static bool ready;
static struct hl_vcpu *newest;

/* Where things are with the smallest buffers: laid out as docs/abi.md says. */
static const uint64_t regions[16] = {0,
                                     0x400000,
                                     0x401000,
                                     0x700000010000,
                                     0x700000021000,
                                     0x700000021190,
                                     0x700000032000,
                                     0x700000032190,
                                     0x700000033000 - 8,
                                     0x700000043000,
                                     0x700000046ff0,
                                     0x700000057000,
                                     0x700000057fff,
                                     0xffff800000000000,
                                     0x7fffffffffff,
                                     0xffffffffffffffff};

void script_set(const uint8_t *data, size_t size)
{
    script = data;
    script_end = data + size;
}

void script_ready(void)
{
    ready = true;
}

static uint64_t take(size_t size)
{
    uint64_t value = 0;
    size_t there = (size_t)(script_end - script);
    if (there < size)
        size = there;
    if (size)
        memcpy(&value, script, size);
    script += size;
    return value;
}

static uint64_t take_place(void)
{
    int8_t plus = (int8_t)take(1);
    uint64_t value = take(plus & 1 ? 8 : 2);
    return (value < 16 ? regions[value] : value) + (uint64_t)(int64_t)(plus >> 1);
}

/* The output buffer, by the page tables that the library made: three levels down. */
static uint8_t *host_of(struct hl_vcpu *v, uint64_t gva)
{
    uint64_t table = v->setup.page_table;
    for (int shift = 39; shift >= 12; shift -= 9) {
        uint64_t entry;
        memcpy(&entry, (uint8_t *)v->setup.memory + table + (gva >> shift & 511) * 8, 8);
        if (!(entry & 1))
            return NULL;
        table = entry & 0xffffffffff000;
        if (table >= v->setup.memory_size)
            return NULL;
    }
    return (uint8_t *)v->setup.memory + table + (gva & 4095);
}

static void put(struct hl_vcpu *v, uint64_t gva, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)take(1);
        uint8_t *to = (gva + i) >> 47 ? NULL : host_of(v, gva + i);
        if (to)
            *to = byte;
    }
}

static void push_frame(struct hl_vcpu *v, uint64_t rip, size_t below)
{
    struct shim_frame frame = {rip, USER_CS, 0x202, v->regs.rsp, USER_DS};
    memcpy((uint8_t *)v->setup.memory + SHIM_STACK_TOP - sizeof(frame), &frame, sizeof(frame));
    v->regs.rsp = SHIM_GVA + SHIM_STACK_TOP - sizeof(frame) - below;
}

static void io(struct vcpu_exit *exit, uint16_t port, uint8_t size, bool in)
{
    exit->kind = VCPU_IO;
    exit->io.port = port;
    exit->io.size = size;
    exit->io.in = in;
    exit->io.count = 1;
    exit->io.value = 0;
}

static void system_call(struct hl_vcpu *v, struct vcpu_exit *exit)
{
    v->regs.rax = take(2);
    uint64_t *arg[6] = {&v->regs.rdi, &v->regs.rsi, &v->regs.rdx,
                        &v->regs.r10, &v->regs.r8,  &v->regs.r9};
    for (int i = 0; i < 6; i++)
        *arg[i] = take_place();
    push_frame(v, 0x400800, 0);
    io(exit, SHIM_PORT_SYSCALL, 1, false);
}

static void fault(struct hl_vcpu *v, struct vcpu_exit *exit)
{
    unsigned vector = (unsigned)take(1) % VECTORS;
    v->cr2 = take_place();
    push_frame(v, take_place(), x86_has_error_code(vector) ? 8 : 0);
    v->regs.rip = SHIM_GVA + SHIM_CODE + vector * SHIM_STUB_SIZE;
    io(exit, SHIM_PORT_VECTOR, 1, false);
}

/* True when the vCPU leaves the guest. */
static bool step(struct hl_vcpu *v, struct vcpu_exit *exit)
{
    uint64_t place;
    size_t size;
    switch (take(1) & 7) {
    case 0:
        place = regions[6] + take(2) % 4096;
        put(v, place, (size_t)take(1));
        return false;
    case 1:
        io(exit, (uint16_t)(HL_PORT_WAIT + take(1) % 4), 1, false);
        return true;
    case 2:
        system_call(v, exit);
        return true;
    case 3:
        fault(v, exit);
        return true;
    case 4:
        place = take(2);
        size = (size_t)1 << take(1) % 3;
        io(exit, place == SHIM_PORT_VECTOR || place == SHIM_PORT_SYSCALL ? 0 : (uint16_t)place,
           (uint8_t)size, take(1) & 1);
        return true;
    case 5:
        *exit = (struct vcpu_exit){.kind = VCPU_MMIO, .mmio = {.gpa = take(8), .size = 8}};
        return true;
    case 6:
        *exit = (struct vcpu_exit){.kind = VCPU_INTERRUPT};
        return true;
    default:
        size = (size_t)take(1);
        put(v, take_place(), size);
        return false;
    }
}

static int run(struct hl_vcpu *v, bool whole, struct vcpu_exit *exit, struct hl_error *error)
{
    static const struct hl_message message = {.kind = HL_MSG_READY};
    (void)whole;
    (void)error;
    v->regs.rip = 0x400800;
    v->regs.rsp = regions[10];
    if (ready) {
        uint8_t *to = host_of(v, regions[6]);
        if (!to)
            abort(); /* the layout is another one: mend regions[] */
        memcpy(to, &message, sizeof(message));
        ready = false;
        io(exit, HL_PORT_WAIT, 1, false);
        return 0;
    }
    while (script < script_end)
        if (step(v, exit))
            return 0;
    exit->kind = VCPU_DEAD;
    strcpy(exit->why, "the script is at its end");
    return 0;
}

static int create(struct hl_vcpu **vcpu, const struct vcpu_setup *setup, struct hl_error *error)
{
    struct hl_vcpu *v = calloc(1, sizeof(*v));
    if (!v)
        return hl_error_set(error, HL_ERR_MEMORY, "no memory");
    v->setup = *setup;
    v->system = (struct vcpu_system){.cs = USER_CS, .ss = USER_DS, .ds = USER_DS};
    *vcpu = newest = v;
    return 0;
}

static void destroy(struct hl_vcpu *v)
{
    if (newest == v)
        newest = NULL;
    free(v);
}

static int settle(struct hl_vcpu *v, struct hl_error *error)
{
    (void)v;
    (void)error;
    return 0;
}

static struct vcpu_regs *regs(struct hl_vcpu *v, struct hl_error *error)
{
    (void)error;
    return &v->regs;
}

static void nothing(struct hl_vcpu *v)
{
    (void)v;
}

static int get_bases(struct hl_vcpu *v, uint64_t *fs, uint64_t *gs, struct hl_error *error)
{
    (void)error;
    *fs = v->fs;
    *gs = v->gs;
    return 0;
}

static int set_bases(struct hl_vcpu *v, uint64_t fs, uint64_t gs, struct hl_error *error)
{
    (void)error;
    v->fs = fs;
    v->gs = gs;
    return 0;
}

static int get_cr2(struct hl_vcpu *v, uint64_t *cr2, struct hl_error *error)
{
    (void)error;
    *cr2 = v->cr2;
    return 0;
}

static int get_system(struct hl_vcpu *v, struct vcpu_system *system, struct hl_error *error)
{
    (void)error;
    *system = v->system;
    return 0;
}

static uint64_t xcr0(const struct hl_vcpu *v)
{
    (void)v;
    return 7;
}

static size_t xsave_size(const struct hl_vcpu *v)
{
    (void)v;
    return XSAVE_SIZE;
}

static int get_xsave(struct hl_vcpu *v, void *area, struct hl_error *error)
{
    (void)error;
    memcpy(area, v->xsave, XSAVE_SIZE);
    return 0;
}

static int set_xsave(struct hl_vcpu *v, const void *area, struct hl_error *error)
{
    (void)error;
    memcpy(v->xsave, area, XSAVE_SIZE);
    return 0;
}

static int save(struct hl_vcpu *v, struct vcpu_state **state, struct hl_error *error)
{
    struct vcpu_state *s = calloc(1, sizeof(*s) + XSAVE_SIZE);
    if (!s)
        return hl_error_set(error, HL_ERR_MEMORY, "no memory");
    s->regs = v->regs;
    s->fs_base = v->fs;
    s->gs_base = v->gs;
    s->ds = USER_DS;
    s->xsave_size = XSAVE_SIZE;
    memcpy(s->xsave, v->xsave, XSAVE_SIZE);
    *state = s;
    return 0;
}

static int restore(struct hl_vcpu *v, const struct vcpu_state *state, bool whole,
                   struct hl_error *error)
{
    (void)whole;
    (void)error;
    v->regs = state->regs;
    v->fs = state->fs_base;
    v->gs = state->gs_base;
    memcpy(v->xsave, state->xsave, XSAVE_SIZE);
    return 0;
}

static bool log_start(struct hl_vcpu *v)
{
    (void)v;
    return false;
}

static bool log_bits(struct hl_vcpu *v, uint64_t *bits)
{
    (void)v;
    (void)bits;
    return false;
}

static int debug(struct hl_vcpu *v, const struct vcpu_debug *what, struct hl_error *error)
{
    (void)v;
    (void)what;
    (void)error;
    return 0;
}

static void answer(struct hl_vcpu *v, const void *data, size_t size)
{
    memcpy(&v->regs.rax, data, size < 8 ? size : 8);
}

static int cpu(struct vcpu_cpu *c, struct hl_error *error)
{
    (void)error;
    *c = (struct vcpu_cpu){.xcr0 = 7, .feature = {1, 2, 3}};
    return 0;
}

static unsigned features(void)
{
    return HL_FEATURE_FSGSBASE;
}

const struct vcpu_ops script_vcpu = {
    .create = create,
    .destroy = destroy,
    .run = run,
    .settle = settle,
    .regs = regs,
    .regs_changed = nothing,
    .get_bases = get_bases,
    .set_bases = set_bases,
    .get_cr2 = get_cr2,
    .get_system = get_system,
    .xcr0 = xcr0,
    .xsave_size = xsave_size,
    .get_xsave = get_xsave,
    .set_xsave = set_xsave,
    .save = save,
    .restore = restore,
    .log_start = log_start,
    .log_read = log_bits,
    .log_clear = log_bits,
    .debug = debug,
    .answer = answer,
    .kick = nothing,
    .cpu = cpu,
    .features = features,
};
