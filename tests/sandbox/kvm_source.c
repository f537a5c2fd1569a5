/* SPDX-License-Identifier: Apache-2.0 */
/* What enters a guest comes out of one object: a scripted one makes its run the same each time. */
#include "box.h"

#include <errno.h>

#include <hl/share.h>
#include <hl/snapshot.h>

#include "deadline.h"
#include "image.h"
#include "sandbox.h"
#include "snapshot.h"
#include "source.h"

#define SECOND 1000000000ull
#define HOUR (3600 * SECOND)
#define REAL_START (1000000000ull * SECOND) /* 2001-09-09 */

/* Time that goes on by a millisecond with each entry, and as far as a sleep wants. */
struct script {
    struct source source; /* the first member */
    uint64_t now, seed;
    struct deadline *alarm;
    uint64_t ring_at;
    int random_fails;                   /* errno */
    uint64_t interrupt_at, diverges_at; /* exits; 0: never */
    unsigned hosts, notices;
    enum source_change change;
    hl_gva_t gva;
    size_t size;
};

static struct script *script_of(struct source *source)
{
    return (struct script *)source;
}

static int script_random(struct source *source, void *buf, size_t size)
{
    struct script *s = script_of(source);
    for (size_t i = 0; i < size; i++) {
        s->seed = s->seed * 6364136223846793005ull + 1442695040888963407ull;
        ((uint8_t *)buf)[i] = (uint8_t)(s->seed >> 56);
    }
    return -s->random_fails;
}

static int script_clock(struct source *source, int clock, struct timespec *time)
{
    uint64_t ns = script_of(source)->now + (clock == CLOCK_REALTIME ? REAL_START : 0);
    *time = (struct timespec){(time_t)(ns / SECOND), (long)(ns % SECOND)};
    return 0;
}

static int script_resolution(struct source *source, int clock, struct timespec *resolution)
{
    (void)source;
    (void)clock;
    *resolution = (struct timespec){0, 1000000};
    return 0;
}

static bool script_wait(struct source *source, int clock, const struct timespec *until,
                        _Atomic uint32_t *word, uint32_t seen)
{
    assert_non_null(until);
    assert_int_equal(clock, CLOCK_MONOTONIC);
    assert_int_equal(atomic_load(word), seen);
    script_of(source)->now = (uint64_t)until->tv_sec * SECOND + (uint64_t)until->tv_nsec;
    return true;
}

static int script_open_alarm(struct source *source, struct hl_error *error)
{
    (void)source;
    (void)error;
    return 0;
}

static void script_set_alarm(struct source *source, struct deadline *alarm, uint64_t at)
{
    script_of(source)->alarm = alarm;
    script_of(source)->ring_at = at;
}

static void script_close_alarm(struct source *source, struct deadline *alarm)
{
    assert_ptr_equal(script_of(source)->alarm, alarm);
    script_of(source)->alarm = NULL;
}

static int script_call_host(struct source *source, const struct source_call *call,
                            struct hl_value *result, struct hl_error *failure)
{
    struct script *s = script_of(source);
    s->hosts++;
    if (strcmp(call->import->name, "Dice") != 0) {
        *result = value_string("Ada");
        return 0;
    }
    if (call->args[0].i32 != 6)
        return hl_error_set(failure, 1, "a dice of %d sides", call->args[0].i32);
    result->i32 = 4;
    return 0;
}

static int script_entry(struct source *source, struct hl_sandbox *sb, struct hl_error *error)
{
    struct script *s = script_of(source);
    s->now += SECOND / 1000;
    if (s->alarm && s->ring_at <= s->now) {
        s->ring_at = DEADLINE_NEVER;
        s->alarm->due(s->alarm, s->now);
    }
    if (s->interrupt_at && sb->counts.exits >= s->interrupt_at)
        sandbox_interrupt(sb);
    if (s->diverges_at && sb->counts.exits >= s->diverges_at)
        return hl_error_set(error, HL_ERR_BAD_SNAPSHOT, "not as recorded from exit %llu on",
                            (unsigned long long)sb->counts.exits);
    return 0;
}

static void script_changed(struct source *source, struct hl_sandbox *sb, enum source_change change,
                           hl_gva_t gva, size_t size)
{
    struct script *s = script_of(source);
    (void)sb;
    s->notices++;
    s->change = change;
    s->gva = gva;
    s->size = size;
}

static const struct source_ops script_ops = {
    .random = script_random,
    .clock = script_clock,
    .resolution = script_resolution,
    .wait = script_wait,
    .open_alarm = script_open_alarm,
    .set_alarm = script_set_alarm,
    .close_alarm = script_close_alarm,
    .call_host = script_call_host,
    .answers_all = true,
    .entry = script_entry,
    .changed = script_changed,
};

