/* SPDX-License-Identifier: Apache-2.0 */
/* heap.c - any sequence of the heap's system calls: libhl finds what the Linux below finds. */
#include <hl/sandbox.h>
#include <stdio.h>
#include <stdlib.h>

#include "../guest/mapping.h"
#include "../guest/mapping_text.h"
#include "linux_heap.h"
#include "machine.h"
#include "tiny.h"

#define STEPS_MAX 200u

static struct hl_sandbox *sandbox(void)
{
    const struct hl_sandbox_config config = {.heap = 1 << 20, .no_debugger = true};
    static struct hl_sandbox *sb;
    if (!sb && hl_sandbox_create(&sb, tiny_image(), &config, NULL))
        abort();
    return sb;
}

static long call(void *opaque, long number, const uint64_t a[5])
{
    const uint64_t args[6] = {a[0], a[1], a[2], a[3], a[4], 0};
    switch (number) {
    case SYS_mmap:
        return linux_mmap(opaque, args);
    case SYS_munmap:
        return linux_munmap(opaque, args);
    case SYS_mremap:
        return linux_mremap(opaque, args);
    case SYS_mprotect:
        return linux_mprotect(opaque, args);
    case SYS_madvise:
        return linux_madvise(opaque, args);
    case SYS_brk:
        return linux_brk(opaque, args);
    default:
        abort();
    }
}

static uint8_t *byte(void *opaque, uint64_t at, unsigned *prot)
{
    struct hl_sandbox *sb = opaque;
    hl_gpa_t gpa;
    return hl_machine_lookup(sb->machine, at, &gpa, prot) ? NULL
                                                          : machine_memory(sb->machine, gpa, 1);
}

/* The calls that look do write: a byte of chance at the end of a page, which nobody reads. */
static unsigned access_of(void *opaque, uint64_t page)
{
    unsigned prot;
    if (!byte(opaque, page, &prot))
        return 0;
    return (prot & HL_PROT_READ ? 2u : 0u) | (prot & HL_PROT_WRITE ? 1u : 0u);
}

static uint8_t peek(void *opaque, uint64_t at)
{
    unsigned prot;
    return *byte(opaque, at, &prot);
}

static void poke(void *opaque, uint64_t at, uint8_t value)
{
    unsigned prot;
    *byte(opaque, at, &prot) = value;
}

static void report(struct mapping ours, struct mapping linux, uint32_t steps)
{
    struct mapping a, b;
    char text[200];
    uint32_t n = 0;
    do {
        a = ours;
        b = linux;
        n++;
    } while (mapping_run(&a, n) == mapping_run(&b, n) && n < steps);
    mapping_describe(&b, text, sizeof(text));
    fprintf(stderr, "step %u: %s: %ld on Linux, %ld here, or its pages differ\n", n, text,
            mapping_result(&b), mapping_result(&a));
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct mapping_os os = {call, access_of, peek, poke, sandbox()};
    struct mapping linux = {.os = &mapping_native, .data = data, .size = size}, ours = linux;
    uint32_t steps = size / 8 < STEPS_MAX ? (uint32_t)size / 8 + 1 : STEPS_MAX;
    ours.os = &os;
    struct mapping a = ours, b = linux;
    uint64_t here = mapping_run(&a, steps), there = mapping_run(&b, steps);
    if (!here || !there)
        abort(); /* there is always room for the arena */
    if (here != there)
        report(ours, linux, steps);
    return 0;
}
