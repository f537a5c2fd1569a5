/* SPDX-License-Identifier: Apache-2.0 */
/* A program that opens its guest by a relative name, and then changes its directory as daemons do. */
#include "box.h"
#include "child.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <hl/attach.h>
#include <hl/core.h>
#include <hl/debug.h>
#include <hl/symbols.h>

static char directory[] = "/tmp/hl-chdir-XXXXXX";

static void copy_guest(const char *to)
{
    static uint8_t data[1 << 22];
    FILE *in = fopen(TEST_BUILD "/tests/guest/conformance", "r"), *out = fopen(to, "w");
    assert_true(in && out);
    size_t n = fread(data, 1, sizeof(data), in);
    assert_true(n > 0 && n < sizeof(data));
    assert_int_equal(fwrite(data, 1, n, out), n);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

static void in_directory(char *path, size_t size, const char *name)
{
    snprintf(path, size, "%s/%s", directory, name);
}

/* Opened as "g", with its socket as "own.sock"; then away, and the guest's file is gone. */
static void open_and_leave(struct box *box)
{
    char path[64];
    assert_int_equal(chdir(directory), 0);
    copy_guest("g");
    assert_int_equal(hl_image_open(&box->image, "g", &box->error), 0);
    box_create(box, "", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    assert_int_equal(hl_sandbox_debug(box->sb, "unix:own.sock", NULL, &box->error), 0);
    assert_int_equal(chdir("/"), 0);
    box_start(box);
    in_directory(path, sizeof(path), "g");
    assert_int_equal(unlink(path), 0);
}

static void test_debugger(void **state)
{
    struct box *box = *state;
    struct hl_attachable *list;
    size_t count;
    char guest[64], sock[64], endpoint[80];

    open_and_leave(box);
    in_directory(guest, sizeof(guest), "g");
    in_directory(sock, sizeof(sock), "own.sock");
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
    static char data[1 << 20];
    struct box *box = *state;
    char guest[64], core[64];

    open_and_leave(box);
    in_directory(guest, sizeof(guest), "g");
    in_directory(core, sizeof(core), "core");
    assert_int_equal(hl_sandbox_core(box->sb, core, &box->error), 0);
    int fd = open(core, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, data, sizeof(data));
    assert_true(n > 0);
    assert_non_null(memmem(data, (size_t)n, guest, strlen(guest) + 1)); /* NT_FILE */
    close(fd);
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
        if (chdir(directory) == 0)
            execl("/proc/self/exe", "test_chdir", "profiled", NULL);
        _exit(1);
    }
    child_fine(child);
    in_directory(path, sizeof(path), "p.json");
    assert_int_equal(unlink(path), 0);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) && setenv("XDG_RUNTIME_DIR", directory, 1) == 0 ? 0 : -1;
}

static int remove_directory(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof(path), "%s/hl", directory);
    return rmdir(path) || rmdir(directory);
}

int main(int argc, char **argv)
{
    (void)argv;
    watchdog(50);
    if (argc > 1)
        return be_profiled();
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_debugger), BOX_TEST(test_symbols),          BOX_TEST(test_core),
        BOX_TEST(test_messages), cmocka_unit_test(test_profile),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
