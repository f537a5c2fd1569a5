/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_memory.c - what an idle sandbox keeps resident, without the pages its guest touched.
 *
 * Which pages a guest touched is asked of its page tables: libhl sets the accessed bits ahead, so
 * in one sandbox they are cleared before it starts, and counted afterwards.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "machine_impl.h"

#define SANDBOXES 200
#define PAGE 4096u
#define PTE_P (1ull << 0)
#define PTE_U (1ull << 2)
#define PTE_A (1ull << 5)
#define PTE_ADDRESS 0x000ffffffffff000ull
#define ENTRIES 512

static struct hl_sandbox *many[SANDBOXES];

/* A number of KiB in a file of /proc. */
static double kib(const char *path, const char *key)
{
    char line[256];
    double found = 0;
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, key, strlen(key)) == 0)
            found = strtod(line + strlen(key), NULL);
    if (f)
        fclose(f);
    return found;
}

/* The guest's own pages with the accessed bit; cleared on the way where asked for. */
static size_t accessed(struct hl_machine *m, hl_gpa_t table, int level, bool clear)
{
    uint64_t *entry = (uint64_t *)(void *)(m->memory + table);
    size_t n = 0;
    for (int i = 0; i < ENTRIES; i++) {
        if (!(entry[i] & PTE_P))
            continue;
        if (level > 0)
            n += accessed(m, entry[i] & PTE_ADDRESS, level - 1, clear);
        else if (entry[i] & PTE_U)
            n += (entry[i] & PTE_A) != 0;
        if (clear && level == 0)
            entry[i] &= ~PTE_A;
    }
    return n;
}

static double touched_kib(void)
{
    struct hl_sandbox *sb = sandbox_new();
    struct hl_machine *m = hl_sandbox_machine(sb);
    accessed(m, m->pt.root, 3, true);
    sandbox_ready(sb);
    double pages = (double)accessed(m, m->pt.root, 3, false);
    hl_sandbox_destroy(sb);
    return pages * 4;
}

/* What is asked of the system before and after 200 sandboxes have come. */
enum { RSS, SLAB, TABLES, SECOND, AVAILABLE, SOURCES };
static const struct {
    const char *path, *key;
} source[SOURCES] = {
    [RSS] = {"/proc/self/smaps_rollup", "Rss:"},
    [SLAB] = {"/proc/meminfo", "Slab:"},
    [TABLES] = {"/proc/meminfo", "PageTables:"},
    [SECOND] = {"/proc/meminfo", "SecPageTables:"},
    [AVAILABLE] = {"/proc/meminfo", "MemAvailable:"},
};

static double touched, resident;
static double each[SOURCES]; /* KiB a sandbox, of the last round */

/* KiB of a started sandbox's memory that are there, without libhl's own tables and ring 0. */
static double resident_kib(void)
{
    struct hl_sandbox *sb = sandbox_new();
    struct hl_machine *m = hl_sandbox_machine(sb);
    size_t pages = m->memory_size / PAGE, n = 0;
    unsigned char *there = malloc(pages);
    sandbox_ready(sb);
    if (!there || mincore(m->memory, m->memory_size, there))
        exit(1);
    for (size_t i = m->pt.end / PAGE; i < pages; i++)
        n += there[i] & 1;
    free(there);
    hl_sandbox_destroy(sb);
    return (double)n * 4;
}

static void measure_guest(void)
{
    touched = touched_kib();
    resident = resident_kib();
}

/* One round: 200 sandboxes come and go. */
static void come_and_go(void)
{
    double before[SOURCES];
    malloc_trim(0); /* what the last round has freed would do for this one */
    for (int i = 0; i < SOURCES; i++)
        before[i] = kib(source[i].path, source[i].key);
    for (int i = 0; i < SANDBOXES; i++) {
        many[i] = sandbox_new();
        sandbox_ready(many[i]);
    }
    for (int i = 0; i < SOURCES; i++)
        each[i] = (kib(source[i].path, source[i].key) - before[i]) / SANDBOXES;
    for (int i = 0; i < SANDBOXES; i++)
        hl_sandbox_destroy(many[i]);
}

static double idle(void)
{
    come_and_go();
    return each[RSS] - resident;
}

static double idle_strict(void)
{
    come_and_go();
    return each[RSS] - touched;
}

static double all_resident(void)
{
    come_and_go();
    return each[RSS];
}

static double kernel_slab(void)
{
    come_and_go();
    return each[SLAB];
}

static double kernel_tables(void)
{
    come_and_go();
    return each[TABLES] + each[SECOND];
}

static double all_available(void)
{
    come_and_go();
    return -each[AVAILABLE];
}

#define KIB .unit = "KiB", .absolute = 1, .divisor = 50
struct figure memory_figures[] = {
    {.id = "idle",
     .what = "idle sandbox, its guest's pages aside",
     .target = 64,
     .begin = measure_guest,
     .ours = idle,
     KIB},
    {.id = "idle_strict",
     .what = "  all but what the guest has touched",
     .target = 64,
     .begin = measure_guest,
     .ours = idle_strict,
     KIB},
    {.id = "idle_all", .what = "  all that is resident", .ours = all_resident, KIB},
    {.id = "idle_slab", .what = "  the kernel's: slab", .ours = kernel_slab, KIB},
    {.id = "idle_tables",
     .what = "  the kernel's: page tables, KVM's too",
     .ours = kernel_tables,
     KIB},
    {.id = "idle_available", .what = "  MemAvailable less, all in all", .ours = all_available, KIB},
};
const size_t memory_count = sizeof(memory_figures) / sizeof(memory_figures[0]);
