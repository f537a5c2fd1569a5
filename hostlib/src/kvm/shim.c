/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/shim.c - ring 0 of a machine: its tables, and what they say about where the guest was. */
#include "shim.h"

#include <string.h>

#include "backend.h"

_Static_assert(SHIM_SIZE == BACKEND_SIZE, "SHIM_SIZE");

/*
 * The tables: GDT, TSS and IDT one after the other.  The TSS (Intel SDM 3, 8.7) is followed by the
 * I/O permission bitmap up to HL_MACHINE_PORT_LIMIT and the byte of ones that must end it.
 */
#define GDT_ENTRIES 10
#define TSS_RSP0 4
#define TSS_IOMAP_BASE 102
#define TSS_SIZE 104
#define IOMAP_SIZE (HL_MACHINE_PORT_LIMIT / 8 + 1)
#define TABLE_GDT 0
#define TABLE_TSS 0x80
#define TABLE_IDT 0x200
#define IDT_ENTRY_SIZE 16
#define TABLES_GVA (SHIM_GVA + SHIM_TABLES)

/* Descriptor bytes 5 and 6 (Intel SDM 3, 3.4.5): accessed bits are set in advance. */
#define DESC_KERNEL_CODE 0x00af9b000000ffffull
#define DESC_KERNEL_DATA 0x00cf93000000ffffull
#define DESC_USER_CODE32 0x00cffb000000ffffull
#define DESC_USER_DATA 0x00cff3000000ffffull
#define DESC_USER_CODE 0x00affb000000ffffull

static uint64_t gate_offset(void)
{
    return (uint64_t)(shim_gate - shim_code);
}

struct shim_tables shim_tables(void)
{
    return (struct shim_tables){
        .gdt = TABLES_GVA + TABLE_GDT,
        .gdt_limit = GDT_ENTRIES * 8 - 1,
        .idt = TABLES_GVA + TABLE_IDT,
        .idt_limit = VECTORS * IDT_ENTRY_SIZE - 1,
        .tss = TABLES_GVA + TABLE_TSS,
        .tss_limit = TSS_SIZE + IOMAP_SIZE - 1,
        .gate = SHIM_GVA + SHIM_CODE + gate_offset(),
    };
}

/* ---- tables ---- */

static void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void write_gdt(uint8_t *gdt)
{
    const uint64_t tss = TABLES_GVA + TABLE_TSS;
    const uint64_t limit = TSS_SIZE + IOMAP_SIZE - 1;
    put64(gdt + SHIM_KERNEL_CS, DESC_KERNEL_CODE);
    put64(gdt + SHIM_KERNEL_DS, DESC_KERNEL_DATA);
    put64(gdt + (USER32_CS & ~7), DESC_USER_CODE32);
    put64(gdt + (USER_DS & ~7), DESC_USER_DATA);
    put64(gdt + (USER_CS & ~7), DESC_USER_CODE);
    put64(gdt + SHIM_TSS,
          limit | (tss & 0xffffff) << 16 | 0x8bull << 40 | (tss >> 24 & 0xff) << 56);
    put64(gdt + SHIM_TSS + 8, tss >> 32);
}

static void write_tss(uint8_t *tss, const uint8_t *ports)
{
    put64(tss + TSS_RSP0, SHIM_GVA + SHIM_STACK_TOP);
    tss[TSS_IOMAP_BASE] = TSS_SIZE;
    memcpy(tss + TSS_SIZE, ports, IOMAP_SIZE);
}

/* Interrupt gates; ring 3 may raise #BP and #OF itself (int3, into), every other `int n` is #GP. */
static void write_idt(uint8_t *idt)
{
    for (unsigned v = 0; v < VECTORS; v++) {
        uint64_t stub = SHIM_GVA + SHIM_CODE + v * SHIM_STUB_SIZE;
        uint64_t type = v == VECTOR_BREAKPOINT || v == VECTOR_OVERFLOW ? 0xee : 0x8e;
        put64(idt + v * IDT_ENTRY_SIZE, (stub & 0xffff) | (uint64_t)SHIM_KERNEL_CS << 16 |
                                            type << 40 | (stub >> 16 & 0xffff) << 48);
        put64(idt + v * IDT_ENTRY_SIZE + 8, stub >> 32);
    }
}

