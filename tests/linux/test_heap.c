/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap of a guest's Linux against a model of it: random calls, and after each of them every
 * page's use, protection and contents.  (linux-map compares it with the Linux below.)
 */
#include "kit.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "linux.h"
#include "linux_heap.h"
#include "machine_impl.h"
#include "sandbox.h"
#include "tiny.h"

#define PAGES 200u
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)

struct heap {
    struct hl_sandbox *sb;
    hl_gva_t start;
    uint64_t random;
    uint8_t last_mark; /* contents of a page are one byte, at its begin and its end */
    /* the model */
    uint64_t brk; /* in bytes, from the start */
    bool used[PAGES];
    unsigned prot[PAGES];
    uint8_t mark[PAGES];
};

static int setup(void **state)
{
    const struct hl_sandbox_config config = {.heap = PAGES * PAGE, .no_debugger = true};
    struct heap *h = calloc(1, sizeof(*h));
    if (!h)
        return -1;
    *state = h;
    if (sandbox_create(&h->sb, tiny_image(), &config,
                       &(struct sandbox_parts){.backend = &scripted_backend}, NULL))
        return -1;
    h->start = h->sb->region[REGION_HEAP].start;
    h->random = 1;
    return linux_of(h->sb)->pages == PAGES ? 0 : -1;
}

static int teardown(void **state)
{
    struct heap *h = *state;
    hl_sandbox_destroy(h->sb);
    free(h);
    return 0;
}

static size_t below(struct heap *h, size_t end)
{
    return next_random(&h->random) % end;
}

static uint64_t address(const struct heap *h, size_t page)
{
    return h->start + (uint64_t)page * PAGE;
}

static uint8_t *memory(const struct heap *h, size_t page)
{
    return h->sb->machine->memory + h->sb->gpa[REGION_HEAP] + page * PAGE;
}

static size_t brk_pages(const struct heap *h)
{
    return (h->brk + PAGE - 1) / PAGE;
}

/* ---- the model ---- */

/* Do all of them have this use? */
static bool are(const struct heap *h, size_t page, size_t count, bool used)
{
    for (size_t i = 0; i < count; i++)
        if (h->used[page + i] != used)
            return false;
    return true;
}

static bool any(const struct heap *h, size_t page, size_t count)
{
    return !are(h, page, count, false);
}

static void give(struct heap *h, size_t page, size_t count, unsigned prot)
{
    for (size_t i = page; i < page + count; i++) {
        h->used[i] = true;
        h->prot[i] = prot;
        h->mark[i] = 0;
    }
}

static void take(struct heap *h, size_t page, size_t count)
{
    give(h, page, count, 0);
    memset(h->used + page, 0, count * sizeof(*h->used));
}

/* PAGES: there is no such place. */
static size_t highest(const struct heap *h, size_t count)
{
    for (size_t at = PAGES; at-- > brk_pages(h);)
        if (at + count <= PAGES && are(h, at, count, false))
            return at;
    return PAGES;
}

/* ---- one call each: chance chooses, the model says what comes ---- */

static const struct {
    uint64_t linux_prot;
    unsigned prot;
} prots[] = {{PROT_NONE, 0},
             {PROT_READ, HL_PROT_READ},
             {PROT_WRITE, HL_PROT_READ | HL_PROT_WRITE},
             {PROT_READ | PROT_WRITE, HL_PROT_READ | HL_PROT_WRITE}};

/* A range that may end past the last page; more often it is short. */
static void choose(struct heap *h, size_t *page, size_t *count)
{
    *page = below(h, PAGES);
    *count = below(h, below(h, 3) ? 8 : PAGES) + 1;
}

static void map_anywhere(struct heap *h)
{
    size_t page, count, p = below(h, COUNT(prots));
    choose(h, &page, &count);
    const uint64_t a[6] = {0, count * PAGE - below(h, PAGE), prots[p].linux_prot, ANONYMOUS, 0, 0};
    page = highest(h, count);
    int64_t rc = linux_mmap(h->sb, a);
    if (page == PAGES) {
        assert_int_equal(rc, -ENOMEM);
        return;
    }
    assert_int_equal(rc, address(h, page));
    give(h, page, count, prots[p].prot);
}

static void map_fixed(struct heap *h)
{
    size_t page, count, p = below(h, COUNT(prots));
    bool replace = below(h, 2);
    choose(h, &page, &count);
    const uint64_t a[6] = {address(h, page),
                           count * PAGE,
                           prots[p].linux_prot,
                           ANONYMOUS | (uint64_t)(replace ? MAP_FIXED : MAP_FIXED_NOREPLACE),
                           0,
                           0};
    int64_t rc = linux_mmap(h->sb, a);
    if (page + count > PAGES) {
        assert_int_equal(rc, -ENOMEM);
    } else if (!replace && any(h, page, count)) {
        assert_int_equal(rc, -EEXIST);
    } else {
        assert_int_equal(rc, a[0]);
        give(h, page, count, prots[p].prot);
    }
}

