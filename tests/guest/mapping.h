/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mapping.h - a random sequence of mmap, munmap, mprotect and mremap, and what became of the pages.
 * Compiled into a guest and into the test that is a program of Linux: both must find the same.
 */
#ifndef TESTS_MAPPING_H
#define TESTS_MAPPING_H

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAPPING_PAGES 24u
#define MAPPING_STEPS 40u
#define MAPPING_PAGE 4096u
#define MAPPING_MARK 2048u /* where a page is written to; its beginning stays zeros */

struct mapping {
    uint64_t seed, hash;
    char *arena;
};

static uint32_t mapping_random(struct mapping *m, uint32_t below)
{
    m->seed = m->seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(m->seed >> 33) % below;
}

static void mapping_add(struct mapping *m, uint64_t value)
{
    m->hash = (m->hash ^ value) * 0x100000001b3ull;
    m->hash ^= m->hash >> 29;
}

/* An absolute time of 0, if it can be read. */
static int mapping_readable(const char *page)
{
    return syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, page, NULL) == 0;
}

static int mapping_writable(char *page)
{
    return syscall(SYS_getrandom, page + MAPPING_PAGE - 1, 1, 0) == 1;
}

/* Which pages can be read and written to, and what is in them; then a new mark. */
static void mapping_look(struct mapping *m, uint32_t step)
{
    for (uint32_t i = 0; i < MAPPING_PAGES; i++) {
        char *page = m->arena + i * MAPPING_PAGE;
        int readable = mapping_readable(page), writable = mapping_writable(page);
        mapping_add(m, (uint64_t)(readable * 2 + writable));
        if (readable)
            mapping_add(m, (unsigned char)page[MAPPING_MARK]);
        if (writable && (step + i) % 3 == 0)
            page[MAPPING_MARK] = (char)(step + 1);
    }
}

/* Where a call's result lies in the arena, or its error. */
static uint64_t mapping_result(const struct mapping *m, const void *result)
{
    if (result == MAP_FAILED)
        return (uint64_t)errno << 32;
    return (uint64_t)((const char *)result - m->arena);
}

static void mapping_step(struct mapping *m)
{
    static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_WRITE};
    uint32_t page = mapping_random(m, MAPPING_PAGES);
    uint32_t count = 1 + mapping_random(m, MAPPING_PAGES - page);
    uint32_t odd = mapping_random(m, 16) == 0 ? 1 + mapping_random(m, 4000) : 0;
    int prot = prots[mapping_random(m, 4)];
    char *at = m->arena + page * MAPPING_PAGE;
    size_t size = count * MAPPING_PAGE - mapping_random(m, 2) * 100;
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    int fixed = mapping_random(m, 3) ? MAP_FIXED : MAP_FIXED_NOREPLACE;
    switch (mapping_random(m, 5)) {
    case 0:
        mapping_add(m, mapping_result(m, mmap(at + odd, size, prot, flags | fixed, -1, 0)));
        break;
    case 1:
        mapping_add(m, munmap(at + odd, mapping_random(m, 20) ? size : 0) ? (uint64_t)errno : 0);
        break;
    case 2: /* from one page, or to a part */
        if (mapping_random(m, 2))
            mapping_add(m, mapping_result(m, mremap(at + odd, MAPPING_PAGE, size, 0)));
        else
            mapping_add(m, mapping_result(m, mremap(at + odd, size, MAPPING_PAGE, 0)));
        break;
    case 3:
        mapping_add(m, madvise(at, size & ~4095ull, MADV_DONTNEED) && errno != ENOMEM);
        break;
    default: /* the libc would round */
        mapping_add(m, syscall(SYS_mprotect, at + odd, size, prot) ? (uint64_t)errno : 0);
    }
}

/* 0: the arena cannot be had. */
static uint64_t mapping_run(uint64_t seed)
{
    struct mapping m = {.seed = seed, .hash = 0xcbf29ce484222325ull};
    size_t size = MAPPING_PAGES * MAPPING_PAGE;
    /* A page on either side belongs to somebody else: nothing can grow out of the arena. */
    char *all = mmap(NULL, size + 2 * MAPPING_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED)
        return 0;
    m.arena = all + MAPPING_PAGE;
    munmap(m.arena, size);
    for (uint32_t i = 0; i < MAPPING_STEPS; i++) {
        mapping_step(&m);
        if (i % 5 == 4) /* 48 system calls */
            mapping_look(&m, i);
    }
    munmap(all, size + 2 * MAPPING_PAGE);
    return m.hash ? m.hash : 1;
}

#endif
