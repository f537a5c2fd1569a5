/* SPDX-License-Identifier: Apache-2.0 */
/* machine/fault.c - describe exceptions in words (Intel SDM 3, 6.15). */
#include <hl/machine.h>

#include <stdio.h>

#include "x86.h"

static const struct {
    const char *name, *title;
} vectors[VECTORS] = {
    [0] = {"#DE", "divide error"},
    [1] = {"#DB", "debug exception"},
    [2] = {"NMI", "non-maskable interrupt"},
    [3] = {"#BP", "breakpoint"},
    [4] = {"#OF", "overflow"},
    [5] = {"#BR", "bound range exceeded"},
    [6] = {"#UD", "invalid opcode"},
    [7] = {"#NM", "device not available"},
    [8] = {"#DF", "double fault"},
    [9] = {"#MP", "coprocessor segment overrun"},
    [10] = {"#TS", "invalid TSS"},
    [11] = {"#NP", "segment not present"},
    [12] = {"#SS", "stack-segment fault"},
    [13] = {"#GP", "general protection fault"},
    [14] = {"#PF", "page fault"},
    [16] = {"#MF", "x87 floating-point exception"},
    [17] = {"#AC", "alignment check"},
    [18] = {"#MC", "machine check"},
    [19] = {"#XM", "SIMD floating-point exception"},
    [20] = {"#VE", "virtualization exception"},
    [21] = {"#CP", "control protection exception"},
    [28] = {"#HV", "hypervisor injection exception"},
    [29] = {"#VC", "VMM communication exception"},
    [30] = {"#SX", "security exception"},
};

const char *hl_fault_name(unsigned vector)
{
    return vector < VECTORS && vectors[vector].name ? vectors[vector].name : "#?";
}

const char *hl_fault_title(unsigned vector)
{
    return vector < VECTORS && vectors[vector].title ? vectors[vector].title : "reserved vector";
}

static int format_page_fault(const struct hl_fault *f, char *buf, size_t size)
{
    const char *access = f->error_code & PF_FETCH   ? "instruction fetch from"
                         : f->error_code & PF_WRITE ? "write to"
                                                    : "read of";
    const char *page = "unmapped address";
    if (f->address >> 47) /* the upper half: kvm_pvm may report it with the reserved bit */
        page = "host-only address";
    else if (f->error_code & PF_RESERVED)
        page = "a damaged page table entry at";
    else if (f->error_code & PF_PRESENT)
        page = f->error_code & PF_FETCH   ? "non-executable page at"
               : f->error_code & PF_WRITE ? "read-only page at"
                                          : "host-only page at";
    return snprintf(buf, size, "%s: %s %s 0x%llx", hl_fault_title(f->vector), access, page,
                    (unsigned long long)f->address);
}

/*
 * The selector error code of #TS, #NP, #SS and #GP (Intel SDM 3, 6.13): for our guests usually an
 * `int n` whose gate they may not use.
 */
static int format_selector_fault(const struct hl_fault *f, char *buf, size_t size)
{
    const char *title = hl_fault_title(f->vector);
    uint32_t code = f->error_code;
    if (!code)
        return snprintf(buf, size, "%s", title);
    if (code & 2)
        return snprintf(buf, size, "%s: interrupt vector 0x%x is not the guest's to use", title,
                        (code & 0xffff) >> 3);
    return snprintf(buf, size, "%s: segment selector 0x%x", title, code & 0xfffc);
}

int hl_fault_format(const struct hl_fault *fault, char *buf, size_t size)
{
    if (fault->vector == VECTOR_PAGE_FAULT)
        return format_page_fault(fault, buf, size);
    if (x86_has_error_code(fault->vector))
        return format_selector_fault(fault, buf, size);
    return snprintf(buf, size, "%s", hl_fault_title(fault->vector));
}
