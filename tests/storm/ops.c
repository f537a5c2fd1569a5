/* SPDX-License-Identifier: Apache-2.0 */
/* ops.c - calls, their ends, snapshots: what a worker does by itself. */
#include "storm.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void path_of(const struct worker *w, const char *what, char *path, size_t size)
{
    snprintf(path, size, "%s/%u.%s", storm.directory, w->number, what);
}

static void op_host_call(struct worker *w, struct life *l)
{
    const int32_t a = (int32_t)next_of(w), b = (int32_t)next_of(w);
    const struct hl_value args[] = {hl_i32(a), hl_i32(b)};
    struct hl_value sum = {0};
    FINE(w, hl_sandbox_call(l->sb, "Add", args, 2, &sum, &w->error));
    CHECK(w, sum.i32 == (int32_t)((uint32_t)a + (uint32_t)b), "%d + %d = %d", a, b, sum.i32);
}

static void op_echo(struct worker *w, struct life *l)
{
    static const uint32_t sizes[] = {0, 1, 100, 5000, 100000};
    static uint8_t data[WORKERS][100000];
    uint8_t *bytes = data[w->number];
    const size_t size = sizes[below(w, 5)];
    for (size_t i = 0; i < size; i += 97)
        bytes[i] = (uint8_t)next_of(w);
    const struct hl_value arg = hl_bytes(bytes, size);
    struct hl_value result = {0};
    FINE(w, hl_sandbox_call(l->sb, "EchoBytes", &arg, 1, &result, &w->error));
    CHECK(w, result.len == size && memcmp(result.data, bytes, size) == 0, "%zu bytes are others",
          size);
}

static void op_count(struct worker *w, struct life *l)
{
    for (unsigned i = below(w, 50); i; i--)
        life_add(w, l, (int32_t)below(w, 100));
}

static void op_end(struct worker *w, struct life *l)
{
    static const struct {
        const char *function;
        int rc;
        enum hl_sandbox_state state;
    } ends[] = {{"DivideByZero", HL_ERR_FAULT, HL_SANDBOX_POISONED},
                {"InfiniteRecursion", HL_ERR_FAULT, HL_SANDBOX_POISONED},
                {"FailAssertion", HL_ERR_GUEST_ABORT, HL_SANDBOX_POISONED}};
    const unsigned n = below(w, 3);
    const int rc = life_call(w, l, ends[n].function, NULL);
    CHECK(w, rc == ends[n].rc, "%s: %s", ends[n].function, w->error.text);
    CHECK(w, hl_sandbox_state(l->sb) == ends[n].state, "%s: state", ends[n].function);
    CHECK(w, !hl_sandbox_fault(l->sb) == (rc != HL_ERR_FAULT), "%s: fault", ends[n].function);
    life_revive(w, l);
}

static void op_exit(struct worker *w, struct life *l)
{
    const int32_t status = (int32_t)below(w, 256);
    const struct hl_value arg = hl_i32(status);
    CHECK(w, hl_sandbox_call(l->sb, "Exit", &arg, 1, NULL, &w->error) == HL_ERR_EXITED, "exit");
    CHECK(w, hl_sandbox_state(l->sb) == HL_SANDBOX_DEAD, "it has exited and is not DEAD");
    CHECK(w, hl_sandbox_exit_status(l->sb) == status, "its status");
    life_revive(w, l);
}

static void op_core(struct worker *w, struct life *l)
{
    Elf64_Ehdr head = {0};
    char path[128];
    const bool crash = below(w, 2);
    path_of(w, "core", path, sizeof(path));
    if (crash)
        CHECK(w, life_call(w, l, "DivideByZero", NULL) == HL_ERR_FAULT, "no fault");
    FINE(w, hl_sandbox_core(l->sb, path, &w->error));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(w, fd >= 0 && pread(fd, &head, sizeof(head), 0) == sizeof(head), "the core is short");
    CHECK(w, memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 && head.e_type == ET_CORE && head.e_phnum,
          "no core");
    close(fd);
    unlink(path);
    if (crash)
        life_revive(w, l);
}

/* ---- snapshots ---- */

static void op_take(struct worker *w, struct life *l)
{
    hl_snapshot_destroy(l->snapshot);
    l->snapshot = NULL;
    FINE(w, hl_snapshot_take(&l->snapshot, l->sb, &w->error));
    l->counter_then = l->counter;
}

static void op_restore(struct worker *w, struct life *l)
{
    const bool own = l->snapshot && below(w, 2);
    FINE(w, hl_sandbox_restore(l->sb, own ? l->snapshot : storm.base, &w->error));
    l->counter = own ? l->counter_then : 0;
    life_add(w, l, 1);
}

static void op_clone(struct worker *w, struct life *l)
{
    struct life other = {0};
    life_open(w, &other, l->snapshot ? l->snapshot : storm.base, l->snapshot ? l->counter_then : 0);
    life_add(w, &other, 1);
    life_add(w, l, 1);
    life_close(&other);
}

/* The file is replaced while others that were made of it live. */
static void op_save_and_load(struct worker *w, struct life *l)
{
    struct hl_snapshot *loaded = NULL;
    struct life other = {0};
    char path[128];
    path_of(w, "snapshot", path, sizeof(path));
    op_take(w, l);
    FINE(w, hl_snapshot_save(l->snapshot, path, &w->error));
    const unsigned flags = below(w, 2) ? HL_SNAPSHOT_VERIFY : 0;
    FINE(w, hl_snapshot_load(&loaded, storm.image, path, flags, &w->error));
    life_open(w, &other, loaded, l->counter);
    life_add(w, l, 5);
    FINE(w, hl_snapshot_save(storm.base, path, &w->error));
    life_add(w, &other, 3);
    FINE(w, hl_sandbox_restore(other.sb, loaded, &w->error));
    other.counter = l->counter_then;
    life_add(w, &other, 0);
    hl_snapshot_destroy(loaded);
    life_add(w, &other, 1);
    life_close(&other);
    unlink(path);
}

/* ---- limits ---- */

static void op_limit(struct worker *w, struct life *l)
{
    const uint64_t ms = 1000000, exits = 1 + below(w, 100);
    const unsigned which = below(w, 3);
    const struct hl_limits limits[] = {
        {.wall_ns = (1 + below(w, 5)) * ms}, {.cpu_ns = (1 + below(w, 5)) * ms}, {.exits = exits}};
    const enum hl_limit hit[] = {HL_LIMIT_WALL, HL_LIMIT_CPU, HL_LIMIT_EXITS};
    FINE(w, hl_sandbox_limit(l->sb, &limits[which], &w->error));
    const int rc =
        life_call(w, l, which == 2 ? "HostCallLoop" : "Spin", which == 2 ? "HostAdd" : NULL);
    CHECK(w, rc == HL_ERR_INTERRUPTED, "limit %u: %s", which, rc ? w->error.text : "fine");
    CHECK(w, hl_sandbox_limit_hit(l->sb) == hit[which], "another limit: %s", w->error.text);
    FINE(w, hl_sandbox_limit(l->sb, NULL, &w->error));
    life_revive(w, l);
}

const struct op plain_ops[] = {
    {"call a host function", op_host_call},
    {"echo", op_echo},
    {"count", op_count},
    {"crash", op_end},
    {"exit", op_exit},
    {"core", op_core},
    {"take", op_take},
    {"restore", op_restore},
    {"clone", op_clone},
    {"save and load", op_save_and_load},
    {"limit", op_limit},
};
const unsigned plain_op_count = sizeof(plain_ops) / sizeof(plain_ops[0]);
