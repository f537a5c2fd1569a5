/* SPDX-License-Identifier: Apache-2.0 */
/* machine/memory.c - a machine's memory: taking, mapping, and copying through the page tables. */
#include "machine_debug.h"
#include "machine_dirty.h"

#include <string.h>
#include <sys/mman.h>

#define GUEST_LOW PAGE_SIZE /* page 0 stays unmapped: NULL faults */
/*
 * The lower canonical half but for its last page: a `syscall` in that page's last bytes would
 * return to an address on which the shim's iretq faults, in ring 0.
 */
#define GUEST_HIGH 0x00007ffffffff000ull

int hl_machine_alloc(struct hl_machine *m, size_t size, hl_gpa_t *gpa, struct hl_error *error)
{
    size_t bytes;
    if (__builtin_add_overflow(size, PAGE_SIZE - 1, &bytes) || !size)
        return hl_error_set(error, HL_ERR_ARGUMENT, "cannot take %zu bytes", size);
    bytes &= PAGE_MASK;
    if (bytes > m->limit - m->free)
        return hl_error_set(error, HL_ERR_LIMIT,
                            "the machine's memory is used up: %zu bytes wanted, %llu left", bytes,
                            (unsigned long long)(m->limit - m->free));
    *gpa = m->free;
    m->free += bytes;
    return 0;
}

static int check_range(hl_gva_t gva, size_t size, struct hl_error *error)
{
    hl_gva_t end;
    if (gva % PAGE_SIZE || size % PAGE_SIZE || !size)
        return hl_error_set(error, HL_ERR_ARGUMENT, "0x%llx, size 0x%zx: not whole pages",
                            (unsigned long long)gva, size);
    if (__builtin_add_overflow(gva, size, &end) || gva < GUEST_LOW || end > GUEST_HIGH)
        return hl_error_set(error, HL_ERR_ARGUMENT,
                            "0x%llx, size 0x%zx: outside the guest's address space",
                            (unsigned long long)gva, size);
    return 0;
}

static int check_prot(unsigned prot, struct hl_error *error)
{
    unsigned both = HL_PROT_WRITE | HL_PROT_EXEC;
    if (prot & ~(HL_PROT_READ | both))
        return hl_error_set(error, HL_ERR_ARGUMENT, "unknown protection 0x%x", prot);
    if ((prot & both) == both)
        return hl_error_set(error, HL_ERR_ARGUMENT, "a page cannot be writable and executable");
    return 0;
}

/* What an x86 can write to it can read: should the second call fail, the host has lost nothing. */
static bool change_and_back(uint8_t *at, size_t size)
{
    return mprotect(at, size, PROT_WRITE) == 0 && mprotect(at, size, PROT_READ | PROT_WRITE) == 0;
}

void machine_forget(struct hl_machine *m, hl_gpa_t gpa, size_t size)
{
    if (!m->entered || gpa >= m->memory_size || size > m->memory_size - gpa)
        return;
    if (!change_and_back(m->memory + gpa, size)) /* it may be that no mapping can be split */
        change_and_back(m->memory, m->memory_size);
}

/* So many pages that are not to be forgotten cost less than a second machine_forget(). */
#define FORGET_GAP (512 * PAGE_SIZE)

/*
 * Collects pages, so that one machine_forget() serves a run of them: neighbours, and those between
 * which there are as many pages of memory as of addresses.
 */
struct run {
    hl_gva_t gva;
    hl_gpa_t start;
    size_t size;
};

static void forget_page(struct hl_machine *m, struct run *run, hl_gva_t gva, hl_gpa_t gpa)
{
    if (run->size && gpa - run->start == gva - run->gva &&
        gva - run->gva <= run->size + FORGET_GAP) {
        run->size = gva - run->gva + PAGE_SIZE;
        return;
    }
    if (run->size)
        machine_forget(m, run->start, run->size);
    *run = (struct run){gva, gpa, PAGE_SIZE};
}

static void forget_rest(struct hl_machine *m, struct run *run)
{
    if (run->size)
        machine_forget(m, run->start, run->size);
}

/* Note the page at gva for forgetting when the guest could have used it. */
static void forget_mapping(struct hl_machine *m, struct run *run, hl_gva_t gva)
{
    hl_gpa_t gpa;
    unsigned prot;
    if (pagetable_lookup(&m->pt, gva, &gpa, &prot) && (prot & ~(unsigned)PAGE_SUPERVISOR))
        forget_page(m, run, gva, gpa);
}

