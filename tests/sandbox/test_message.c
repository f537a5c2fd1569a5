/* SPDX-License-Identifier: Apache-2.0 */
/* Values into messages and out of them, and what a hostile guest may write into one. */
#include "kit.h"

#include <stdatomic.h>

#include "machine_impl.h"
#include "sandbox.h"
#include "tiny.h"

#define RESULT_MAX 1000u
#define INPUT (2 * PAGE)
#define PAYLOAD sizeof(struct hl_input)

struct box {
    struct hl_sandbox *sb;
    struct arena arena;
    struct hl_error error;
    hl_gva_t heap; /* of the guest: a page of it is mapped, and none after it */
};

static int setup(void **state)
{
    const struct hl_sandbox_config config = {
        .heap = 16 * PAGE, .input = INPUT, .result_max = RESULT_MAX, .no_debugger = true};
    struct box *b = calloc(1, sizeof(*b));
    if (!b)
        return -1;
    *state = b;
    if (sandbox_create(&b->sb, tiny_image(), &config,
                       &(struct sandbox_parts){.backend = &scripted_backend}, NULL))
        return -1;
    b->heap = b->sb->region[REGION_HEAP].start;
    return hl_machine_map(b->sb->machine, b->heap, b->sb->gpa[REGION_HEAP], PAGE,
                          HL_PROT_READ | HL_PROT_WRITE, NULL);
}

static int teardown(void **state)
{
    struct box *b = *state;
    arena_free(&b->arena);
    hl_sandbox_destroy(b->sb);
    free(b);
    return 0;
}

/* What the guest has written at its heap's begin. */
static uint8_t *guest_page(struct box *b)
{
    return b->sb->machine->memory + b->sb->gpa[REGION_HEAP];
}

static int get(struct box *b, const struct hl_message *message, const enum hl_type *types,
               size_t count, struct hl_value *values)
{
    b->error = (struct hl_error){0};
    return message_get(b->sb, message, types, count, &b->arena, values, &b->error);
}

/* ---- there and back ---- */

static const struct hl_value all[] = {
    {.type = HL_I32, .i32 = INT32_MIN},
    {.type = HL_U32, .u32 = UINT32_MAX},
    {.type = HL_I64, .i64 = INT64_MIN},
    {.type = HL_U64, .u64 = UINT64_MAX},
    {.type = HL_F32, .f32 = -0.0f},
    {.type = HL_F64, .f64 = 5e-324},
    {.type = HL_BOOL, .boolean = true},
    {.type = HL_BOOL, .boolean = false},
    {.type = HL_STRING, .data = "fifteen charact", .len = 15},
    {.type = HL_BYTES, .data = "a\0b", .len = 3},
    {.type = HL_STRING, .data = "", .len = 0},
    {.type = HL_BYTES, .data = NULL, .len = 0},
    {.type = HL_STRING, .data = "sixteen letters!", .len = 16},
};

static bool is_data(enum hl_type type)
{
    return type == HL_STRING || type == HL_BYTES;
}

static void check_same(const struct hl_value *a, const struct hl_value *b)
{
    assert_int_equal(a->type, b->type);
    if (is_data(a->type)) {
        assert_int_equal(a->len, b->len);
        assert_memory_equal(a->data, b->data ? b->data : "", a->len);
        assert_int_equal(((const char *)a->data)[a->len], 0);
    } else if (a->type == HL_BOOL) {
        assert_int_equal(a->boolean, b->boolean);
    } else if (a->type == HL_I64 || a->type == HL_U64 || a->type == HL_F64) {
        assert_int_equal(a->u64, b->u64);
    } else {
        assert_int_equal(a->u32, b->u32);
    }
}

