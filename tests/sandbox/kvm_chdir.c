/* SPDX-License-Identifier: Apache-2.0 */
/* A program that opens its guest by a relative name, and then changes its directory as daemons do.
 */
#include "box.h"
#include "files.h"
#include "child.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <hl/attach.h>
#include <hl/core.h>
#include <hl/debug.h>
#include <hl/symbols.h>

/* Opened as "g", with its socket as "own.sock"; then away, and the guest's file is gone. */
static void open_and_leave(struct box *box)
{
    char path[64];
    assert_int_equal(chdir(runtime.dir), 0);
    file_copy(TEST_BUILD "/tests/guest/conformance", "g");
    assert_int_equal(hl_image_open(&box->image, "g", &box->error), 0);
    box_create(box, "", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    assert_int_equal(hl_sandbox_debug(box->sb, "unix:own.sock", NULL, &box->error), 0);
    assert_int_equal(chdir("/"), 0);
    box_start(box);
    scratch_path(&runtime, path, sizeof(path), "g");
    assert_int_equal(unlink(path), 0);
}

static void test_debugger(void **state)
{
    struct box *box = *state;
    struct hl_attachable *list;
    size_t count;
    char guest[64], sock[64], endpoint[80];

    open_and_leave(box);
    scratch_path(&runtime, guest, sizeof(guest), "g");
    scratch_path(&runtime, sock, sizeof(sock), "own.sock");
    snprintf(endpoint, sizeof(endpoint), "unix:%s", sock);
    assert_int_equal(hl_attachable_list(&list, &count, &box->error), 0);
    assert_int_equal(count, 1);
    assert_string_equal(list[0].guest, guest);
    assert_string_equal(list[0].endpoint, endpoint);
    hl_attachable_free(list);
    assert_string_equal(hl_sandbox_debug_remote(box->sb), sock);
    assert_int_equal(access(sock, F_OK), 0);
    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
    assert_int_equal(access(sock, F_OK), -1); /* and not one of that name elsewhere */
}

static void test_symbols(void **state)
{
    struct box *box = *state;
    struct hl_symbols *symbols;
    struct hl_location location;

    open_and_leave(box);
    assert_int_equal(hl_symbols_open(&symbols, box->image, &box->error), 0);
    assert_true(hl_symbols_find(symbols, hl_symbols_address(symbols, "hl_serve"), &location));
    assert_string_equal(location.function, "hl_serve");
    hl_symbols_close(symbols);
}

static void test_core(void **state)
{
    struct box *box = *state;
    char guest[64], core[64];

    open_and_leave(box);
    scratch_path(&runtime, guest, sizeof(guest), "g");
    scratch_path(&runtime, core, sizeof(core), "core");
    assert_int_equal(hl_sandbox_core(box->sb, core, &box->error), 0);
    struct bytes b = bytes_read(core);
    assert_non_null(memmem(b.data, b.size, guest, strlen(guest) + 1)); /* NT_FILE */
    free(b.data);
    unlink(core);
}

/* What a person reads is what he wrote. */
static void test_messages(void **state)
{
    struct box *box = *state;

    open_and_leave(box);
    assert_string_equal(hl_image_path(box->image), "g");
    assert_int_equal(hl_sandbox_main(box->sb, NULL, &box->error), HL_ERR_NO_MAIN);
    assert_memory_equal(box->error.text, "g: ", 3);
}

/* This program again, with HL_PROFILE=p.json: away before its first sandbox is made. */
static int be_profiled(void)
{
    struct box box = {0};
    if (chdir("/"))
        return 1;
    box_open(&box, "conformance");
    box_close(&box);
    return 0;
}

static void test_profile(void **state)
{
    char path[64];
    (void)state;
    pid_t child = child_fork();
    if (child == 0) {
        setenv("HL_PROFILE", "p.json", 1);
        if (chdir(runtime.dir) == 0)
            execl("/proc/self/exe", "test_chdir", "profiled", NULL);
        _exit(1);
    }
    child_fine(child);
    scratch_path(&runtime, path, sizeof(path), "p.json");
    assert_int_equal(unlink(path), 0);
}

int main(int argc, char **argv)
{
    (void)argv;
    watchdog(50);
    if (argc > 1)
        return be_profiled();
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_debugger), BOX_TEST(test_symbols),         BOX_TEST(test_core),
        BOX_TEST(test_messages), cmocka_unit_test(test_profile),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}
