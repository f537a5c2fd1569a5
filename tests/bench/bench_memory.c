/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_memory.c - what an idle sandbox keeps resident, without the pages its guest touched.
 *
 * Which pages a guest touched is asked of its page tables: libhl sets the accessed bits ahead, so
 * in one sandbox they are cleared before it starts, and counted afterwards.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "machine.h"

#define SANDBOXES 200
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

static double grown(const char *path, const char *key, double *before)
{
    double now = kib(path, key), was = *before;
    *before = now;
    return (now - was) / SANDBOXES;
}

#define ROLLUP "/proc/self/smaps_rollup"
#define MEMINFO "/proc/meminfo"

/* One round: 200 sandboxes come and go. */
static double idle(void)
{
    static double touched;
    double rss, slab = kib(MEMINFO, "Slab:"), tables = kib(MEMINFO, "PageTables:"),
                second = kib(MEMINFO, "SecPageTables:"), available = kib(MEMINFO, "MemAvailable:");
    if (touched <= 0)
        touched = touched_kib();
    rss = kib(ROLLUP, "Rss:");
    for (int i = 0; i < SANDBOXES; i++) {
        many[i] = sandbox_new();
        sandbox_ready(many[i]);
    }
    double each = grown(ROLLUP, "Rss:", &rss);
    static bool told;
    if (!told)
        printf("  one idle sandbox: %.1f KiB resident, its guest touched %.0f KiB; in the kernel, "
               "KiB: slab %.1f, page tables %.1f, KVM's %.1f; MemAvailable %.1f\n",
               each, touched, grown(MEMINFO, "Slab:", &slab),
               grown(MEMINFO, "PageTables:", &tables), grown(MEMINFO, "SecPageTables:", &second),
               -grown(MEMINFO, "MemAvailable:", &available));
    told = true;
    for (int i = 0; i < SANDBOXES; i++)
        hl_sandbox_destroy(many[i]);
    return each - touched;
}

struct figure memory_figures[] = {
    {.id = "idle_memory",
     .what = "memory of an idle sandbox, guest's aside",
     .unit = "KiB",
     .target = 64,
     .absolute = 1,
     .divisor = 100,
     .ours = idle},
};
const size_t memory_count = sizeof(memory_figures) / sizeof(memory_figures[0]);