static void test_round_trip(void **state)
{
    struct box *b = *state;
    struct hl_message message = {0};
    struct hl_value back[COUNT(all)];
    enum hl_type types[COUNT(all)];
    const uint64_t start = b->sb->region[REGION_INPUT].start;
    uint64_t last = start + PAYLOAD;
    memset((uint8_t *)b->sb->input + PAYLOAD, 0xee, INPUT - PAYLOAD);
    assert_true(message_fits(b->sb, PAYLOAD, all, COUNT(all)));
    size_t end = message_put(b->sb, &message, PAYLOAD, all, COUNT(all));
    assert_int_equal(message.count, COUNT(all));
    for (size_t i = 0; i < COUNT(all); i++) {
        const struct hl_slot *slot = &message.slot[i];
        types[i] = all[i].type;
        assert_int_equal(slot->type, types[i]);
        if (!is_data(types[i])) {
            assert_int_equal(slot->len, 0);
            continue;
        }
        assert_int_equal(slot->bits, last); /* one after the other, each aligned, each with a NUL */
        assert_int_equal(slot->bits % 16, 0);
        last += (all[i].len + 1 + 15) / 16 * 16;
    }
    assert_int_equal(start + end, last);
    assert_int_equal(((uint8_t *)b->sb->input)[end], 0xee); /* nothing past it */
    assert_int_equal(get(b, &message, types, COUNT(all), back), 0);
    for (size_t i = 0; i < COUNT(all); i++)
        check_same(&back[i], &all[i]);
    assert_int_equal(message_check(b->sb, &message, types, COUNT(all), NULL), 0);
}

/* Lengths of chance: what fits is put and comes back. */
static void test_random_lengths(void **state)
{
    static char text[INPUT];
    struct box *b = *state;
    uint64_t random = 1;
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 5000; i++) {
        struct hl_value values[HL_MAX_ARGS], back[HL_MAX_ARGS];
        enum hl_type types[HL_MAX_ARGS];
        struct hl_message message = {0};
        size_t count = next_random(&random) % (HL_MAX_ARGS + 1), sum = 0;
        for (size_t k = 0; k < count; k++) {
            types[k] = HL_BYTES;
            values[k] = hl_value_bytes(text, next_random(&random) % (RESULT_MAX / HL_MAX_ARGS));
            sum += (values[k].len + 16) / 16 * 16;
        }
        size_t at = PAYLOAD + next_random(&random) % 256 * 16;
        bool fits = at + sum <= INPUT;
        assert_int_equal(message_fits(b->sb, at, values, count), fits);
        if (!fits)
            continue;
        assert_int_equal(message_put(b->sb, &message, at, values, count), at + sum);
        assert_int_equal(get(b, &message, types, count, back), 0);
        for (size_t k = 0; k < count; k++)
            check_same(&back[k], &values[k]);
    }
}

static void test_fits(void **state)
{
    static const struct {
        size_t at, len[2];
        bool fits;
    } list[] = {
        {PAYLOAD, {0, 0}, true},
        {INPUT, {0, 0}, false}, /* an empty one takes room, too: its NUL */
        {INPUT - 32, {0, 0}, true},
        {INPUT - 32, {15, 15}, true},
        {INPUT - 32, {16, 15}, false},
        {INPUT - 32, {15, 16}, false},
        {0, {INPUT - 17, 15}, true},
        {0, {INPUT - 16, 15}, false},
        {PAYLOAD, {SIZE_MAX, 0}, false}, /* sums that wrap around */
        {PAYLOAD, {SIZE_MAX - PAYLOAD, 0}, false},
        {PAYLOAD, {SIZE_MAX - PAYLOAD - 15, 0}, false},
        {PAYLOAD, {SIZE_MAX / 2, SIZE_MAX / 2}, false},
        {PAYLOAD, {SIZE_MAX / 2 + 1, SIZE_MAX / 2 - PAYLOAD}, false},
    };
    struct box *b = *state;
    for (size_t i = 0; i < COUNT(list); i++) {
        const struct hl_value v[] = {hl_value_bytes("", list[i].len[0]),
                                     hl_value_bytes("", list[i].len[1])};
        if (message_fits(b->sb, list[i].at, v, 2) != list[i].fits)
            fail_msg("row %zu", i);
    }
}