static struct script new_script(void)
{
    return (struct script){
        .source = {.ops = &script_ops}, .now = 5 * SECOND, .seed = 42, .ring_at = DEADLINE_NEVER};
}

static struct script s; /* outlives the sandbox, which the teardown destroys */

static void open_scripted(struct box *box, uint64_t seed)
{
    const struct hl_sandbox_config config = {.shared = 1 << 20};
    s = new_script();
    s.seed = seed;
    if (!box->image && hl_image_open(&box->image, TEST_BUILD "/tests/guest/source", &box->error))
        fail_msg("%s", box->error.text);
    if (sandbox_create(&box->sb, box->image, &config, &(struct sandbox_parts){.source = &s.source},
                       &box->error))
        fail_msg("%s", box->error.text);
    box_start(box);
}

static void again(struct box *box)
{
    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
}

static void a_diary(struct box *box, char diary[256])
{
    open_scripted(box, 42);
    snprintf(diary, 256, "%s", (const char *)CALL0(box, "Diary")->data);
}

/* No host function is registered here, and the hour takes no time. */
static void test_the_same_again(void **state)
{
    struct box *box = *state;
    char first[256], second[256], other[256];
    a_diary(box, first);
    unsigned hosts = s.hosts;
    again(box);
    a_diary(box, second);
    assert_string_equal(first, second);
    assert_int_equal(hosts, 2);
    again(box);
    open_scripted(box, 43);
    snprintf(other, sizeof(other), "%s", (const char *)CALL0(box, "Diary")->data);
    assert_string_not_equal(first, other);
}

static void test_values_are_the_scripts(void **state)
{
    struct box *box = *state;
    struct script twin = new_script();
    unsigned long long at_start, now, expected;
    long long real, before, slept;
    int dice;
    char diary[256], name[8];
    a_diary(box, diary);
    assert_int_equal(sscanf(diary, "%llx %llx %lld %lld %lld %d %7s", &at_start, &now, &real,
                            &before, &slept, &dice, name),
                     7);
    uint8_t boot[16]; /* struct hl_boot's are asked for before AT_RANDOM's */
    script_random(&twin.source, boot, sizeof(boot));
    script_random(&twin.source, &expected, sizeof(expected));
    assert_true(at_start == expected);
    assert_true(now != at_start);
    assert_true(real > (long long)REAL_START && real < (long long)(REAL_START + 10 * SECOND));
    assert_true(before > (long long)(5 * SECOND) && before < (long long)(10 * SECOND));
    assert_true(slept >= (long long)HOUR && slept < (long long)(HOUR + SECOND));
    assert_int_equal(dice, 4);
    assert_string_equal(name, "Ada");
}

static void test_a_failure_of_chance(void **state)
{
    struct box *box = *state;
    open_scripted(box, 42);
    assert_int_equal(CALL0(box, "Random")->i32, 0);
    s.random_fails = EIO;
    assert_int_equal(CALL0(box, "Random")->i32, EIO);
    again(box);
    assert_int_equal(sandbox_create(&box->sb, box->image, NULL,
                                    &(struct sandbox_parts){.source = &s.source}, &box->error),
                     HL_ERR_SYSTEM);
    assert_null(box->sb);
}

/* The ring comes before the same entry each time. */
static void test_the_instant_of_an_alarm(void **state)
{
    struct box *box = *state;
    open_scripted(box, 42);
    int32_t throws = CALL(box, "Throws", value_i32(100))->i32;
    assert_in_range(throws, 95, 100);
    for (int i = 0; i < 3; i++)
        assert_int_equal(CALL(box, "Throws", value_i32(100))->i32, throws);
    assert_int_equal(CALL(box, "Throws", value_i32(350))->i32, throws + 250);
    int32_t left = CALL(box, "Left", value_i32(1000), value_i32(100))->i32;
    assert_int_equal(CALL(box, "Left", value_i32(1000), value_i32(300))->i32, left - 200);
}

static void test_the_instant_of_an_interrupt(void **state)
{
    struct box *box = *state;
    struct hl_counts counts;
    open_scripted(box, 42);
    s.interrupt_at = box->sb->counts.exits + 50;
    assert_int_equal(TRY(box, "Throws", value_i32(1000000)), HL_ERR_INTERRUPTED);
    hl_sandbox_counts(box->sb, &counts);
    assert_int_equal(counts.exits, s.interrupt_at);
}

