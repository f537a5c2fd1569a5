/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conformance.h - the conformance guest in a sandbox, with the host functions it wants and a
 * snapshot to come back to.  Tests are named after the cases of the field's reference system:
 * docs/conformance.md is the list of them.
 */
#ifndef TESTS_CONFORMANCE_H
#define TESTS_CONFORMANCE_H

#include "box.h"

#include <hl/snapshot.h>
#include <hl/symbols.h>

#include "thread.h"

struct con {
    struct box box;
    struct hl_snapshot *snapshot;
    struct hl_symbols *symbols;
    char printed[256];           /* by HostPrint, the last one */
    atomic_int calls;            /* of host functions */
    atomic_bool inside, leave;   /* HostSpin: it is in there; it may return */
    struct hl_sandbox *to_break; /* interrupted by HostAdd */
};

static inline int con_add(void *opaque, const struct hl_value *args, size_t count,
                          struct hl_value *result, struct hl_error *error)
{
    struct con *con = opaque;
    (void)count;
    (void)error;
    atomic_fetch_add(&con->calls, 1);
    if (con->to_break)
        hl_sandbox_interrupt(con->to_break);
    result->i32 = (int32_t)((uint32_t)args[0].i32 + (uint32_t)args[1].i32);
    return 0;
}

/* HostPrint and HostMethod1: the length of what they were given. */
static inline int con_print(void *opaque, const struct hl_value *args, size_t count,
                            struct hl_value *result, struct hl_error *error)
{
    struct con *con = opaque;
    (void)count;
    (void)error;
    atomic_fetch_add(&con->calls, 1);
    snprintf(con->printed, sizeof(con->printed), "%s", (const char *)args[0].data);
    result->i32 = (int32_t)args[0].len;
    return 0;
}

static inline int con_spin(void *opaque, const struct hl_value *args, size_t count,
                           struct hl_value *result, struct hl_error *error)
{
    struct con *con = opaque;
    (void)args;
    (void)count;
    (void)result;
    (void)error;
    atomic_store(&con->inside, true);
    while (!atomic_load(&con->leave))
        sched_yield();
    return 0;
}

static inline int con_fail(void *opaque, const struct hl_value *args, size_t count,
                           struct hl_value *result, struct hl_error *error)
{
    (void)opaque;
    (void)count;
    (void)result;
    return hl_error_set(error, HL_ERR_HOST_FUNCTION, "asked to fail: %s",
                        (const char *)args[0].data);
}

/* "fine" where the second argument is the end of the first. */
static inline int con_two(void *opaque, const struct hl_value *args, size_t count,
                          struct hl_value *result, struct hl_error *error)
{
    (void)opaque;
    (void)count;
    (void)error;
    const uint8_t *a = args[0].data;
    bool fine = args[1].len <= args[0].len &&
                memcmp(a + args[0].len - args[1].len, args[1].data, args[1].len) == 0;
    result->data = fine ? "fine" : "damaged";
    result->len = strlen(result->data);
    return 0;
}

/* HostI32 and its likes: what they were given. */
static inline int con_echo(void *opaque, const struct hl_value *args, size_t count,
                           struct hl_value *result, struct hl_error *error)
{
    (void)opaque;
    (void)count;
    (void)error;
    *result = args[0];
    return 0;
}

static inline void con_register(struct con *con)
{
    static const struct {
        const char *name, *signature;
        hl_host_fn *fn;
    } functions[] = {
        {"HostAdd", "i32(i32, i32)", con_add},     {"HostPrint", "i32(string)", con_print},
        {"HostMethod1", "i32(string)", con_print}, {"HostSpin", "void()", con_spin},
        {"HostFail", "i32(string)", con_fail},     {"HostTwo", "string(bytes, bytes)", con_two},
        {"HostI32", "i32(i32)", con_echo},         {"HostU32", "u32(u32)", con_echo},
        {"HostI64", "i64(i64)", con_echo},         {"HostU64", "u64(u64)", con_echo},
        {"HostF32", "f32(f32)", con_echo},         {"HostF64", "f64(f64)", con_echo},
        {"HostBool", "bool(bool)", con_echo},      {"HostString", "string(string)", con_echo},
        {"HostBytes", "bytes(bytes)", con_echo},
    };
    for (size_t i = 0; i < COUNT(functions); i++)
        box_register(&con->box, functions[i].name, functions[i].signature, functions[i].fn, con);
}

/* READY, and a snapshot taken. */
static inline void con_open(struct con *con, struct hl_sandbox_config config)
{
    box_create(&con->box, "conformance", config);
    con_register(con);
    box_start(&con->box);
    if (hl_snapshot_take(&con->snapshot, con->box.sb, &con->box.error) ||
        hl_symbols_open(&con->symbols, con->box.image, &con->box.error))
        fail_msg("%s", con->box.error.text);
}

static inline void con_close(struct con *con)
{
    hl_symbols_close(con->symbols);
    hl_snapshot_destroy(con->snapshot);
    box_close(&con->box);
    memset(con, 0, sizeof(*con));
}

static inline int con_setup(void **state)
{
    struct con *con = *state = calloc(1, sizeof(struct con));
    if (!con)
        return -1;
    con_open(con, (struct hl_sandbox_config){.heap = 8 << 20});
    return 0;
}