/* ---- hostile ones ---- */

/* What the last bytes of the mapped page are, without a NUL to the end of the world. */
#define TAIL 32u

static void test_hostile(void **state)
{
    struct box *b = *state;
    const uint64_t edge = b->heap + PAGE, kernel = 0xffff800000000000;
    const struct {
        const char *name;
        enum hl_type type;
        struct hl_slot slot;
        const char *error; /* NULL: it is good */
    } list[] = {
        {"the last bytes", HL_BYTES, {HL_BYTES, 0, edge - TAIL, TAIL}, NULL},
        {"one more", HL_BYTES, {HL_BYTES, 0, edge - TAIL, TAIL + 1}, "not the guest's memory"},
        {"nowhere", HL_BYTES, {HL_BYTES, 0, edge, 1}, "not the guest's memory"},
        {"NULL", HL_STRING, {HL_STRING, 0, 0, 1}, "not the guest's memory"},
        {"the kernel's", HL_BYTES, {HL_BYTES, 0, kernel, 8}, "not the guest's memory"},
        {"around zero", HL_BYTES, {HL_BYTES, 0, UINT64_MAX, 2}, "not the guest's memory"},
        {"not canonical", HL_BYTES, {HL_BYTES, 0, 1ull << 47, 1}, "not the guest's memory"},
        {"nothing, anywhere", HL_BYTES, {HL_BYTES, 0, UINT64_MAX, 0}, NULL},
        {"no text, anywhere", HL_STRING, {HL_STRING, 0, kernel, 0}, NULL},
        {"all there may be", HL_BYTES, {HL_BYTES, 0, b->heap, RESULT_MAX}, NULL},
        {"a byte more", HL_BYTES, {HL_BYTES, 0, b->heap, RESULT_MAX + 1}, "over the limit of 1000"},
        {"without end", HL_BYTES, {HL_BYTES, 0, b->heap, UINT64_MAX}, "over the limit of 1000"},
        {"wraps", HL_STRING, {HL_STRING, 0, b->heap, UINT64_MAX - 8}, "over the limit of 1000"},
        {"text", HL_STRING, {HL_STRING, 0, edge - TAIL, TAIL}, NULL},
        {"a NUL in it", HL_STRING, {HL_STRING, 0, edge - TAIL - 1, 2}, "a NUL in it"},
        {"a NUL in bytes", HL_BYTES, {HL_BYTES, 0, edge - TAIL - 1, 2}, NULL},
        {"another type", HL_STRING, {HL_BYTES, 0, b->heap, 1}, "has type 9 instead of string"},
        {"no type", HL_STRING, {UINT32_MAX, 0, b->heap, 1}, "has type 4294967295 instead of"},
        {"i32", HL_I32, {HL_I32, 0, UINT32_MAX, 0}, NULL},
        {"a wide i32", HL_I32, {HL_I32, 0, 1ull << 32, 0}, "a i32 value of 0x100000000"},
        {"an extended i32", HL_I32, {HL_I32, 0, UINT64_MAX, 0}, "a i32 value of 0xffffffff"},
        {"a wide u32", HL_U32, {HL_U32, 0, 1ull << 32, 0}, "a u32 value of"},
        {"a wide f32", HL_F32, {HL_F32, 0, 1ull << 63, 0}, "a f32 value of"},
        {"two for a bool", HL_BOOL, {HL_BOOL, 0, 2, 0}, "a bool value of 0x2"},
        {"a wide bool", HL_BOOL, {HL_BOOL, 0, 1ull << 32, 0}, "a bool value of"},
        {"a length where none is", HL_U64, {HL_U64, 7, UINT64_MAX, UINT64_MAX}, NULL},
    };
    memset(guest_page(b), 0, PAGE - TAIL);
    memset(guest_page(b) + PAGE - TAIL, 'x', TAIL);
    for (size_t i = 0; i < COUNT(list); i++) {
        struct hl_message message = {.count = 1, .slot = {list[i].slot}};
        struct hl_value value;
        int rc = get(b, &message, &list[i].type, 1, &value);
        if (!list[i].error) {
            if (rc)
                fail_msg("%s: %s", list[i].name, b->error.text);
            continue;
        }
        if (rc != HL_ERR_PROTOCOL || !strstr(b->error.text, list[i].error))
            fail_msg("%s: %d, '%s'", list[i].name, rc, b->error.text);
        check_error(&b->error, HL_ERR_PROTOCOL);
    }
}

