/* SPDX-License-Identifier: Apache-2.0 */
#include "pagetable.h"

#include <string.h>

#include <hl/machine.h>

/* Intel SDM 3, 4.5: bits of an entry. */
#define PTE_P (1ull << 0)
#define PTE_W (1ull << 1)
#define PTE_U (1ull << 2)
#define PTE_A (1ull << 5)
#define PTE_D (1ull << 6)
#define PTE_NX (1ull << 63)
/*
 * Ignored by the processor: that the entry is ours, the access that it allows, and the part of that
 * access withheld for a watchpoint.
 */
#define PTE_MAPPED (1ull << 9)
#define PTE_READ (1ull << 52)
#define PTE_WRITE (1ull << 53)
#define PTE_EXEC (1ull << 54)
#define PTE_WATCH_WRITE (1ull << 55)
#define PTE_WATCH_READ (1ull << 56)
#define PTE_WATCH (PTE_WATCH_WRITE | PTE_WATCH_READ)
#define PTE_ADDRESS 0x000ffffffffff000ull

#define ENTRIES 512

static uint64_t *table_at(const struct pagetable *pt, hl_gpa_t gpa)
{
    return (uint64_t *)(void *)(pt->memory + gpa);
}

void pagetable_init(struct pagetable *pt, void *memory, size_t memory_size, hl_gpa_t pool,
                    size_t size)
{
    *pt = (struct pagetable){.memory = memory,
                             .memory_size = memory_size,
                             .root = pool,
                             .next = pool + PAGE_SIZE,
                             .end = pool + size};
}

size_t pagetable_pool_size(size_t bytes, size_t regions)
{
    /* A piece may touch one more table at each level, and has its own path from the root. */
    size_t last = bytes / (ENTRIES * PAGE_SIZE) + 2 * regions;
    size_t middle = bytes / (ENTRIES * ENTRIES * PAGE_SIZE) + 2 * regions;
    return (1 + last + 2 * middle) * PAGE_SIZE;
}

static unsigned index_at(hl_gva_t gva, unsigned level)
{
    return (unsigned)(gva >> (12 + 9 * level)) % ENTRIES;
}

/* The last-level entry for gva; NULL if its table is missing. */
static uint64_t *find_entry(const struct pagetable *pt, hl_gva_t gva)
{
    uint64_t *table = table_at(pt, pt->root);
    for (unsigned level = 3; level > 0; level--) {
        uint64_t entry = table[index_at(gva, level)];
        if (!(entry & PTE_P))
            return NULL;
        table = table_at(pt, entry & PTE_ADDRESS);
    }
    return &table[index_at(gva, 0)];
}

static uint64_t *make_entry(struct pagetable *pt, hl_gva_t gva)
{
    uint64_t *table = table_at(pt, pt->root);
    for (unsigned level = 3; level > 0; level--) {
        uint64_t *entry = &table[index_at(gva, level)];
        if (!(*entry & PTE_P)) {
            hl_gpa_t *next = pt->next < pt->end ? &pt->next : &pt->spare;
            if (next == &pt->spare && pt->spare >= pt->spare_end)
                return NULL;
            *entry = *next | PTE_P | PTE_W | PTE_U | PTE_A;
            *next += PAGE_SIZE;
        }
        table = table_at(pt, *entry & PTE_ADDRESS);
    }
    return &table[index_at(gva, 0)];
}

/* Collect the use of an entry's page, before the entry is changed. */
static void note_use(const struct pagetable *pt, uint64_t entry)
{
    const struct pagetable_use *use = pt->use;
    uint64_t page = (entry & PTE_ADDRESS) / PAGE_SIZE;
    if (!use || !(entry & PTE_P) || page >= use->pages)
        return;
    if (entry & PTE_A)
        use->read[page / 64] |= 1ull << page % 64;
    if ((entry & PTE_D) && (entry & PTE_WRITE))
        use->written[page / 64] |= 1ull << page % 64;
}

/*
 * The processor's bits follow from ours.  A and D are set in advance, so that the processor never
 * writes to a table, unless their changes are being collected.
 */
static uint64_t finish(const struct pagetable *pt, uint64_t entry)
{
    const uint64_t any = PTE_READ | PTE_WRITE | PTE_EXEC;
    entry &= ~(PTE_P | PTE_W | PTE_A | PTE_D | PTE_NX);
    if ((entry & any) && !(entry & PTE_WATCH_READ))
        entry |= PTE_P | (pt->use ? 0 : PTE_A | PTE_D);
    if ((entry & PTE_WRITE) && !(entry & PTE_WATCH))
        entry |= PTE_W;
    if (!(entry & PTE_EXEC))
        entry |= PTE_NX;
    return entry;
}

/* A watch stays when the page changes. */
static uint64_t encode(const struct pagetable *pt, hl_gpa_t gpa, unsigned prot, uint64_t before)
{
    note_use(pt, before);
    uint64_t entry = (gpa & PTE_ADDRESS) | PTE_MAPPED | (before & PTE_WATCH);
    if (prot & HL_PROT_READ)
        entry |= PTE_READ;
    if (prot & HL_PROT_WRITE)
        entry |= PTE_READ | PTE_WRITE;
    if (prot & HL_PROT_EXEC)
        entry |= PTE_READ | PTE_EXEC;
    if (!(prot & PAGE_SUPERVISOR))
        entry |= PTE_U;
    return finish(pt, entry);
}