static void unmap(struct heap *h)
{
    size_t page, count;
    choose(h, &page, &count);
    const uint64_t a[6] = {address(h, page), count * PAGE, 0, 0, 0, 0};
    int64_t rc = linux_munmap(h->sb, a);
    if (page + count > PAGES) {
        assert_int_equal(rc, -EINVAL);
        return;
    }
    assert_int_equal(rc, 0);
    take(h, page, count);
}

static void protect(struct heap *h)
{
    size_t page, count, i, p = below(h, COUNT(prots));
    choose(h, &page, &count);
    const uint64_t a[6] = {address(h, page), count * PAGE, prots[p].linux_prot, 0, 0, 0};
    int64_t rc = linux_mprotect(h->sb, a);
    if (page + count > PAGES) {
        assert_int_equal(rc, -ENOMEM);
        return;
    }
    for (i = 0; i < count && h->used[page + i]; i++)
        h->prot[page + i] = prots[p].prot;
    assert_int_equal(rc, i < count ? -ENOMEM : 0);
}

/* Linux's brk returns what it is now, whether or not it did what was asked for. */
static void change_brk(struct heap *h)
{
    uint64_t wanted = below(h, 4) ? below(h, PAGES / 3 * PAGE) : below(h, (PAGES + 2) * PAGE);
    size_t before = brk_pages(h), after = (wanted + PAGE - 1) / PAGE;
    const uint64_t a[6] = {h->start + wanted, 0, 0, 0, 0, 0};
    int64_t rc = linux_brk(h->sb, a);
    bool done = wanted <= (uint64_t)PAGES * PAGE;
    if (done && after > before)
        done = !any(h, before, after - before + (after < PAGES));
    else if (done && after < before)
        done = any(h, after, before - after);
    if (done && after > before)
        give(h, before, after - before, HL_PROT_READ | HL_PROT_WRITE);
    else if (done && after < before)
        take(h, after, before - after);
    h->brk = done ? wanted : h->brk;
    assert_int_equal(rc, h->start + h->brk);
}

/* Where a block that has to grow goes to; PAGES: nowhere, and *error says why. */
static size_t new_place(const struct heap *h, size_t page, size_t old, size_t count, bool may_move,
                        int64_t *error)
{
    size_t low = page, high = page + old;
    while (low > brk_pages(h) && !h->used[low - 1])
        low--;
    while (high < PAGES && !h->used[high])
        high++;
    *error = -ENOMEM;
    if (high - page >= count)
        return page;
    if (!may_move)
        return PAGES;
    *error = -EFAULT;
    for (size_t i = 1; i < old; i++)
        if (h->prot[page + i] != h->prot[page])
            return PAGES;
    *error = -ENOMEM;
    return high - low >= count ? low + (high - low - count) / 2 : highest(h, count);
}

static void move(struct heap *h, size_t page, size_t old, size_t to, size_t count)
{
    uint8_t mark[PAGES];
    unsigned prot = h->prot[page];
    size_t kept = to == page ? old : 0; /* in place, each keeps the protection that it has */
    memcpy(mark, h->mark + page, old);
    if (!kept)
        take(h, page, old);
    give(h, to + kept, count - kept, prot);
    if (!kept)
        memcpy(h->mark + to, mark, old);
}

static void remap(struct heap *h)
{
    size_t page, old, ignored, count, to;
    bool may_move = below(h, 4);
    choose(h, &page, &old);
    choose(h, &ignored, &count);
    const uint64_t a[6] = {
        address(h, page), old * PAGE, count * PAGE, may_move ? MREMAP_MAYMOVE : 0, 0, 0};
    if (page + old > PAGES)
        return; /* it is not all in the heap: as of other memory */
    int64_t error = -EFAULT, rc = linux_mremap(h->sb, a);
    if (!h->used[page]) {
        assert_int_equal(rc, -EFAULT);
        return;
    }
    if (count <= old) {
        assert_int_equal(rc, a[0]);
        take(h, page + count, old - count);
        return;
    }
    to = are(h, page, old, true) ? new_place(h, page, old, count, may_move, &error) : PAGES;
    if (to == PAGES) {
        assert_int_equal(rc, error);
        return;
    }
    assert_int_equal(rc, address(h, to));
    move(h, page, old, to, count);
}

/* ---- and what is there then ---- */

static void write_something(struct heap *h)
{
    size_t page = below(h, PAGES);
    if (!h->used[page] || !(h->prot[page] & HL_PROT_WRITE))
        return;
    h->mark[page] = ++h->last_mark;
    memory(h, page)[0] = memory(h, page)[PAGE - 1] = h->mark[page];
}

