/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mapping.h - a random sequence of the heap's system calls, and what became of the pages.
 * Compiled into a guest, into the test that is a program of Linux, and into a fuzz target that asks
 * libhl itself: all must find the same.
 *
 * What one mapping is to Linux depends on the kernel (which neighbours merged, and since 6.17
 * mremap moves more than one), so what moves here was mapped by one call just before.
 */
#ifndef TESTS_MAPPING_H
#define TESTS_MAPPING_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAPPING_PAGES 16u
#define MAPPING_STEPS 32u
#define MAPPING_PAGE 4096u
#define MAPPING_SIZE (MAPPING_PAGES * MAPPING_PAGE)
#define MAPPING_MARK 2048u /* where a page is written to; its beginning stays zeros */

/* Whose system calls and memory: Linux's (mapping_native), or another's. */
struct mapping_os {
    long (*call)(void *opaque, long number, const uint64_t a[5]); /* or a negative errno */
    unsigned (*access)(void *opaque, uint64_t page); /* 2: can be read, 1: can be written to */
    uint8_t (*peek)(void *opaque, uint64_t at);
    void (*poke)(void *opaque, uint64_t at, uint8_t value);
    void *opaque;
};

struct mapping {
    const struct mapping_os *os;
    const uint8_t *data; /* what decides, while there is some; then seed */
    size_t size;
    uint64_t seed, hash;
    uint64_t arena, brk; /* brk: where it was; the arena begins there when it is brk's */
    int is_brk;
    struct mapping_last {
        long number, result;
        uint64_t a[5];
    } last; /* call, for a message */
};

static uint32_t mapping_random(struct mapping *m, uint32_t below)
{
    if (m->size) {
        m->size--;
        return *m->data++ % below;
    }
    m->seed = m->seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(m->seed >> 33) % below;
}

static void mapping_add(struct mapping *m, uint64_t value)
{
    m->hash = (m->hash ^ value) * 0x100000001b3ull;
    m->hash ^= m->hash >> 29;
}

static long mapping_native_call(void *opaque, long number, const uint64_t a[5])
{
    (void)opaque;
    errno = 0;
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], 0);
    return result == -1 && errno ? -errno : result;
}

/* A byte can be written, or an absolute time of 0 read, or the kernel says EFAULT. */
static unsigned mapping_native_access(void *opaque, uint64_t page)
{
    (void)opaque;
    if (syscall(SYS_getrandom, page + MAPPING_PAGE - 1, 1, 0) == 1)
        return 3;
    return syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, page, NULL) ? 0 : 2;
}

static uint8_t mapping_native_peek(void *opaque, uint64_t at)
{
    (void)opaque;
    return *(volatile uint8_t *)(uintptr_t)at;
}

static void mapping_native_poke(void *opaque, uint64_t at, uint8_t value)
{
    (void)opaque;
    *(volatile uint8_t *)(uintptr_t)at = value;
}

static const struct mapping_os mapping_native = {mapping_native_call, mapping_native_access,
                                                 mapping_native_peek, mapping_native_poke, NULL};

static long mapping_raw(struct mapping *m, long number, uint64_t a0, uint64_t a1, uint64_t a2,
                        uint64_t a3, uint64_t a4)
{
    const uint64_t a[5] = {a0, a1, a2, a3, a4};
    return m->os->call(m->os->opaque, number, a);
}

/* A call of the sequence. */
static long mapping_call(struct mapping *m, long number, uint64_t a0, uint64_t a1, uint64_t a2,
                         uint64_t a3, uint64_t a4)
{
    m->last = (struct mapping_last){number, 0, {a0, a1, a2, a3, a4}};
    return m->last.result = mapping_raw(m, number, a0, a1, a2, a3, a4);
}

static long mapping_map(struct mapping *m, uint64_t at, uint64_t size, uint64_t prot,
                        uint64_t fixed)
{
    /* The descriptor is ignored, the offset 0. */
    return mapping_call(m, SYS_mmap, at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | fixed,
                        (uint64_t)-1);
}

static int mapping_failed(long result)
{
    return result < 0 && result > -4096;
}

/* Of the last call: an address as its distance from the arena. */
static long mapping_result(const struct mapping *m)
{
    long result = m->last.result;
    int address =
        m->last.number == SYS_mmap || m->last.number == SYS_mremap || m->last.number == SYS_brk;
    return address && !mapping_failed(result) ? result - (long)m->arena : result;
}

