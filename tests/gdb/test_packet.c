/* SPDX-License-Identifier: Apache-2.0 */
/* test_packet.c - frames: checksums, acks, escapes, runs, lengths. */
#include "kit.h"

static void runs_survive(void **state)
{
    static const char bytes[] = {'0', 'x', '}', ' ', '\0', (char)0xff};
    char body[700], back[1000];

    (void)state;
    for (size_t n = 0; n < 600; n++) {
        struct gdb_buf out = {.max = 4096};
        size_t at = 0;
        memset(body, 'a', sizeof(body));
        memset(body + 1, bytes[n % 6], n);
        assert_true(gdb_encode(&out, body, n + 2));
        assert_int_equal(unframe(out.data, out.size, &at, back, sizeof(back)), n + 2);
        assert_memory_equal(back, body, n + 2);
        assert_int_equal(at, out.size);
        if (n > 10)
            assert_true(out.size < 10 + 3 * (n / 90 + 2));
        gdb_buf_free(&out);
    }
}

static void say(struct kit *k, const char *bytes)
{
    gdb_session_input(&k->s, (const uint8_t *)bytes, strlen(bytes));
}

static void expect_out(struct kit *k, const char *bytes)
{
    assert_int_equal(k->s.out.size, strlen(bytes));
    assert_memory_equal(k->s.out.data, bytes, strlen(bytes));
    gdb_buf_clear(&k->s.out);
}

static int setup_acks(void **state)
{
    struct kit *k = calloc(1, sizeof(*k));

    if (!k || fake_init(&k->fake) || gdb_session_init(&k->s, &k->fake.target))
        return -1;
    *state = k;
    return 0;
}

static void acks(void **state)
{
    struct kit *k = *state;

    say(k, "$qAttached#8f");
    gdb_session_event(&k->s);
    expect_out(k, "+$1#31");
    say(k, "-");
    expect_out(k, "$1#31");
    say(k, "+");
    expect_out(k, "");
    say(k, "$qAttached#00");
    expect_out(k, "-");
    say(k, "$qAttached#zz");
    expect_out(k, "-");
    say(k, "$QStartNoAckMode#b0");
    expect_out(k, "+$OK#9a");
    say(k, "+$qAttached#8f");
    expect_out(k, "$1#31");
    say(k, "-"); /* means nothing any more */
    expect_out(k, "");
    say(k, "$qAttached#00"); /* a reply is owed all the same */
    expect_out(k, "$E01#a6");
}

static void cut_short(void **state)
{
    struct kit *k = *state;

    say(k, "$qAtt$qAttached#8f");
    gdb_session_event(&k->s);
    expect_out(k, "+$1#31");
    say(k, "$#00");
    expect_out(k, "+$#00");
    say(k, "$qNobodyKnowsThis#");
    say(k, "5c");
    gdb_buf_clear(&k->s.out);
}

static void too_long(void **state)
{
    struct kit *k = *state;
    char *body = malloc(GDB_PACKET_SIZE + 10);

    memset(body, 'm', GDB_PACKET_SIZE + 10);
    feed(k, body, GDB_PACKET_SIZE + 1);
    assert_true(take(k));
    assert_string_equal(k->text, "E01");
    assert_true(k->s.parser.body.room <= 2 * GDB_PACKET_SIZE);
    feed(k, body, GDB_PACKET_SIZE);
    assert_true(take(k));
    expect(k, "qAttached", "1");
    free(body);
}

static void noise(void **state)
{
    struct kit *k = *state;

    say(k, "$qAttached#8f");
    gdb_session_event(&k->s);
    expect_out(k, "+$1#31");
    for (int i = 0; i < 4000; i++)
        say(k, "x");
    say(k, "$qAttached#8f");
    expect_out(k, "+$1#31");
    for (int i = 0; i < 200; i++)
        say(k, "GET / HTTP/1.1\r\n");
    assert_true(k->s.closing);
}

/* Connecting and saying nothing, or nothing sensible, must not stop the guest. */
static void silence_does_not_attach(void **state)
{
    struct kit *k = *state;

    say(k, "+++---\003\003$qAtta");
    assert_int_equal(k->fake.attaches, 0);
    say(k, "$?#00");
    assert_int_equal(k->fake.attaches, 0);
    say(k, "$?#3f");
    assert_int_equal(k->fake.attaches, 1);
    gdb_session_end(&k->s);
    assert_int_equal(k->fake.detaches, 1);
    say(k, "+ $?#3f"); /* the next client */
    assert_int_equal(k->fake.attaches, 1);
    assert_true(k->s.closing);
}

static void cannot_attach(void **state)
{
    struct kit *k = *state;

    k->fake.fail = HL_ERR_STATE;
    say(k, "$?#3f");
    assert_true(take(k));
    assert_string_equal(k->text, "E.cannot attach: not possible in the sandbox's present state");
    assert_true(k->s.closing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_survive),
        cmocka_unit_test_setup_teardown(acks, setup_acks, teardown),
        cmocka_unit_test_setup_teardown(cut_short, setup_acks, teardown),
        cmocka_unit_test_setup_teardown(too_long, setup_acks, teardown),
        cmocka_unit_test_setup_teardown(noise, setup_acks, teardown),
        cmocka_unit_test_setup_teardown(silence_does_not_attach, setup_acks, teardown),
        cmocka_unit_test_setup_teardown(cannot_attach, setup_acks, teardown),
    };
    return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
