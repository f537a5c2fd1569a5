/* SPDX-License-Identifier: Apache-2.0 */
/* machine/machine.c - making a machine: memory, shim pages, tables, vCPU. */
#include "machine_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine_dirty.h"
#include "memory.h"
#include "shim.h"
#include "sized.h"

/*
 * The tables: GDT, TSS and IDT one behind the other.  The TSS (Intel SDM 3, 8.7) is followed
 * by the I/O permission bitmap up to HL_MACHINE_PORT_LIMIT and the byte of ones that must end it.
 */
#define GDT_ENTRIES 10
#define TSS_RSP0 4
#define TSS_IOMAP_BASE 102
#define TSS_SIZE 104
#define IOMAP_SIZE sizeof(((struct hl_machine *)0)->io_map)
#define TABLE_GDT 0
#define TABLE_TSS 0x80
#define TABLE_IDT 0x200
#define IDT_ENTRY_SIZE 16

/* Descriptor bytes 5 and 6 (Intel SDM 3, 3.4.5): accessed bits are set ahead. */
#define DESC_KERNEL_CODE 0x00af9b000000ffffull
#define DESC_KERNEL_DATA 0x00cf93000000ffffull
#define DESC_USER_CODE32 0x00cffb000000ffffull
#define DESC_USER_DATA 0x00cff3000000ffffull
#define DESC_USER_CODE 0x00affb000000ffffull

/* Regions a machine's own pages and a caller's mappings make at the most, for the table pool. */
#define POOL_REGIONS 24
/* Of a sandbox: the root, three each for image, arena and shim, another in the arena. */
#define TABLES_AHEAD 11u
#define SHARED_REGIONS 16 /* far from each other; mapped, with guards, at most twice their size */

