/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.c - the player of guests that run nothing (tests/kit/scripted.h): their exits, and what
 * they wrote before them, come from a script.  With it (parts.c) all above the seam runs without a
 * KVM.
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
#include <stdlib.h>
#include <string.h>

#include "x86.h"

static const uint8_t *script, *script_end;
static bool ready;

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

static void put(struct hl_vcpu *v, uint64_t gva, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)take(1);
        size_t one = 1;
        uint8_t *to = (gva + i) >> 47 ? NULL : pagetable_page(v->setup.tables, gva + i, &one, 0);
        if (to)
            *to = byte;
    }
}

static struct hl_exit system_call(struct hl_vcpu *v)
{
    v->regs.rax = take(2);
    uint64_t *arg[6] = {&v->regs.rdi, &v->regs.rsi, &v->regs.rdx,
                        &v->regs.r10, &v->regs.r8,  &v->regs.r9};
    for (int i = 0; i < 6; i++)
        *arg[i] = take_place();
    return scripted_syscall_exit(v);
}

static struct hl_exit fault(struct hl_vcpu *v)
{
    unsigned vector = (unsigned)take(1) % VECTORS;
    v->cr2 = take_place();
    v->regs.rip = take_place();
    return scripted_fault(v, vector, 0);
}

/* True when the vCPU leaves the guest. */
static bool step(struct hl_vcpu *v, struct hl_exit *exit)
{
    uint64_t place;
    size_t size;
    switch (take(1) & 7) {
    case 0:
        place = regions[6] + take(2) % 4096;
        put(v, place, (size_t)take(1));
        return false;
    case 1:
        *exit = scripted_io(v, (uint16_t)(HL_PORT_WAIT + take(1) % 4), 1, false);
        return true;
    case 2:
        *exit = system_call(v);
        return true;
    case 3:
        *exit = fault(v);
        return true;
    case 4:
        place = take(2);
        size = (size_t)1 << take(1) % 3;
        *exit = scripted_io(v, (uint16_t)place, (uint8_t)size, take(1) & 1);
        return true;
    case 5:
        *exit = scripted_mmio_read(v, take(8), 8);
        return true;
    case 6:
        *exit = (struct hl_exit){.kind = HL_EXIT_INTERRUPT};
        return true;
    default:
        size = (size_t)take(1);
        put(v, take_place(), size);
        return false;
    }
}

static int run(struct hl_vcpu *v, struct hl_exit *exit, struct hl_error *error)
{
    static const struct hl_message message = {.kind = HL_MSG_READY};
    (void)error;
    v->regs.rip = 0x400800;
    v->regs.rsp = regions[10];
    if (ready) {
        size_t size = sizeof(message);
        uint8_t *to = pagetable_page(v->setup.tables, regions[6], &size, 0);
        if (!to || size < sizeof(message))
            abort(); /* the layout is another one: mend regions[] */
        memcpy(to, &message, sizeof(message));
        ready = false;
        *exit = scripted_io(v, HL_PORT_WAIT, 1, false);
        return 0;
    }
    while (script < script_end)
        if (step(v, exit))
            return 0;
    *exit = (struct hl_exit){.kind = HL_EXIT_SHUTDOWN};
    strcpy(exit->shutdown.why, "the script is at its end");
    return 0;
}

/* As the corpora's snapshots have it. */
static const struct scripted_player script_player = {
    .run = run, .cpu = {.xcr0 = 7, .feature = {1, 2, 3}}, .xsave_size = 832};

__attribute__((constructor)) static void play(void)
{
    scripted_set_player(&script_player);
}