static inline int con_teardown(void **state)
{
    con_close(*state);
    free(*state);
    return 0;
}

/* The test is called what the case is called. */
#define CASE(name, test)                                                                           \
    {                                                                                              \
        name, test, con_setup, con_teardown, NULL                                                  \
    }
#define CASE_ALONE(name, test)                                                                     \
    {                                                                                              \
        name, test, NULL, NULL, NULL                                                               \
    }

static inline void con_restore(struct con *con)
{
    if (hl_sandbox_restore(con->box.sb, con->snapshot, &con->box.error))
        fail_msg("%s", con->box.error.text);
    assert_int_equal(hl_sandbox_state(con->box.sb), HL_SANDBOX_READY);
}

static inline void con_works(struct con *con)
{
    expect_text(CALL(&con->box, "Echo", value_string("still here")), "still here");
    assert_int_equal(CALL(&con->box, "Add", value_i32(40), value_i32(2))->i32, 42);
}

/* It ended with `state`: refuses calls, can be looked at, and comes back by a restore. */
static inline void con_ended(struct con *con, enum hl_sandbox_state state)
{
    struct box *box = &con->box;
    struct hl_regs regs;
    uint8_t byte;
    assert_int_equal(hl_sandbox_state(box->sb), state);
    assert_int_equal(TRY0(box, "NoOp"), HL_ERR_STATE);
    assert_int_equal(hl_sandbox_main(box->sb, NULL, &box->error), HL_ERR_STATE);
    assert_int_equal(hl_sandbox_start(box->sb, &box->error), HL_ERR_STATE);
    struct hl_machine *m = hl_sandbox_machine(box->sb);
    assert_int_equal(hl_machine_get_regs(m, &regs, &box->error), 0);
    assert_int_equal(
        hl_machine_read(m, hl_sandbox_region(box->sb, 1)->start, &byte, 1, HL_PROT_READ), 1);
    con_restore(con);
    assert_null(hl_sandbox_fault(box->sb));
    con_works(con);
}

enum { DE = 0, BP = 3, UD = 6, GP = 13, PF = 14 };
enum { PRESENT = 1, WRITE = 2, USER = 4, FETCH = 16 };

/* rc is of a call that faulted: its error names the vector and rip; what is at rip has a line. */
static inline void con_fault(struct con *con, int rc, unsigned vector, const char *function)
{
    struct box *box = &con->box;
    struct hl_location where;
    char rip[32];
    if (rc != HL_ERR_FAULT)
        fail_msg("%s: %s", hl_err_name(rc), rc ? box->error.text : "no error");
    const struct hl_fault *fault = hl_sandbox_fault(box->sb);
    assert_non_null(fault);
    assert_int_equal(fault->vector, vector);
    assert_non_null(strstr(box->error.text, hl_fault_name(vector)));
    snprintf(rip, sizeof(rip), "0x%llx", (unsigned long long)fault->rip);
    assert_non_null(strstr(box->error.text, rip));
    if (function) {
        assert_true(hl_symbols_find(con->symbols, fault->rip - (vector == BP), &where));
        assert_string_equal(where.function, function);
        assert_non_null(where.file);
        assert_non_null(strstr(where.file, "tests/guest/conformance"));
        assert_true(where.line > 0);
    }
    con_ended(con, HL_SANDBOX_POISONED);
}

/* The same for #PF, with its address and error code. */
static inline void con_page_fault(struct con *con, int rc, uint32_t error_code, hl_gva_t address,
                                  const char *function)
{
    char text[32];
    if (rc == HL_ERR_FAULT) {
        const struct hl_fault *fault = hl_sandbox_fault(con->box.sb);
        assert_non_null(fault);
        assert_int_equal(fault->error_code, error_code);
        assert_int_equal(fault->address, address);
        snprintf(text, sizeof(text), "0x%llx", (unsigned long long)address);
        assert_non_null(strstr(con->box.error.text, text));
    }
    con_fault(con, rc, PF, function);
}

/* A call in a thread of its own. */
struct con_call {
    struct con *con;
    const char *function;
    const char *text; /* its argument, if it takes one */
    int rc;
    struct hl_error error;
    pthread_t thread;
};

static inline void *con_call_thread(void *opaque)
{
    struct con_call *c = opaque;
    struct hl_value arg = {
        .type = HL_STRING, .data = c->text, .len = c->text ? strlen(c->text) : 0};
    c->rc = hl_sandbox_call(c->con->box.sb, c->function, &arg, c->text ? 1 : 0, NULL, &c->error);
    return NULL;
}

static inline void con_begin(struct con_call *c)
{
    thread_begin(&c->thread, con_call_thread, c);
}

static inline void con_end(struct con_call *c)
{
    thread_end(c->thread);
}

/* The guest runs: exits have been counted, or a host function was called. */
static inline void con_wait(atomic_bool *flag)
{
    WAIT_FOR(atomic_load(flag));
}

static inline void con_wait_calls(struct con *con, int calls)
{
    WAIT_FOR(atomic_load(&con->calls) >= calls);
}

#endif