/* As many as the signature says, before any of them is looked at. */
static void test_counts(void **state)
{
    static const uint32_t counts[] = {1, 3, HL_MAX_ARGS, HL_MAX_ARGS + 1, UINT32_MAX};
    static const enum hl_type types[] = {HL_U64, HL_U64};
    struct box *b = *state;
    struct hl_value values[2];
    for (size_t i = 0; i < COUNT(counts); i++) {
        const struct hl_message message = {.count = counts[i], .slot[0].type = HL_U64};
        assert_int_equal(get(b, &message, types, 2, values), HL_ERR_PROTOCOL);
        check_error(&b->error, HL_ERR_PROTOCOL);
    }
}

/* Each is small enough, all of them together are not; and nothing is allocated for them. */
static void test_sum(void **state)
{
    static const struct {
        uint64_t len[3];
        bool good;
    } list[] = {
        {{RESULT_MAX, 0, 0}, true},
        {{RESULT_MAX / 3, RESULT_MAX / 3, RESULT_MAX / 3}, true},
        {{RESULT_MAX, RESULT_MAX, 0}, false},
        {{RESULT_MAX, RESULT_MAX, RESULT_MAX}, false},
        {{1, UINT64_MAX, 1}, false},
        {{UINT64_MAX, UINT64_MAX, UINT64_MAX}, false},
        {{RESULT_MAX, UINT64_MAX - RESULT_MAX, 16}, false},
    };
    static const enum hl_type types[] = {HL_BYTES, HL_BYTES, HL_BYTES};
    struct box *b = *state;
    for (size_t i = 0; i < COUNT(list); i++) {
        struct hl_message message = {.count = 3};
        struct hl_value values[3];
        for (size_t k = 0; k < 3; k++)
            message.slot[k] = (struct hl_slot){HL_BYTES, 0, b->heap, list[i].len[k]};
        size_t before = b->arena.size;
        int rc = get(b, &message, types, 3, values);
        if (rc != (list[i].good ? 0 : HL_ERR_PROTOCOL))
            fail_msg("row %zu: %d, '%s'", i, rc, b->error.text);
        if (rc)
            assert_int_equal(b->arena.size, before);
        assert_int_equal(message_check(b->sb, &message, types, 3, NULL), rc);
    }
}

/* A guest's program ends where the call is interrupted: no payload comes, and no text is cut. */
static void test_interrupted(void **state)
{
    static const enum hl_type type = HL_BYTES;
    struct box *b = *state;
    const struct hl_message message = {.count = 1, .slot = {{HL_BYTES, 0, b->heap, 8}}};
    struct hl_value value;
    atomic_store(&b->sb->call_state, CALL_INTERRUPTED);
    assert_int_equal(get(b, &message, &type, 1, &value), HL_ERR_INTERRUPTED);
    atomic_store(&b->sb->call_state, CALL_NONE);
    assert_int_equal(get(b, &message, &type, 1, &value), 0);
}