static void check(const struct heap *h)
{
    uint64_t used = 0;
    for (size_t page = 0; page < PAGES; page++) {
        unsigned prot = 0;
        const char *use = linux_page_use(h->sb, address(h, page));
        hl_machine_lookup(h->sb->machine, address(h, page), NULL, &prot);
        assert_int_equal(use != NULL, h->used[page]);
        if (use)
            assert_string_equal(use, page < brk_pages(h) ? "heap: brk" : "heap: mmap");
        assert_int_equal(prot, h->prot[page]);
        assert_int_equal(memory(h, page)[0], h->mark[page]);
        assert_int_equal(memory(h, page)[PAGE - 1], h->mark[page]);
        used += h->used[page] ? PAGE : 0;
    }
    assert_int_equal(linux_heap_used(h->sb), used);
}

static void test_random(void **state)
{
    static void (*const calls[])(struct heap *) = {map_anywhere, map_fixed,  unmap, unmap,
                                                   protect,      change_brk, remap, remap};
    struct heap *h = *state;
    check(h);
    for (int i = 0; i < 20000; i++) {
        calls[below(h, COUNT(calls))](h);
        for (int k = 0; k < 4; k++)
            write_something(h);
        check(h);
    }
}

static int64_t mmap_of(struct heap *h, uint64_t at, uint64_t size, uint64_t prot, uint64_t flags)
{
    const uint64_t a[6] = {at, size, prot, flags, (uint64_t)-1, 0};
    return linux_mmap(h->sb, a);
}

/* Nothing is changed by a call that is refused. */
static void test_refused(void **state)
{
    struct heap *h = *state;
    const uint64_t rw = PROT_READ | PROT_WRITE, most = UINT64_MAX;
    assert_int_equal(mmap_of(h, 0, 0, rw, ANONYMOUS), -EINVAL);
    assert_int_equal(mmap_of(h, 0, most, rw, ANONYMOUS), -ENOMEM);
    assert_int_equal(mmap_of(h, 0, PAGES * PAGE + 1, rw, ANONYMOUS), -ENOMEM);
    assert_int_equal(mmap_of(h, 0, PAGE, PROT_EXEC, ANONYMOUS), -EACCES);
    assert_int_equal(mmap_of(h, 0, PAGE, 8, ANONYMOUS), -EINVAL);
    assert_int_equal(mmap_of(h, 0, PAGE, rw, MAP_PRIVATE), -EBADF);
    assert_int_equal(mmap_of(h, h->start + 1, PAGE, rw, ANONYMOUS | MAP_FIXED), -EINVAL);
    assert_int_equal(mmap_of(h, h->start - PAGE, PAGE, rw, ANONYMOUS | MAP_FIXED), -ENOMEM);
    assert_int_equal(mmap_of(h, h->start, most, rw, ANONYMOUS | MAP_FIXED), -ENOMEM);
    assert_int_equal(mmap_of(h, most - PAGE + 1, PAGE, rw, ANONYMOUS | MAP_FIXED), -ENOMEM);
    static const uint64_t bad[][6] = {{1, PAGE}, {0, 0}, {0, UINT64_MAX}, {PAGES * PAGE, PAGE}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        const uint64_t a[6] = {h->start + bad[i][0], bad[i][1]};
        assert_int_equal(linux_munmap(h->sb, a), -EINVAL);
    }
    check(h);
}

/* An interrupt ends a call early; it says so, and not that it has done its work. */
static void test_interrupted(void **state)
{
    struct heap *h = *state;
    int64_t at = mmap_of(h, 0, 8 * PAGE, PROT_READ | PROT_WRITE, ANONYMOUS);
    const uint64_t a[6] = {(uint64_t)at, 8 * PAGE}, grow[6] = {h->start + PAGE};
    assert_true(at > 0);
    atomic_store(&h->sb->call_state, CALL_INTERRUPTED);
    assert_int_equal(mmap_of(h, 0, PAGE, PROT_READ, ANONYMOUS), LINUX_AGAIN);
    assert_int_equal(linux_munmap(h->sb, a), LINUX_AGAIN);
    assert_int_equal(linux_brk(h->sb, grow), LINUX_AGAIN);
    atomic_store(&h->sb->call_state, CALL_NONE);
    assert_int_equal(linux_heap_used(h->sb), 8 * PAGE);
    assert_int_equal(linux_munmap(h->sb, a), 0);
    check(h);
}

/* What a debugger is lent is the guest's no longer, until it is taken back. */
static void test_lent(void **state)
{
    struct heap *h = *state;
    hl_gva_t at, other;
    assert_true(linux_lend(h->sb, 3 * PAGE, &at));
    assert_int_equal(at, address(h, PAGES - 3));
    assert_true(linux_lend(h->sb, 1, &other));
    assert_int_equal(other, address(h, PAGES - 4));
    assert_false(linux_lend(h->sb, PAGES * PAGE, &other));
    assert_true(linux_take_back(h->sb, at, 3 * PAGE));
    assert_true(linux_take_back(h->sb, address(h, PAGES - 4), 1));
    check(h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_random),
        TEST(test_refused),
        TEST(test_interrupted),
        TEST(test_lent),
    };
    watchdog(120);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