static void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void write_gdt(uint8_t *gdt)
{
    const uint64_t tss = SHIM_GVA + SHIM_TABLES + TABLE_TSS;
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

static void write_tss(uint8_t *tss, const uint8_t *io_map)
{
    put64(tss + TSS_RSP0, SHIM_GVA + SHIM_STACK_TOP);
    tss[TSS_IOMAP_BASE] = TSS_SIZE;
    memcpy(tss + TSS_SIZE, io_map, IOMAP_SIZE);
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

void machine_write_shim(struct hl_machine *m)
{
    uint8_t *shim = m->memory + m->shim;
    memset(shim + SHIM_TABLES, 0, SHIM_STACK - SHIM_TABLES);
    memcpy(shim + SHIM_CODE, hl_shim_code, (size_t)(hl_shim_end - hl_shim_code));
    write_gdt(shim + SHIM_TABLES + TABLE_GDT);
    write_tss(shim + SHIM_TABLES + TABLE_TSS, m->io_map);
    write_idt(shim + SHIM_TABLES + TABLE_IDT);
}

static void make_shim(struct hl_machine *m, const struct hl_machine_config *config)
{
    memset(m->io_map, 0xff, IOMAP_SIZE);
    for (size_t i = 0; i < config->port_count; i++)
        m->io_map[config->port[i] / 8] &= (uint8_t) ~(1u << config->port[i] % 8);
    machine_write_shim(m);
    pagetable_set(&m->pt, SHIM_GVA + SHIM_CODE, m->shim + SHIM_CODE,
                  HL_PROT_READ | HL_PROT_EXEC | PAGE_SUPERVISOR);
    pagetable_set(&m->pt, SHIM_GVA + SHIM_STACK, m->shim + SHIM_STACK,
                  HL_PROT_READ | HL_PROT_WRITE | PAGE_SUPERVISOR);
}

int machine_check(const struct hl_machine_config *config, struct hl_error *error)
{
    if (!config)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no machine config");
    if (config->port_count && !config->port)
        return hl_error_set(error, HL_ERR_ARGUMENT, "%zu ports at NULL", config->port_count);
    for (size_t i = 0; i < config->port_count; i++)
        if (config->port[i] >= HL_MACHINE_PORT_LIMIT)
            return hl_error_set(error, HL_ERR_ARGUMENT, "port 0x%x is not below 0x%x",
                                config->port[i], HL_MACHINE_PORT_LIMIT);
    unsigned long long physical =
        (unsigned long long)sysconf(_SC_PHYS_PAGES) * (unsigned long long)sysconf(_SC_PAGESIZE);
    unsigned long long limit = physical < HL_MACHINE_MEMORY_MAX ? physical : HL_MACHINE_MEMORY_MAX;
    if (config->shared > HL_MACHINE_MEMORY_MAX)
        return hl_error_set(error, HL_ERR_LIMIT, "room for %zu MiB of files: the limit is %llu MiB",
                            config->shared >> 20, HL_MACHINE_MEMORY_MAX >> 20);
    if (config->memory > limit || config->mapped > limit) {
        size_t asked = config->memory > config->mapped ? config->memory : config->mapped;
        hl_error_set(error, HL_ERR_LIMIT,
                     "the guest wants %zu MiB of memory, this machine can give %llu MiB",
                     asked >> 20, limit >> 20);
        hl_error_hint(error, "ask for a smaller heap, stack or buffer");
        return HL_ERR_LIMIT;
    }
    return 0;
}

static size_t whole_pages(size_t size)
{
    return (size + PAGE_SIZE - 1) & PAGE_MASK;
}

static size_t pool_size(const struct hl_machine_config *config)
{
    size_t wanted = whole_pages(config->memory);
    return pagetable_pool_size(config->mapped > wanted ? config->mapped : wanted, POOL_REGIONS);
}

hl_gpa_t machine_first(const struct hl_machine_config *config)
{
    return SHIM_SIZE + pool_size(config);
}

/* Lay the slice out: shim pages, pool of page tables, then what alloc gives out. */
static int make_memory(struct hl_machine *m, const struct hl_machine_config *config,
                       struct hl_error *error)
{
    size_t wanted = whole_pages(config->memory), pool = pool_size(config);
    size_t shared = whole_pages(config->shared);
    /* Behind everything else: its size moves nothing, and snapshots do not depend on it. */
    size_t spare = shared ? pagetable_pool_size(2 * shared, SHARED_REGIONS) : 0;
    m->memory_size = SHIM_SIZE + pool + wanted + spare + shared;
    m->memory = memory_map(NULL, m->memory_size, -1, 0);
    if (!m->memory)
        return hl_error_set(error, HL_ERR_MEMORY, "no memory for a guest of %zu MiB: %s",
                            m->memory_size >> 20, strerror(errno));
    /* A guest touches little: huge pages would zero 2 MiB for each first touch. */
    madvise(m->memory, m->memory_size, MADV_NOHUGEPAGE);
    /*
     * Tables are read before they are written to, which would be two page faults each.  A machine
     * that has fewer is not helped, one that has more not hurt; nor is one whose kernel cannot.
     */
    size_t ahead = pool < TABLES_AHEAD * PAGE_SIZE ? pool : TABLES_AHEAD * PAGE_SIZE;
    madvise(m->memory, SHIM_SIZE + ahead, MADV_POPULATE_WRITE);
    m->shim = 0;
    pagetable_init(&m->pt, m->memory, SHIM_SIZE, pool);
    m->free = machine_first(config);
    m->limit = m->free + wanted;
    m->shared = m->limit + spare;
    m->pt.spare = m->limit;
    m->pt.spare_end = m->shared;
    make_shim(m, config);
    return 0;
}

int machine_create(struct hl_machine **machine, const struct hl_machine_config *config,
                   const struct vcpu_ops *ops, const struct machine_contents *contents,
                   struct hl_error *error)
{
    int rc = machine_check(config, error);
    if (rc)
        return rc;
    struct hl_machine *m = calloc(1, sizeof(*m));
    if (!m)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    m->ops = ops;
    m->last.kind = HL_EXIT_INTERRUPT; /* there was none */
    m->marks = calloc(1, sizeof(*m->marks));
    rc = m->marks ? make_memory(m, config, error)
                  : hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    if (!rc && contents)
        rc = machine_fill(m, contents, error);
    if (!rc) {
        struct vcpu_setup setup = {
            .log = contents && contents->log,
            .memory = m->memory,
            .memory_size = m->memory_size,
            .page_table = m->pt.root,
            .gdt = SHIM_GVA + SHIM_TABLES + TABLE_GDT,
            .gdt_limit = GDT_ENTRIES * 8 - 1,
            .idt = SHIM_GVA + SHIM_TABLES + TABLE_IDT,
            .idt_limit = VECTORS * IDT_ENTRY_SIZE - 1,
            .tss = SHIM_GVA + SHIM_TABLES + TABLE_TSS,
            .tss_limit = TSS_SIZE + IOMAP_SIZE - 1,
            .gate = SHIM_GVA + SHIM_CODE + (hl_gva_t)(hl_shim_gate - hl_shim_code),
        };
        rc = ops->create(&m->vcpu, &setup, error);
    }
    if (rc) {
        hl_machine_destroy(m);
        return rc;
    }
    *machine = m;
    return 0;
}

int hl_machine_create(struct hl_machine **machine, const struct hl_machine_config *config,
                      struct hl_error *error)
{
    struct hl_machine_config own;
    int rc = SIZED_READ(hl_machine_config, &own, config, error);
    return rc ? rc : machine_create(machine, config ? &own : NULL, vcpu_default, NULL, error);
}

const struct vcpu_ops *machine_backend(const struct hl_machine *m)
{
    return m->ops;
}

void hl_machine_destroy(struct hl_machine *m)
{
    if (!m)
        return;
    if (m->vcpu)
        m->ops->destroy(m->vcpu);
    if (m->memory)
        munmap(m->memory, m->memory_size);
    machine_marks_free(m->marks);
    free(m);
}