/* The text of an ERROR or a LOG: whatever it is, a string comes of it. */
static void test_text(void **state)
{
    struct box *b = *state;
    const uint64_t edge = b->heap + PAGE;
    const struct {
        struct hl_slot slot;
        const char *text;
    } list[] = {
        {{HL_STRING, 0, edge - 8, 8}, "a?cdefgh"},
        {{HL_STRING, 0, edge - 8, 3}, "a?c"},
        {{HL_STRING, 0, edge - 8, UINT64_MAX}, "a?cdefgh"}, /* as far as it can be read */
        {{HL_STRING, 0, edge - 16, 16}, "01234567a"},       /* as far as there is room */
        {{HL_STRING, 0, edge, 8}, ""},
        {{HL_STRING, 0, UINT64_MAX - 2, UINT64_MAX}, ""},
        {{HL_BYTES, 0, edge - 8, 8}, ""},
    };
    memcpy(guest_page(b) + PAGE - 16, "01234567a\0cdefgh", 16);
    for (size_t i = 0; i < COUNT(list); i++) {
        struct hl_message message = {.count = 1, .slot = {list[i].slot}};
        char text[10];
        message_text(b->sb, &message, text, sizeof(text));
        assert_string_equal(text, list[i].text);
        message.count = 2;
        message_text(b->sb, &message, text, sizeof(text));
        assert_string_equal(text, "");
    }
}

/* A result below the stack pointer is one of a function that has returned. */
static void test_dead(void **state)
{
    struct box *b = *state;
    const struct hl_region *stack = &b->sb->region[REGION_STACK];
    struct hl_regs regs;
    assert_int_equal(hl_machine_get_regs(b->sb->machine, &regs, NULL), 0);
    regs.rsp = stack->start + PAGE;
    assert_int_equal(hl_machine_set_regs(b->sb->machine, &regs, NULL), 0);
    const struct {
        struct hl_slot slot;
        bool dead;
    } list[] = {
        {{HL_BYTES, 0, regs.rsp - 16, 8}, true},
        {{HL_STRING, 0, regs.rsp - 16, 0}, true}, /* its NUL lies there, too */
        {{HL_BYTES, 0, regs.rsp - 16, 0}, false},
        {{HL_BYTES, 0, regs.rsp, 8}, false},
        {{HL_STRING, 0, regs.rsp - 16, 15}, true},
        {{HL_STRING, 0, regs.rsp - 16, 16}, false}, /* its NUL lives */
        {{HL_BYTES, 0, regs.rsp - 16, 17}, false},  /* it reaches into what lives */
        {{HL_BYTES, 0, regs.rsp - 16, UINT64_MAX}, false},
        {{HL_BYTES, 0, stack->start - 1, 1}, false},
        {{HL_BYTES, 0, b->heap, 8}, false},
        {{HL_U64, 0, regs.rsp - 16, 8}, false},
    };
    for (size_t i = 0; i < COUNT(list); i++) {
        struct hl_message message = {.count = 1, .slot = {list[i].slot}};
        if (message_is_dead(b->sb, &message) != list[i].dead)
            fail_msg("row %zu", i);
        message.count = 0;
        assert_false(message_is_dead(b->sb, &message));
    }
}

static void test_lacks_len(void **state)
{
    struct hl_value v = {.type = HL_STRING, .data = "text"};
    (void)state;
    assert_true(message_lacks_len(&v));
    v.len = 4;
    assert_false(message_lacks_len(&v));
    v = (struct hl_value){.type = HL_STRING, .data = ""};
    assert_false(message_lacks_len(&v));
    v.data = NULL;
    assert_false(message_lacks_len(&v));
    v.data = (const void *)1; /* as some languages have it */
    assert_false(message_lacks_len(&v));
    v = (struct hl_value){.type = HL_BYTES, .data = "text"};
    assert_false(message_lacks_len(&v));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),  TEST(test_random_lengths),
        TEST(test_fits),        TEST(test_hostile),
        TEST(test_counts),      TEST(test_sum),
        TEST(test_interrupted), TEST(test_text),
        TEST(test_dead),        cmocka_unit_test(test_lacks_len),
    };
    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
