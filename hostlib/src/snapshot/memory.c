/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot/memory.c - copy the contents of guest memory out of and into a machine. */
#include "machine_dirty.h"
#include "memfile.h"
#include "retry.h"
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Linux's Documentation/admin-guide/mm/pagemap.rst: present, or swapped out. */
#define PAGEMAP_THERE (3ull << 62)
#define PAGEMAP_CHUNK 2048u

/* A restore lets the sandbox keep this many adjacent bytes that a call has used, zeroed. */
#define KEEP_ZEROS (4u << 20)
/* When to clear the log of unchanged pages: when there are many, or from time to time. */
#define CLEAN_MANY 64u
#define CLEAN_ROUNDS 64u

static const uint8_t zeros[PAGE_SIZE];

static int no_memory(struct hl_error *error)
{
    return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
}

/* Guest memory after the page tables, which are not copied, up to the end of the part in use. */
static size_t first_page(const struct hl_machine *m)
{
    return machine_extent(m).first / PAGE_SIZE;
}

static size_t end_page(const struct hl_machine *m)
{
    return machine_extent(m).end / PAGE_SIZE;
}

static uint8_t *page_of(const struct hl_machine *m, size_t page)
{
    return machine_memory(m, page * PAGE_SIZE, PAGE_SIZE);
}

/* Mark the pages that may hold anything but zeros; all of them if the kernel cannot say which. */
static void mark_present(const struct hl_machine *m, uint64_t *bits)
{
    uint64_t *entry = malloc(PAGEMAP_CHUNK * sizeof(*entry));
    const size_t first = (uintptr_t)machine_memory(m, 0, 0) / PAGE_SIZE, end = end_page(m);
    const struct machine_marks *k = machine_marks(m);
    int fd = RETRY(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
    for (size_t page = first_page(m); page < end;) {
        size_t n = end - page < PAGEMAP_CHUNK ? end - page : PAGEMAP_CHUNK;
        size_t wanted = n * sizeof(entry[0]);
        bool known = fd >= 0 && entry &&
                     pread_full(fd, entry, wanted, (first + page) * sizeof(entry[0])) == wanted;
        for (size_t i = 0; i < n; i++, page++)
            if (!known || (entry[i] & PAGEMAP_THERE))
                mark(bits, page);
    }
    if (fd >= 0)
        close(fd);
    free(entry);
    for (size_t i = 0; k->backed && i < k->words; i++)
        bits[i] |= k->backed[i]; /* mapped, though perhaps not yet touched */
}

/* Unmark the pages that are all zeros; returns the number of runs left. */
static void drop_zeros(const struct hl_machine *m, uint64_t *bits, size_t *runs)
{
    const size_t end = end_page(m);
    *runs = 0;
    bool in_run = false;
    for (size_t page = 0; page < end; page++) {
        bool full = is_marked(bits, page) && memcmp(page_of(m, page), zeros, PAGE_SIZE) != 0;
        if (!full)
            bits[page / MARKS_WORD] &= ~(1ull << page % MARKS_WORD);
        *runs += full && !in_run;
        in_run = full;
    }
}

static void fill_runs(struct snapshot_store *store, const uint64_t *bits, size_t end)
{
    size_t n = 0;
    for (size_t page = 0, at = 0; page < end; page++) {
        if (!is_marked(bits, page))
            continue;
        struct page_run *last = n ? &store->runs[n - 1] : NULL;
        if (last && last->page + last->count == page)
            last->count++;
        else
            store->runs[n++] = (struct page_run){page, 1, at};
        at++;
    }
}

/*
 * In a memfd if possible, rather than in plain memory: clones can map a memfd, but must copy plain
 * memory.
 */
uint8_t *snapshot_store_new(struct snapshot_store *store, size_t size, struct hl_error *error)
{
    bool file = memfile_open(&store->fd, "hl-snapshot", size) == 0;
    int flags = file ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, store->fd, 0);
    if (data == MAP_FAILED) {
        no_memory(error);
        return NULL;
    }
    store->size = size;
    store->data = data;
    return data;
}

static int copy_out(struct snapshot_store *store, const struct hl_machine *m,
                    struct hl_error *error)
{
    uint64_t pages;
    snapshot_store_place(store, &pages);
    if (!pages)
        return 0;
    uint8_t *to = snapshot_store_new(store, pages * PAGE_SIZE, error);
    if (!to)
        return HL_ERR_MEMORY;
    for (size_t i = 0; i < store->run_count; i++) {
        const struct page_run *r = &store->runs[i];
        memcpy(to + r->at * PAGE_SIZE, page_of(m, r->page), r->count * PAGE_SIZE);
    }
    mprotect(to, store->size, PROT_READ);
    return 0;
}

