/* SPDX-License-Identifier: Apache-2.0 */
/* The bitmap of the pages that a guest's heap gave out, against an array of bool. */
#include "kit.h"

#include "linux_pages.h"
#include "linux_state.h"

#define PAGES 331u /* five words and a bit */

struct model {
    struct linux_state os;
    uint64_t words[PAGES / LINUX_WORD + 1];
    bool used[PAGES];
    uint64_t random;
};

/* To mark as the model does. */
static void mark(struct model *m, size_t page, size_t count, bool used)
{
    linux_set_used(&m->os, page, count, used);
    for (size_t i = 0; i < count; i++)
        m->used[page + i] = used;
}

static size_t below(struct model *m, size_t end)
{
    return next_random(&m->random) % end;
}

/* Long runs as often as short ones. */
static void mark_by_chance(struct model *m)
{
    size_t page = below(m, PAGES), longest = below(m, 2) ? 5 : PAGES;
    size_t count = below(m, (PAGES - page < longest ? PAGES - page : longest) + 1);
    mark(m, page, count, below(m, 2));
}

static size_t same_use(const struct model *m, size_t page, size_t count, bool used)
{
    size_t n = 0;
    while (n < count && m->used[page + n] == used)
        n++;
    return n;
}

static size_t unused_below(const struct model *m, size_t page, size_t low)
{
    size_t at = page;
    while (at > low && !m->used[at - 1])
        at--;
    return page - at;
}

/* The highest place in [low, high) for count pages; high: none. */
static size_t highest(const struct model *m, size_t low, size_t high, size_t count)
{
    for (size_t at = high - count + 1; high - low >= count && at-- > low;)
        if (same_use(m, at, count, false) == count)
            return at;
    return high;
}

static void check(struct model *m)
{
    size_t page = below(m, PAGES), count = below(m, PAGES - page) + 1, low = below(m, page + 1);
    for (size_t i = 0; i < PAGES; i++)
        assert_int_equal(linux_used(&m->os, i), m->used[i]);
    for (int used = 0; used <= 1; used++)
        assert_int_equal(linux_same_use(&m->os, page, count, used), same_use(m, page, count, used));
    assert_int_equal(linux_unused_below(&m->os, page, low), unused_below(m, page, low));
    size_t want = below(m, 2) ? below(m, 8) + 1 : below(m, PAGES) + 1;
    struct linux_search s = {.page = page};
    size_t at = highest(m, low, page, want);
    assert_int_equal(linux_find_unused(&m->os, &s, low, want),
                     at < page ? LINUX_FOUND : LINUX_NONE);
    if (at < page)
        assert_int_equal(s.page, at);
}

static void test_random(void **state)
{
    struct model m = {.os = {.pages = PAGES}, .random = 1};
    (void)state;
    m.os.used = m.words;
    for (int i = 0; i < 50000; i++) {
        mark_by_chance(&m);
        check(&m);
    }
}

/* Nothing is done to the word's other pages, nor to other words. */
static void test_edges(void **state)
{
    static const size_t edges[] = {0, 1, 62, 63, 64, 65, 127, 128, 129, 191, 192};
    (void)state;
    for (size_t i = 0; i < COUNT(edges); i++)
        for (size_t k = i; k < COUNT(edges); k++)
            for (int used = 0; used <= 1; used++) {
                struct model m = {.os = {.pages = PAGES}};
                m.os.used = m.words;
                mark(&m, 0, PAGES, !used);
                m.os.changed = false;
                mark(&m, edges[i], edges[k] - edges[i], used);
                assert_int_equal(m.os.changed, k > i);
                for (size_t page = 0; page < PAGES; page++)
                    assert_int_equal(linux_used(&m.os, page), m.used[page]);
            }
}

/* A search among very many pages comes in steps, and finds what one in a single step would. */
static void test_search_in_steps(void **state)
{
    const size_t pages = 1u << 20;
    struct linux_state os = {.pages = pages};
    struct linux_search s = {.page = pages};
    unsigned steps = 1;
    enum linux_found found;
    (void)state;
    os.used = malloc(linux_words(pages) * sizeof(*os.used));
    assert_non_null(os.used);
    memset(os.used, 0x55, linux_words(pages) * sizeof(*os.used));
    linux_set_used(&os, 1000, 3, false);
    while ((found = linux_find_unused(&os, &s, 0, 5)) == LINUX_SEARCHING)
        steps++;
    assert_int_equal(found, LINUX_FOUND);
    assert_int_equal(s.page, 999); /* 999 and 1003 are odd, and free */
    assert_in_range(steps, 2, 64);
    s = (struct linux_search){.page = pages};
    while ((found = linux_find_unused(&os, &s, 0, 6)) == LINUX_SEARCHING)
        continue;
    assert_int_equal(found, LINUX_NONE);
    free(os.used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_search_in_steps),
    };
    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
