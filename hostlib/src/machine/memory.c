/* SPDX-License-Identifier: Apache-2.0 */
/* machine/memory.c - a machine's memory: allocate, map, and copy through the page tables. */
#include "machine_debug.h"
#include "machine_dirty.h"
#include "machine_impl.h"

#include <string.h>

#define GUEST_LOW PAGE_SIZE /* page 0 stays unmapped: NULL faults */
/*
 * The lower canonical half without its last page: a `syscall` in the last bytes of that page would
 * return to a non-canonical address, which a backend need not support.
 */
#define GUEST_HIGH 0x00007ffffffff000ull

int hl_machine_alloc(struct hl_machine *m, size_t size, hl_gpa_t *gpa, struct hl_error *error)
{
    size_t bytes;
    if (__builtin_add_overflow(size, PAGE_SIZE - 1, &bytes) || !size)
        return hl_error_set(error, HL_ERR_ARGUMENT, "cannot allocate %zu bytes", size);
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

/* Up to this many unchanged pages cost less than announcing a second run. */
#define FORGET_GAP (512 * PAGE_SIZE)

/*
 * Collects pages, so that the backend is notified once for a run of them: adjacent pages, and pages
 * whose distance is the same in memory and in addresses.
 */
struct run {
    hl_gva_t gva;
    hl_gpa_t start;
    size_t size;
};

static void forget_rest(struct hl_machine *m, struct run *run)
{
    if (run->size)
        m->backend->changed(m->vcpu, run->gva, run->start, run->size);
}

static void forget_page(struct hl_machine *m, struct run *run, hl_gva_t gva, hl_gpa_t gpa)
{
    if (run->size && gpa - run->start == gva - run->gva &&
        gva - run->gva <= run->size + FORGET_GAP) {
        run->size = gva - run->gva + PAGE_SIZE;
        return;
    }
    forget_rest(m, run);
    *run = (struct run){gva, gpa, PAGE_SIZE};
}

/* Note the page at gva as changed if the guest could have used it. */
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
    /* The backend's pages and the tables belong to the host: no mapping may expose them. */
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
    if (watch) /* giving back needs no flush */
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

void *machine_memory(const struct hl_machine *m, hl_gpa_t gpa, size_t size)
{
    return gpa > m->memory_size || size > m->memory_size - gpa ? NULL : m->memory + gpa;
}

struct machine_extent machine_extent(const struct hl_machine *m)
{
    return (struct machine_extent){m->pt.end, m->free, m->shared, m->memory_size};
}

bool machine_next(const struct hl_machine *m, hl_gva_t *gva, hl_gpa_t *gpa, unsigned *prot)
{
    return pagetable_next(&m->pt, gva, gpa, prot);
}

bool machine_next_below(const struct hl_machine *m, hl_gva_t *gva, hl_gva_t end, hl_gpa_t *gpa,
                        unsigned *prot)
{
    return pagetable_next_below(&m->pt, gva, end, gpa, prot);
}

uint64_t machine_generation(const struct hl_machine *m)
{
    return m->pt.generation;
}

uint64_t machine_map_changes(const struct hl_machine *m)
{
    return m->map_changes;
}

void *hl_machine_memory(const struct hl_machine *m, hl_gpa_t gpa, size_t size)
{
    void *at = machine_memory(m, gpa, size);
    if (at)
        machine_expose(m, gpa, size);
    return at;
}

size_t hl_machine_read(const struct hl_machine *m, hl_gva_t gva, void *buf, size_t size,
                       unsigned need)
{
    return pagetable_read(&m->pt, gva, buf, size, need);
}

size_t machine_write(struct hl_machine *m, hl_gva_t gva, const void *buf, size_t size,
                     unsigned need)
{
    size_t done = 0;
    while (done < size) {
        size_t n = size - done;
        uint8_t *page = pagetable_page(&m->pt, gva + done, &n, need);
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
