/* SPDX-License-Identifier: Apache-2.0 */
/* Messages no honest guest sends: an error each, the host whole, the next sandbox fine. */
#include "box.h"

enum how { OUT_BYTE, OUT_WORD, OUT_LONG, IN_BYTE, IN_WORD, IN_LONG, OUT_STRING, OUT_REP, IN_REP };
enum { PF = 14, GP = 13 };

#define FAR_LENGTH (4ull << 30)

struct seen {
    unsigned numbers, texts;
};

static int number(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                  struct hl_error *error)
{
    struct seen *seen = opaque;
    (void)error;
    seen->numbers++;
    result->i32 = count == 2 && args[0].type == HL_I32 && args[1].type == HL_BOOL ? 7 : -1;
    return 0;
}

static int text(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    struct seen *seen = opaque;
    (void)error;
    /* What comes here was checked: the only NUL of a string is the one at its end. */
    if (count == 2 && strlen(args[0].data) == args[0].len && args[1].type == HL_BYTES)
        seen->texts++;
    result->data = "";
    result->len = 0;
    return 0;
}

static void open_hostile(struct box *box, struct seen *seen)
{
    const struct hl_sandbox_config config = {.result_max = 1u << 20};
    memset(seen, 0, sizeof(*seen));
    box_create(box, "hostile", config);
    box_register(box, "HostNumber", "i32(i32,bool)", number, seen);
    box_register(box, "HostText", "string(string,bytes)", text, seen);
    box_start(box);
}

/* The next sandbox of the same image works. */
static void expect_next_one_fine(struct box *box)
{
    struct seen seen;
    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
    open_hostile(box, &seen);
    assert_int_equal(CALL0(box, "Seven")->i32, 7);
    assert_int_equal(CALL0(box, "UseImports")->i32, 8);
    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
}

static int send(struct box *box, const char *sender, const struct hl_message *message,
                uint32_t port, enum how how)
{
    return TRY(box, sender, value_bytes(message, sizeof(*message)), value_u32(port),
               value_u32((uint32_t)how));
}

static struct hl_message message_of(uint32_t kind, uint32_t index, uint32_t count)
{
    struct hl_message m;
    memset(&m, 0, sizeof(m));
    m.kind = kind;
    m.index = index;
    m.count = count;
    return m;
}

static struct hl_slot slot(uint32_t type, uint64_t bits, uint64_t len)
{
    return (struct hl_slot){.type = type, .bits = bits, .len = len};
}

/* In a fresh sandbox: this message leads to this error, and poisons. */
static void expect_rejected(struct box *box, const char *sender, const struct hl_message *message,
                            uint32_t port, enum how how)
{
    struct seen seen;
    open_hostile(box, &seen);
    int rc = send(box, sender, message, port, how);
    if (rc != HL_ERR_PROTOCOL)
        fail_msg("kind %u on port 0x%x: %s", message->kind, port,
                 rc ? box->error.text : "accepted");
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
    assert_int_equal(seen.numbers + seen.texts, 0);
    expect_next_one_fine(box);
}

static void test_wrong_kind_on_each_port(void **state)
{
    static const uint32_t kinds[] = {0, 1, 2, 3, 5, 6, 7, 8, UINT32_MAX};
    static const uint32_t right[] = {HL_MSG_RESULT, HL_MSG_CALL, HL_MSG_LOG, HL_MSG_ABORT};

    for (uint32_t port = HL_PORT_WAIT; port <= HL_PORT_ABORT; port++)
        for (size_t i = 0; i < COUNT(kinds); i++) {
            struct hl_message m = message_of(kinds[i], 0, 1);
            if (kinds[i] != right[port - HL_PORT_WAIT])
                expect_rejected(*state, "send-void", &m, port, OUT_BYTE);
        }
}

static void test_import_index(void **state)
{
    static const uint32_t indices[] = {2, 3, 4096, 0x80000000, UINT32_MAX};

    for (size_t i = 0; i < COUNT(indices); i++) {
        struct hl_message m = message_of(HL_MSG_CALL, indices[i], 0);
        expect_rejected(*state, "send-void", &m, HL_PORT_CALL, OUT_BYTE);
    }
}

static void test_argument_count(void **state)
{
    static const uint32_t counts[] = {0, 1, 3, 16, 17, 1000, 0x80000000, UINT32_MAX};

    for (size_t i = 0; i < COUNT(counts); i++) {
        struct hl_message m = message_of(HL_MSG_CALL, 0, counts[i]);
        m.slot[0] = slot(HL_I32, 1, 0);
        m.slot[1] = slot(HL_BOOL, 1, 0);
        expect_rejected(*state, "send-void", &m, HL_PORT_CALL, OUT_BYTE);
        m = message_of(HL_MSG_RESULT, 0, counts[i]);
        if (counts[i] != 1)
            expect_rejected(*state, "send-void", &m, HL_PORT_WAIT, OUT_BYTE);
    }
}