static void mapping_count(struct mapping *m)
{
    mapping_add(m, (uint64_t)mapping_result(m));
}

/* Which of count pages can be read and written to, and what is in them; then marks in some. */
static void mapping_look(struct mapping *m, uint64_t at, uint32_t count, uint32_t step)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t page = at + i * MAPPING_PAGE;
        unsigned access = m->os->access(m->os->opaque, page);
        mapping_add(m, access);
        if (access & 2)
            mapping_add(m, m->os->peek(m->os->opaque, page + MAPPING_MARK));
        if ((access & 1) && (step + i) % 3 == 0)
            m->os->poke(m->os->opaque, page + MAPPING_MARK, (uint8_t)(step + 1));
    }
}

/* Where a block went that Linux had the choice for: what is in it counts, and it goes. */
static void mapping_moved(struct mapping *m, uint64_t at, long result, uint32_t count,
                          uint32_t step)
{
    if (mapping_failed(result) || (uint64_t)result == at) {
        mapping_count(m);
    } else {
        mapping_look(m, (uint64_t)result, count, step);
        mapping_raw(m, SYS_munmap, (uint64_t)result, (uint64_t)count * MAPPING_PAGE, 0, 0, 0);
    }
}

static uint64_t mapping_prot(struct mapping *m)
{
    static const uint64_t prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_WRITE};
    return prots[mapping_random(m, 4)];
}

/* One mapping, with marks in it, to be moved. */
static uint64_t mapping_block(struct mapping *m, uint32_t page, uint32_t count, uint32_t step)
{
    uint64_t at = m->arena + page * MAPPING_PAGE, size = count * MAPPING_PAGE;
    uint64_t prot = mapping_prot(m);
    mapping_map(m, at, size, PROT_READ | PROT_WRITE, MAP_FIXED);
    for (uint32_t i = 0; i < count; i += 2)
        m->os->poke(m->os->opaque, at + i * MAPPING_PAGE + MAPPING_MARK, (uint8_t)(step + i));
    mapping_raw(m, SYS_mprotect, at, size, prot, 0, 0);
    return at;
}

static void mapping_move(struct mapping *m, uint32_t page, uint32_t count, uint32_t step)
{
    uint32_t to = mapping_random(m, MAPPING_PAGES), flags = mapping_random(m, 16);
    uint32_t room = MAPPING_PAGES - to,
             grown = mapping_random(m, 2) ? count : 1 + mapping_random(m, room);
    uint32_t odd = mapping_random(m, 12) == 0 ? 8 : 0;
    uint64_t at = mapping_block(m, page, count, step), target = m->arena + to * MAPPING_PAGE + odd;
    uint64_t how = flags < 5    ? MREMAP_MAYMOVE
                   : flags < 10 ? MREMAP_MAYMOVE | MREMAP_FIXED
                   : flags < 12 ? MREMAP_MAYMOVE | MREMAP_FIXED | 4 /* MREMAP_DONTUNMAP */
                   : flags < 14 ? MREMAP_MAYMOVE | 4
                                : mapping_random(m, 16); /* 8 is no flag */
    if ((how & MREMAP_FIXED) && grown > room)
        grown = room;
    long result = mapping_call(m, SYS_mremap, at, (uint64_t)count * MAPPING_PAGE,
                               (uint64_t)grown * MAPPING_PAGE, how, target);
    if (how & MREMAP_FIXED)
        mapping_count(m);
    else
        mapping_moved(m, at, result, grown, step);
}

static void mapping_advise(struct mapping *m, uint64_t at, uint64_t size)
{
    static const int all[] = {MADV_DONTNEED,
                              MADV_DONTNEED,
                              MADV_DONTNEED,
                              MADV_FREE,
                              MADV_WILLNEED,
                              MADV_NORMAL,
                              MADV_SEQUENTIAL,
                              MADV_DONTFORK,
                              MADV_DOFORK,
                              MADV_REMOVE,
                              99};
    int advice = all[mapping_random(m, sizeof(all) / sizeof(*all))];
    mapping_call(m, SYS_madvise, at, size, (uint64_t)advice, 0, 0);
    mapping_count(m);
    if (advice == MADV_FREE) /* or what is in them would depend on the host's memory */
        mapping_raw(m, SYS_madvise, at, size, MADV_DONTNEED, 0, 0);
}

