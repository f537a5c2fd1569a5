/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile guests: whatever they send or touch, an error; the host whole, the next call right. */
#include "conformance.h"
#include "thread.h"

#include <sys/ioctl.h>

static void expect(struct con *con, int rc, int code)
{
    if (rc != code)
        fail_msg("%s instead of %s: %s", hl_err_name(rc), hl_err_name(code),
                 rc ? con->box.error.text : "");
    con_ended(con, HL_SANDBOX_POISONED);
}

static struct hl_message result_of(uint32_t type, uint64_t bits, uint64_t len)
{
    struct hl_message m = {.kind = HL_MSG_RESULT, .count = 1};
    m.slot[0] = (struct hl_slot){.type = type, .bits = bits, .len = len};
    return m;
}

/* The message leaves by this port; "Send" gives a string, "SendBytes" bytes. */
static int sent(struct con *con, const char *sender, const struct hl_message *m, uint32_t port)
{
    return TRY(&con->box, sender, value_bytes(m, sizeof(*m)), value_u32(port));
}

static void test_any_port(void **state)
{
    struct con *con = *state;
    for (uint32_t port = 0; port <= 0xffff; port += port < 0x100 ? 1 : emulated() ? 4111 : 257) {
        if (port >= HL_PORT_WAIT && port <= HL_PORT_ABORT)
            continue;
        int rc = TRY(&con->box, "OutWithPort", value_u32(port), value_u32(0xff));
        assert_int_equal(rc, HL_ERR_FAULT);
        assert_int_equal(hl_sandbox_fault(con->box.sb)->vector, GP);
        con_restore(con);
    }
    con_works(con);
}

/* Nothing outside of the guest's memory is mapped, so there is no address that is MMIO. */
static void test_any_mmio_address(void **state)
{
    static const uint64_t places[] = {0xfee00000, 0xfec00000, 0xa0000,       0xb8000,
                                      0xe0000000, 0xfffff000, 0xfed00000,    0xd0000000,
                                      1ull << 32, 1ull << 40, 0x7fffffffe000};
    struct con *con = *state;
    for (size_t i = 0; i < COUNT(places); i++)
        for (int write = 0; write < 2; write++) {
            int rc = TRY(&con->box, write ? "WriteMappedBuffer" : "ReadMappedBuffer",
                         value_u64(places[i]), value_u64(1));
            con_page_fault(con, rc, write ? USER | WRITE : USER, places[i], NULL);
        }
}

static void test_output_sizes(void **state)
{
    static const uint64_t sizes[] = {UINT64_MAX,         INT64_MAX,        1ull << 63,
                                     UINT32_MAX,         (1ull << 32) + 1, 4ull << 30,
                                     (256u << 20) + 1,   UINT64_MAX - 15,  1ull << 48,
                                     0xfffffffffffffff0, (16ull << 20)};
    struct con *con = *state;
    uint64_t large = CALL(&con->box, "AddressOf", value_i32(2))->u64;
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (int string = 0; string < 2; string++) {
            struct hl_message m = result_of(string ? HL_STRING : HL_BYTES, large, sizes[i]);
            expect(con, sent(con, string ? "Send" : "SendBytes", &m, HL_PORT_WAIT),
                   HL_ERR_PROTOCOL);
        }
    expect(con, TRY0(&con->box, "CorruptOutputSize"), HL_ERR_PROTOCOL);
}

static void test_output_offsets(void **state)
{
    static const uint64_t places[] = {0,
                                      1,
                                      4095,
                                      UINT64_MAX,
                                      UINT64_MAX - 7,
                                      0x800000000000,
                                      0x7fffffffffff,
                                      0xffff800000000000,
                                      0x900000000000};
    struct con *con = *state;
    for (size_t i = 0; i < COUNT(places); i++) {
        struct hl_message m = result_of(HL_BYTES, places[i], 8);
        expect(con, sent(con, "SendBytes", &m, HL_PORT_WAIT), HL_ERR_PROTOCOL);
    }
    expect(con, TRY0(&con->box, "CorruptOutputOffset"), HL_ERR_PROTOCOL);
}

/* Off by one, and past the end: the last byte of a region may be sent, the next one not. */
static void test_off_by_one(void **state)
{
    struct con *con = *state;
    for (size_t i = 2; i <= 4; i++) { /* input, output, stack */
        const struct hl_region *r = hl_sandbox_region(con->box.sb, i);
        hl_gva_t end = r->start + r->size;
        struct hl_message m = result_of(HL_BYTES, end - 16, 16);
        assert_int_equal(sent(con, "SendBytes", &m, HL_PORT_WAIT), 0);
        assert_int_equal(con->box.result.len, 16);
        m = result_of(HL_BYTES, end - 16, 17);
        con_restore(con);
        expect(con, sent(con, "SendBytes", &m, HL_PORT_WAIT), HL_ERR_PROTOCOL);
        m = result_of(HL_BYTES, r->start - 1, 2);
        expect(con, sent(con, "SendBytes", &m, HL_PORT_WAIT), HL_ERR_PROTOCOL);
        m = result_of(HL_BYTES, end, 1);
        expect(con, sent(con, "SendBytes", &m, HL_PORT_WAIT), HL_ERR_PROTOCOL);
    }
}

