/* SPDX-License-Identifier: Apache-2.0 */
/* rewind.h - a sandbox with a snapshot, and how it looked when that was taken. */
#ifndef TESTS_REWIND_H
#define TESTS_REWIND_H

#include "box.h"
#include "files.h"
#include "thread.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <hl/snapshot.h>

#include "machine_impl.h"
#include "vcpu_kvm.h"

static inline int host_add(void *opaque, const struct hl_value *args, size_t count,
                           struct hl_value *result, struct hl_error *error)
{
    struct hl_sandbox **target = opaque;
    if (*target)
        hl_sandbox_interrupt(*target);
    return kit_host_add(opaque, args, count, result, error);
}

/* A sandbox, a snapshot of it, and how it looked then. */
struct rewind {
    struct box box;
    struct hl_snapshot *snapshot;
    struct hl_sandbox *target; /* interrupted by its host function */
    struct hl_regs regs;
    uint8_t *memory; /* see copy_memory() */
    size_t size;
    uint8_t *physical; /* all of the guest's memory, what is not mapped included */
};

/* Of each page of each region: what it is mapped to, what the guest may do, and what is in it. */
static inline uint8_t *copy_memory(struct hl_sandbox *sb, size_t *size)
{
    struct hl_machine *m = hl_sandbox_machine(sb);
    uint8_t *copy = NULL;
    size_t used = 0;
    for (size_t i = 0; i < HL_REGIONS; i++) {
        const struct hl_region *r = hl_sandbox_region(sb, i);
        for (hl_gva_t gva = r->start; gva < r->start + r->size; gva += PAGE) {
            struct {
                hl_gva_t gva;
                hl_gpa_t gpa;
                uint64_t prot;
                uint8_t data[PAGE];
            } page = {.gva = gva};
            unsigned prot;
            if (hl_machine_lookup(m, gva, &page.gpa, &prot))
                continue;
            page.prot = prot;
            assert_int_equal(hl_machine_read(m, gva, page.data, PAGE, 0), PAGE);
            if (used % (64 * sizeof(page)) == 0)
                copy = realloc(copy, used + 64 * sizeof(page));
            assert_non_null(copy);
            memcpy(copy + used, &page, sizeof(page));
            used += sizeof(page);
        }
    }
    *size = used;
    return copy;
}

/* The memory after the page tables, read without the library's records. */
static inline const uint8_t *physical(const struct rewind *w, size_t *size)
{
    const struct hl_machine *m = hl_sandbox_machine(w->box.sb);
    *size = m->free - m->pt.end;
    return m->memory + m->pt.end;
}

static inline void check_physical(struct rewind *w)
{
    size_t size;
    const uint8_t *now = physical(w, &size);
    for (size_t at = 0; at < size; at += PAGE)
        if (memcmp(now + at, w->physical + at, PAGE) != 0)
            fail_msg("page %zu of the guest's memory differs", at / PAGE);
}

static inline void take(struct rewind *w)
{
    size_t size;
    hl_snapshot_destroy(w->snapshot);
    free(w->memory);
    if (hl_snapshot_take(&w->snapshot, w->box.sb, &w->box.error))
        fail_msg("%s", w->box.error.text);
    assert_int_equal(hl_sandbox_state(w->box.sb), HL_SANDBOX_READY);
    w->memory = copy_memory(w->box.sb, &w->size);
    w->physical = realloc(w->physical, (physical(w, &size), size));
    assert_non_null(w->physical);
    memcpy(w->physical, physical(w, &size), size);
    assert_int_equal(hl_machine_get_regs(hl_sandbox_machine(w->box.sb), &w->regs, &w->box.error),
                     0);
}

static inline void start(struct rewind *w)
{
    const struct hl_sandbox_config config = {.heap = 8 << 20, .stack = 64 << 10};
    box_create(&w->box, "rewind", config);
    box_register(&w->box, "HostAdd", "i32(i32, i32)", host_add, &w->target);
    box_start(&w->box);
}

static inline void check(struct rewind *w)
{
    struct hl_sandbox *sb = w->box.sb;
    struct hl_regs regs;
    size_t size;
    assert_int_equal(hl_sandbox_state(sb), HL_SANDBOX_READY);
    assert_null(hl_sandbox_fault(sb));
    assert_int_equal(hl_sandbox_guest_code(sb), 0);
    assert_int_equal(hl_sandbox_exit_status(sb), 0);
    uint8_t *now = copy_memory(sb, &size);
    assert_int_equal(size, w->size);
    for (size_t i = 0; i < size; i++)
        if (now[i] != w->memory[i])
            fail_msg("page record %zu, offset %zu: 0x%x instead of 0x%x", i / (PAGE + 24),
                     i % (PAGE + 24), now[i], w->memory[i]);
    free(now);
    check_physical(w);
    assert_int_equal(hl_machine_get_regs(hl_sandbox_machine(sb), &regs, &w->box.error), 0);
    assert_memory_equal(&regs, &w->regs, sizeof(regs));
}

static inline void restore(struct rewind *w)
{
    if (hl_sandbox_restore(w->box.sb, w->snapshot, &w->box.error))
        fail_msg("%s", w->box.error.text);
}

static inline int setup(void **state)
{
    struct rewind *w = calloc(1, sizeof(*w));
    *state = w;
    if (!w)
        return -1;
    start(w);
    take(w);
    return 0;
}

static inline int teardown(void **state)
{
    struct rewind *w = *state;
    hl_snapshot_destroy(w->snapshot);
    box_close(&w->box);
    free(w->memory);
    free(w->physical);
    free(w);
    return 0;
}
#define REWIND_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static inline size_t look(struct rewind *w, uint8_t **copy)
{
    const struct hl_value *v = CALL0(&w->box, "Look");
    *copy = malloc(v->len);
    assert_non_null(*copy);
    memcpy(*copy, v->data, v->len);
    return v->len;
}

/* Of Look()'s answer with and without a restore in between. */
static inline void expect_look(struct rewind *w, const uint8_t *wanted, size_t size, bool same)
{
    uint8_t *now;
    assert_int_equal(look(w, &now), size);
    if (same) {
        for (size_t i = 0; i < size; i++)
            if (now[i] != wanted[i])
                fail_msg("offset %zu: 0x%x instead of 0x%x", i, now[i], wanted[i]);
    } else {
        assert_memory_not_equal(now, wanted, size);
    }
    free(now);
}

#endif