static void test_an_error_of_the_source(void **state)
{
    struct box *box = *state;
    open_scripted(box, 42);
    s.diverges_at = box->sb->counts.exits + 20;
    assert_int_equal(TRY(box, "Throws", value_i32(1000000)), HL_ERR_BAD_SNAPSHOT);
    assert_non_null(strstr(box->error.text, "not as recorded from exit"));
    assert_int_equal(box->sb->counts.exits, s.diverges_at);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
}

static void expect_notice(unsigned number, enum source_change change, hl_gva_t gva, size_t size)
{
    assert_int_equal(s.notices, number);
    assert_int_equal(s.change, change);
    assert_true(s.gva == gva);
    assert_int_equal(s.size, size);
}

/* What the personality writes for the guest follows from the guest: nothing is said of that. */
static void test_the_programs_hand(void **state)
{
    struct box *box = *state;
    const uint64_t value = 7;
    hl_gva_t at = 0;
    open_scripted(box, 42);
    hl_gva_t cell = CALL0(box, "Cell")->u64;
    CALL0(box, "Diary");
    assert_int_equal(s.notices, 0);
    assert_int_equal(hl_machine_write(box->sb->machine, cell, &value, sizeof(value), 0), 8);
    expect_notice(1, SOURCE_WRITTEN, cell, sizeof(value));
    assert_int_equal(hl_machine_write(box->sb->machine, 0x10, &value, sizeof(value), 0), 0);
    assert_int_equal(s.notices, 1);
    assert_int_equal(hl_sandbox_map_buffer(box->sb, &at, "text", 4, 0, &box->error), 0);
    expect_notice(2, SOURCE_MAPPED, at, PAGE);
    assert_int_equal(hl_sandbox_unmap(box->sb, at, &box->error), 0);
    expect_notice(3, SOURCE_UNMAPPED, at, PAGE);
}

/* A snapshot, and from there on the same source: how a run is repeated. */
static void test_clones_repeat_a_run(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *snapshot;
    char text[2][256];
    open_scripted(box, 42);
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    for (int i = 0; i < 2; i++) {
        again(box);
        s = new_script();
        assert_int_equal(snapshot_clone(&box->sb, snapshot, NULL, &s.source, &box->error), 0);
        box_start(box);
        snprintf(text[i], sizeof(text[i]), "%s", (const char *)CALL0(box, "Diary")->data);
    }
    assert_string_equal(text[0], text[1]);
    hl_snapshot_destroy(snapshot);
}

/* ---- a recorder, that passes on what the live source says ---- */

struct recorder {
    struct source source;
    unsigned calls;
    int32_t said[8];
};

static int record_call(struct source *source, const struct source_call *call,
                       struct hl_value *result, struct hl_error *failure)
{
    struct recorder *r = (struct recorder *)source;
    int rc = source_live.ops->call_host(&source_live, call, result, failure);
    if (r->calls < COUNT(r->said))
        r->said[r->calls] = result->i32;
    r->calls++;
    return rc;
}

static int host_dice(void *opaque, const struct hl_value *args, size_t count,
                     struct hl_value *result, struct hl_error *error)
{
    (void)args;
    (void)count;
    (void)error;
    result->i32 = ++*(int *)opaque;
    return 0;
}

static void test_a_recorder_passes_on(void **state)
{
    struct box *box = *state;
    static struct source_ops ops;
    static struct recorder r;
    int thrown = 0;
    ops = *source_live.ops;
    ops.call_host = record_call;
    r.source.ops = &ops;
    assert_int_equal(hl_image_open(&box->image, TEST_BUILD "/tests/guest/source", &box->error), 0);
    assert_int_equal(sandbox_create(&box->sb, box->image, NULL,
                                    &(struct sandbox_parts){.source = &r.source}, &box->error),
                     0);
    box_register(box, "Dice", "i32(i32)", host_dice, &thrown);
    box_start(box);
    int32_t left = CALL(box, "Left", value_i32(1000000), value_i32(3))->i32;
    assert_in_range(left, 1, 1000000);
    assert_int_equal(thrown, 3);
    assert_int_equal(r.calls, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(r.said[i], i + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_the_same_again),
        BOX_TEST(test_values_are_the_scripts),
        BOX_TEST(test_a_failure_of_chance),
        BOX_TEST(test_the_instant_of_an_alarm),
        BOX_TEST(test_the_instant_of_an_interrupt),
        BOX_TEST(test_an_error_of_the_source),
        BOX_TEST(test_the_programs_hand),
        BOX_TEST(test_clones_repeat_a_run),
        BOX_TEST(test_a_recorder_passes_on),
    };
    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