static void test_counts(void **state)
{
    static const uint32_t counts[] = {0, 2, 15, 16, 17, 0x7fffffff, 0x80000000, UINT32_MAX};
    struct con *con = *state;
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct hl_message m = result_of(HL_BYTES, 0, 0);
        m.count = counts[i];
        expect(con, sent(con, "SendBytes", &m, HL_PORT_WAIT), HL_ERR_PROTOCOL);
        m.kind = HL_MSG_CALL;
        expect(con, sent(con, "SendBytes", &m, HL_PORT_CALL), HL_ERR_PROTOCOL);
    }
}

static void test_types(void **state)
{
    static const uint32_t types[] = {0, 1, 2,  3,   4,   5,          6,
                                     7, 8, 10, 255, 256, 0x80000009, UINT32_MAX};
    struct con *con = *state;
    for (size_t i = 0; i < COUNT(types); i++) {
        struct hl_message m = result_of(types[i], 0, 0);
        expect(con, sent(con, "SendBytes", &m, HL_PORT_WAIT), HL_ERR_PROTOCOL);
    }
}

static void test_kinds(void **state)
{
    static const uint32_t kinds[] = {0, 1, 2, 5, 6, 7, 8, 0x10003, UINT32_MAX};
    struct con *con = *state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct hl_message m = result_of(HL_BYTES, 0, 0);
        m.kind = kinds[i];
        expect(con, sent(con, "SendBytes", &m, HL_PORT_WAIT), HL_ERR_PROTOCOL);
    }
}

static void test_call_index(void **state)
{
    static const uint32_t indices[] = {4096, 16, 255, 0x7fffffff, 0x80000000, UINT32_MAX};
    struct con *con = *state;
    assert_true(hl_image_import_count(con->box.image) <= 16);
    for (size_t i = 0; i < COUNT(indices); i++) {
        struct hl_message m = {.kind = HL_MSG_CALL, .index = indices[i]};
        expect(con, sent(con, "SendBytes", &m, HL_PORT_CALL), HL_ERR_PROTOCOL);
    }
    assert_int_equal(atomic_load(&con->calls) > 0, 1); /* of con_works() only: a sum of two */
}

static int import_index(struct con *con, const char *name)
{
    for (size_t i = 0; i < hl_image_import_count(con->box.image); i++)
        if (strcmp(hl_image_import(con->box.image, i)->name, name) == 0)
            return (int)i;
    fail_msg("no import %s", name);
    return -1;
}

/* The sum of two lengths, each allowed, is not; or wraps around. */
static void test_overflowing_sums(void **state)
{
    static const uint64_t pairs[][2] = {{256u << 20, 256u << 20}, {UINT64_MAX, 1},
                                        {UINT64_MAX - 7, 8},      {1ull << 63, 1ull << 63},
                                        {UINT32_MAX, 1},          {(256u << 20) - 16, 17}};
    struct con *con = *state;
    uint64_t large = CALL(&con->box, "AddressOf", value_i32(2))->u64;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        struct hl_message m = {
            .kind = HL_MSG_CALL, .index = (uint32_t)import_index(con, "HostTwo"), .count = 2};
        for (int n = 0; n < 2; n++)
            m.slot[n] = (struct hl_slot){.type = HL_BYTES, .bits = large, .len = pairs[i][n]};
        expect(con, sent(con, "SendBytes", &m, HL_PORT_CALL), HL_ERR_PROTOCOL);
    }
}

/* Two arguments that are the same memory in part are two copies. */
static void test_overlapping(void **state)
{
    struct con *con = *state;
    uint8_t data[4096];
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 13);
    for (uint32_t shift = 0; shift <= sizeof(data); shift += 128)
        expect_text(
            CALL(&con->box, "Overlapping", value_bytes(data, sizeof(data)), value_u32(shift)),
            "fine");
    /* A result that is the message that announces it. */
    const struct hl_region *output = hl_sandbox_region(con->box.sb, 3);
    struct hl_message m = result_of(HL_BYTES, output->start, sizeof(m));
    assert_int_equal(sent(con, "SendBytes", &m, HL_PORT_WAIT), 0);
    assert_int_equal(con->box.result.len, sizeof(m));
    assert_memory_equal(con->box.result.data, &m, sizeof(m));
}

