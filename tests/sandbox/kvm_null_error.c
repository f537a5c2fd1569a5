/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "NULL is fine" (hl/error.h): every public function that takes a struct hl_error fails without
 * one, with the code it would have said.  The headers say which functions there are.
 */
#include "box.h"
#include "files.h"
#include "child.h"
#include "vm.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <hl/gdb.h>
#include <hl/hl.h>

#define NAMES_MAX 128

static const char *failed[NAMES_MAX];
static size_t failures;

static void note(const char *name)
{
    assert_true(failures < NAMES_MAX);
    failed[failures++] = name;
}

/* The call that follows the code is made with NULL as its last argument. */
#define FAILS(code, name, ...)                                                                     \
    do {                                                                                           \
        int rc_ = name(__VA_ARGS__, NULL);                                                         \
        if (rc_ != (code))                                                                         \
            fail_msg("%s: %d, not %d", #name, rc_, code);                                          \
        note(#name);                                                                               \
    } while (0)

/* Only a lack of memory or KVM itself fails these: tests/fault brings that about, with NULL too. */
static const char *const system_only[] = {"hl_profile_json", "hl_symbols_open",
                                          "hl_machine_get_regs"};

static void test_values(void **state)
{
    (void)state;
    assert_int_equal(hl_error_set(NULL, HL_ERR_FILE, "%d", 1), HL_ERR_FILE);
    note("hl_error_set");
    assert_int_equal(hl_error_hint(NULL, "%d", 1), HL_ERR_ARGUMENT);
    note("hl_error_hint");
    FAILS(HL_ERR_ARGUMENT, hl_value_check, NULL, HL_I32);
}

/* In a process of its own, which has not asked KVM yet and cannot: no descriptor is left. */
static void test_probe(void **state)
{
    (void)state;
    pid_t child = child_fork();
    if (child == 0) {
        struct hl_debug_abilities can;
        const struct rlimit none = {0};
        _exit(setrlimit(RLIMIT_NOFILE, &none) || hl_debug_probe(&can, NULL) >= 0);
    }
    child_fine(child);
    note("hl_debug_probe");
}

static void test_image(void **state)
{
    struct hl_image *image = NULL;
    (void)state;
    FAILS(HL_ERR_FILE, hl_image_open, &image, "/nonexistent/guest");
    FAILS(HL_ERR_FILE, hl_image_open_max, &image, "/nonexistent/guest", 0);
    FAILS(HL_ERR_NOT_GUEST, hl_image_from_memory, &image, "text", "text", 4);
    assert_null(image);
}

static void test_machine(void **state)
{
    struct vm *vm = *state;
    const struct hl_machine_config huge = {.memory = SIZE_MAX / 2};
    struct hl_machine *none = NULL;
    const struct hl_regs regs = {0};
    hl_gpa_t gpa;

    FAILS(HL_ERR_LIMIT, hl_machine_create, &none, &huge);
    vm_create(vm);
    FAILS(HL_ERR_LIMIT, hl_machine_alloc, vm->m, 1ull << 40, &gpa);
    FAILS(HL_ERR_ARGUMENT, hl_machine_map, vm->m, 1, 0, PAGE, RW);
    FAILS(HL_ERR_ARGUMENT, hl_machine_protect, vm->m, NOWHERE, PAGE, RW);
    FAILS(HL_ERR_ARGUMENT, hl_machine_unmap, vm->m, 1, PAGE);
    /* A `in` that was not answered: rip is still on it. */
    static const uint8_t in[] = {0xe4, PORT};
    vm_load(vm, in, in + sizeof(in));
    assert_int_equal(vm_run(vm), HL_EXIT_IO);
    FAILS(HL_ERR_STATE, hl_machine_set_regs, vm->m, &regs);
}

static void test_new_sandbox(void **state)
{
    struct box *box = *state;
    const struct hl_sandbox_config huge = {.heap = SIZE_MAX / 2};
    struct hl_region regions[HL_REGIONS];
    struct hl_sandbox *none = NULL;

    box_create(box, "conformance", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    FAILS(HL_ERR_NO_FUNCTION, hl_image_require, box->image, "Nothing");
    FAILS(HL_ERR_LIMIT, hl_sandbox_create, &none, box->image, &huge);
    FAILS(HL_ERR_LIMIT, hl_sandbox_plan, box->image, &huge, regions);
    FAILS(HL_ERR_ARGUMENT, hl_sandbox_register, box->sb, "HostAdd", "i32(", kit_host_add, NULL);
    FAILS(HL_ERR_STATE, hl_sandbox_call, box->sb, "Echo", NULL, 0, NULL);
    box_register(box, "HostAdd", "void()", kit_host_add, NULL);
    FAILS(HL_ERR_SIGNATURE, hl_sandbox_start, box->sb);
}

static void ignore(void *opaque, struct hl_sandbox *sb, const struct hl_event *event)
{
    (void)opaque;
    (void)sb;
    (void)event;
}

static void expect_failures_of(struct box *box)
{
    const struct hl_limits limits = {.exits = 1};
    struct hl_observer observer = {.event = ignore, .kinds = HL_EVENTS_ALL};
    struct hl_profile *profile = NULL;
    hl_gva_t at = 0;

    FAILS(HL_ERR_SIGNATURE, hl_sandbox_call, box->sb, "Echo", NULL, 0, NULL);
    FAILS(HL_ERR_NO_FUNCTION, hl_sandbox_call_index, box->sb, 100000, NULL, 0, NULL);
    FAILS(HL_ERR_NO_MAIN, hl_sandbox_main, box->sb, NULL);
    FAILS(HL_ERR_ARGUMENT, hl_sandbox_limit, NULL, &limits);
    FAILS(HL_ERR_SYSTEM, hl_sandbox_core, box->sb, "/nonexistent/core");
    FAILS(HL_ERR_ARGUMENT, hl_sandbox_debug, box->sb, "nonsense", NULL);
    FAILS(HL_ERR_LIMIT, hl_sandbox_map_buffer, box->sb, &at, "text", 4, HL_MAP_READ);
    FAILS(HL_ERR_ARGUMENT, hl_sandbox_map_file, box->sb, &at, -1, 0, 4, HL_MAP_READ);
    FAILS(HL_ERR_ARGUMENT, hl_sandbox_unmap, box->sb, 0x1000);
    assert_int_equal(hl_sandbox_observe(box->sb, &observer, NULL), 0);
    FAILS(HL_ERR_ARGUMENT, hl_sandbox_observe, box->sb, &observer);
    assert_int_equal(hl_sandbox_unobserve(box->sb, &observer, NULL), 0);
    FAILS(HL_ERR_ARGUMENT, hl_sandbox_unobserve, box->sb, NULL);
    FAILS(HL_ERR_ARGUMENT, hl_profile_create, &profile, NULL, NULL);
    assert_int_equal(hl_profile_create(&profile, box->image, NULL, NULL), 0);
    FAILS(HL_ERR_ARGUMENT, hl_profile_attach, profile, NULL);
    FAILS(HL_ERR_ARGUMENT, hl_profile_detach, profile, NULL);
    FAILS(HL_ERR_FILE, hl_profile_write, profile, "/nonexistent/profile");
    hl_profile_destroy(profile);
}

static void test_sandbox(void **state)
{
    struct box *box = *state;
    const struct hl_sandbox_config other = {.heap = 1 << 20};
    struct hl_snapshot *snapshot = NULL, *none = NULL;
    struct hl_sandbox *clone = NULL;

    box_create(box, "conformance", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    FAILS(HL_ERR_STATE, hl_snapshot_take, &none, box->sb);
    box_register(box, "HostAdd", "i32(i32, i32)", kit_host_add, NULL);
    box_start(box);
    expect_failures_of(box);
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, NULL), 0);
    FAILS(HL_ERR_FILE, hl_snapshot_save, snapshot, "/nonexistent/snapshot");
    FAILS(HL_ERR_FILE, hl_snapshot_load, &none, box->image, "/nonexistent/snapshot", 0);
    FAILS(HL_ERR_ARGUMENT, hl_sandbox_create_from, &clone, snapshot, &other);
    assert_int_equal(hl_sandbox_create(&clone, box->image, NULL, NULL), 0);
    FAILS(HL_ERR_STATE, hl_sandbox_restore, clone, snapshot);
    hl_sandbox_destroy(clone);
    hl_snapshot_destroy(snapshot);
}

/* KVM serves the process that made the machine, not a child of it. */
static void test_run(void **state)
{
    struct vm *vm = *state;
    static const uint8_t out[] = {0xe6, PORT};
    vm_load(vm, out, out + sizeof(out));
    pid_t child = child_fork();
    if (child == 0)
        _exit(hl_machine_run(vm->m, &vm->exit, NULL) != HL_ERR_KVM);
    child_fine(child);
    note("hl_machine_run");
}

/* Where the registry should be there is a file. */
static void test_list(void **state)
{
    struct scratch scratch;
    char path[64];
    const char *old = getenv("XDG_RUNTIME_DIR");
    char *kept = old ? strdup(old) : NULL;
    struct hl_attachable *list;
    size_t count;
    (void)state;
    scratch_make(&scratch);
    bytes_write(scratch_path(&scratch, path, sizeof(path), "hl"), "", 0);
    setenv("XDG_RUNTIME_DIR", scratch.dir, 1);
    FAILS(HL_ERR_SYSTEM, hl_attachable_list, &list, &count);
    if (kept)
        setenv("XDG_RUNTIME_DIR", kept, 1);
    else
        unsetenv("XDG_RUNTIME_DIR");
    free(kept);
    unlink(path);
    scratch_remove(&scratch);
}

static void test_gdb(void **state)
{
    struct hl_gdb *gdb = NULL;
    const struct gdb_target target = {0};
    (void)state;
    FAILS(HL_ERR_ARGUMENT, hl_gdb_create, &gdb, &target, "nonsense", NULL);
    assert_null(gdb);
}

/* ---- the headers ---- */

static bool is_known(const char *name, size_t size)
{
    for (size_t i = 0; i < failures; i++)
        if (strlen(failed[i]) == size && memcmp(failed[i], name, size) == 0)
            return true;
    for (size_t i = 0; i < COUNT(system_only); i++)
        if (strlen(system_only[i]) == size && memcmp(system_only[i], name, size) == 0)
            return true;
    /* Defined by a plug-in, not by the library. */
    return size == strlen("hl_plugin_register") && memcmp(name, "hl_plugin_register", size) == 0;
}

/* Each declaration, from HL_API to its semicolon, that speaks of a struct hl_error. */
static unsigned check_header(const char *path, const char *text)
{
    unsigned found = 0;
    for (const char *at = strstr(text, "\nHL_API "); at; at = strstr(at + 1, "\nHL_API ")) {
        const char *end = strchr(at, ';'), *paren = strchr(at, '(');
        const char *error = strstr(at, "struct hl_error *error");
        if (!end || !paren || paren > end || !error || error > end)
            continue;
        const char *name = paren;
        while (name > at && (name[-1] == '_' || (name[-1] >= 'a' && name[-1] <= 'z')))
            name--;
        if (!is_known(name, (size_t)(paren - name)))
            fail_msg("%s: %.*s() was not made to fail without an error", path, (int)(paren - name),
                     name);
        found++;
    }
    return found;
}

static unsigned check_headers(const char *directory)
{
    char path[512];
    unsigned found = 0;
    DIR *d = opendir(directory);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", directory, e->d_name);
        struct bytes text = bytes_read(path);
        found += check_header(path, (char *)text.data);
        free(text.data);
    }
    closedir(d);
    return found;
}

static void test_none_is_forgotten(void **state)
{
    (void)state;
    unsigned found = check_headers(TEST_SOURCE "/../hostlib/include/hl") +
                     check_headers(TEST_SOURCE "/../gdbstub/include/hl");
    assert_true(found >= 40); /* the search itself works */
}

int main(void)
{
    watchdog(50);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_image),
        VM_TEST(test_machine),
        VM_TEST(test_run),
        BOX_TEST(test_new_sandbox),
        BOX_TEST(test_sandbox),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_gdb),
        cmocka_unit_test(test_none_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