static unsigned decode(uint64_t entry)
{
    return (entry & PTE_READ ? HL_PROT_READ : 0u) | (entry & PTE_WRITE ? HL_PROT_WRITE : 0u) |
           (entry & PTE_EXEC ? HL_PROT_EXEC : 0u) | (entry & PTE_U ? 0u : PAGE_SUPERVISOR);
}

bool pagetable_set(struct pagetable *pt, hl_gva_t gva, hl_gpa_t gpa, unsigned prot)
{
    uint64_t *entry = make_entry(pt, gva);
    if (!entry)
        return false;
    *entry = encode(pt, gpa, prot, *entry);
    pt->generation++;
    return true;
}

bool pagetable_protect(struct pagetable *pt, hl_gva_t gva, unsigned prot)
{
    uint64_t *entry = find_entry(pt, gva);
    if (!entry || !(*entry & PTE_MAPPED))
        return false;
    *entry = encode(pt, *entry & PTE_ADDRESS, prot, *entry);
    return true;
}

void pagetable_clear(struct pagetable *pt, hl_gva_t gva)
{
    uint64_t *entry = find_entry(pt, gva);
    if (entry) {
        note_use(pt, *entry);
        *entry &= PTE_WATCH;
    }
    pt->generation++;
}

bool pagetable_watch(struct pagetable *pt, hl_gva_t gva, unsigned watch)
{
    uint64_t *entry = find_entry(pt, gva);
    if (!entry || !(*entry & (PTE_MAPPED | PTE_WATCH)))
        return false;
    note_use(pt, *entry);
    *entry &= ~PTE_WATCH;
    if (watch & HL_PROT_WRITE)
        *entry |= PTE_WATCH_WRITE;
    if (watch & HL_PROT_READ)
        *entry |= PTE_WATCH_READ;
    *entry = finish(pt, *entry);
    return true;
}

bool pagetable_lookup(const struct pagetable *pt, hl_gva_t gva, hl_gpa_t *gpa, unsigned *prot)
{
    /* Bits 63 to 47 must be equal, or the address is not canonical. */
    if (((int64_t)(gva << 16) >> 16) != (int64_t)gva)
        return false;
    const uint64_t *entry = find_entry(pt, gva);
    if (!entry || !(*entry & PTE_MAPPED))
        return false;
    *gpa = (*entry & PTE_ADDRESS) + gva % PAGE_SIZE;
    *prot = decode(*entry);
    return true;
}

uint8_t *pagetable_page(const struct pagetable *pt, hl_gva_t gva, size_t *size, unsigned need)
{
    hl_gpa_t gpa;
    unsigned prot;
    size_t rest = PAGE_SIZE - gva % PAGE_SIZE;
    if (*size > rest)
        *size = rest;
    if (!pagetable_lookup(pt, gva, &gpa, &prot) || (prot & PAGE_SUPERVISOR) ||
        (prot & need) != need || gpa > pt->memory_size || *size > pt->memory_size - gpa)
        return NULL;
    return pt->memory + gpa;
}

size_t pagetable_read(const struct pagetable *pt, hl_gva_t gva, void *buf, size_t size,
                      unsigned need)
{
    size_t done = 0;
    while (done < size) {
        size_t n = size - done;
        const uint8_t *page = pagetable_page(pt, gva + done, &n, need);
        if (!page)
            break;
        memcpy((uint8_t *)buf + done, page, n);
        done += n;
    }
    return done;
}

bool pagetable_next_below(const struct pagetable *pt, hl_gva_t *gva, hl_gva_t end, hl_gpa_t *gpa,
                          unsigned *prot)
{
    for (hl_gva_t at = *gva; at < end;) {
        const uint64_t *table = table_at(pt, pt->root);
        unsigned level = 3;
        for (; level > 0 && (table[index_at(at, level)] & PTE_P); level--)
            table = table_at(pt, table[index_at(at, level)] & PTE_ADDRESS);
        uint64_t entry = table[index_at(at, level)];
        if (level == 0 && (entry & PTE_MAPPED)) {
            *gva = at;
            *gpa = entry & PTE_ADDRESS;
            *prot = decode(entry);
            return true;
        }
        uint64_t size = PAGE_SIZE << 9 * level;
        at = (at & ~(size - 1)) + size;
    }
    return false;
}

bool pagetable_next(const struct pagetable *pt, hl_gva_t *gva, hl_gpa_t *gpa, unsigned *prot)
{
    return pagetable_next_below(pt, gva, 1ull << 47, gpa, prot);
}

/* Write all existing entries as they should be now. */
static void finish_all(struct pagetable *pt)
{
    hl_gpa_t gpa;
    unsigned prot;
    for (hl_gva_t gva = 0; pagetable_next(pt, &gva, &gpa, &prot); gva += PAGE_SIZE) {
        uint64_t *entry = find_entry(pt, gva);
        *entry = finish(pt, *entry);
    }
}

void pagetable_use_begin(struct pagetable *pt, struct pagetable_use *use)
{
    pt->use = use;
    finish_all(pt);
}

void pagetable_use_end(struct pagetable *pt)
{
    hl_gpa_t gpa;
    unsigned prot;
    for (hl_gva_t gva = 0; pagetable_next(pt, &gva, &gpa, &prot); gva += PAGE_SIZE)
        note_use(pt, *find_entry(pt, gva));
    pt->use = NULL;
    finish_all(pt);
}
