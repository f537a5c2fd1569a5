/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and devices of a guest, in snapshots, too. */
#include "box.h"

#include <errno.h>

#include <hl/snapshot.h>

static void test_files(void **state)
{
    static const char *const checks[] = {"Devices", "Stdio",  "Names",        "Duplicates",
                                         "Ready",   "Random", "OutputIsEmpty"};
    struct box *box = *state;
    box_open(box, "files");
    for (unsigned round = 0; round < 2; round++)
        for (size_t i = 0; i < COUNT(checks); i++)
            if (CALL0(box, checks[i])->i32 != 0)
                fail_msg("%s: tests/guest/files.c:%d", checks[i], box->result.i32);
}

static void test_redirected(void **state)
{
    struct box *box = *state;
    box_open(box, "files");
    assert_int_equal(CALL0(box, "Redirect")->i32, 0);
    assert_string_equal(box->out, "one two three");
}

/* What is open is open again, what is not is closed. */
static void test_snapshot(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *none, *one;
    box_open(box, "files");
    assert_int_equal(hl_snapshot_take(&none, box->sb, &box->error), 0);
    assert_int_equal(CALL0(box, "Open")->i32, 3);
    assert_int_equal(hl_snapshot_take(&one, box->sb, &box->error), 0);
    assert_int_equal(CALL0(box, "Open")->i32, 4);
    assert_int_equal(hl_sandbox_restore(box->sb, one, &box->error), 0);
    assert_int_equal(CALL(box, "Read", value_i32(3))->i32, 0);
    assert_int_equal(CALL(box, "Read", value_i32(4))->i32, EBADF);
    assert_int_equal(hl_sandbox_restore(box->sb, none, &box->error), 0);
    assert_int_equal(CALL(box, "Read", value_i32(3))->i32, EBADF);
    hl_sandbox_destroy(box->sb);
    assert_int_equal(hl_sandbox_create_from(&box->sb, one, NULL, &box->error), 0);
    box_start(box);
    assert_int_equal(CALL(box, "Read", value_i32(3))->i32, 0);
    hl_snapshot_destroy(none);
    hl_snapshot_destroy(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_files),
        BOX_TEST(test_redirected),
        BOX_TEST(test_snapshot),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