int hl_machine_map(struct hl_machine *m, hl_gva_t gva, hl_gpa_t gpa, size_t size, unsigned prot,
                   struct hl_error *error)
{
    struct run run = {0};
    int rc = check_range(gva, size, error);
    if (!rc)
        rc = check_prot(prot, error);
    if (rc)
        return rc;
    if (gpa % PAGE_SIZE || gpa >> 46 || size >> 46)
        return hl_error_set(error, HL_ERR_ARGUMENT, "bad guest physical address 0x%llx",
                            (unsigned long long)gpa);
    /* The shim and the tables are the host's: no mapping may expose them. */
    hl_gpa_t first = m->pt.end;
    bool spare = m->pt.spare_end > m->limit && gpa < m->pt.spare_end && gpa + size > m->limit;
    if (gpa < first || spare)
        return hl_error_set(error, HL_ERR_ARGUMENT, "guest physical page 0x%llx is the host's own",
                            (unsigned long long)gpa);
    m->map_changes++;
    for (size_t at = 0; at < size; at += PAGE_SIZE) {
        forget_mapping(m, &run, gva + at);
        if (!pagetable_set(&m->pt, gva + at, gpa + at, prot)) {
            rc = hl_error_set(error, HL_ERR_LIMIT, "no page tables left: raise config.mapped");
            break;
        }
    }
    forget_rest(m, &run);
    return rc;
}

int hl_machine_protect(struct hl_machine *m, hl_gva_t gva, size_t size, unsigned prot,
                       struct hl_error *error)
{
    struct run run = {0};
    size_t holes = 0;
    int rc = check_range(gva, size, error);
    if (!rc)
        rc = check_prot(prot, error);
    if (rc)
        return rc;
    m->map_changes++;
    for (size_t at = 0; at < size; at += PAGE_SIZE) {
        forget_mapping(m, &run, gva + at);
        holes += !pagetable_protect(&m->pt, gva + at, prot);
    }
    forget_rest(m, &run);
    if (holes)
        return hl_error_set(error, HL_ERR_ARGUMENT, "%zu pages from 0x%llx are not mapped", holes,
                            (unsigned long long)gva);
    return 0;
}

int hl_machine_unmap(struct hl_machine *m, hl_gva_t gva, size_t size, struct hl_error *error)
{
    struct run run = {0};
    int rc = check_range(gva, size, error);
    if (rc)
        return rc;
    m->map_changes++;
    for (size_t at = 0; at < size; at += PAGE_SIZE) {
        forget_mapping(m, &run, gva + at);
        pagetable_clear(&m->pt, gva + at);
    }
    forget_rest(m, &run);
    return 0;
}

bool machine_watch_page(struct hl_machine *m, hl_gva_t gva, unsigned watch)
{
    struct run run = {0};
    if (watch) /* what is given back needs no flush */
        forget_mapping(m, &run, gva);
    bool known = pagetable_watch(&m->pt, gva, watch);
    forget_rest(m, &run);
    return known;
}

int hl_machine_lookup(const struct hl_machine *m, hl_gva_t gva, hl_gpa_t *gpa, unsigned *prot)
{
    hl_gpa_t at;
    unsigned p;
    if (!pagetable_lookup(&m->pt, gva, &at, &p) || (p & PAGE_SUPERVISOR))
        return HL_ERR_ARGUMENT;
    if (gpa)
        *gpa = at;
    if (prot)
        *prot = p;
    return 0;
}

void *hl_machine_memory(const struct hl_machine *m, hl_gpa_t gpa, size_t size)
{
    void *at = machine_memory(m, gpa, size);
    if (at)
        machine_expose(m, gpa, size);
    return at;
}

/* Host address of as much of [gva, gva + *size) as lies in one page; NULL where there is none. */
static uint8_t *page_at(const struct hl_machine *m, hl_gva_t gva, size_t *size, unsigned need)
{
    hl_gpa_t gpa;
    unsigned prot;
    size_t rest = PAGE_SIZE - gva % PAGE_SIZE;
    if (*size > rest)
        *size = rest;
    if (hl_machine_lookup(m, gva, &gpa, &prot) || (prot & need) != need)
        return NULL;
    return machine_memory(m, gpa, *size);
}

size_t hl_machine_read(const struct hl_machine *m, hl_gva_t gva, void *buf, size_t size,
                       unsigned need)
{
    size_t done = 0;
    while (done < size) {
        size_t n = size - done;
        const uint8_t *page = page_at(m, gva + done, &n, need);
        if (!page)
            break;
        memcpy((uint8_t *)buf + done, page, n);
        done += n;
    }
    return done;
}

size_t machine_write(struct hl_machine *m, hl_gva_t gva, const void *buf, size_t size,
                     unsigned need)
{
    size_t done = 0;
    while (done < size) {
        size_t n = size - done;
        uint8_t *page = page_at(m, gva + done, &n, need);
        if (!page)
            break;
        memcpy(page, (const uint8_t *)buf + done, n);
        machine_touch(m, (hl_gpa_t)(page - m->memory), n);
        done += n;
    }
    return done;
}

size_t hl_machine_write(struct hl_machine *m, hl_gva_t gva, const void *buf, size_t size,
                        unsigned need)
{
    size_t done = machine_write(m, gva, buf, size, need);
    if (m->written && done)
        m->written(m->written_opaque, gva, done);
    return done;
}

void machine_on_write(struct hl_machine *m,
                      void (*written)(void *opaque, hl_gva_t gva, size_t size), void *opaque)
{
    m->written = written;
    m->written_opaque = opaque;
}