static void test_argument_types(void **state)
{
    static const uint32_t types[] = {HL_VOID,       HL_U32, HL_STRING, HL_BYTES,
                                     HL_TYPE_COUNT, 0x101,  UINT32_MAX};

    for (size_t i = 0; i < COUNT(types); i++) {
        struct hl_message m = message_of(HL_MSG_CALL, 0, 2);
        m.slot[0] = slot(types[i], 1, 0);
        m.slot[1] = slot(HL_BOOL, 1, 0);
        expect_rejected(*state, "send-void", &m, HL_PORT_CALL, OUT_BYTE);
        m = message_of(HL_MSG_RESULT, 0, 1);
        m.slot[0] = slot(types[i], 1, 0);
        expect_rejected(*state, "send-i32", &m, HL_PORT_WAIT, OUT_BYTE);
    }
}

static void test_scalars_out_of_range(void **state)
{
    static const struct {
        const char *sender;
        uint32_t type;
        uint64_t bits;
    } cases[] = {
        {"send-bool", HL_BOOL, 2},        {"send-bool", HL_BOOL, 1ull << 32},
        {"send-i32", HL_I32, 1ull << 32}, {"send-i32", HL_I32, UINT64_MAX},
        {"send-f32", HL_F32, 1ull << 32},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hl_message m = message_of(HL_MSG_RESULT, 0, 1);
        m.slot[0] = slot(cases[i].type, cases[i].bits, 0);
        expect_rejected(*state, cases[i].sender, &m, HL_PORT_WAIT, OUT_BYTE);
    }
}

/* Lengths and addresses that reach out of the guest's memory, as argument and as result. */
static void test_strings_that_lie(void **state)
{
    struct box *box = *state;
    struct hl_region regions[HL_REGIONS];
    struct seen seen;

    open_hostile(box, &seen);
    for (size_t i = 0; i < HL_REGIONS; i++)
        regions[i] = *hl_sandbox_region(box->sb, i);
    expect_next_one_fine(box);
    const hl_gva_t stack = regions[4].start, end = regions[4].start + regions[4].size;
    const struct hl_slot lies[] = {
        slot(HL_STRING, stack, FAR_LENGTH),
        slot(HL_STRING, stack, FAR_LENGTH - 1),
        slot(HL_STRING, stack, UINT64_MAX),
        slot(HL_STRING, stack, UINT64_MAX - 15),
        slot(HL_STRING, stack, INT64_MAX),
        slot(HL_STRING, stack, (1u << 20) + 1),
        slot(HL_STRING, end - 4, 5),
        slot(HL_STRING, end, 1),
        slot(HL_STRING, stack - 1, 1),
        slot(HL_STRING, 0, 1),
        slot(HL_STRING, UINT64_MAX, 1),
        slot(HL_STRING, UINT64_MAX - 3, 8),
        slot(HL_STRING, 0xffff800000000000, 16),
        slot(HL_STRING, 0xffff800000002000, 16),
        slot(HL_STRING, 0x800000000000, 1),
        slot(HL_STRING, 0x7ffffffff000, 1),
        slot(HL_STRING, regions[5].start + regions[5].size - 1, 1),   /* heap nobody asked for */
        slot(HL_STRING, regions[2].start + regions[2].size - 64, 64), /* full of NULs */
    };

    for (size_t i = 0; i < COUNT(lies); i++) {
        struct hl_message m = message_of(HL_MSG_RESULT, 0, 1);
        m.slot[0] = lies[i];
        expect_rejected(box, "send-string", &m, HL_PORT_WAIT, OUT_BYTE);
        m = message_of(HL_MSG_CALL, 1, 2);
        m.slot[0] = lies[i];
        m.slot[1] = slot(HL_BYTES, 0, 0);
        expect_rejected(box, "send-void", &m, HL_PORT_CALL, OUT_BYTE);
        if (i + 1 == COUNT(lies))
            continue; /* bytes may be NULs */
        m.slot[0] = slot(HL_STRING, 0, 0);
        m.slot[1] = lies[i];
        m.slot[1].type = HL_BYTES;
        expect_rejected(box, "send-void", &m, HL_PORT_CALL, OUT_BYTE);
    }
}

/* An honest mistake: the guest lives on. */
static void test_result_below_the_stack_pointer(void **state)
{
    struct box *box = *state;
    struct seen seen;
    struct hl_message m = message_of(HL_MSG_RESULT, 0, 1);

    open_hostile(box, &seen);
    m.slot[0] = slot(HL_STRING, hl_sandbox_region(box->sb, 4)->start, 64);
    assert_int_equal(send(box, "send-string", &m, HL_PORT_WAIT, OUT_BYTE), HL_ERR_GUEST_ERROR);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_READY);
    expect_next_one_fine(box);
}

