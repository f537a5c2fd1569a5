/* SPDX-License-Identifier: Apache-2.0 */
/* machine/machine.c - create a machine: memory, tables, vCPU. */
#include "machine_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine_dirty.h"
#include "memory.h"
#include "sized.h"

/*
 * The maximum number of regions of a machine's own pages and a caller's mappings, for the table
 * pool.
 */
#define POOL_REGIONS 24
/* For a sandbox: the root, three each for image, arena and backend, another in the arena. */
#define TABLES_AHEAD 11u
#define SHARED_REGIONS 16 /* far from each other; mapped, with guards, at most twice their size */

static void allow_ports(struct hl_machine *m, const struct hl_machine_config *config)
{
    memset(m->ports, 0xff, sizeof(m->ports));
    for (size_t i = 0; i < config->port_count; i++)
        m->ports[config->port[i] / 8] &= (uint8_t) ~(1u << config->port[i] % 8);
}

int machine_check(const struct hl_machine_config *config, struct hl_error *error)
{
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
    return BACKEND_SIZE + pool_size(config);
}

/* Lay out the memory: the backend's pages, the pool of page tables, then what alloc returns. */
static int make_memory(struct hl_machine *m, const struct hl_machine_config *config,
                       struct hl_error *error)
{
    size_t wanted = whole_pages(config->memory), pool = pool_size(config);
    size_t shared = whole_pages(config->shared);
    /* After everything else, so that its size moves nothing and snapshots do not depend on it. */
    size_t spare = shared ? pagetable_pool_size(2 * shared, SHARED_REGIONS) : 0;
    m->memory_size = BACKEND_SIZE + pool + wanted + spare + shared;
    m->memory = memory_map(NULL, m->memory_size, -1, 0);
    if (!m->memory)
        return hl_error_set(error, HL_ERR_MEMORY, "no memory for a guest of %zu MiB: %s",
                            m->memory_size >> 20, strerror(errno));
    /* A guest touches little: with huge pages each first touch would zero 2 MiB. */
    madvise(m->memory, m->memory_size, MADV_NOHUGEPAGE);
    /*
     * Tables are read before they are written to, which would be two page faults each.  A machine
     * that has fewer is not helped, one that has more not hurt; nor is one whose kernel cannot.
     */
    size_t ahead = pool < TABLES_AHEAD * PAGE_SIZE ? pool : TABLES_AHEAD * PAGE_SIZE;
    madvise(m->memory, BACKEND_SIZE + ahead, MADV_POPULATE_WRITE);
    pagetable_init(&m->pt, m->memory, m->memory_size, BACKEND_SIZE, pool);
    m->free = machine_first(config);
    m->limit = m->free + wanted;
    m->shared = m->limit + spare;
    m->pt.spare = m->limit;
    m->pt.spare_end = m->shared;
    allow_ports(m, config);
    return 0;
}

int machine_create(struct hl_machine **machine, const struct hl_machine_config *config,
                   const struct backend *backend, const struct machine_contents *contents,
                   struct hl_error *error)
{
    int rc = machine_check(config, error);
    if (rc)
        return rc;
    struct hl_machine *m = calloc(1, sizeof(*m));
    if (!m)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    m->backend = backend;
    m->last.kind = HL_EXIT_INTERRUPT; /* no exit so far */
    m->marks = calloc(1, sizeof(*m->marks));
    rc = m->marks ? make_memory(m, config, error)
                  : hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    if (!rc && contents)
        rc = machine_fill(m, contents, error);
    if (!rc) {
        const struct backend_setup setup = {
            .memory = m->memory,
            .memory_size = m->memory_size,
            .tables = &m->pt,
            .ports = m->ports,
            .log = contents && contents->log,
        };
        rc = backend->create(&m->vcpu, &setup, error);
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
    if (!config)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no machine config");
    int rc = SIZED_READ(hl_machine_config, &own, config, error);
    return rc ? rc : machine_create(machine, &own, backend_default, NULL, error);
}

const struct backend *machine_backend(const struct hl_machine *m)
{
    return m->backend;
}

void hl_machine_destroy(struct hl_machine *m)
{
    if (!m)
        return;
    if (m->vcpu)
        m->backend->destroy(m->vcpu);
    if (m->memory)
        munmap(m->memory, m->memory_size);
    machine_marks_free(m->marks);
    free(m);
}