int snapshot_store_take(struct snapshot_store *store, struct hl_machine *m, struct hl_error *error)
{
    *store = (struct snapshot_store){.fd = -1};
    int rc = machine_track(m, error);
    if (rc)
        return rc;
    const struct machine_marks *k = machine_marks(m);
    uint64_t *bits = k->bits;
    memset(bits, 0, k->words * sizeof(*bits));
    mark_present(m, bits);
    drop_zeros(m, bits, &store->run_count);
    store->runs = calloc(store->run_count + 1, sizeof(*store->runs));
    if (!store->runs)
        return no_memory(error);
    fill_runs(store, bits, end_page(m));
    rc = copy_out(store, m, error);
    if (rc)
        snapshot_store_free(store);
    return rc;
}

void snapshot_store_free(struct snapshot_store *store)
{
    if (store->data)
        munmap((void *)(uintptr_t)store->data, store->size);
    if (store->fd >= 0)
        close(store->fd);
    free(store->runs);
    *store = (struct snapshot_store){.fd = -1};
}

/*
 * The contents of page: in the store, or zeros.  *run is the search position: pages are asked in
 * order.
 */
static const uint8_t *content(const struct snapshot_store *store, size_t *run, size_t page)
{
    while (*run < store->run_count && store->runs[*run].page + store->runs[*run].count <= page)
        ++*run;
    const struct page_run *r = &store->runs[*run];
    if (*run == store->run_count || page < r->page)
        return zeros;
    return store->data + (r->at + page - r->page) * PAGE_SIZE;
}

/* Pages that may differ from the snapshot, in marks->bits. */
static void find_candidates(const struct snapshot_store *store, struct hl_machine *m, bool base)
{
    struct machine_marks *k = machine_marks(m);
    if (base && machine_dirty(m))
        return;
    memset(k->bits, 0, k->words * sizeof(*k->bits));
    mark_present(m, k->bits);
    for (size_t i = 0; i < store->run_count; i++)
        for (uint64_t n = 0; n < store->runs[i].count; n++)
            mark(k->bits, store->runs[i].page + n);
}

/* One pass through the candidates, in order. */
struct pass {
    struct hl_machine *m;
    const struct snapshot_store *store;
    size_t run;
    size_t zero_from, zero_count; /* adjacent pages to be zeroed */
    size_t changed, clean;
};

static void found_clean(struct pass *p, size_t page)
{
    struct machine_marks *k = machine_marks(p->m);
    if (k->exposed && is_marked(k->exposed, page))
        return;
    mark(k->clean, page);
    p->clean++;
}

static void write_zeros(struct pass *p)
{
    size_t size = p->zero_count * PAGE_SIZE;
    if (!size)
        return;
    machine_zero(p->m, p->zero_from * PAGE_SIZE, size, KEEP_ZEROS);
    for (size_t i = 0; i < p->zero_count && size > KEEP_ZEROS; i++)
        found_clean(p, p->zero_from + i);
    p->zero_count = 0;
}

static void put_back(struct pass *p, size_t page)
{
    const uint8_t *was = content(p->store, &p->run, page);
    uint8_t *now = page_of(p->m, page);
    if (memcmp(now, was, PAGE_SIZE) == 0) {
        found_clean(p, page);
        return;
    }
    p->changed++;
    if (was != zeros) {
        memcpy(now, was, PAGE_SIZE);
        return;
    }
    if (p->zero_from + p->zero_count != page) {
        write_zeros(p);
        p->zero_from = page;
    }
    p->zero_count++;
}

/*
 * Pages that calls write repeatedly stay in the log, where they cost a comparison and no fault;
 * pages that only one call has written must be removed from it.
 */
static bool worth_clearing(struct machine_marks *k, const struct pass *p)
{
    return p->clean > p->changed + CLEAN_MANY || (++k->rounds % CLEAN_ROUNDS == 0 && p->clean);
}

void snapshot_store_restore(const struct snapshot_store *store, struct hl_machine *m, bool base)
{
    struct machine_marks *k = machine_marks(m);
    struct pass p = {.m = m, .store = store};
    memset(k->clean, 0, k->words * sizeof(*k->clean));
    find_candidates(store, m, base);
    const size_t first = first_page(m), end = end_page(m);
    for (size_t w = first / MARKS_WORD; w <= (end - 1) / MARKS_WORD; w++)
        for (uint64_t word = k->bits[w]; word; word &= word - 1) {
            size_t page = w * MARKS_WORD + (size_t)__builtin_ctzll(word);
            if (page >= first && page < end)
                put_back(&p, page);
        }
    write_zeros(&p);
    machine_forget_dirty(m, worth_clearing(k, &p));
}