void shim_write(uint8_t *pages, const uint8_t *ports)
{
    memset(pages + SHIM_TABLES, 0, SHIM_STACK - SHIM_TABLES);
    memcpy(pages + SHIM_CODE, shim_code, (size_t)(shim_end - shim_code));
    write_gdt(pages + SHIM_TABLES + TABLE_GDT);
    write_tss(pages + SHIM_TABLES + TABLE_TSS, ports);
    write_idt(pages + SHIM_TABLES + TABLE_IDT);
}

/* ---- where the guest was ---- */

struct shim_frame *shim_frame(uint8_t *pages)
{
    return (struct shim_frame *)(void *)(pages + SHIM_STACK_TOP - sizeof(struct shim_frame));
}

enum shim_place shim_place(uint64_t rip)
{
    uint64_t offset = rip - (SHIM_GVA + SHIM_CODE);
    if (offset >= (uint64_t)(shim_end - shim_code))
        return SHIM_OUTSIDE;
    if (offset >= gate_offset())
        return offset <= (uint64_t)(shim_gate_out - shim_code) ? SHIM_BEFORE_OUT : SHIM_PAST_OUT;
    return offset % SHIM_STUB_SIZE < SHIM_OUT_SIZE ? SHIM_BEFORE_OUT : SHIM_PAST_OUT;
}

const char *shim_fault(uint8_t *pages, uint64_t rip, uint64_t rsp, struct hl_fault *fault)
{
    const struct shim_frame *f = shim_frame(pages);
    uint64_t offset = rip - (SHIM_GVA + SHIM_CODE);
    if (offset >= VECTORS * SHIM_STUB_SIZE)
        return "an exception stub ran outside the shim";
    *fault = (struct hl_fault){.vector = (unsigned)(offset / SHIM_STUB_SIZE), .rip = f->rip};
    /*
     * From ring 0 the processor stays on the present stack: then `f` is from an older exception.  A
     * guest gets here by a `syscall` from 32-bit code if KVM sends that to an invalid address
     * (kvm_pvm).
     */
    bool has_code = x86_has_error_code(fault->vector);
    uint64_t top = SHIM_GVA + SHIM_STACK_TOP - (has_code ? 8 : 0);
    if ((f->cs & 3) != 3 || rsp != top - sizeof(*f))
        return "an exception inside the ring-0 shim";
    if (has_code)
        memcpy(&fault->error_code, (const uint8_t *)f - 8, sizeof(fault->error_code));
    return NULL;
}

/*
 * kvm_pvm takes a `syscall` to LSTAR with rcx and r11 set, but leaves the vCPU at ring 3, which
 * cannot access the gate's page: it arrives as a #PF on the fetch of the gate's first byte.  Ring 3
 * could jump there on any KVM; only a fault that comes from a `syscall` counts as one.
 */
bool shim_is_syscall(const struct hl_fault *fault, const struct pagetable *tables, uint64_t rcx)
{
    const uint32_t fetch_by_user = PF_USER | PF_FETCH; /* PF_PRESENT varies */
    const uint8_t syscall_code[2] = {0x0f, 0x05};
    uint8_t code[2];
    return fault->vector == VECTOR_PAGE_FAULT &&
           (fault->error_code & fetch_by_user) == fetch_by_user &&
           fault->rip == SHIM_GVA + SHIM_CODE + gate_offset() &&
           pagetable_read(tables, rcx - sizeof(code), code, sizeof(code), HL_PROT_EXEC) ==
               sizeof(code) &&
           memcmp(code, syscall_code, sizeof(code)) == 0;
}