/* Two that fit one by one, but not together. */
static void test_sum_of_lengths(void **state)
{
    struct hl_message m = message_of(HL_MSG_CALL, 1, 2);
    m.slot[0] = slot(HL_STRING, 0x400000, UINT64_MAX / 2 + 1);
    m.slot[1] = slot(HL_BYTES, 0x400000, UINT64_MAX / 2 + 1);
    expect_rejected(*state, "send-void", &m, HL_PORT_CALL, OUT_BYTE);
}

/* An empty string may point anywhere: nothing is read. */
static void test_empty_string_from_nowhere(void **state)
{
    struct box *box = *state;
    struct seen seen;
    struct hl_message m = message_of(HL_MSG_CALL, 1, 2);

    open_hostile(box, &seen);
    m.slot[0] = slot(HL_STRING, UINT64_MAX, 0);
    m.slot[1] = slot(HL_BYTES, 0xffff800000000000, 0);
    assert_int_equal(send(box, "send-i32", &m, HL_PORT_CALL, OUT_BYTE), 0);
    assert_int_equal(seen.texts, 1);
    m = message_of(HL_MSG_RESULT, 0, 1);
    m.slot[0] = slot(HL_STRING, 0x800000000000, 0);
    assert_int_equal(send(box, "send-string", &m, HL_PORT_WAIT, OUT_BYTE), 0);
    expect_text(&box->result, "");
}

/* Errors, logs and aborts with texts nobody can read are still errors, logs and aborts. */
static void test_texts_that_lie(void **state)
{
    static const uint64_t addresses[] = {0, UINT64_MAX, 0xffff800000000000, 0x800000000000};
    struct box *box = *state;
    struct seen seen;

    for (size_t i = 0; i < COUNT(addresses) * 2; i++) {
        struct hl_message m = message_of(HL_MSG_LOG, 0, i % 2 ? 1 : UINT32_MAX);
        m.slot[0] = slot(HL_STRING, addresses[i / 2], UINT64_MAX);
        m.code = INT32_MIN;
        open_hostile(box, &seen);
        assert_int_equal(send(box, "send-i32", &m, HL_PORT_LOG, OUT_BYTE), 0);
        assert_int_equal(box->log_level, INT32_MIN);
        assert_string_equal(box->log, "");
        m.kind = HL_MSG_ERROR;
        assert_int_equal(send(box, "send-i32", &m, HL_PORT_WAIT, OUT_BYTE), HL_ERR_GUEST_ERROR);
        assert_int_equal(hl_sandbox_guest_code(box->sb), INT32_MIN);
        hl_sandbox_destroy(box->sb);
        open_hostile(box, &seen);
        m.kind = HL_MSG_ABORT;
        assert_int_equal(send(box, "send-i32", &m, HL_PORT_ABORT, OUT_BYTE), HL_ERR_GUEST_ABORT);
        expect_next_one_fine(box);
    }
}

/* Widths and directions the ABI does not know; what covers a port that is not open is #GP. */
static void test_other_ways_to_use_a_port(void **state)
{
    static const enum how ways[] = {OUT_WORD, OUT_LONG, IN_BYTE, IN_WORD, IN_LONG, IN_REP};
    struct box *box = *state;
    struct seen seen;

    for (uint32_t port = HL_PORT_WAIT; port <= HL_PORT_ABORT; port++)
        for (size_t i = 0; i < COUNT(ways); i++) {
            struct hl_message m = message_of(HL_MSG_RESULT, 0, 1);
            uint32_t width = ways[i] == OUT_LONG || ways[i] == IN_LONG   ? 4
                             : ways[i] == OUT_WORD || ways[i] == IN_WORD ? 2
                                                                         : 1;
            if (port + width <= HL_PORT_ABORT + 1) {
                expect_rejected(box, "send-void", &m, port, ways[i]);
                continue;
            }
            open_hostile(box, &seen);
            assert_int_equal(send(box, "send-void", &m, port, ways[i]), HL_ERR_FAULT);
            assert_int_equal(hl_sandbox_fault(box->sb)->vector, GP);
            expect_next_one_fine(box);
        }
}

/*
 * `outs` writes bytes like `out`: taken as one `out` or several, but the messages are honest ones
 * and the guest lives on; what counts is that every log line the host saw is one of a message.
 */