/* In place, from one page or to a part. */
static void mapping_resize(struct mapping *m, uint64_t at, uint64_t size)
{
    uint64_t from = mapping_random(m, 2) ? MAPPING_PAGE : size;
    uint64_t to = from == size ? MAPPING_PAGE : size;
    mapping_call(m, SYS_mremap, at, from, to, 0, 0);
    mapping_count(m);
}

static void mapping_step(struct mapping *m, uint32_t step)
{
    uint32_t page = mapping_random(m, MAPPING_PAGES);
    uint32_t count = 1 + mapping_random(m, MAPPING_PAGES - page);
    uint32_t odd = mapping_random(m, 16) == 0 ? 1 + mapping_random(m, 4000) : 0;
    uint64_t at = m->arena + page * MAPPING_PAGE + odd;
    uint64_t size = count * MAPPING_PAGE - mapping_random(m, 2) * 100;
    switch (mapping_random(m, m->is_brk ? 10 : 8)) {
    case 0:
        mapping_map(m, at, size, mapping_prot(m),
                    mapping_random(m, 3) ? MAP_FIXED : MAP_FIXED_NOREPLACE);
        mapping_count(m);
        break;
    case 1:
    case 2:
        size = mapping_random(m, 20) ? size : 0;
        mapping_call(m, SYS_munmap, at, size, 0, 0, 0);
        mapping_count(m);
        break;
    case 3:
        mapping_resize(m, at, size);
        break;
    case 4:
        mapping_advise(m, at, size);
        break;
    case 5:
        mapping_move(m, page, count, step);
        break;
    case 6:
    case 7: /* the libc would round */
        mapping_call(m, SYS_mprotect, at, size, mapping_prot(m), 0, 0);
        mapping_count(m);
        break;
    default:
        mapping_call(m, SYS_brk, at - odd + size, 0, 0, 0, 0);
        mapping_count(m);
    }
}

/* A page on either side belongs to somebody else: nothing can grow out of the arena. */
static int mapping_open(struct mapping *m)
{
    long all;
    m->hash = 0xcbf29ce484222325ull;
    if (m->is_brk) {
        m->brk = (uint64_t)mapping_raw(m, SYS_brk, 0, 0, 0, 0, 0);
        m->arena = (m->brk + MAPPING_PAGE - 1) & -(uint64_t)MAPPING_PAGE;
        mapping_raw(m, SYS_brk, m->arena, 0, 0, 0, 0);
        all = mapping_map(m, m->arena + MAPPING_SIZE, MAPPING_PAGE, PROT_NONE, MAP_FIXED_NOREPLACE);
        return all == (long)(m->arena + MAPPING_SIZE) ? 0 : -1;
    }
    all = mapping_map(m, 0, MAPPING_SIZE + 2 * MAPPING_PAGE, PROT_NONE, 0);
    if (mapping_failed(all))
        return -1;
    m->arena = (uint64_t)all + MAPPING_PAGE;
    return (int)mapping_raw(m, SYS_munmap, m->arena, MAPPING_SIZE, 0, 0, 0);
}

static void mapping_close(struct mapping *m)
{
    uint64_t before = m->is_brk ? 0 : MAPPING_PAGE;
    mapping_raw(m, SYS_munmap, m->arena - before, before + MAPPING_SIZE + MAPPING_PAGE, 0, 0, 0);
    if (!m->is_brk)
        return;
    /* Linux leaves brk where it is if nothing is mapped there. */
    mapping_map(m, m->arena, MAPPING_PAGE, PROT_NONE, MAP_FIXED);
    mapping_raw(m, SYS_brk, m->brk, 0, 0, 0, 0);
    mapping_raw(m, SYS_munmap, m->arena, MAPPING_PAGE, 0, 0, 0);
}

/* The first steps of seed's sequence.  0: no memory for the arena. */
static uint64_t mapping_run(struct mapping *m, uint32_t steps)
{
    m->is_brk = mapping_random(m, 3) == 0;
    if (mapping_open(m))
        return 0;
    struct mapping_last last = {0};
    for (uint32_t i = 0; i < steps; i++) {
        mapping_step(m, i);
        if (i % 8 == 7 || i + 1 == steps)
            mapping_look(m, m->arena, MAPPING_PAGES, i);
        last = m->last;
    }
    mapping_close(m);
    m->last = last;
    return m->hash ? m->hash : 1;
}

#endif