#ifdef __SANITIZE_THREAD__
static const bool races_are_bugs = true;
#else
static const bool races_are_bugs = false;
#endif

/* Somebody else writes to the output buffer all the time, as a second processor would. */
struct scribbler {
    volatile uint64_t *slot;
    atomic_bool began, end;
};

static void *scribble(void *opaque)
{
    static const uint64_t values[] = {8, 9, UINT64_MAX, 0, 4ull << 30, 5, 1ull << 63, 16};
    static const unsigned fields[] = {2, 3, 4, 4}; /* type, address, length */
    struct scribbler *s = opaque;
    for (size_t i = 0; !atomic_load(&s->end); i++) {
        s->slot[fields[i % COUNT(fields)]] = values[i / 5 % COUNT(values)];
        atomic_store(&s->began, true);
    }
    return NULL;
}

static void test_changing_while_the_host_reads(void **state)
{
    if (races_are_bugs) {
        print_message("# a race on purpose, which this sanitizer is there to find\n");
        skip();
    }
    struct con *con = *state;
    const struct hl_region *output = hl_sandbox_region(con->box.sb, 3);
    struct hl_machine *m = hl_sandbox_machine(con->box.sb);
    hl_gpa_t gpa;
    unsigned fine = 0, refused = 0, prot;
    pthread_t thread;
    assert_int_equal(hl_machine_lookup(m, output->start, &gpa, &prot), 0);
    struct scribbler s = {.slot = hl_machine_memory(m, gpa, PAGE)};
    assert_non_null(s.slot);
    thread_begin(&thread, scribble, &s);
    con_wait(&s.began);
    for (unsigned i = 0; i < 20000 && refused < 300 / slow(); i++) {
        int rc = TRY(&con->box, "Echo", value_string("do not trust this"));
        fine += rc == 0;
        refused += rc != 0;
        if (rc && hl_sandbox_state(con->box.sb) != HL_SANDBOX_READY)
            con_restore(con);
    }
    atomic_store(&s.end, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(refused > 0);
    con_restore(con);
    con_works(con);
}

/* The host's own words in the input buffer are never read back. */
static void test_scribbled_input(void **state)
{
    struct con *con = *state;
    for (uint32_t i = 0; i < 256; i += 51) {
        assert_int_equal(CALL(&con->box, "ScribbleInput", value_u32(i))->i32, 42);
        con_works(con);
    }
}

/* 4 GiB claimed where the limit would allow it, too: what is not there cannot be sent. */
static void test_four_gib_claimed(void **state)
{
    struct con *con = *state;
    con_close(con);
    con_open(con, (struct hl_sandbox_config){.heap = 8 << 20, .result_max = HL_BUFFER_MAX});
    uint64_t large = CALL(&con->box, "AddressOf", value_i32(2))->u64;
    struct hl_message m = result_of(HL_BYTES, large, 4ull << 30);
    int rc = sent(con, "SendBytes", &m, HL_PORT_WAIT);
    assert_true(rc == HL_ERR_PROTOCOL || rc == HL_ERR_MEMORY);
    con_ended(con, HL_SANDBOX_POISONED);
}

struct stopper {
    struct con *con;
    bool logs;
    pthread_t thread;
};

static void *stop_later(void *opaque)
{
    struct stopper *s = opaque;
    while (s->logs ? __atomic_load_n(&s->con->box.logs, __ATOMIC_RELAXED) < 200
                   : __atomic_load_n(&s->con->box.out_size, __ATOMIC_RELAXED) < 3000)
        sched_yield();
    hl_sandbox_interrupt(s->con->box.sb);
    return NULL;
}

/* What it prints is handed on and not kept: the host's memory does not grow. */
static void test_endless_output(void **state)
{
    struct con *con = *state;
    for (int logs = 0; logs < 2; logs++) {
        struct stopper s = {.con = con, .logs = logs};
        thread_begin(&s.thread, stop_later, &s);
        int rc = TRY0(&con->box, logs ? "LogForEver" : "PrintForEver");
        assert_int_equal(pthread_join(s.thread, NULL), 0);
        expect(con, rc, HL_ERR_INTERRUPTED);
    }
}

static void test_endless_host_calls(void **state)
{
    struct con *con = *state;
    struct con_call c = {.con = con, .function = "HostCallLoop", .text = "HostAdd"};
    con_begin(&c);
    con_wait_calls(con, 500 / (int)slow() + 1);
    hl_sandbox_interrupt(con->box.sb);
    con_end(&c);
    expect(con, c.rc, HL_ERR_INTERRUPTED);
}

static void test_denied_msrs(void **state)
{
    static const uint32_t msrs[] = {0x10,       0x1b,       0x174,      0x277,
                                    0xc0000080, 0xc0000082, 0xc0000100, 0xc0000101,
                                    0xc0000102, 0x4b564d00, 0x40000000, UINT32_MAX};
    struct con *con = *state;
    for (size_t i = 0; i < COUNT(msrs); i++) {
        con_fault(con, TRY(&con->box, "ReadMSR", value_u32(msrs[i])), GP, "ReadMSR");
        con_fault(con, TRY(&con->box, "WriteMSR", value_u32(msrs[i]), value_u64(0)), GP,
                  "WriteMSR");
    }
}

static void test_system_registers(void **state)
{
    struct con *con = *state;
    con_fault(con, TRY(&con->box, "SetDr0", value_u64(0x400000)), GP, "SetDr0");
    con_fault(con, TRY(&con->box, "WriteXcr0", value_u64(1)), GP, "WriteXcr0");
    con_fault(con, TRY(&con->box, "WriteXcr0", value_u64(0x7)), GP, "WriteXcr0");
    for (int i = 2; i <= 5; i++) /* cr3, cr0, cr4, dr7 */
        con_fault(con, TRY(&con->box, "Privileged", value_i32(i)), GP, "Privileged");
}

/* #UD or #GP by the book; KVM answers a hypercall from ring 3 with -EPERM at the most. */
static void test_virtualisation_instructions(void **state)
{
    struct con *con = *state;
    for (int i = 0; i < 10; i++) {
        int rc = TRY(&con->box, "Virtualise", value_i32(i));
        if (i >= 8 && rc == 0)
            continue;
        if (rc != HL_ERR_FAULT)
            fail_msg("instruction %d: %s", i, hl_err_name(rc));
        const struct hl_fault *fault = hl_sandbox_fault(con->box.sb);
        if (fault && fault->vector != UD && fault->vector != GP)
            fail_msg("instruction %d: vector %u", i, fault->vector);
        con_ended(con, HL_SANDBOX_POISONED);
    }
    con_works(con);
}

static void test_cpuid_hides_virtualisation(void **state)
{
    struct con *con = *state;
    uint32_t leaf[4];
    memcpy(leaf, CALL(&con->box, "Cpuid", value_u32(1), value_u32(0))->data, sizeof(leaf));
    if (leaf[2] >> 31) {
        print_message("# cpuid at ring 3 does not trap on this KVM (kvm_pvm): it is the host's\n");
        skip();
    }
    assert_int_equal(leaf[2] & 1u << 5, 0); /* VMX */
    memcpy(leaf, CALL(&con->box, "Cpuid", value_u32(0x40000000), value_u32(0))->data, sizeof(leaf));
    assert_int_not_equal(leaf[1], 0x4b4d564b); /* "KVMK" */
    memcpy(leaf, CALL(&con->box, "Cpuid", value_u32(0x80000001), value_u32(0))->data, sizeof(leaf));
    assert_int_equal(leaf[2] & 1u << 2, 0); /* SVM */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("hostile guest: any port", test_any_port),
        CASE("hostile guest: any MMIO address", test_any_mmio_address),
        CASE("hostile guest: corrupt sizes", test_output_sizes),
        CASE("hostile guest: corrupt offsets", test_output_offsets),
        CASE("hostile guest: off by one and past the end", test_off_by_one),
        CASE("hostile guest: corrupt counts", test_counts),
        CASE("hostile guest: corrupt types", test_types),
        CASE("hostile guest: corrupt kinds", test_kinds),
        CASE("hostile guest: corrupt call index", test_call_index),
        CASE("hostile guest: u32 and u64 overflow of summed sizes", test_overflowing_sums),
        CASE("hostile guest: overlapping values", test_overlapping),
        CASE("hostile guest: output changing while the host reads",
             test_changing_while_the_host_reads),
        CASE("hostile guest: call buffer overwritten", test_scribbled_input),
        CASE("hostile guest: 4 GiB claimed length", test_four_gib_claimed),
        CASE("hostile guest: endless output", test_endless_output),
        CASE("hostile guest: endless host calls", test_endless_host_calls),
        CASE("hostile guest: denied MSRs", test_denied_msrs),
        CASE("hostile guest: CR, DR and XCR writes", test_system_registers),
        CASE("hostile guest: VMX and SVM instructions", test_virtualisation_instructions),
        CASE("hostile guest: CPUID that hides virtualisation", test_cpuid_hides_virtualisation),
    };

    watchdog(90);
    return cmocka_run_group_tests_name("conformance-hostile", tests, NULL, NULL);
}
