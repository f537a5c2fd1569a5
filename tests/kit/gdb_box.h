/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gdb_box.h - a box with the guest `debuggee`, whose calls run in a thread of their own while the
 * test is the debugger: it calls the target's operations as the stub's server would.
 */
#ifndef TESTS_GDB_BOX_H
#define TESTS_GDB_BOX_H

#include "box.h"

#include "debugger.h"
#include "thread.h"

struct gdb_box {
    struct box box;
    struct hl_debug *d;
    pthread_t thread;
    bool calling;
    const char *name; /* of the call in progress: */
    struct hl_value args[4], result;
    size_t count;
    int rc;
    struct hl_error call_error;
    bool silent; /* ... made without an error */
    atomic_bool over;

    /* the hooks, in the guest's thread */
    atomic_bool unwanted; /* what report answers */
    atomic_uint reports;
    atomic_bool in_host, host_waits; /* HostPoke */
};

static inline bool gdb_report(void *opaque, const struct gdb_stop *stop)
{
    struct gdb_box *g = opaque;
    (void)stop;
    atomic_fetch_add(&g->reports, 1);
    return !atomic_load(&g->unwanted);
}

static inline void gdb_console(void *opaque, const void *data, size_t size)
{
    (void)opaque;
    (void)data;
    (void)size;
}

/* HostPoke(address, value): write it there, if anywhere. */
static inline int gdb_host_poke(void *opaque, const struct hl_value *args, size_t count,
                                struct hl_value *result, struct hl_error *error)
{
    struct gdb_box *g = opaque;
    (void)count;
    (void)error;
    atomic_store(&g->in_host, true);
    WAIT_WHILE(atomic_load(&g->host_waits));
    atomic_store(&g->in_host, false);
    if (args[0].u64)
        hl_machine_write(g->box.sb->machine, args[0].u64, &args[1].i32, 4, 0);
    result->i32 = args[1].i32;
    return 0;
}

static inline void gdb_box_create(struct gdb_box *g, const struct hl_debug_config *config)
{
    const struct gdb_hooks hooks = {gdb_report, gdb_console, g};
    box_create(&g->box, "debuggee", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(&g->box, "HostPoke", "i32(u64, i32)", gdb_host_poke, g);
    if (debug_create(g->box.sb, config, NULL, &g->box.error))
        fail_msg("%s", g->box.error.text);
    g->d = debug_of(g->box.sb);
    assert_int_equal(debug_ops.bind(g->d, &hooks), 0);
}

static inline void gdb_box_open(struct gdb_box *g)
{
    gdb_box_create(g, NULL);
    box_start(&g->box);
}

static inline int gdb_box_setup(void **state)
{
    *state = calloc(1, sizeof(struct gdb_box));
    return *state ? 0 : -1;
}

static inline int gdb_box_teardown(void **state)
{
    struct gdb_box *g = *state;
    atomic_store(&g->host_waits, false);
    if (g->d)
        debug_ops.kill(g->d);
    if (g->calling)
        pthread_join(g->thread, NULL);
    box_close(&g->box);
    free(g);
    return 0;
}
#define GDB_TEST(test) cmocka_unit_test_setup_teardown(test, gdb_box_setup, gdb_box_teardown)

static inline uint64_t where(struct gdb_box *g, const char *name)
{
    uint64_t at = CALL(&g->box, "Where", value_string(name))->u64;
    assert_int_not_equal(at, 0);
    return at;
}

/* The guest's memory itself, to watch a word of it while the guest runs. */
static inline const volatile uint64_t *live(struct gdb_box *g, uint64_t at)
{
    hl_gpa_t gpa;
    assert_int_equal(hl_machine_lookup(g->box.sb->machine, at, &gpa, NULL), 0);
    return hl_machine_memory(g->box.sb->machine, gpa, sizeof(uint64_t));
}

/* ---- calls */

static inline void *gdb_run_call(void *opaque)
{
    struct gdb_box *g = opaque;
    g->rc = hl_sandbox_call(g->box.sb, g->name, g->args, g->count, &g->result,
                            g->silent ? NULL : &g->call_error);
    atomic_store(&g->over, true);
    return NULL;
}

static inline void call_begin(struct gdb_box *g, const char *name, const struct hl_value *args,
                              size_t count)
{
    assert_false(g->calling);
    g->name = name;
    g->count = count;
    if (count)
        memcpy(g->args, args, count * sizeof(*args));
    atomic_store(&g->over, false);
    thread_begin(&g->thread, gdb_run_call, g);
    g->calling = true;
}
#define BEGIN(g, name, ...)                                                                        \
    call_begin(g, name, (const struct hl_value[]){__VA_ARGS__},                                    \
               COUNT(((const struct hl_value[]){__VA_ARGS__})))
#define BEGIN0(g, name) call_begin(g, name, NULL, 0)

static inline void call_over(struct gdb_box *g, int rc)
{
    WAIT_FOR(atomic_load(&g->over));
    pthread_join(g->thread, NULL);
    g->calling = false;
    if (g->rc != rc)
        print_message("# %s: %d, %s\n", g->name, g->rc, g->call_error.text);
    assert_int_equal(g->rc, rc);
}

static inline void call_end(struct gdb_box *g, int32_t result)
{
    call_over(g, 0);
    assert_int_equal(g->result.i32, result);
}

/* ---- the debugger */

static inline uint64_t pc(struct gdb_box *g)
{
    return reg(g, GDB_AMD64_RIP);
}

/* One step that ends as a step; where it stands. */
static inline uint64_t step(struct gdb_box *g)
{
    STEP(g);
    assert_int_equal(take(g).reason, GDB_STOP_STEP);
    return pc(g);
}

/* A breakpoint of the moment, reached by a call: as GDB's `tbreak`. */
static inline void begin_to(struct gdb_box *g, uint64_t address, const char *name)
{
    insert(g, GDB_SW_BREAK, address, 1);
    CONTINUE(g);
    BEGIN0(g, name);
    expect_break(g, GDB_STOP_SW_BREAK, address);
    drop(g, GDB_SW_BREAK, address, 1);
}

static inline void peek(struct gdb_box *g, uint64_t at, void *data, size_t size)
{
    assert_int_equal(debug_ops.read_memory(g->d, at, data, size), size);
}

static inline void poke(struct gdb_box *g, uint64_t at, const void *data, size_t size)
{
    assert_int_equal(debug_ops.write_memory(g->d, at, data, size), size);
}

#endif