static void test_string_output(void **state)
{
    struct box *box = *state;
    struct seen seen;
    struct hl_message m = message_of(HL_MSG_LOG, 0, 1);

    open_hostile(box, &seen);
    m.slot[0] = slot(HL_STRING, 0, 0);
    assert_int_equal(send(box, "send-i32", &m, HL_PORT_LOG, OUT_STRING), 0);
    assert_int_equal(box->result.i32, 7);
    assert_int_equal(box->logs, 1);
    assert_int_equal(send(box, "send-i32", &m, HL_PORT_LOG, OUT_REP), 0);
    assert_in_range(box->logs, 2, 101);
    assert_int_equal(CALL0(box, "Seven")->i32, 7);
}

static void test_every_other_port_is_a_fault(void **state)
{
    struct box *box = *state;
    struct seen seen;

    for (uint32_t port = 0; port < 0x100; port += port < 0xd8 ? 9 : 1) {
        struct hl_message m = message_of(HL_MSG_RESULT, 0, 1);
        if (port >= HL_PORT_WAIT && port <= HL_PORT_ABORT)
            continue;
        open_hostile(box, &seen);
        assert_int_equal(send(box, "send-void", &m, port, OUT_BYTE), HL_ERR_FAULT);
        assert_int_equal(hl_sandbox_fault(box->sb)->vector, GP);
        expect_next_one_fine(box);
    }
}

static void test_touching_the_shim(void **state)
{
    struct box *box = *state;
    struct seen seen;

    for (uint64_t at = 0xffff800000000000; at < 0xffff800000004000; at += 0x3f8)
        for (int what = 0; what < 3; what++) {
            open_hostile(box, &seen);
            assert_int_equal(TRY(box, "Touch", value_u64(at), value_i32(what)), HL_ERR_FAULT);
            assert_int_equal(hl_sandbox_fault(box->sb)->vector, PF);
            assert_int_equal(hl_sandbox_fault(box->sb)->address, at);
            hl_sandbox_destroy(box->sb);
            box->sb = NULL;
        }
    expect_next_one_fine(box);
}

/* The guest's own view of its arguments and of the host's answers is its own to break. */
static void test_random_messages(void **state)
{
    static const char *const senders[] = {"send-void", "send-i32",    "send-bool",
                                          "send-f32",  "send-string", "send-bytes"};
    static const uint64_t lengths[] = {0, 1, 16, 4096, FAR_LENGTH, UINT64_MAX};
    struct box *box = *state;
    struct seen seen;
    uint64_t seed = 77;
    unsigned fine = 0, rejected = 0;

    open_hostile(box, &seen);
    for (unsigned i = 0; i < 1500; i++) {
        struct hl_message m =
            message_of((uint32_t)(next_random(&seed) % 9), (uint32_t)(next_random(&seed) % 3),
                       (uint32_t)(next_random(&seed) % 4));
        for (unsigned j = 0; j < 3; j++) {
            uint64_t r = next_random(&seed);
            const struct hl_region *region = hl_sandbox_region(box->sb, r % HL_REGIONS);
            m.slot[j] = slot((uint32_t)(r >> 8) % (HL_TYPE_COUNT + 1),
                             r >> 16 & 1 ? region->start + (r >> 20) % 8192 : r >> 17 & 7,
                             lengths[(r >> 40) % COUNT(lengths)]);
        }
        int rc = send(box, senders[next_random(&seed) % COUNT(senders)], &m,
                      HL_PORT_WAIT + (uint32_t)(next_random(&seed) % 4), OUT_BYTE);
        assert_true(rc == 0 || rc == HL_ERR_PROTOCOL || rc == HL_ERR_GUEST_ERROR ||
                    rc == HL_ERR_GUEST_ABORT);
        fine += rc == 0;
        rejected += rc == HL_ERR_PROTOCOL;
        if (hl_sandbox_state(box->sb) != HL_SANDBOX_READY) {
            hl_sandbox_destroy(box->sb);
            box->sb = NULL;
            open_hostile(box, &seen);
        }
    }
    assert_true(fine > 10 && rejected > 100);
    expect_next_one_fine(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_wrong_kind_on_each_port),
        BOX_TEST(test_import_index),
        BOX_TEST(test_argument_count),
        BOX_TEST(test_argument_types),
        BOX_TEST(test_scalars_out_of_range),
        BOX_TEST(test_strings_that_lie),
        BOX_TEST(test_result_below_the_stack_pointer),
        BOX_TEST(test_sum_of_lengths),
        BOX_TEST(test_empty_string_from_nowhere),
        BOX_TEST(test_texts_that_lie),
        BOX_TEST(test_other_ways_to_use_a_port),
        BOX_TEST(test_string_output),
        BOX_TEST(test_every_other_port_is_a_fault),
        BOX_TEST(test_touching_the_shim),
        BOX_TEST(test_random_messages),
    };

    watchdog(90);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
